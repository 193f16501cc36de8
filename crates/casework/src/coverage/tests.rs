//! What is counted as what, on made-up records.

use evidence::InfoHashV1;
use proptest::prelude::*;

use super::*;

const NOON_MS: i64 = 1_788_264_000_000;

fn target(n: u8) -> TargetIds {
    TargetIds::of_v1(InfoHashV1::from([n; 20]))
}

fn peer(n: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], n))
}

fn minute(minutes: i64) -> Utc {
    Utc::from_ms(NOON_MS + minutes * 60_000)
}

fn heard(n: u16, minutes: i64, source: &'static str) -> Heard<'static> {
    Heard { target: target(1), peer: peer(n), at: minute(minutes), source }
}

fn dial(n: u16, minutes: i64, means: usize, grade: Grade, outcome: &'static str) -> Contact<'static> {
    Contact {
        target: target(1),
        peer: peer(n),
        at: minute(minutes),
        means: Means::ALL[means],
        grade,
        outcome,
        rule: None,
        listening_port: None,
        is_reported: false,
    }
}

fn coverage(heard: &[Heard<'_>], met: &[Contact<'_>]) -> Coverage {
    let mut coverage = Coverage::default();
    heard.iter().for_each(|heard| coverage.hear(heard));
    met.iter().for_each(|contact| coverage.meet(contact));
    coverage
}

#[test]
fn means_have_their_numbers() {
    for (number, means) in Means::ALL.into_iter().enumerate() {
        assert_eq!((means.number(), Means::ALL[means.number()]), (number, means));
    }
    assert!(Means::ALL.is_sorted());
}

#[test]
fn who_is_reached_by_any_means_is_not_missed() {
    let all = (1..=5).map(|n| heard(n, 0, "tracker")).collect::<Vec<_>>();
    let coverage = coverage(
        &all,
        &[
            dial(1, 1, 0, Grade::Listed, "refused"),
            dial(1, 2, 2, Grade::Listed, "no-answer"),
            dial(2, 1, 0, Grade::Listed, "refused"),
            dial(2, 70, 3, Grade::Handshaken, "choked"),
            dial(3, 1, 0, Grade::Listed, "no-answer"),
            // A caller of the same address, from another port, names port 3 as its own.
            Contact { listening_port: Some(3), ..dial(40_000, 5, 4, Grade::Served, "served") },
            dial(4, 1, 0, Grade::Listed, "not-tried"),
        ],
    );
    let figures = coverage.of(target(1));
    assert_eq!(figures.funnel, Funnel { heard: 5, tried: 3, reached: 1, handshaken: 1, ..Funnel::default() });
    assert_eq!((figures.missed.heard, figures.missed.missed, figures.missed.only_claimed), (5, 3, 1));
    // Being refused tells more than silence, whichever came last.
    let reasons = [(Unreached::Refused, 1), (Unreached::NotTried, 1), (Unreached::NoRecord, 1)];
    assert_eq!(figures.missed.reasons, reasons.into());
    assert_eq!((figures.callers.tried, figures.callers.served, figures.callers.heard), (1, 1, 0));
    assert_eq!(figures.grades, [4, 0, 1, 0, 1]);
    let utp_mse = figures.by_means[&Means::ALL[3]];
    assert_eq!((utp_mse.contacts, utp_mse.connected, utp_mse.funnel.handshaken, utp_mse.alone), (1, 1, 1, 1));
    assert_eq!(figures.by_means[&Means::ALL[0]].alone, 0);
    assert!(!figures.outcomes.contains_key("not-tried"), "nothing was sent");

    let hours = coverage.spans(target(1), 1);
    assert_eq!(hours.iter().map(|span| (span.heard, span.new, span.new_missed)).collect::<Vec<_>>(), [(5, 5, 3), (0, 0, 0)]);
    assert_eq!((hours[0].dialled.reached, hours[1].dialled.reached, hours[0].called), (0, 1, 1));
}

#[test]
fn what_policy_forbids_stands_apart_and_what_we_had_no_room_for_is_missed() {
    let all = [heard(1, 0, "dht"), heard(2, 0, "dht"), heard(3, 0, "dht")];
    let excluded = |n, rule| Contact { rule: Some(rule), ..dial(n, 0, 0, Grade::Listed, "excluded") };
    let figures = coverage(
        &all,
        &[excluded(1, "reserved"), excluded(2, "list-too-long"), excluded(3, "own"), {
            // Another run, with another configuration, tried it after all.
            dial(3, 100, 0, Grade::Connected, "closed")
        }],
    );
    let figures = figures.of(target(1));
    assert_eq!(figures.excluded, [("reserved".to_string(), 1)].into());
    assert_eq!((figures.funnel.heard, figures.funnel.reached, figures.missed.missed), (2, 1, 1));
    assert_eq!(figures.missed.reasons, [(Unreached::NoRoom, 1)].into());
}

#[test]
fn an_hour_counts_what_happened_in_it_and_estimates_from_who_took_part_in_it() {
    let mut all = Vec::new();
    let mut met = Vec::new();
    for n in 0..100 {
        // Sixty are named by trackers, fifty by the DHT, ten by both.
        all.extend((n < 60).then(|| heard(n, 0, "tracker")));
        all.extend((n >= 50).then(|| heard(n, 30, "dht")));
        met.push(dial(n, 31, 0, Grade::Handshaken, "choked"));
    }
    // These are named and never answer, so they are nobody's business here.
    all.extend((200..300).map(|n| heard(n, 2, "tracker")));
    // This one served in the next hour, where nobody named it.
    met.push(dial(5, 61, 0, Grade::Served, "served"));
    let coverage = coverage(&all, &met);
    let hours = coverage.spans(target(1), 1);
    let (hour, known, estimate) = &hours[0].took_part;
    assert_eq!((*hour, *known), (minute(0), 100));
    let Estimate::AtLeast { low, about, high } = *estimate else { panic!("{estimate:?}") };
    assert_eq!(about, 282, "Chapman: 61 · 51 / 11 − 1, rounded");
    assert!(100 < low && low < about && about < high);
    assert_eq!(hours[1].took_part, (minute(60), 1, Estimate::None(Without::OneKind)));
    assert_eq!(hours[0].by_source, [("dht".to_string(), 50), ("tracker".to_string(), 160)].into());

    let days = coverage.spans(target(1), 24);
    assert_eq!((days.len(), days[0].start, days[0].heard), (1, minute(-720), 200));
    assert_eq!(days[0].dialled.served, 1);
    assert_eq!(days[0].took_part.0, minute(0), "the hour in which most took part speaks for the day");
    assert_eq!(coverage.of(target(2)), TargetFigures::default());
}

type Record = (u16, i64, usize, usize);

fn records() -> impl Strategy<Value = Vec<Record>> {
    proptest::collection::vec((0..40u16, 0..300i64, 0..12usize, 0..7usize), 0..200)
}

fn tell(coverage: &mut Coverage, (n, at, what, how): Record) {
    let outcomes = ["refused", "no-answer", "closed", "not-tried", "local-fault", "choked", "served"];
    match what {
        0..=3 => coverage.hear(&heard(n, at, ["tracker", "dht", "pex", "local"][what])),
        _ => {
            let grade = Grade::ALL[how.saturating_sub(2)];
            let outcome = if grade == Grade::Listed { outcomes[how] } else { "choked" };
            coverage.meet(&Contact {
                listening_port: Some(n / 2),
                is_reported: grade == Grade::Served,
                ..dial(n, at, what - 4, grade, outcome)
            });
        }
    }
}

proptest! {
    #[test]
    fn figures_agree_with_each_other_and_do_not_depend_on_the_order(records in records()) {
        let (mut coverage, mut backwards) = (Coverage::default(), Coverage::default());
        records.iter().for_each(|record| tell(&mut coverage, *record));
        records.iter().rev().for_each(|record| tell(&mut backwards, *record));
        let (total, spans) = (coverage.total(), coverage.spans(target(1), 1));
        prop_assert_eq!(&total, &backwards.total());
        prop_assert_eq!(&spans, &backwards.spans(target(1), 1));

        let Funnel { heard, tried, reached, handshaken, claimed, served, reported } = total.funnel;
        prop_assert!([heard, tried, reached, handshaken, claimed, served, reported].is_sorted_by(|a, b| a >= b));
        prop_assert_eq!(heard, total.missed.missed + total.missed.only_claimed + reached);
        prop_assert_eq!(total.missed.missed, total.missed.reasons.values().sum::<u64>());
        prop_assert_eq!(heard, spans.iter().map(|span| span.new).sum::<u64>());
        prop_assert_eq!(total.missed.missed, spans.iter().map(|span| span.new_missed).sum::<u64>());
        let contacts: u64 = total.by_means.values().map(|reach| reach.contacts).sum();
        prop_assert_eq!(contacts, total.outcomes.values().flat_map(|by_means| by_means.values()).sum::<u64>());
        prop_assert_eq!(contacts, spans.iter().flat_map(|span| span.outcomes.values()).flat_map(|by_means| by_means.values()).sum::<u64>());
        for found in total.by_source.values() {
            prop_assert!(found.alone <= found.funnel.heard && found.funnel.heard <= heard);
        }
        for ((first, second), both) in &total.overlap {
            prop_assert!(*both <= total.by_source[first].funnel.heard.min(total.by_source[second].funnel.heard));
        }
        let day = coverage.spans(target(1), 24);
        prop_assert!(day.len() < 3 && day.iter().map(|span| span.new).sum::<u64>() == heard);
    }
}
