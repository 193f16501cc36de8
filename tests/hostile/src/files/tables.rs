//! Tables of networks, as their makers publish them: rows of text, and MaxMind DB files.

use std::net::IpAddr;

use casework::tables::{Finding, Table};

use crate::Seed;
use crate::script::Script;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let is_text = script.byte() & 1 == 0;
    let address: u128 = u128::from_be_bytes(script.array());
    let bytes = script.rest();
    let table =
        if is_text { Table::iptoasn("table", "2026-09-01".parse().expect("a day"), bytes) } else { Table::mmdb("table", bytes) };
    let Ok(table) = table else { return };
    for address in [IpAddr::V6(address.into()), IpAddr::V4((address as u32).into()), IpAddr::V4(0.into())] {
        let (Finding::Origin { prefix, .. } | Finding::Several { prefix }) = table.find(address) else { continue };
        let prefix: swarm::prefix::Prefix = prefix.to_string().parse().expect("a prefix is in its one form");
        assert!(prefix.contains(address.to_canonical()), "{address} is not in {prefix}");
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let text = |rows: &str| [&[0][..], &0x2001_0db8_u128.to_be_bytes(), rows.replace('|', "\t").as_bytes()].concat();
    let mmdb = |bytes: Vec<u8>| [&[1][..], &0x2001_0db8_u128.to_be_bytes(), &bytes].concat();
    let named = [
        ("rows", text("192.0.2.0|192.0.2.255|64496|GB|OUTER\n192.0.2.64|192.0.2.127|64497|GB|INNER\n")),
        ("rows-v6", text("2001:db8::|2001:db8:ffff:ffff:ffff:ffff:ffff:ffff|64496|GB|SIX\n")),
        ("rows-odd-range", text("192.0.2.3|192.0.2.200|64496|GB|ODD\n")),
        ("rows-everything", text("0.0.0.0|255.255.255.255|1|ZZ|ALL\n::|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|2|ZZ|ALL\n")),
        ("rows-backwards", text("192.0.2.9|192.0.2.1|64496|GB|X\n")),
        ("mmdb", mmdb(database(&[[2, 3]]))),
        ("mmdb-two-nodes", mmdb(database(&[[1, 3], [2, 3]]))),
        ("mmdb-cycle", mmdb(database(&[[0, 3]]))),
        // Every node twice over from the one before: a walk over it never ends.
        ("regression-mmdb-shared-nodes", mmdb(database(&shared(100)))),
        ("mmdb-pointer-beyond", mmdb(database(&[[0x7fff_ffff, 3]]))),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// A tree in which both records of every node lead to the next one, and the last ones nowhere.
fn shared(count: u32) -> Vec<[u32; 2]> {
    (1..=count).map(|next| [next, next]).collect()
}

/// A database of these nodes: a number below their count is a node, the count itself is nothing, and what lies 16 above
/// it the one record, which names AS 64496.
fn database(nodes: &[[u32; 2]]) -> Vec<u8> {
    let count = nodes.len() as u32;
    // In the seeds 2 and 3 stand for nothing and the record, whatever the count is.
    let record = |number: u32| match number {
        3 if count < 3 => count + 16,
        2 if count < 2 => count,
        other => other,
    };
    let mut bytes: Vec<u8> = nodes.iter().flatten().flat_map(|number| record(*number).to_be_bytes()).collect();
    bytes.extend([0; 16]);
    let map = |pairs: &[(&str, &[u8])]| {
        let body: Vec<u8> = pairs.iter().flat_map(|(key, value)| [&text(key)[..], value].concat()).collect();
        [&[0xe0 | pairs.len() as u8][..], &body].concat()
    };
    bytes.extend(map(&[("autonomous_system_number", &[0xc2, 0xfb, 0xf0])]));
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", &[0xa1, 2]),
        ("binary_format_minor_version", &[0xa0]),
        ("build_epoch", &[0x04, 0x02, 0x6a, 0x96, 0xb2, 0x00]),
        ("database_type", &text("Test-ASN")),
        ("description", &[0xe0]),
        ("ip_version", &[0xa1, 6]),
        ("languages", &[0x00, 0x04]),
        ("node_count", &[&[0xc4][..], &count.to_be_bytes()].concat()),
        ("record_size", &[0xa1, 32]),
    ]));
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&[0x40 | text.len() as u8][..], text.as_bytes()].concat()
}
