use super::*;
use crate::{
    deadlines::SHIPPED,
    plan::plan,
    testlog::{self, ORIGIN, Sight, TestLog, input, register},
};
use evidence::{
    Class, Exclusion, Outcome, Phase,
    control::Control,
    document::{Block, ChartKind},
    observation::Source,
    run::{LookUpEnding, NodeFamily},
};
use std::collections::BTreeMap;

fn report(log: &TestLog) -> Document {
    let (register, holidays) = (register(), Holidays::parse(SHIPPED).unwrap());
    let tables = [register.info().clone()];
    let input = ReportInput {
        origin: ORIGIN,
        until: log.entries.len() as u64,
        register: &register,
        tables: &tables,
        holidays: &holidays,
    };
    process_report(&input, &|| Box::new(log.read())).unwrap()
}

fn issued() -> TestLog {
    let mut log = TestLog::new();
    log.started(true);
    log.clock("2026-09-01T12:00:00.000Z", Some(4));
    log.clock("2026-09-01T13:00:00.000Z", Some(70));
    // Of seven that lists name, three serve, one is a private address, and three are missed.
    let named = ["192.0.2.1:51413", "192.0.2.2:51413", "192.0.2.3:51413", "192.0.2.66:6881", "192.0.2.67:6881", "10.0.0.1:6881"];
    log.list(Source::Tracker, "2026-09-01T11:59:00.000Z", &named);
    log.list(Source::Dht, "2026-09-01T12:30:00.000Z", &["192.0.2.2:51413", "192.0.2.68:6881"]);
    log.fail("192.0.2.66:6881", "2026-09-01T12:00:00.000Z", Outcome::Refused);
    log.fail("192.0.2.67:6881", "2026-09-01T12:00:00.000Z", Outcome::NoAnswer { phase: Phase::Connect, after_ms: 4_000 });
    log.fail("10.0.0.1:6881", "2026-09-01T12:00:00.000Z", Outcome::Excluded { rule: Exclusion::Reserved });
    for host in 1..4 {
        log.see_cleared(&Sight::at(&format!("192.0.2.{host}:51413"), "2026-09-01T12:00:00.000Z", 60));
    }
    log.see_cleared(&Sight { class: Class::NotQualifying, ..Sight::at("203.0.113.9:6881", "2026-09-01T12:00:00.000Z", 60) });
    let (register, holidays, estimates) = (register(), Holidays::parse(SHIPPED).unwrap(), BTreeMap::new());
    let plan = plan(log.read(), &input(&register, &holidays, &estimates)).unwrap();
    for withhold in &plan.withholds {
        log.note("a", &Control::Withhold(withhold.clone()));
    }
    log.note("c", &Control::Issue(plan.issue));
    log
}

/// The value of a figure, wherever it stands in a section.
fn figure(document: &Document, section: u32, label: &str) -> String {
    let blocks = &document.sections.iter().find(|found| found.number == section).unwrap().blocks;
    let figures =
        blocks.iter().filter_map(|block| if let Block::Figures { figures, .. } = block { Some(figures) } else { None }).flatten();
    figures
        .filter(|figure| figure.label == label)
        .map(|figure| figure.value.clone())
        .next()
        .unwrap_or_else(|| panic!("no figure {label}"))
}

#[test]
fn figures_are_those_of_the_log() {
    let document = report(&issued());
    for (section, label, value) in [
        (4, "Probes", "7"),
        (4, "Content sent", "0"),
        (4, "Content verified", "131,072"),
        (6, "Readings", "2"),
        (6, "Largest bound", "70"),
        (6, "Readings beyond the tolerance", "1"),
        (7, "Approvals", "2"),
        (7, "Withhold notes", "1"),
        (9, "Of these, reported", "3"),
        (9, "Of these, withheld from the ISP", "1"),
        (10, "Reports issued by the target of ten working days", "3"),
        (10, "Reports issued after the month, which must not happen", "0"),
        (14, "Reports issued", "3"),
        (16, "Heard of, and free to be contacted", "6"),
        (16, "Reached", "3"),
        (16, "Missed: never reached by any means", "3"),
        (16, "Miss rate: missed of heard of, with a 95 % Wilson interval", "50.0 % (18.8 to 81.2)"),
        (16, "Heard of and forbidden by policy, in none of these", "1"),
    ] {
        assert_eq!(figure(&document, section, label), value, "section {section}, {label}");
    }
    let json = serde_json::to_string(&document).unwrap();
    assert!(json.contains("not-qualifying: the address is outside"));
    assert!(json.contains("A. Reviewer (entry 9); B. Reviewer (entry 10)"));
}

/// The rows of the tables of a section whose caption begins so.
fn rows(document: &Document, section: u32, caption: &str) -> Vec<Vec<String>> {
    let blocks = &document.sections.iter().find(|found| found.number == section).unwrap().blocks;
    let tables = blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None });
    tables.filter(|table| table.caption.starts_with(caption)).flat_map(|table| table.rows.clone()).collect()
}

#[test]
fn coverage_is_told_by_source_by_means_and_by_hour() {
    let document = report(&issued());
    let target = testlog::target();
    for (caption, expected) in [
        ("From heard of to reported, by kind", &["dht|2|1|1|1|1|1|1|1", "tracker|5|5|3|3|3|3|3|4", "any|6|5|3|3|3|3|3|5"][..]),
        ("How the kinds", &["dht and tracker|1|50.0 % (9.5 to 90.5)|20.0 % (3.6 to 62.4)"]),
        // The fourth that served was named by no list in this log.
        ("Addresses and ports by the means", &["TCP, plain|6|4|4|4|4|3|4"]),
        ("Contacts by means", &["TCP, plain|6|4|33.3 % (9.7 to 70.0)"]),
        ("Contacts that we dialled", &["no-answer|1|1", "refused|1|1", "served|4|4"]),
        (
            "Missed, by",
            &[
                "refused: its host said that nothing listens there|1",
                "nothing came back in time|1",
                "no probe of it is in the log|1",
            ],
        ),
        ("Addresses and ports heard of that policy", &["reserved|1"]),
        ("From heard of to reported, by torrent", &["TARGET|6|5|3|3|3|3|3|3"]),
        ("Torrent TARGET: addresses and ports over time", &["09-01 11:00|5|5|2|0|0|0|0|0|0", "09-01 12:00|2|1|1|6|4|4|4|4|0"]),
        (
            "Torrent TARGET: how many",
            &["09-01 11:00|0|none|nobody took part|", "09-01 12:00|4|none|fewer than two kinds of source|"],
        ),
    ] {
        let name = |text: &str| text.replace("TARGET", &target.to_string());
        let found: Vec<String> = rows(&document, 16, &name(caption)).iter().map(|row| row.join("|")).collect();
        assert_eq!(found, expected.iter().map(|row| name(row)).collect::<Vec<_>>(), "{caption}");
    }
}

#[test]
fn all_sixteen_sections_stand_in_order_and_page_one_says_what_the_codes_are() {
    for document in [report(&issued()), report(&TestLog::bare())] {
        assert_eq!(document.sections.iter().map(|section| section.number).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
        assert!(document.sections.iter().all(|section| !section.blocks.is_empty()));
        assert_eq!(document.notices[0], NOTICE);
    }
    assert!(report(&issued()).notices.iter().any(|notice| notice.contains("laboratory run")));
    assert!(!report(&TestLog::new()).notices.iter().any(|notice| notice.contains("laboratory run")));
}

#[test]
fn a_funnel_never_widens_and_no_address_is_printed() {
    let document = report(&issued());
    let charts = document
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .filter_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None });
    for chart in charts.filter(|chart| chart.kind == ChartKind::Funnel) {
        assert!(chart.series[0].points.windows(2).all(|pair| pair[0].y >= pair[1].y));
    }
    let json = serde_json::to_string(&document).unwrap();
    for address in ["192.0.2.", "203.0.113.", "10.0.0.", "51413"] {
        assert!(!json.contains(address), "{address}");
    }
    assert_eq!(json, serde_json::to_string(&report(&issued())).unwrap());
}

#[test]
fn look_ups_are_counted_by_network_and_ending() {
    let mut log = TestLog::new();
    log.started(true);
    log.looked_up(NodeFamily::Ipv4, LookUpEnding::Complete, 20, 90);
    log.looked_up(NodeFamily::Ipv4, LookUpEnding::Bounded, 1_128, 10);
    log.looked_up(NodeFamily::Ipv6, LookUpEnding::Silence, 3, 0);
    let document = report(&log);
    let collection = document.sections.iter().find(|section| section.number == 4).unwrap();
    let table = collection.blocks.iter().find_map(|block| match block {
        Block::Table(table) if table.caption.contains("DHT") => Some(table),
        _ => None,
    });
    let rows: Vec<String> = table.unwrap().rows.iter().map(|row| row.join(" | ")).collect();
    assert_eq!(rows, ["IPv4 | 1 | 1 | 0 | 0 | 1,148 | 1,148 | 100 | 0 | 0", "IPv6 | 0 | 0 | 1 | 0 | 3 | 3 | 0 | 0 | 0"]);
}
