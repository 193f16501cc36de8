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
    /// Torrents of which all eight keepers lie, so that nobody can find their peers.
    lost: usize,
    queries_median: u32,
    queries_max: u32,
    complete: usize,
    look_ups: usize,
    /// Honest nodes among the closest that were missed, of all such.
    missed: (usize, usize),
    agreed_percent: usize,
    ms_median: u64,
}

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
        let is_lost = !world.closest(&place(hash)).iter().any(|node| world.is_honest(node.address));
        lost += usize::from(is_lost);
        found += peers.iter().filter(|peer| named.contains(peer)).count();
        complete += usize::from(report.ending == Ending::Complete);
        let settled: BTreeSet<_> = report.closest.iter().map(|settled| settled.node.address).collect();
        for node in world.closest(&place(hash)).iter().filter(|node| world.is_honest(node.address)) {
            missed.0 += usize::from(!settled.contains(&node.address));
            missed.1 += 1;
        }
        agreed = (agreed.0 + report.agreed(), agreed.1 + report.closest.len());
        durations.push((report.ended.mono_us - report.began.mono_us) / 1000);
        queries.push(report.queries);
    }
    queries.sort_unstable();
    durations.sort_unstable();
    let tally = Tally {
        recall_permille: found * 1000 / ((look_ups - lost) * 3),
        lost,
        queries_median: queries[look_ups / 2],
        queries_max: queries[look_ups - 1],
        complete,
        look_ups,
        missed,
        agreed_percent: agreed.0 * 100 / agreed.1.max(1),
        ms_median: durations[look_ups / 2],
    };
    println!("{name}: {tally:?}");
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
        let tally = tally("honest", Options { family, ..Options::default() }, 100);
        assert_eq!((tally.recall_permille, tally.complete), (1000, tally.look_ups));
        assert!(tally.queries_median <= 21, "{tally:?}");
        assert_eq!(tally.missed.0, 0, "{tally:?}");
    }
}

#[test]
fn poisoned_networks() {
    for family in Family::ALL {
        for poisoned_percent in [10, 50] {
            tally("poisoned", Options { family, poisoned_percent, ..Options::default() }, 100);
        }
    }
    for lie in Lie::ALL {
        let options = Options { poisoned_percent: 50, lies: vec![lie], ..Options::default() };
        tally(&format!("{lie:?}"), options.clone(), 100);
        tally(&format!("{lie:?} no match"), Options { matching_percent: 0, ..options.clone() }, 100);
        tally(&format!("{lie:?} half match, loss"), Options { matching_percent: 50, loss_percent: 5, ..options }, 100);
    }
}
