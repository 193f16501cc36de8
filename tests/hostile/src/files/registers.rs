//! The ISP register and the holidays, which others may maintain, and the DHT's table between runs.

use casework::deadlines::Holidays;
use casework::register::Register;
use evidence::Date;
use swarm::dht::Snapshot;

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(register) = Register::parse("register", text) {
        let day: Date = "2026-09-01".parse().expect("a day");
        for entry in register.entries() {
            let _ = (register.isp(&entry.id, day), register.asns(&entry.id, day));
            for asn in &entry.asns {
                let _ = register.standing(*asn, crate::scene::address(crate::scene::THEIRS).ip(), day);
            }
        }
    }
    if let Ok(holidays) = Holidays::parse(text) {
        let _ = (holidays.dated(), holidays.source());
    }
    if let Ok(snapshot) = Snapshot::parse(text) {
        assert_eq!(snapshot.to_text(), text, "a table has one text");
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("holidays", casework::deadlines::SHIPPED.as_bytes()),
        ("register-format", b"format = \"affiant.isp-register/1\"\ndated = \"2026-09-01\"\n"),
        ("register-deep", b"format = [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n"),
        (
            "snapshot",
            b"affiant.dht/1\nid4 0101010101010101010101010101010101010101\nid6 0202020202020202020202020202020202020202\n\
              node 0303030303030303030303030303030303030303 192.0.2.1:6881 2026-09-01T12:00:00.000Z\n",
        ),
    ])
}
