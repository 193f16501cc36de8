use super::*;

const REGISTER: &str = r#"
format = "affiant.isp-register/1"
dated = "2026-09-01"

[[entry]]
id = "example"
name = "Example Broadband"
asns = [64496]
contact = ""
delivery = "email"
kind = "fixed"
qualifying = true
subscribers = "over-400000"
from = "2020-01-01"
to = "2025-12-31"
source = "test"

[[entry.sub_range]]
prefix = "192.0.2.0/24"
kind = "wholesale"
from = "2020-01-01"
source = "test"

[[entry.sub_range]]
prefix = "192.0.2.128/25"
kind = "mobile"
from = "2024-01-01"
to = "2024-12-31"
source = "test"

[[entry]]
id = "buyer"
name = "Buyer"
asns = [64496, 64497]
contact = ""
delivery = "none"
kind = "mobile"
qualifying = false
subscribers = "unknown"
from = "2026-01-01"
source = "test"
"#;

fn standing(asn: u32, address: &str, day: &str) -> Option<(String, Kind)> {
    let register = Register::parse("r", REGISTER).unwrap();
    register
        .standing(asn, address.parse().unwrap(), day.parse().unwrap())
        .map(|standing| (standing.entry.id.clone(), standing.kind))
}

#[test]
fn the_entry_and_sub_range_of_the_day_count() {
    for (asn, address, day, expected) in [
        (64496, "198.51.100.1", "2019-12-31", None),
        (64496, "198.51.100.1", "2020-01-01", Some(("example", Kind::Fixed))),
        (64496, "198.51.100.1", "2025-12-31", Some(("example", Kind::Fixed))),
        (64496, "198.51.100.1", "2026-01-01", Some(("buyer", Kind::Mobile))),
        (64496, "192.0.2.1", "2024-06-01", Some(("example", Kind::Wholesale))),
        (64496, "192.0.2.129", "2024-06-01", Some(("example", Kind::Mobile))),
        (64496, "192.0.2.129", "2025-06-01", Some(("example", Kind::Wholesale))),
        (64497, "192.0.2.129", "2025-06-01", None),
        (64499, "192.0.2.129", "2026-06-01", None),
    ] {
        let expected = expected.map(|(id, kind)| (id.to_string(), kind));
        assert_eq!(standing(asn, address, day), expected, "AS{asn} {address} {day}");
    }
    let register = Register::parse("r", REGISTER).unwrap();
    assert_eq!(register.asns("buyer", "2026-01-01".parse().unwrap()), BTreeSet::from([64496, 64497]));
    assert!(register.asns("example", "2026-01-01".parse().unwrap()).is_empty());
}

#[test]
fn contradictions_are_refused() {
    for (from, to) in [
        ("register/1", "register/2"),
        ("dated = \"2026-09-01\"", "dated = \"2026-09-31\""),
        ("id = \"example\"", "id = \"Example\""),
        ("id = \"example\"", "id = \"audit\""),
        ("name = \"Buyer\"", "name = \" Buyer\""),
        ("name = \"Buyer\"", "name = \"Bu\\u001byer\""),
        ("name = \"Buyer\"", "name = \"Buyer\"\nsurplus = 1"),
        ("asns = [64496, 64497]", "asns = [64497, 64497]"),
        ("asns = [64496, 64497]", "asns = [0]"),
        ("asns = [64496, 64497]", "asns = [4294967296]"),
        ("to = \"2025-12-31\"", "to = \"2019-12-31\""),
        ("to = \"2025-12-31\"", "to = \"2026-01-01\""),
        ("to = \"2025-12-31\"\n", ""),
        ("over-400000", "up-to-400000"),
        ("kind = \"fixed\"", "kind = \"mobile\""),
        ("kind = \"wholesale\"", "kind = \"fixed\""),
        ("prefix = \"192.0.2.0/24\"", "prefix = \"192.0.2.1/24\""),
        ("192.0.2.128/25", "192.0.2.0/24"),
        ("source = \"test\"", "source = \"\""),
        ("delivery = \"email\"", "delivery = \"pigeon\""),
    ] {
        let text = REGISTER.replacen(from, to, 1);
        assert_ne!(text, REGISTER, "{from}");
        assert!(Register::parse("r", &text).is_err(), "{from} -> {to}");
    }
    let clash = Register::parse("r", &REGISTER.replace("to = \"2025-12-31\"\n", "")).unwrap_err();
    assert_eq!(clash, RegisterFault::Claimed { first: 1, second: 2, asn: 64496, day: "2026-01-01".parse().unwrap() });
}

#[test]
fn the_shipped_register_holds_the_seven_isps() {
    let register = Register::parse("isp-register.toml", SHIPPED).unwrap();
    let day: Date = "2012-01-01".parse().unwrap();
    for id in ["bt", "o2", "orange", "post-office", "sky", "talktalk", "virgin-media"] {
        assert!(register.isp(id, day).is_some_and(|entry| entry.qualifying && entry.kind == Kind::Fixed), "{id}");
    }
    // What Sky bought from O2 changes hands on the day; a mixed fixed and mobile network is never fixed line.
    let on = |asn, day: &str| {
        register
            .standing(asn, [192, 0, 2, 1].into(), day.parse().unwrap())
            .map(|standing| (standing.entry.id.as_str(), standing.kind))
    };
    assert_eq!(on(35228, "2013-04-30"), Some(("o2", Kind::Fixed)));
    assert_eq!(on(35228, "2013-05-01"), Some(("sky", Kind::Fixed)));
    assert_eq!(on(12576, "2026-11-01"), Some(("ee", Kind::Mobile)));
    assert_eq!(register.asns("talktalk", day), BTreeSet::from([9105, 13285]));
    // Nothing was written from memory without saying so.
    assert!(register.entries().iter().all(|entry| entry.source.contains("recall; confirm before use")));
}
