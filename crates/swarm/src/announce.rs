//! Which tracker of a torrent to ask, when, and with what event. BEP 3, 12 (tiers), 31 (retry in), 48 (scrape).
//!
//! Events are honest: `started` until a tracker has heard it, `stopped` to those that did, `completed` never, for the
//! monitor downloads nothing. Intervals are respected. Trackers that fail are left alone for longer and longer.

use evidence::Mono;
use wire::tracker_url::TrackerUrl;

use crate::chance::{Chance, Seed, shuffle};

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Interval where the tracker names none, in seconds.
    pub interval_default_s: u32,
    /// The shortest interval, in seconds, whatever the tracker allows.
    pub interval_min_s: u32,
    /// Wait after a tracker's first failure in milliseconds, doubled with each further one.
    pub back_off_first_ms: u64,
    /// The longest such wait in milliseconds.
    pub back_off_max_ms: u64,
    /// The least time between two scrapes of one tracker, in milliseconds.
    pub scrape_gap_ms: u64,
    /// Trackers of one torrent; further ones are not asked.
    pub trackers_max: usize,
    /// Which tiers are asked.
    pub reach: Reach,
}

/// Which tiers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One tracker of every tier: different trackers know different peers, and a monitor wants them all.
    EveryTier,
    /// One tracker in all; a later tier only while every earlier one fails. BEP 12 to the letter.
    FirstAlive,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            interval_default_s: 1_800,
            interval_min_s: 60,
            back_off_first_ms: 15_000,
            back_off_max_ms: 3_600_000,
            scrape_gap_ms: 1_800_000,
            trackers_max: 64,
            reach: Reach::EveryTier,
        }
    }
}

/// What we tell a tracker of our state. BEP 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// We begin.
    Started,
    /// We go on.
    None,
    /// We end.
    Stopped,
}

impl Event {
    /// The word used in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::None => "none",
            Self::Stopped => "stopped",
        }
    }
}

/// A tracker of this torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackerId(usize);

/// A question for a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which tracker. Say what came of it with [`Announcer::handle_answer`], unless the event is `stopped`.
    pub tracker: TrackerId,
    /// Its URL.
    pub url: TrackerUrl,
    /// The event.
    pub event: Event,
    /// Whether to ask for counts as well (BEP 48).
    pub scrape: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask this.
    Ask(Ask),
    /// Nothing before this moment, or before an answer.
    Wait(Mono),
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The tracker answered.
    Peers {
        /// Seconds until it wants to be asked again.
        interval_s: Option<u32>,
        /// Seconds before which it will not answer again.
        min_interval_s: Option<u32>,
    },
    /// It refused, was malformed, or did not answer.
    Failed,
    /// It refused and said when to come back (BEP 31).
    RetryIn {
        /// How many minutes.
        minutes: u32,
    },
    /// It is not to be asked again in this run: it said `never` (BEP 31), or policy forbids it.
    Never,
}

/// The trackers of one torrent.
#[derive(Debug)]
pub struct Announcer {
    limits: Limits,
    chance: Chance,
    trackers: Vec<Tracker>,
    tiers: Vec<Tier>,
}

#[derive(Debug)]
struct Tracker {
    url: TrackerUrl,
    next_at: Mono,
    failures: u32,
    asked: bool,
    has_heard_started: bool,
    is_retired: bool,
    scrape_at: Mono,
}

#[derive(Debug)]
struct Tier {
    /// In the order of BEP 12: shuffled at first, whoever answers comes to the front.
    order: Vec<TrackerId>,
    asking: Option<TrackerId>,
    /// One of its trackers has answered, and its interval ends here.
    content_until: Option<Mono>,
}

const NEVER: Mono = Mono::from_us(u64::MAX);

impl Announcer {
    /// The trackers of a torrent by tier, all due at once. One that is named twice is kept where it came first.
    pub fn new(tiers: Vec<Vec<TrackerUrl>>, limits: Limits, seed: Seed, now: Mono) -> Self {
        let mut trackers: Vec<Tracker> = Vec::new();
        let mut kept = Vec::new();
        for (number, mut urls) in tiers.into_iter().enumerate() {
            shuffle(&mut urls, seed.split("tier", &number.to_be_bytes()));
            let mut order = Vec::new();
            for url in urls {
                if trackers.len() < limits.trackers_max && trackers.iter().all(|tracker| tracker.url != url) {
                    order.push(TrackerId(trackers.len()));
                    trackers.push(Tracker {
                        url,
                        next_at: now,
                        failures: 0,
                        asked: false,
                        has_heard_started: false,
                        is_retired: false,
                        scrape_at: now,
                    });
                }
            }
            if !order.is_empty() {
                kept.push(Tier { order, asking: None, content_until: None });
            }
        }
        Self { limits, chance: Chance::new(seed.split("back-off", &[])), trackers, tiers: kept }
    }

    /// The next question, if one is due.
    pub fn poll(&mut self, now: Mono) -> Step {
        let mut wait = NEVER;
        for tier in &mut self.tiers {
            if tier.asking.is_none() {
                let due = tier.content_until.filter(|until| *until > now);
                let at = |id: &TrackerId| self.trackers[id.0].next_at;
                let open = tier.order.iter().filter(|id| !self.trackers[id.0].is_retired);
                let ready = open.clone().find(|id| at(id) <= now).copied();
                match (due, ready) {
                    (Some(until), _) => wait = wait.min(until),
                    (None, Some(id)) => {
                        tier.asking = Some(id);
                        return Step::Ask(self.ask(id, now));
                    }
                    (None, None) => wait = wait.min(open.map(at).min().unwrap_or(NEVER)),
                }
            }
            let is_failing = |id: &TrackerId| self.trackers[id.0].is_retired || self.trackers[id.0].failures > 0;
            if self.limits.reach == Reach::FirstAlive && !tier.order.iter().all(is_failing) {
                break;
            }
        }
        Step::Wait(wait)
    }

    fn ask(&mut self, id: TrackerId, now: Mono) -> Ask {
        let tracker = &mut self.trackers[id.0];
        let scrape = tracker.scrape_at <= now;
        if scrape {
            tracker.scrape_at = now.plus_ms(self.limits.scrape_gap_ms);
        }
        let event = if tracker.has_heard_started { Event::None } else { Event::Started };
        Ask { tracker: id, url: tracker.url.clone(), event, scrape }
    }

    /// Takes in what came of a question.
    pub fn handle_answer(&mut self, now: Mono, id: TrackerId, answer: Answer) {
        let Some(tracker) = self.trackers.get_mut(id.0) else { return };
        let Some(tier) = self.tiers.iter_mut().find(|tier| tier.asking == Some(id)) else { return };
        tier.asking = None;
        tier.content_until = None;
        tracker.asked = true;
        match answer {
            Answer::Peers { interval_s, min_interval_s } => {
                let interval_s = interval_s.unwrap_or(self.limits.interval_default_s);
                let interval_s = interval_s.max(min_interval_s.unwrap_or(0)).max(self.limits.interval_min_s);
                tracker.failures = 0;
                tracker.has_heard_started = true;
                tracker.next_at = now.plus_ms(u64::from(interval_s) * 1_000);
                tier.content_until = Some(tracker.next_at);
                tier.order.retain(|other| *other != id);
                tier.order.insert(0, id);
            }
            Answer::Failed => {
                let wait_ms = self.limits.back_off_first_ms.saturating_mul(1 << tracker.failures.min(20));
                let wait_ms = wait_ms.min(self.limits.back_off_max_ms);
                tracker.failures = tracker.failures.saturating_add(1);
                // Up to a tenth more, so that monitors do not come back together.
                tracker.next_at = now.plus_ms(wait_ms + self.chance.below(wait_ms / 10 + 1));
            }
            Answer::RetryIn { minutes } => {
                tracker.failures = tracker.failures.saturating_add(1);
                tracker.next_at = now.plus_ms(u64::from(minutes.max(1)) * 60_000);
            }
            Answer::Never => {
                tracker.failures = tracker.failures.saturating_add(1);
                tracker.is_retired = true;
            }
        }
    }

    /// The farewells: to every tracker that knows of us.
    pub fn stop(&mut self) -> Vec<Ask> {
        let heard = self.trackers.iter_mut().enumerate().filter(|(_, tracker)| tracker.has_heard_started);
        heard
            .map(|(number, tracker)| {
                tracker.has_heard_started = false;
                Ask { tracker: TrackerId(number), url: tracker.url.clone(), event: Event::Stopped, scrape: false }
            })
            .collect()
    }

    /// Whether every tier has had its chance: one of its trackers has answered, or all have failed once.
    pub fn is_first_round_over(&self) -> bool {
        self.tiers.iter().all(|tier| {
            let answered = |id: &TrackerId| self.trackers[id.0].has_heard_started;
            tier.order.iter().any(answered) || tier.order.iter().all(|id| self.trackers[id.0].asked)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_us(7);

    fn url(name: &str) -> TrackerUrl {
        TrackerUrl::parse(&format!("http://{name}.example/announce")).unwrap()
    }

    fn announcer(tiers: &[&[&str]], change: impl FnOnce(&mut Limits)) -> Announcer {
        let mut limits = Limits::default();
        change(&mut limits);
        let tiers = tiers.iter().map(|tier| tier.iter().map(|name| url(name)).collect()).collect();
        Announcer::new(tiers, limits, Seed::new([1; 32]), START)
    }

    fn asked(announcer: &mut Announcer, now: Mono) -> Ask {
        match announcer.poll(now) {
            Step::Ask(ask) => ask,
            Step::Wait(_) => panic!("nothing is due"),
        }
    }

    const PEERS: Answer = Answer::Peers { interval_s: Some(100), min_interval_s: Some(120) };

    #[test]
    fn events_are_honest_and_intervals_respected() {
        let mut announcer = announcer(&[&["a"]], |_| {});
        let ask = asked(&mut announcer, START);
        assert_eq!((ask.event, ask.scrape), (Event::Started, true));
        assert_eq!(announcer.poll(START), Step::Wait(NEVER), "one question at a time");
        announcer.handle_answer(START, ask.tracker, Answer::Failed);
        let Step::Wait(retry) = announcer.poll(START) else { panic!("asked again at once") };
        assert!((15_000..16_600).contains(&retry.since_ms(START)));
        let ask = asked(&mut announcer, retry);
        assert_eq!((ask.event, ask.scrape), (Event::Started, false), "it has not heard of us yet");
        announcer.handle_answer(retry, ask.tracker, PEERS);
        assert_eq!(announcer.poll(retry), Step::Wait(retry.plus_ms(120_000)));
        assert_eq!(asked(&mut announcer, retry.plus_ms(120_000)).event, Event::None);
        assert_eq!(announcer.stop().iter().map(|ask| ask.event).collect::<Vec<_>>(), [Event::Stopped]);
        assert_eq!(announcer.stop(), []);
    }

    #[test]
    fn a_tier_goes_on_to_its_next_tracker_and_keeps_who_answers() {
        let mut announcer = announcer(&[&["a", "b", "c"]], |_| {});
        let first = asked(&mut announcer, START);
        announcer.handle_answer(START, first.tracker, Answer::Failed);
        assert!(!announcer.is_first_round_over());
        let second = asked(&mut announcer, START);
        assert_ne!(first.url, second.url);
        announcer.handle_answer(START, second.tracker, PEERS);
        assert!(announcer.is_first_round_over());
        let later = START.plus_ms(120_000);
        assert_eq!(announcer.poll(START), Step::Wait(later));
        assert_eq!(asked(&mut announcer, later).url, second.url);
        assert_eq!(announcer.stop().len(), 1, "only who heard of us");
    }

    #[test]
    fn every_tier_is_asked_unless_told_otherwise() {
        let mut every = announcer(&[&["a"], &["b"], &["a"]], |_| {});
        assert_eq!((asked(&mut every, START).url, asked(&mut every, START).url), (url("a"), url("b")));
        assert_eq!(every.poll(START), Step::Wait(NEVER));
        let mut first = announcer(&[&["a"], &["b"]], |limits| limits.reach = Reach::FirstAlive);
        let ask = asked(&mut first, START);
        assert_eq!(first.poll(START), Step::Wait(NEVER));
        first.handle_answer(START, ask.tracker, Answer::Failed);
        assert_eq!(asked(&mut first, START).url, url("b"));
    }

    #[test]
    fn trackers_are_shuffled_by_seed_and_bounded() {
        let names: Vec<String> = (0..30).map(|n| format!("t{n}")).collect();
        let tier = || vec![names.iter().map(|name| url(name)).collect::<Vec<_>>()];
        let first = |seed: u8| asked(&mut Announcer::new(tier(), Limits::default(), Seed::new([seed; 32]), START), START).url;
        assert_eq!(first(1), first(1));
        assert!((2..9).any(|seed| first(seed) != first(1)));
        let bounded = Announcer::new(tier(), Limits { trackers_max: 5, ..Limits::default() }, Seed::new([1; 32]), START);
        assert_eq!(bounded.trackers.len(), 5);
    }

    #[test]
    fn a_tracker_may_send_us_away() {
        let mut announcer = announcer(&[&["a"], &["b"]], |_| {});
        let (a, b) = (asked(&mut announcer, START), asked(&mut announcer, START));
        announcer.handle_answer(START, a.tracker, Answer::RetryIn { minutes: 90 });
        announcer.handle_answer(START, b.tracker, Answer::Never);
        assert_eq!(announcer.poll(START), Step::Wait(START.plus_ms(90 * 60_000)));
        assert!(announcer.is_first_round_over());
        let ask = asked(&mut announcer, START.plus_ms(90 * 60_000));
        assert_eq!(ask.url, url("a"));
        let far = Answer::Peers { interval_s: Some(u32::MAX), min_interval_s: None };
        announcer.handle_answer(START, ask.tracker, far);
        assert_eq!(announcer.poll(START), Step::Wait(START.plus_ms(u64::from(u32::MAX) * 1_000)));
    }
}
