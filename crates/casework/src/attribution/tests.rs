use super::*;
use crate::testlog::REGISTER;

fn table(name: &str, built: &str, rows: &[(&str, &str, u32)]) -> Table {
    let text: String = rows.iter().map(|(first, last, asn)| format!("{first}\t{last}\t{asn}\tGB\tX\n")).collect();
    Table::iptoasn(name, built.parse().unwrap(), text.as_bytes()).unwrap()
}

fn attributor(tables: Vec<Table>) -> Attributor {
    let register = REGISTER.to_string()
        + r#"
[[entry]]
id = "mobile"
name = "Mobile"
asns = [64502]
contact = ""
delivery = "none"
kind = "mobile"
qualifying = false
subscribers = "unknown"
from = "2026-01-01"
source = "test"

[[entry.sub_range]]
prefix = "203.0.113.128/25"
kind = "hosting"
from = "2026-01-01"
source = "test"
"#;
    Attributor::new(tables, Register::parse("isp-register.toml", &register).unwrap()).unwrap()
}

#[test]
fn classes_are_those_of_attribution_md() {
    let first = table(
        "first",
        "2026-08-01",
        &[
            ("192.0.2.0", "192.0.2.255", 64496),
            // Shaped like announcements seen in the wild: a customer's block inside an ISP's, and a double origin.
            ("192.0.2.128", "192.0.2.191", 64500),
            ("198.51.100.0", "198.51.100.127", 64496),
            ("198.51.100.0", "198.51.100.127", 64497),
            ("198.51.100.128", "198.51.100.255", 64505),
            ("203.0.113.0", "203.0.113.255", 64502),
        ],
    );
    let second = table(
        "second",
        "2026-08-01",
        &[("192.0.2.0", "192.0.2.63", 64496), ("192.0.2.64", "192.0.2.127", 64497), ("2001:db8::", "2001:db8::ffff", 64496)],
    );
    let attributor = attributor(vec![first, second]);
    for (address, asn, class, isp, prefix) in [
        ("192.0.2.1", Some(64496), Class::Fixed, Some("example"), Some("192.0.2.0/24")),
        ("192.0.2.65", None, Class::Ambiguous, None, Some("192.0.2.0/24")),
        ("192.0.2.130", Some(64500), Class::Fixed, Some("other"), Some("192.0.2.128/26")),
        ("198.51.100.1", None, Class::Ambiguous, None, Some("198.51.100.0/25")),
        ("198.51.100.129", Some(64505), Class::NotQualifying, None, Some("198.51.100.128/25")),
        ("203.0.113.1", Some(64502), Class::Mobile, Some("mobile"), Some("203.0.113.0/24")),
        ("203.0.113.129", Some(64502), Class::NotQualifying, Some("mobile"), Some("203.0.113.0/24")),
        ("2001:db8::7", Some(64496), Class::Fixed, Some("example"), Some("2001:db8::/112")),
        ("::ffff:192.0.2.1", Some(64496), Class::Fixed, Some("example"), Some("192.0.2.0/24")),
        ("2001:db8:1::", None, Class::Unknown, None, None),
    ] {
        let found = attributor.attribute(address.parse().unwrap(), "2026-09-01T12:00:00.000Z".parse().unwrap());
        assert_eq!(
            (found.asn, found.class, found.isp.as_deref(), found.prefix.as_deref()),
            (asn, class, isp, prefix),
            "{address}"
        );
        assert_eq!(found.tables.len(), 3);
    }
}

#[test]
fn a_table_counts_from_the_day_it_was_built() {
    let old = table("source", "2026-08-01", &[("192.0.2.0", "192.0.2.255", 64496)]);
    let new = table("source", "2026-09-10", &[("192.0.2.0", "192.0.2.255", 64500)]);
    let (old_digest, new_digest) = (old.info().sha256, new.info().sha256);
    let attributor = attributor(vec![new, old]);
    let register = attributor.register().sha256();
    for (at, asn, tables) in [
        ("2026-07-31T23:59:59.999Z", None, vec![register]),
        ("2026-08-01T00:00:00.000Z", Some(64496), vec![old_digest, register]),
        ("2026-09-09T23:59:59.999Z", Some(64496), vec![old_digest, register]),
        ("2026-09-10T00:00:00.000Z", Some(64500), vec![new_digest, register]),
    ] {
        let found = attributor.attribute([192, 0, 2, 1].into(), at.parse().unwrap());
        assert_eq!((found.asn, found.tables), (asn, tables), "{at}");
    }
    assert_eq!(attributor.oldest_days("2026-09-12".parse().unwrap()), Some(2));
    assert_eq!(attributor.infos().len(), 3);
}

#[test]
fn two_tables_of_one_name_and_day_are_refused() {
    let rows = [("192.0.2.0", "192.0.2.255", 64496)];
    let register = Register::parse("r", REGISTER).unwrap();
    assert!(Attributor::new(vec![table("a", "2026-08-01", &rows), table("a", "2026-08-01", &rows)], register).is_err());
}
