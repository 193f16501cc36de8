//! Transcripts as captures, read by Wireshark's own dissector.

use std::{net::Ipv4Addr, process::Command};

use evidence::{Content, Grade, Numbered, Observation, Opening, Tag, Transport};
use ledger::Reader;
use swarmlab::behaviour::Mix;

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, Station},
};

/// The observations of a station with their indices.
fn observations(station: &Station) -> Vec<(u64, Observation)> {
    let reader = Reader::of_station(&station.dir()).unwrap();
    let mut found = Vec::new();
    for entry in reader.entries().unwrap().map(Result::unwrap) {
        if let Content::Opening(line) = &entry.content {
            let opening = Opening::parse(line).unwrap();
            if opening.tag == Tag::Obs {
                found.push((entry.index, opening.decode::<Numbered<Observation>>().unwrap().body));
            }
        }
    }
    found
}

fn tshark(file: &str, words: &[&str]) -> String {
    let answer = Command::new("tshark").args(["-n", "-r", file]).args(words).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

#[test]
fn wireshark_reads_what_was_said() {
    if Command::new("tshark").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "tshark is missing");
        eprintln!("NOT RUN: tshark is missing");
        return;
    }
    let laboratory = Laboratory::start(241);
    let _crowd = laboratory.crowd(20, Mix::demo().with_seed(241));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 41, 1));
    station.watch();
    let seen = observations(&station);
    let plain = |seen: &&(u64, Observation)| seen.1.transport == Transport::Tcp && seen.1.mse_secret.is_none();
    let (index, served) = seen.iter().filter(plain).find(|(_, seen)| seen.grade == Grade::Served).unwrap();
    let out = station.beside("served.pcapng");
    let exported = station.yes(["export", "pcapng", &index.to_string(), "--out", &out]);
    assert_eq!(exported["transcript_sha256"], served.transcript_sha256.unwrap().to_string());

    let port = format!("tcp.port=={},bittorrent", served.peer.port());
    let said = tshark(&out, &["-d", &port, "-T", "fields", "-e", "ip.src", "-e", "_ws.col.Info"]);
    let (ours, theirs) = (served.observer.ip().to_string(), served.peer.ip().to_string());
    let by = |who: &str, what: &str| {
        said.lines().any(|line| line.split_once('\t').is_some_and(|(from, info)| from == who && info.contains(what)))
    };
    for (who, what) in [
        (&ours, "Handshake"),
        (&theirs, "Handshake"),
        (&ours, "Interested"),
        (&ours, "Request, Piece"),
        (&theirs, "Piece[Packet size limited during capture]"),
    ] {
        assert!(by(who, what), "{who} {what}: {said}");
    }
    assert!(!by(&ours, "Piece[") && !said.contains("Malformed"), "{said}");
    let hashes = tshark(&out, &["-d", &port, "-T", "fields", "-e", "bittorrent.info_hash"]);
    assert!(hashes.contains(&served.target.v1.unwrap().to_string()), "{hashes}");
    let comments = tshark(&out, &["-T", "fields", "-e", "frame.comment"]);
    for challenge in served.verified() {
        assert!(comments.contains(&challenge.sha256.unwrap().to_string()), "the digest of a block is not in a comment");
    }

    // An auditor has a bundle and no station.
    let bundles = station.beside("bundles");
    station.yes(["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &bundles]);
    let again = station.beside("again.pcapng");
    let audit = format!("{bundles}/audit");
    let words = ["export", "pcapng", &index.to_string(), "--bundle", &audit, "--out", &again];
    station.yes(words);
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&out).unwrap());

    station.refused(words, "is not written over");
    let elsewhere = station.beside("elsewhere.pcapng");
    station.refused(["export", "pcapng", "0", "--out", &elsewhere], "control note");
    station.refused(["export", "pcapng", "99999", "--out", &elsewhere], "has no entry");
    let silent = seen.iter().find(|(_, seen)| seen.transcript_sha256.is_none()).unwrap().0;
    station.refused(["export", "pcapng", &silent.to_string(), "--out", &elsewhere], "no bytes were exchanged");
}
