use super::*;

fn date() -> Date {
    "2026-09-01".parse().unwrap()
}

fn table(rows: &str) -> Result<Table, TableFault> {
    Table::iptoasn("test", date(), rows.as_bytes())
}

/// Reads rows, where `|` stands for a tab, and says what the table finds for each address.
fn check(rows: &str, finds: &[(&str, &str)]) {
    let table = table(&rows.replace('|', "\t")).unwrap();
    check_table(&table, finds);
}

fn check_table(table: &Table, finds: &[(&str, &str)]) {
    for (address, expected) in finds {
        let found = match table.find(address.parse().unwrap()) {
            Finding::NotCovered => "none".to_string(),
            Finding::Origin { prefix, asn } => format!("{prefix} {asn}"),
            Finding::Several { prefix } => format!("{prefix} several"),
        };
        assert_eq!(&found, expected, "{address}");
    }
}

#[test]
fn the_longest_prefix_wins() {
    check(
        "192.0.2.0|192.0.2.255|64496|GB|OUTER\n192.0.2.64|192.0.2.127|64497|GB|INNER\n192.0.2.96|192.0.2.96|64498|GB|HOST\n",
        &[
            ("192.0.2.0", "192.0.2.0/24 64496"),
            ("192.0.2.63", "192.0.2.0/24 64496"),
            ("192.0.2.64", "192.0.2.64/26 64497"),
            ("192.0.2.95", "192.0.2.64/26 64497"),
            ("192.0.2.96", "192.0.2.96/32 64498"),
            ("192.0.2.97", "192.0.2.64/26 64497"),
            ("192.0.2.128", "192.0.2.0/24 64496"),
            ("192.0.2.255", "192.0.2.0/24 64496"),
            ("198.51.100.0", "none"),
            ("127.0.0.1", "none"),
            ("::ffff:192.0.2.64", "192.0.2.64/26 64497"),
            ("2001:db8::1", "none"),
        ],
    );
}

#[test]
fn a_range_that_is_no_prefix_is_cut_into_prefixes() {
    check(
        "192.0.2.3|192.0.2.200|64496|GB|ODD\n",
        &[
            ("192.0.2.2", "none"),
            ("192.0.2.3", "192.0.2.3/32 64496"),
            ("192.0.2.4", "192.0.2.4/30 64496"),
            ("192.0.2.127", "192.0.2.64/26 64496"),
            ("192.0.2.199", "192.0.2.192/29 64496"),
            ("192.0.2.200", "192.0.2.200/32 64496"),
            ("192.0.2.201", "none"),
        ],
    );
}

#[test]
fn two_origins_of_one_prefix_are_ambiguous() {
    check(
        "198.51.100.0|198.51.100.127|64496|GB|ONE\n198.51.100.0|198.51.100.127|64497|GB|TWO\n198.51.100.0|198.51.100.127|64496|GB|ONE AGAIN\n198.51.100.128|198.51.100.255|64496|GB|ONE\n198.51.100.128|198.51.100.255|64496|GB|ONE\n",
        &[("198.51.100.1", "198.51.100.0/25 several"), ("198.51.100.129", "198.51.100.128/25 64496")],
    );
}

#[test]
fn what_nobody_announces_is_not_covered_even_inside_a_block() {
    check(
        "203.0.113.0|203.0.113.255|64496|GB|OUTER\n203.0.113.128|203.0.113.191|0|None|Not routed\n",
        &[("203.0.113.127", "203.0.113.0/24 64496"), ("203.0.113.128", "none"), ("203.0.113.192", "203.0.113.0/24 64496")],
    );
}

#[test]
fn both_families_and_their_ends_are_read() {
    check(
        "0.0.0.0|255.255.255.255|64496|GB|ALL\n::|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|64497|GB|ALL\n2001:db8::|2001:db8:0:ffff:ffff:ffff:ffff:ffff|64498|GB|DOC\n",
        &[
            ("0.0.0.0", "0.0.0.0/0 64496"),
            ("255.255.255.255", "0.0.0.0/0 64496"),
            ("::1", "::/0 64497"),
            ("2001:db8::1", "2001:db8::/48 64498"),
            ("2001:db8:1::", "::/0 64497"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0 64497"),
        ],
    );
}

#[test]
fn bad_rows_are_refused_with_their_line_and_rule() {
    let good = "192.0.2.0\t192.0.2.255\t64496\tGB\tEXAMPLE\n";
    for (row, rule) in [
        ("192.0.2.0\t192.0.2.255\t64496\tGB\n", "a row has five fields"),
        ("192.0.2.0\t192.0.2.255\t64496\tGB\tA\tB\n", "a row has five fields"),
        ("\n", "a row has five fields"),
        ("192.0.2\t192.0.2.255\t1\tGB\tA\n", "start is not an address"),
        ("192.0.2.0\t192.0.2.256\t1\tGB\tA\n", "end is not an address"),
        ("192.0.2.9\t192.0.2.8\t1\tGB\tA\n", "ends before it starts"),
        ("192.0.2.0\t2001:db8::\t1\tGB\tA\n", "an IPv4 and an IPv6 end"),
        ("192.0.2.0\t192.0.2.1\t4294967296\tGB\tA\n", "AS number"),
        ("192.0.2.0\t192.0.2.1\tAS1\tGB\tA\n", "AS number"),
        ("192.0.2.0\t192.0.2.1\t+1\tGB\tA\n", "AS number"),
        ("192.0.2.0\t192.0.2.1\t01\tGB\tA\n", "AS number"),
        ("192.0.2.0\t192.0.2.1\t1\t\tA\n", "country code"),
        ("192.0.2.0\t192.0.2.1\t1\tGB\tA\r\n", "carriage return"),
        ("192.0.2.0\t192.0.2.1\t1\tGB\tA", "does not end with a line feed"),
        (&format!("192.0.2.0\t192.0.2.1\t1\tGB\t{}\n", "A".repeat(1024)), "longer than 1024"),
    ] {
        let error = table(&format!("{good}{row}")).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of the table: ") && error.contains(rule), "{row:?}: {error}");
    }
    assert_eq!(table("").unwrap_err(), TableFault::Empty);
    assert_eq!(Table::iptoasn("a b", date(), good.as_bytes()).unwrap_err(), TableFault::Name);
}

#[test]
fn crossing_ranges_are_refused() {
    let rows = "192.0.2.0\t192.0.2.127\t64496\tGB\tA\n192.0.2.100\t192.0.2.200\t64497\tGB\tB\n";
    assert_eq!(table(rows).unwrap_err(), TableFault::Crossing { line: 2, other: 1 });
}

proptest::proptest! {
    #[test]
    fn agrees_with_a_search_of_every_row(rows in proptest::collection::vec((0u8..=8, 0u8..=255, 0u32..4), 1..12), host in 0u8..=255) {
        let prefixes: Vec<(Prefix, u32)> = rows
            .iter()
            .map(|(bits, host, asn)| (Prefix::new([192, 0, 2, *host].into(), 24 + bits).unwrap(), *asn))
            .collect();
        let text: String = prefixes
            .iter()
            .map(|(prefix, asn)| {
                let first: std::net::Ipv4Addr = prefix.to_string().split('/').next().unwrap().parse().unwrap();
                let last = std::net::Ipv4Addr::from(u32::from(first) + ((1u64 << (32 - prefix.length())) - 1) as u32);
                format!("{first}\t{last}\t{asn}\tGB\tX\n")
            })
            .collect();
        let address: IpAddr = [192, 0, 2, host].into();
        let longest = prefixes.iter().filter(|(prefix, _)| prefix.contains(address)).map(|(prefix, _)| *prefix).max_by_key(|prefix| prefix.length());
        let origins: std::collections::BTreeSet<u32> = prefixes.iter().filter(|(prefix, _)| Some(*prefix) == longest).map(|(_, asn)| *asn).collect();
        let expected = match (longest, origins.len()) {
            (None, _) => Finding::NotCovered,
            (Some(prefix), 1) => match origins.first() {
                Some(0) => Finding::NotCovered,
                asn => Finding::Origin { prefix, asn: *asn.unwrap() },
            },
            (Some(prefix), _) => Finding::Several { prefix },
        };
        proptest::prop_assert_eq!(table(&text).unwrap().find(address), expected);
    }

    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Table::iptoasn("test", date(), &bytes);
        let _ = Table::mmdb("test", &bytes);
    }
}

/// A MaxMind DB of IPv6 shape: IPv4 lies under `::/96`. Each record is written as given.
fn mmdb(networks: &[(u128, u8, Vec<u8>)]) -> Vec<u8> {
    let mut nodes: Vec<[Option<u32>; 2]> = vec![[None; 2]];
    let mut data = Vec::new();
    let mut ends = Vec::new();
    for (address, length, record) in networks {
        let mut node = 0;
        for depth in 0..*length {
            let bit = (address >> (127 - depth) & 1) as usize;
            if depth + 1 == *length {
                ends.push((node, bit, data.len()));
                break;
            }
            node = match nodes[node][bit] {
                Some(next) => next as usize,
                None => {
                    nodes.push([None; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][bit] = Some(next as u32);
                    next
                }
            };
        }
        data.extend_from_slice(record);
    }
    let count = nodes.len() as u32;
    for (node, bit, offset) in ends {
        nodes[node][bit] = Some(count + 16 + offset as u32);
    }
    let mut bytes: Vec<u8> = nodes.iter().flatten().flat_map(|record| record.unwrap_or(count).to_be_bytes()).collect();
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let metadata: [(&str, Vec<u8>); 9] = [
        ("binary_format_major_version", uint(5, 2)),
        ("binary_format_minor_version", uint(5, 0)),
        ("build_epoch", uint(9, 1_788_264_000)),
        ("database_type", text("Test-ASN")),
        ("description", vec![0xe0]),
        ("ip_version", uint(5, 6)),
        ("languages", vec![0x00, 4]),
        ("node_count", uint(6, u128::from(count))),
        ("record_size", uint(5, 32)),
    ];
    bytes.extend(map(&metadata));
    bytes
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = if text.len() < 29 { vec![0x40 | text.len() as u8] } else { vec![0x5d, (text.len() - 29) as u8] };
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// 5: uint16, 6: uint32, 9: uint64, 10: uint128.
fn uint(kind: u8, value: u128) -> Vec<u8> {
    let digits: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let size = digits.len() as u8;
    let mut bytes = if kind < 8 { vec![kind << 5 | size] } else { vec![size, kind - 7] };
    bytes.extend(digits);
    bytes
}

fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xe0 | members.len() as u8];
    for (key, value) in members {
        bytes.extend(text(key));
        bytes.extend_from_slice(value);
    }
    bytes
}

fn v4(text: &str) -> u128 {
    u128::from(u32::from(text.parse::<std::net::Ipv4Addr>().unwrap()))
}

#[test]
fn maxmind_databases_of_three_shapes_are_read() {
    let geolite = map(&[("autonomous_system_number", uint(6, 64496)), ("autonomous_system_organization", text("EXAMPLE"))]);
    let ipinfo = map(&[("asn", text("AS64497")), ("name", text("Example")), ("domain", text("example.org"))]);
    let table = Table::mmdb(
        "mixed",
        &mmdb(&[
            (v4("192.0.2.0"), 96 + 24, geolite),
            (v4("198.51.100.0"), 96 + 25, ipinfo),
            (v4("198.51.100.128"), 96 + 25, map(&[("autonomous_system_number", uint(9, 64498))])),
            (v4("203.0.113.0"), 96 + 25, map(&[("asn", uint(10, 64499))])),
            (v4("203.0.113.128"), 96 + 26, map(&[("asn", text(""))])),
            (0x2001_0db8 << 96, 48, map(&[("autonomous_system_number", uint(5, 64500))])),
        ]),
    )
    .unwrap();
    assert_eq!(table.info().built, date());
    check_table(
        &table,
        &[
            ("192.0.2.7", "192.0.2.0/24 64496"),
            ("198.51.100.7", "198.51.100.0/25 64497"),
            ("198.51.100.200", "198.51.100.128/25 64498"),
            ("203.0.113.7", "203.0.113.0/25 64499"),
            ("203.0.113.130", "none"),
            ("203.0.113.200", "none"),
            ("2001:db8::7", "2001:db8::/48 64500"),
            ("2001:db8:1::7", "none"),
        ],
    );
}

#[test]
fn damaged_or_strange_databases_are_refused() {
    let network = |record| mmdb(&[(v4("192.0.2.0"), 120, record)]);
    for record in [
        map(&[("asn", text("ASN64496"))]),
        map(&[("asn", text("AS4294967296"))]),
        map(&[("asn", text("AS+1"))]),
        map(&[("autonomous_system_number", uint(9, 1 << 32))]),
        map(&[("autonomous_system_number", uint(10, 1 << 100))]),
        map(&[("autonomous_system_number", uint(6, 1)), ("asn", text("AS2"))]),
        text("AS64496"),
    ] {
        assert!(matches!(Table::mmdb("bad", &network(record)), Err(TableFault::Database { .. })));
    }
    let good = network(map(&[("asn", text("AS64496"))]));
    for length in 0..good.len() {
        assert!(Table::mmdb("cut", &good[..length]).is_err(), "{length}");
    }
}
