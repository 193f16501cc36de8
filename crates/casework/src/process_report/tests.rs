use super::*;
use crate::{
    deadlines::SHIPPED,
    plan::plan,
    testlog::{ORIGIN, Sight, TestLog, input, register},
};
use evidence::{
    Class,
    control::Control,
    document::{Block, ChartKind},
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
        (4, "Probes", "4"),
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
        (16, "Contacted", "4"),
    ] {
        assert_eq!(figure(&document, section, label), value, "section {section}, {label}");
    }
    let json = serde_json::to_string(&document).unwrap();
    assert!(json.contains("not-qualifying: the address is outside"));
    assert!(json.contains("A. Reviewer (entry 9); B. Reviewer (entry 10)"));
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
    for address in ["192.0.2.", "203.0.113.", "51413"] {
        assert!(!json.contains(address), "{address}");
    }
    assert_eq!(json, serde_json::to_string(&report(&issued())).unwrap());
}
