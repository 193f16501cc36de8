mod takes_part;
mod world;

use core::net::SocketAddr;
use std::collections::BTreeSet;

use super::*;
use world::{Lie, Options, World, place};

/// What many look-ups came to.
#[derive(Debug)]
struct Tally {
    /// Peers found, of those that at least one honest node keeps, in tenths of a per cent.
    recall_permille: usize,
    queries_median: u32,
    queries_max: u32,
    /// Look-ups in which all of the closest nodes answered.
    complete: usize,
    look_ups: usize,
    /// Honest nodes among the eight closest that were missed, of all such.
    missed: (usize, usize),
}

/// Looks up many torrents, one after the other, and prints what came of it.
fn tally(name: &str, options: Options, look_ups: usize) -> Tally {
    let mut world = World::new(options, |_| {}, None);
    world.dht.bootstrap(world.now());
    world.run_ms(60_000);
    let family = world.options.family;
    let (mut queries, mut durations, mut found, mut complete) = (Vec::new(), Vec::new(), 0, 0);
    let (mut missed, mut agreed, mut lost) = ((0, 0), (0, 0), 0);
    for at in 0..look_ups {
        let hash = world.random_hash();
        let peers: Vec<SocketAddr> = (0..3).map(|n| SocketAddr::new([198, 51, 100, n].into(), 10_000 + at as u16)).collect();
        world.share(hash, &peers);
        let search = world.dht.find_peers(world.now(), hash, family).unwrap();
        let report = world.run_search(search);
        let named: BTreeSet<SocketAddr> = world.events.drain(..).filter_map(heard).flatten().collect();
        found += peers.iter().filter(|peer| named.contains(peer)).count();
        complete += usize::from(report.ending == Ending::Complete);
        let settled: BTreeSet<_> = report.closest.iter().map(|settled| settled.node.address).collect();
        let keepers: Vec<_> = world.closest(&place(hash)).into_iter().filter(|node| world.is_honest(node.address)).collect();
        // Where all eight keepers lie, nobody can find the peers.
        lost += usize::from(keepers.is_empty());
        missed.0 += keepers.iter().filter(|node| !settled.contains(&node.address)).count();
        missed.1 += keepers.len();
        agreed = (agreed.0 + report.agreed(), agreed.1 + report.closest.len());
        durations.push((report.ended.mono_us - report.began.mono_us) / 1000);
        queries.push(report.queries);
    }
    queries.sort_unstable();
    durations.sort_unstable();
    let tally = Tally {
        recall_permille: found * 1000 / ((look_ups - lost) * 3),
        queries_median: queries[look_ups / 2],
        queries_max: queries[look_ups - 1],
        complete,
        look_ups,
        missed,
    };
    let agreed_percent = agreed.0 * 100 / agreed.1.max(1);
    println!("{name}: {tally:?}, lost {lost}, agreed {agreed_percent} %, median {} ms", durations[look_ups / 2]);
    // The bounds hold whatever is said.
    assert!(tally.queries_max <= Limits::default().queries_max);
    assert!(durations[look_ups - 1] <= Limits::default().look_up_ms + Limits::default().answer_ms);
    // A victim is left alone for longer and longer: four queries at a time, then one for each doubling of the pause.
    let at_victim = world.sent.get(&world.victim()).copied().unwrap_or(0);
    assert!(at_victim <= 4 + 11, "{at_victim} queries to one victim");
    tally
}

fn heard(event: Event) -> Option<Vec<SocketAddr>> {
    match event {
        Event::Peers(hearsay) => Some(hearsay.peers),
        _ => None,
    }
}

#[test]
fn an_honest_network_is_searched_completely_with_few_queries() {
    for family in Family::ALL {
        for matching_percent in [100, 50, 0] {
            let tally = tally("honest", Options { family, matching_percent, ..Options::default() }, 25);
            assert_eq!((tally.recall_permille, tally.complete, tally.missed.0), (1000, tally.look_ups, 0));
            assert!(tally.queries_median <= 21, "{tally:?}");
        }
    }
}

#[test]
fn loss_and_latency_cost_queries_but_no_peers() {
    for loss_percent in [5, 20] {
        let tally = tally("loss", Options { loss_percent, latency_ms: (50, 1_200), ..Options::default() }, 25);
        assert!(tally.recall_permille >= 990, "{tally:?}");
        assert!(tally.queries_median <= 40, "{tally:?}");
    }
}

#[test]
fn peers_are_found_among_liars_of_every_kind() {
    for family in Family::ALL {
        for poisoned_percent in [10, 50] {
            let options = Options { family, poisoned_percent, loss_percent: 2, ..Options::default() };
            let tally = tally(&format!("{family:?}, {poisoned_percent} % poisoned"), options, 25);
            assert!(tally.recall_permille >= 990, "{tally:?}");
        }
    }
}

#[test]
fn no_single_kind_of_lie_hides_peers() {
    for lie in Lie::ALL {
        let options = Options { poisoned_percent: 50, lies: vec![lie], ..Options::default() };
        let tally = tally(&format!("50 % {lie:?}"), options, 25);
        assert!(tally.recall_permille >= 990, "{lie:?} {tally:?}");
    }
}

/// Without ids to check, an honest node differs from an invented one in nothing but whom it knows. Whoever owns nodes in
/// hundreds of networks then does hide peers; whoever owns four networks does not.
#[test]
fn peers_are_found_where_no_id_can_be_checked() {
    let options = Options { poisoned_percent: 50, matching_percent: 0, sybils: 1_024, ..Options::default() };
    for lie in [Lie::Inventions, Lie::Sybils, Lie::Spread, Lie::Forged] {
        let tally = tally(&format!("50 % {lie:?}, ids unchecked"), Options { lies: vec![lie], ..options.clone() }, 25);
        assert!(tally.recall_permille >= 990, "{lie:?} {tally:?}");
    }
    for poisoned_percent in [10, 50] {
        let options = Options { poisoned_percent, ..options.clone() };
        let tally = tally(&format!("{poisoned_percent} % poisoned, ids unchecked"), options, 25);
        assert!(tally.recall_permille >= 990, "{tally:?}");
    }
}
