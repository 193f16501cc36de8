use proptest::prelude::*;

use super::*;

const START: Mono = Mono::from_us(1_000_000);

fn relay(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 6881))
}

fn target(number: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 1], 10_000 + number))
}

fn punch(change: impl FnOnce(&mut Limits)) -> Punch {
    let mut limits = Limits { look_gap_ms: 0, ..Limits::default() };
    change(&mut limits);
    Punch::new(limits)
}

#[test]
fn whoever_named_a_peer_that_cannot_be_dialled_is_asked_and_the_peer_is_dialled_again() {
    let mut punch = punch(|_| {});
    punch.named(relay(1), target(1), true);
    assert_eq!(punch.poll(START), None, "nobody has failed to dial it");
    punch.unreached(target(1));
    assert_eq!(punch.poll(START), None, "the relay does not speak the extension for all that is known");
    punch.speaks(relay(1), true);
    assert_eq!(punch.poll(START), Some(relay(1)));
    assert_eq!(punch.begin(relay(1)), [target(1)]);
    assert_eq!((punch.poll(START), punch.next_due()), (None, None));
    assert_eq!(punch.finish(START, relay(1), &[target(1), target(2)]), [target(1)], "and nobody else");
    assert_eq!(punch.finish(START, relay(1), &[target(1)]), [], "once");
    punch.unreached(target(1));
    assert_eq!((punch.poll(START), punch.next_due()), (None, Some(START.plus_ms(30_000))));
    punch.reached(target(1));
    assert_eq!(punch.poll(START.plus_ms(30_000)), None);
}

#[test]
fn another_relay_is_asked_where_one_cannot_help_and_then_it_is_enough() {
    let mut punch = punch(|_| {});
    for number in [1, 2, 3] {
        punch.named(relay(number), target(1), number == 3);
        punch.speaks(relay(number), true);
    }
    punch.unreached(target(1));
    let mut asked = Vec::new();
    while let Some(relay) = punch.poll(START) {
        asked.push(relay);
        assert_eq!(punch.begin(relay), [target(1)]);
        assert_eq!(punch.finish(START, relay, &[]), []);
    }
    assert_eq!(asked, [relay(3), relay(1)], "first the one that says the peer speaks the extension, and two in all");
    punch.unreached(target(1));
    assert_eq!(punch.poll(START.plus_ms(30_000)), Some(relay(3)), "the next time it cannot be dialled it begins anew");
}

#[test]
fn one_contact_asks_for_several_and_one_relay_is_asked_for_so_many() {
    let mut punch = punch(|limits| (limits.targets_per_contact, limits.targets_per_relay, limits.relay_gap_ms) = (4, 6, 10));
    for number in 0..9 {
        punch.named(relay(1), target(number), true);
        punch.unreached(target(number));
    }
    punch.speaks(relay(1), true);
    assert_eq!(punch.poll(START), Some(relay(1)));
    assert_eq!(punch.begin(relay(1)).len(), 4);
    assert_eq!(punch.poll(START), None, "one contact at a time");
    punch.finish(START, relay(1), &[]);
    assert_eq!(punch.poll(START.plus_ms(9)), None);
    assert_eq!(punch.poll(START.plus_ms(10)), Some(relay(1)));
    assert_eq!(punch.begin(relay(1)).len(), 2);
    punch.finish(START.plus_ms(10), relay(1), &[]);
    assert_eq!((punch.poll(START.plus_ms(1_000)), punch.next_due()), (None, None));
}

#[test]
fn whoever_is_named_by_itself_or_beyond_the_limits_is_passed_over() {
    let mut punch = punch(|limits| (limits.targets_max, limits.relays_max, limits.relays_per_target) = (2, 6, 2));
    punch.named(relay(1), relay(1), true);
    for number in 1..=5 {
        punch.named(relay(number), target(1), true);
        punch.named(relay(1), target(u16::from(number)), true);
    }
    assert_eq!((punch.targets.len(), punch.targets[&target(1)].named_by.len(), punch.relays.len()), (2, 2, 2));
    for number in 8..20 {
        punch.speaks(relay(number), true);
        punch.speaks(relay(100 + number), false);
    }
    assert_eq!(punch.relays.len(), 6);
}

#[test]
fn all_are_looked_through_now_and_then_only() {
    let mut punch = punch(|limits| limits.look_gap_ms = 250);
    punch.named(relay(1), target(1), true);
    punch.unreached(target(1));
    assert_eq!(punch.poll(START), None);
    punch.speaks(relay(1), true);
    assert_eq!((punch.poll(START), punch.next_due()), (None, Some(START.plus_ms(250))));
    assert_eq!(punch.poll(START.plus_ms(250)), Some(relay(1)));
}

proptest! {
    /// Whatever happens in whatever order, nobody is asked more often than the limits say, nobody who was not named, and
    /// nobody is dialled for it who was not asked for.
    #[test]
    fn every_limit_holds(steps in prop::collection::vec((0u8..6, 1u8..4, 0u16..6, any::<bool>()), 0..300)) {
        let limits = Limits {
            targets_max: 5,
            relays_max: 2,
            busy_ms: 2,
            relays_per_target: 2,
            asks_per_target: 2,
            targets_per_contact: 2,
            targets_per_relay: 7,
            relay_gap_ms: 3,
            look_gap_ms: 1,
        };
        let mut punch = Punch::new(limits);
        let (mut now, mut named, mut open) = (START, BTreeSet::new(), BTreeMap::new());
        let (mut spent, mut last): (BTreeMap<_, u32>, BTreeMap<_, Mono>) = (BTreeMap::new(), BTreeMap::new());
        for (step, from, to, flag) in steps {
            now = now.plus_ms(1);
            let (from, to) = (relay(from), target(to));
            match step {
                0 => {
                    punch.named(from, to, flag);
                    named.insert((from, to));
                }
                1 => punch.speaks(from, flag),
                2 => punch.unreached(to),
                3 => punch.reached(to),
                4 => if let Some(relay) = punch.poll(now) {
                    if flag {
                        punch.postpone(now, relay);
                        prop_assert!(punch.poll(now) != Some(relay));
                        continue;
                    }
                    punch.hold(relay);
                    let wished = punch.begin(relay);
                    prop_assert!((1..=2).contains(&wished.len()));
                    prop_assert!(wished.iter().all(|target| named.contains(&(relay, *target))));
                    prop_assert!(last.get(&relay).is_none_or(|ended: &Mono| now >= ended.plus_ms(3)));
                    *spent.entry(relay).or_default() += wished.len() as u32;
                    prop_assert!(spent[&relay] <= 7);
                    prop_assert!(open.insert(relay, wished).is_none(), "one contact at a time");
                },
                _ => {
                    let Some(wished) = open.remove(&from) else {
                        prop_assert_eq!(punch.finish(now, from, &[to]), []);
                        continue;
                    };
                    let introduced = punch.finish(now, from, &vec![to; usize::from(flag)]);
                    prop_assert!(introduced.iter().all(|target| wished.contains(target)));
                    last.insert(from, now);
                }
            }
            prop_assert!(punch.targets.len() <= 5);
        }
    }
}
