//! Operator logs hold no address of a peer, at whatever level and in whatever form.

mod fields;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;
use swarmlab::behaviour::Mix;

use crate::{laboratory::Laboratory, station::Station};

#[test]
fn the_most_verbose_log_names_no_peer() {
    let laboratory = Laboratory::start(261);
    let crowd = laboratory.crowd(60, Mix::demo().with_seed(261));
    let monitor = Ipv4Addr::new(127, 2, 61, 1);
    let station = Station::ready(&laboratory, monitor);
    for form in [&["-vvv", "--log-json"][..], &["-vvv"]] {
        let words = form.iter().copied().chain(["watch", "--until-idle", "2s", "--for", "100s"]);
        let ran = station.run(words);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(
            ran.stderr.contains("the run begins") && ran.stderr.contains("fdatasync"),
            "the log is not verbose: {}",
            ran.stderr
        );
        if form.contains(&"--log-json") {
            assert!(ran.stderr.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", ran.stderr);
        }
        // The tracker is named by the torrent and is nobody's home; every other address would be a peer's or our own.
        let named: Vec<IpAddr> = addresses(&ran.stderr).into_iter().filter(|address| *address != Ipv4Addr::LOCALHOST).collect();
        assert!(named.is_empty(), "{named:?} in {}", ran.stderr);
    }
    // The test would see them: the record does hold them.
    let shown = station.run(["log", "show", "--from", "0", "--count", "100000"]);
    let recorded = addresses(&shown.stdout);
    for (peer, _) in crowd.truth.iter() {
        assert!(recorded.contains(&peer.ip()), "{peer} is not in the record");
    }
}

/// Everything in the text that reads as an address, with or without a port.
fn addresses(text: &str) -> Vec<IpAddr> {
    let parts = text.split(|letter: char| !letter.is_ascii_hexdigit() && !".:[]".contains(letter));
    parts.filter_map(address).collect()
}

fn address(part: &str) -> Option<IpAddr> {
    let part = part.trim_end_matches(['.', ':']).trim_start_matches(':');
    let bare = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(part);
    bare.parse().ok().or_else(|| part.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[test]
fn an_address_is_seen_in_whatever_it_stands() {
    for text in [
        "peer=127.64.0.9:6881 done",
        "\"peer\":\"127.64.0.9\"",
        "at 127.64.0.9.",
        "(127.64.0.9)",
        "http://127.64.0.9:80/announce",
        "[::1]:6881",
        "peer 2001:db8::7,",
    ] {
        assert_eq!(addresses(text).len(), 1, "{text}");
    }
    for text in ["2026-11-01T12:00:00.123Z", "affiant 0.1.0", "path=/tmp/a.b:c", "12:30:00", "deadbeef"] {
        assert_eq!(addresses(text), [] as [IpAddr; 0], "{text}");
    }
}
