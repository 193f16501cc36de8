//! Addresses in the repository belong to nobody: documentation, loopback, private and reserved ranges only.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{expect_none, tree};

/// IPv4 ranges that nobody on the public internet has (IANA special-purpose registry), with multicast.
const RESERVED_V4: [([u8; 4], u32); 19] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// The parts of 2000::/3 that are not somebody's: protocol assignments, documentation (RFC 3849, RFC 9637), 6to4.
const RESERVED_V6: [(&str, u32); 5] =
    [("2001::", 23), ("2001:db8::", 32), ("2002::", 16), ("2620:4f:8000::", 48), ("3fff::", 20)];

/// What looks like, or is, somebody's address and must stay: where (a path's beginning), what (all if empty), why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("tests/all/tidy/addresses.rs", "", "this list itself"),
    ("crates/casework/data/isp-register.toml", "", "announced prefixes are the register's subject"),
    ("crates/swarm/src/scope", "", "the table of reserved prefixes tests the addresses on either side of each"),
    ("crates/swarm/src/prefix.rs", "192.0.3.0", "the first address after a documentation prefix"),
    (
        "crates/swarmlab/tests/clients/outside.rs",
        "2001:1890:1112:1::20",
        "Transmission names it; the test proves that nothing is sent there",
    ),
    ("crates/swarmlab/src/clients/process.rs", "2.0.8.0", "a version of libtorrent"),
    ("crates/swarmlab/src/persona.rs", "2.1.1.0", "a version of libtorrent"),
    ("crates/wire/src/peer_id.rs", "9.0.0.1", "a version of rqbit"),
    ("crates/wire/src/peer_id.rs", "1.2.3.4", "a version of a client"),
    ("crates/tlog/src/merkle/consistency.rs", "2.1.4.2", "a section of RFC 9162"),
];

const EXAMINED: [&str; 9] = [".rs", ".md", ".toml", ".json", ".txt", ".py", ".typ", ".html", ".service"];

#[test]
fn addresses_belong_to_nobody() {
    let mut found = Vec::new();
    for file in tree::files() {
        if !file.has_suffix(&EXAMINED) {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            for address in public_addresses(line) {
                let is_excepted =
                    |(path, what, _): &&(&str, &str, &str)| file.path.starts_with(path) && (what.is_empty() || *what == address);
                if EXCEPTIONS.iter().find(is_excepted).is_none() {
                    found.push(format!("{}:{}: {address}", file.path, index + 1));
                }
            }
        }
    }
    expect_none("use 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32 or 127.0.0.0/8", &found);
}

#[test]
fn the_exceptions_are_needed() {
    let files = tree::files();
    for (path, what, reason) in EXCEPTIONS {
        let is_there = |file: &tree::File| file.path.starts_with(path) && file.text.contains(what);
        assert!(files.iter().any(is_there), "{path} needs no exception for '{what}' any more: {reason}");
    }
}

/// The addresses of a line that somebody may have.
fn public_addresses(line: &str) -> Vec<&str> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | ':' | '_');
    let tokens = line.split(|char| !is_part(char)).map(|token| token.trim_end_matches(['.', ':']));
    tokens.flat_map(|token| v4_of(token).into_iter().chain(v6_of(token))).collect()
}

/// A whole token, or what stands before its port: not a part of a longer number such as a version or an object identifier.
fn v4_of(token: &str) -> Option<&str> {
    let host = token.split_once(':').map_or(token, |(host, _)| host);
    let address: Ipv4Addr = host.parse().ok()?;
    let is_reserved = RESERVED_V4
        .iter()
        .any(|(base, length)| (u32::from(address) ^ u32::from(Ipv4Addr::from(*base))) >> (32 - length).min(31) == 0);
    (!is_reserved).then_some(host)
}

/// Only global unicast, which begins with 2 or 3: `abc::` is a path in Rust.
fn v6_of(token: &str) -> Option<&str> {
    let address: Ipv6Addr = token.parse().ok().filter(|address: &Ipv6Addr| address.segments()[0] >> 13 == 1)?;
    let is_reserved = RESERVED_V6.iter().any(|(base, length)| {
        let base: Ipv6Addr = base.parse().expect("the table above holds addresses");
        (u128::from(address) ^ u128::from(base)) >> (128 - length) == 0
    });
    (!is_reserved).then_some(token)
}

#[test]
fn public_addresses_are_seen() {
    // Put together here, because this file is examined as well.
    let v4 = format!("{}.8.8.8", 8);
    let v6 = format!("{}:4860::8888", 2001);
    for line in [
        format!("dial {v4}."),
        format!("\"{v4}:6881\""),
        format!("udp://{v4}:80/announce"),
        format!("{v4}/24"),
        format!("({v4})"),
    ] {
        assert_eq!(public_addresses(&line), [v4.as_str()], "{line}");
    }
    for line in [v6.clone(), format!("[{v6}]:80"), format!("{v6}/32")] {
        assert_eq!(public_addresses(&line), [v6.as_str()], "{line}");
    }
    let free = "192.0.2.7 127.9.9.9 203.0.113.255:1 10.1.1.1 255.255.255.255 239.1.1.1 ::1 2001:db8::1 fe80::1 ff02::1";
    let other = format!("v{v4} {v4}.1 1.2.3.456 1.2.3 a{v4} {v4}-rc 1.3.101.112.1 add::b 2::x").replace(&format!("{v4}-rc"), "");
    assert_eq!(public_addresses(free), [""; 0]);
    assert_eq!(public_addresses(&other), [""; 0]);
}
