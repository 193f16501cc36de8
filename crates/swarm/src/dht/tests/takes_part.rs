//! What the engine says and whom it answers, apart from how well it finds.

use core::net::SocketAddr;
use core::num::NonZeroU16;

use evidence::observation::Source;
use evidence::{InfoHashV1, Mono, Now, RunId, TargetIds, Utc};
use wire::krpc::{self, Ask, Body, Message, Query};

use super::world::{Lie, OWN_V4, Options, World, place};
use super::*;
use crate::{Scope, Seed};

const OTHER: NodeId = NodeId([9; 20]);

fn settled(options: Options, change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::new(options, change, None);
    world.dht.bootstrap(world.now());
    world.run_ms(30_000);
    world.events.clear();
    world
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// What the engine sends in answer to this query.
fn answers(world: &mut World, from: &str, ask: Ask<'_>) -> Vec<Vec<u8>> {
    let datagram = krpc::encode_query(b"qq", &Query { id: OTHER, ask, want: None }, true);
    world.dht.handle_input(world.now(), Input::Received { from: address(from), datagram: &datagram });
    let mut sent = Vec::new();
    loop {
        match world.dht.poll_output() {
            Output::Send { to, datagram } if to == address(from) => sent.push(datagram),
            Output::Wait(_) => return sent,
            _ => {}
        }
    }
}

fn answer_of(datagram: &[u8]) -> Body<'_> {
    Message::parse(datagram, &krpc::Limits::default()).unwrap().body
}

#[test]
fn a_read_only_node_says_so_and_answers_nobody() {
    let mut world = settled(Options::default(), |_| {});
    assert!(answers(&mut world, "127.10.0.1:6881", Ask::Ping).is_empty());
    world.dht.find_peers(world.now(), InfoHashV1::from([7; 20]), Family::V4).unwrap();
    let Output::Send { datagram, .. } = world.dht.poll_output() else { panic!() };
    assert!(Message::parse(&datagram, &krpc::Limits::default()).unwrap().read_only);
}

#[test]
fn a_full_node_names_nodes_but_no_peers_and_takes_no_announces() {
    let mut world = settled(Options::default(), |config| config.read_only = false);
    let own = world.dht.own_id(Family::V4).unwrap();
    let hash = wire::infohash::InfoHashV1([7; 20]);
    let target = NodeId([7; 20]);
    let ping = answers(&mut world, "127.20.0.1:6881", Ask::Ping);
    assert!(matches!(answer_of(&ping[0]), Body::Answer(answer) if answer.id == own && answer.nodes.is_empty()));
    for (at, ask) in [Ask::FindNode { target }, Ask::GetPeers { info_hash: hash }].into_iter().enumerate() {
        let sent = answers(&mut world, &format!("127.20.0.{}:6881", at + 2), ask);
        let Body::Answer(answer) = answer_of(&sent[0]) else { panic!() };
        assert_eq!((answer.nodes.len(), answer.nodes6.len(), answer.values, answer.token), (CLOSEST, 0, None, None));
    }
    let announce = Ask::AnnouncePeer { info_hash: hash, port: Some(6881), token: b"x" };
    let refused = answers(&mut world, "127.20.0.5:6881", announce);
    assert!(matches!(answer_of(&refused[0]), Body::Error { code: 203, .. }));
    let unknown = answers(&mut world, "127.20.0.6:6881", Ask::SampleInfohashes { target });
    assert!(matches!(answer_of(&unknown[0]), Body::Error { code: 204, .. }));
    // Outside the scope nobody is answered, and nobody can have another address flooded.
    assert!(answers(&mut world, "192.0.2.1:6881", Ask::Ping).is_empty());
    let flood: usize = (0..100).map(|_| answers(&mut world, "127.20.0.7:6881", Ask::Ping).len()).sum();
    assert_eq!(flood, Limits::default().answers_per_address_second as usize);
}

#[test]
fn nobody_is_answered_at_port_0() {
    let mut world = settled(Options::default(), |config| config.read_only = false);
    assert!(answers(&mut world, "127.10.0.1:0", Ask::Ping).is_empty());
    assert_eq!(answers(&mut world, "127.10.0.1:1", Ask::Ping).len(), 1);
}

#[test]
fn who_asks_a_full_node_is_known_only_after_he_has_answered() {
    let mut world = settled(Options::default(), |config| config.read_only = false);
    let from = address("127.30.0.1:6881");
    let datagram = krpc::encode_query(b"qq", &Query { id: OTHER, ask: Ask::Ping, want: None }, false);
    world.post(from, world.own(), datagram);
    world.run_ms(10_000);
    assert!(world.sent[&from] >= 2, "an answer and a question");
    assert!(world.dht.snapshot().nodes.iter().all(|(node, _)| node.address != from));
}

#[test]
fn announces_only_where_configured_and_at_the_configured_port() {
    let hash = InfoHashV1::from([5; 20]);
    let mut world = settled(Options::default(), |_| {});
    assert_eq!(world.dht.announce(world.now(), hash, Family::V4), Err(NotBegun::AnnounceOff));
    assert_eq!(world.dht.find_peers(world.now(), hash, Family::V6), Err(NotBegun::NoSocket));
    let options = Options { poisoned_percent: 50, lies: vec![Lie::Forbidden], ..Options::default() };
    let mut world = settled(options, |config| config.announce = [NonZeroU16::new(51_413), None]);
    let search = world.dht.find_peers(world.now(), hash, Family::V4).unwrap();
    world.run_search(search);
    assert_eq!(world.accepted_announces, 0);
    let search = world.dht.announce(world.now(), hash, Family::V4).unwrap();
    world.run_search(search);
    world.run_ms(5_000);
    let verdict = |event: &Event| match event {
        Event::Announced { search: about, answer, .. } if *about == search => Some(*answer),
        _ => None,
    };
    let verdicts: Vec<_> = world.events.iter().filter_map(verdict).collect();
    let honest = world.closest(&place(hash)).iter().filter(|node| world.is_honest(node.address)).count();
    assert!(honest > 0 && verdicts.iter().filter(|verdict| **verdict == Some(Ok(()))).count() >= honest);
    assert!(verdicts.contains(&Some(Err(203))), "liars' tokens are not accepted, and that is known");
    world.events.clear();
    let search = world.dht.find_peers(world.now(), hash, Family::V4).unwrap();
    world.run_search(search);
    let own = SocketAddr::new(address(OWN_V4).ip(), 51_413);
    assert!(world.events.drain(..).filter_map(heard).any(|peers| peers.contains(&own)));
}

#[test]
fn every_list_of_peers_has_its_provenance() {
    let mut world = settled(Options::default(), |_| {});
    let (hash, peer) = (world.random_hash(), address("198.51.100.7:6881"));
    world.share(hash, &[peer]);
    let search = world.dht.find_peers(world.now(), hash, Family::V4).unwrap();
    let report = world.run_search(search);
    assert_eq!((report.aim, report.ending, report.crowded), (Aim::Peers(hash), Ending::Complete, false));
    assert_eq!(report.agreed(), report.closest.len());
    let lists: Vec<_> =
        world.events.iter().filter_map(|event| if let Event::Peers(hearsay) = event { Some(hearsay) } else { None }).collect();
    assert_eq!(lists.len(), CLOSEST);
    for hearsay in lists {
        assert!(world.closest(&place(hash)).contains(&hearsay.node) && hearsay.is_whom_we_asked);
        assert_eq!((hearsay.check, hearsay.sha256), (IdCheck::Matches, evidence::sha256(&hearsay.datagram)));
        assert!(report.began <= hearsay.at && hearsay.at <= report.ended);
        let target = TargetIds { v1: Some(hash), v2: None };
        let candidates = hearsay.candidates(RunId::from([1; 8]), target, evidence::Version::V1);
        assert_eq!((candidates.source, &candidates.peers[..], candidates.dropped), (Source::Dht, &[peer][..], 0));
        assert_eq!(candidates.via, format!("dht:{}@{}", hearsay.node.id, hearsay.node.address));
        assert!(!format!("{hearsay:?}").contains("198.51"));
    }
}

#[test]
fn a_survey_asks_nobody_twice_within_his_interval() {
    let mut world = settled(Options::default(), |_| {});
    let hash = world.random_hash();
    world.share(hash, &[address("198.51.100.7:6881")]);
    let sampled = |world: &mut World| -> Vec<Sampled> {
        let search = world.dht.survey(world.now(), place(hash), Family::V4).unwrap();
        world.run_search(search);
        let events = world.events.drain(..);
        events.filter_map(|event| if let Event::Sampled(sampled) = event { Some(*sampled) } else { None }).collect()
    };
    let first = sampled(&mut world);
    assert!(first.iter().filter(|sampled| sampled.info_hashes == [hash]).count() == CLOSEST, "{first:?}");
    assert_eq!((first[0].interval_s, first[0].count), (Some(600), Some(1)));
    assert!(sampled(&mut world).is_empty());
    world.run_ms(600_000);
    assert!(!sampled(&mut world).is_empty());
}

#[test]
fn a_table_is_kept_across_runs() {
    let world = settled(Options::default(), |_| {});
    let known = world.dht.good_nodes(world.now(), Family::V4);
    let size = world.dht.network_size(world.now(), Family::V4).unwrap();
    assert!(known >= 20 && (80..=800).contains(&size), "{known} nodes known of {size}");
    let mut kept = Snapshot::parse(&world.dht.snapshot().to_text()).unwrap();
    kept.nodes.push((Node { id: OTHER, address: address("192.0.2.1:6881") }, Utc::from_ms(0)));
    let mut world = World::new(Options::default(), |config| config.bootstrap.clear(), Some(&kept));
    assert_eq!(world.dht.own_id(Family::V4), Some(kept.id4));
    assert_eq!(world.dht.good_nodes(world.now(), Family::V4), 0, "nobody is good who has not answered in this run");
    let (hash, peer) = (world.random_hash(), address("198.51.100.7:6881"));
    world.share(hash, &[peer]);
    let search = world.dht.find_peers(world.now(), hash, Family::V4).unwrap();
    assert_eq!(world.run_search(search).ending, Ending::Complete);
    assert!(world.events.drain(..).filter_map(heard).any(|peers| peers == [peer]));
}

#[test]
fn without_anybody_to_ask_a_look_up_ends_in_silence() {
    let mut world = World::new(Options::default(), |config| config.bootstrap.clear(), None);
    let search = world.dht.find_peers(world.now(), InfoHashV1::from([7; 20]), Family::V4).unwrap();
    let report = world.run_search(search);
    assert_eq!((report.ending, report.queries), (Ending::Silence, 0));
}

#[test]
fn a_look_up_can_be_called_off_and_their_number_is_bounded() {
    let mut world = settled(Options::default(), |config| config.limits.look_ups_max = 1);
    let search = world.dht.find_peers(world.now(), InfoHashV1::from([7; 20]), Family::V4).unwrap();
    let second = world.dht.find_peers(world.now(), InfoHashV1::from([8; 20]), Family::V4);
    assert_eq!(second, Err(NotBegun::Busy));
    world.dht.cancel(world.now(), search);
    assert_eq!(world.run_search(search).ending, Ending::Cancelled);
    assert!(world.dht.find_peers(world.now(), InfoHashV1::from([8; 20]), Family::V4).is_ok());
}

#[test]
fn only_whom_we_asked_can_answer() {
    let now = Now { mono: Mono::from_us(1), utc: Utc::from_ms(1_788_264_000_000) };
    let scope = Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
    let asked = address("127.0.0.2:6881");
    let config = Config { v6: false, bootstrap: vec![asked], ..Config::default() };
    let mut dht = Dht::new(config, scope, None, Seed::new([4; 32]), now);
    dht.find_peers(now, InfoHashV1::from([7; 20]), Family::V4).unwrap();
    let Output::Send { to, datagram } = dht.poll_output() else { panic!() };
    assert_eq!(to, asked);
    let query = Message::parse(&datagram, &krpc::Limits::default()).unwrap();
    assert_eq!(query.transaction.len(), 4);
    let answer = |transaction: &[u8]| {
        [b"d1:rd2:id20:abcdefghij01234567896:valuesl6:\xc0\x00\x02\x01\x1a\xe1ee1:t4:", transaction, b"1:y1:re"].concat()
    };
    let other = [query.transaction[0] ^ 1, query.transaction[1], query.transaction[2], query.transaction[3]];
    for (from, transaction) in
        [("127.0.0.2:6882", query.transaction), ("127.0.0.3:6881", query.transaction), ("127.0.0.2:6881", &other)]
    {
        dht.handle_input(now, Input::Received { from: address(from), datagram: &answer(transaction) });
        assert!(matches!(dht.poll_output(), Output::Wait(_)));
    }
    dht.handle_input(now, Input::Received { from: asked, datagram: b"garbage" });
    assert_eq!((dht.ignored(), dht.open_queries()), (4, 1));
    dht.handle_input(now, Input::Received { from: asked, datagram: &answer(query.transaction) });
    assert!(matches!(dht.poll_output(), Output::Event(Event::Peers(_))));
    // A second answer to the same question is none.
    dht.handle_input(now, Input::Received { from: asked, datagram: &answer(query.transaction) });
    assert_eq!((dht.ignored(), dht.open_queries()), (5, 0));
}
