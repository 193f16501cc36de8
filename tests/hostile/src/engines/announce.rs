//! Trackers that answer what they like: none of them makes us ask too often, or say what is not so.

use std::collections::BTreeMap;

use evidence::Mono;
use swarm::Seed as Chance;
use swarm::announce::{Announcer, Answer, Ask, Event, Limits, Reach, Step};
use wire::tracker_url::TrackerUrl;

use crate::Seed;
use crate::script::Script;

/// Of a tracker: what it may be told, and when.
#[derive(Default)]
struct Due {
    not_before: Option<Mono>,
    has_heard: bool,
    never: bool,
}

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let head = script.byte();
    let reach = if head & 1 == 0 { Reach::EveryTier } else { Reach::FirstAlive };
    let limits = Limits { reach, trackers_max: 6, ..Limits::default() };
    let tiers = (0..head >> 1 & 3).map(|_| (0..script.byte() % 4).map(|_| url(script.byte() % 8)).collect()).collect();
    let mut now = Mono::from_us(7);
    let mut announcer = Announcer::new(tiers, limits, Chance::new([4; 32]), now);
    let mut open: Vec<Ask> = Vec::new();
    let mut due: BTreeMap<TrackerUrl, Due> = BTreeMap::new();
    while !script.is_over() {
        match script.byte() % 4 {
            0 | 1 if !open.is_empty() => {
                let ask = open.remove(usize::from(script.byte()) % open.len());
                let of = due.entry(ask.url.clone()).or_default();
                let answer = answer(&mut script);
                let wait_ms = match answer {
                    Answer::Peers { interval_s, min_interval_s } => {
                        of.has_heard = true;
                        let asked_s = interval_s.unwrap_or(limits.interval_default_s).max(min_interval_s.unwrap_or(0));
                        u64::from(asked_s.max(limits.interval_min_s)) * 1_000
                    }
                    Answer::Failed => limits.back_off_first_ms,
                    Answer::RetryIn { minutes } => u64::from(minutes.max(1)) * 60_000,
                    Answer::Never => {
                        of.never = true;
                        0
                    }
                };
                of.not_before = Some(now.plus_ms(wait_ms));
                announcer.handle_answer(now, ask.tracker, answer);
                // Again, which nobody asked for.
                announcer.handle_answer(now, ask.tracker, answer);
            }
            2 => now = now.plus_ms(u64::from(script.word())),
            3 if script.byte() == 0 => {
                let farewells = announcer.stop();
                for ask in farewells {
                    let of = due.entry(ask.url).or_default();
                    assert!(ask.event == Event::Stopped && of.has_heard, "farewell to those who have heard of us");
                    of.has_heard = false;
                }
                assert!(announcer.stop().is_empty(), "one farewell is enough");
            }
            _ => now = now.plus_ms(1_000),
        }
        let mut asked = 0;
        loop {
            match announcer.poll(now) {
                Step::Ask(ask) => {
                    asked += 1;
                    assert!(asked <= 3, "one question a tier");
                    check(&ask, due.entry(ask.url.clone()).or_default(), now);
                    assert!(open.iter().all(|other| other.url != ask.url), "one question at a time");
                    open.push(ask);
                }
                Step::Wait(until) => {
                    assert!(until > now, "a moment to wait for lies ahead");
                    break;
                }
            }
        }
        let _ = announcer.is_first_round_over();
    }
}

fn check(ask: &Ask, of: &Due, now: Mono) {
    assert!(!of.never, "whoever wants no questions gets none");
    assert!(of.not_before.is_none_or(|at| at <= now), "asked too early");
    let event = if of.has_heard { Event::None } else { Event::Started };
    assert_eq!(ask.event, event, "events are honest");
}

fn answer(script: &mut Script<'_>) -> Answer {
    let number = |script: &mut Script<'_>| match script.byte() % 3 {
        0 => None,
        1 => Some(u32::from(script.short())),
        _ => Some(script.word()),
    };
    match script.byte() % 5 {
        0 | 1 => Answer::Peers { interval_s: number(script), min_interval_s: number(script) },
        2 => Answer::Failed,
        3 => Answer::RetryIn { minutes: script.word() },
        _ => Answer::Never,
    }
}

fn url(number: u8) -> TrackerUrl {
    TrackerUrl::parse(&format!("http://tracker{number}.example/announce")).expect("a URL of this file")
}

pub(crate) fn seeds() -> Vec<Seed> {
    let named: [(&str, &[u8]); 6] = [
        ("one-tier", &[2, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 1, 0, 60, 0, 2, 0, 0x20, 0, 0]),
        ("first-alive", &[7, 2, 0, 1, 2, 2, 3, 1, 5, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0x75, 0x30, 0, 0, 0]),
        ("longest-interval", &[2, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 2, 0xff, 0xff, 0xff, 0xff]),
        ("longest-retry", &[2, 1, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 2, 0xff, 0xff, 0xff, 0xff]),
        ("never", &[2, 1, 0, 2, 0, 0, 0, 0, 0, 0, 4, 2, 0xff, 0xff, 0xff, 0xff]),
        ("farewell", &[2, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2, 0xff, 0xff, 0xff, 0xff]),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}
