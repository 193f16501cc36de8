//! A private torrent (BEP 27): its own trackers name its peers, each for itself, and nobody else does.

use std::collections::BTreeSet;

use crawler::WatchPlan;
use evidence::Grade;
use evidence::observation::Source;
use evidence::run::Fact;
use swarmlab::dht::{DhtConfig, DhtFarm, Place};
use swarmlab::gossip::Word;
use wire::extension::{ExtensionHandshake, UT_HOLEPUNCH, UT_PEX};
use wire::handshake;
use wire::message::{Decoder, Message};

use crate::dht::dht;
use crate::gossip::scene;
use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 140;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_magnet_and_other_peers_say_is_passed_over() {
    let scene = scene().await;
    let [listed, gossiped, in_magnet, in_dht] = [1, 700, 1_400, 2_100].map(|host| scene.peer(TEST, host));
    scene.say(&[(listed, Word::Names(vec![gossiped]))]);
    let [one, other] = [address(TEST, 60_000, 7_000), address(TEST, 60_001, 7_000)];
    let asked = [
        tracker::http(one, "200 OK", tracker::announce(&[listed])).await,
        tracker::http(other, "200 OK", tracker::announce(&[listed])).await,
    ];
    let target = |is_private, trackers: &[std::net::SocketAddr]| {
        let urls: Vec<String> = trackers.iter().map(|at| format!("http://{at}/announce")).collect();
        let mut target = target(&scene.torrent, &urls.iter().map(String::as_str).collect::<Vec<_>>());
        (target.is_private, target.peers) = (is_private, vec![in_magnet]);
        target
    };
    let place = Place::Loopback { octet: 160 };
    let nodes = DhtFarm::start(DhtConfig { place, nodes: 60, poisoned_percent: 0, ..DhtConfig::default() }).await.unwrap();
    assert!(nodes.share(wire::infohash::InfoHashV1(scene.torrent.hash()), &[in_dht]) > 0);
    let with_dht = |target| WatchPlan { dht: Some(dht(&nodes)), ..plan(TEST, vec![target]) };
    let (summary, log) = Station::found().watch(with_dht(target(true, &[one, other]))).await;
    assert_eq!(summary.unwrap().progress.peers, 1);
    assert_eq!(log.of(listed)[0].grade, Grade::Served, "the tracker's peer is proved");
    assert!(log.lists.iter().all(|(_, list)| list.source == Source::Tracker && list.peers == [listed]));
    assert!(!log.facts.iter().any(|fact| matches!(fact, Fact::LookedUp { .. })), "no node is told its name");
    for passed_over in [gossiped, in_magnet, in_dht] {
        assert!(log.of(passed_over).is_empty());
        assert_eq!(scene.farm.report().at(passed_over.ip()).connects, 0);
    }

    // Each tracker knows us by another name, which it keeps from start to stop.
    let at_once = one;
    let names = asked.map(|asked| {
        let asked = asked.lock().unwrap();
        let field = |request: &String, name: &str| {
            request.split(['?', '&', ' ']).find_map(|part| part.strip_prefix(name).map(str::to_owned)).unwrap()
        };
        let announces = asked.iter().filter(|request| request.contains("&event="));
        announces.map(|request| (field(request, "peer_id="), field(request, "key="))).collect::<BTreeSet<_>>()
    });
    let [one, other] = names.map(Vec::from_iter);
    let ([one], [other]) = (&one[..], &other[..]) else { panic!("one name each: {one:?} {other:?}") };
    assert!(one.0 != other.0 && one.1 != other.1, "{one:?} {other:?}");

    // The same torrent without the flag hears all of them.
    let (_, log) = Station::found().watch(with_dht(target(false, &[at_once]))).await;
    assert!([listed, gossiped, in_magnet, in_dht].iter().all(|peer| log.of(*peer)[0].grade == Grade::Served));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_calls_is_taken_and_not_asked_about_others() {
    let torrent = std::sync::Arc::new(crate::lab::torrent::Torrent::new("private"));
    let (own, caller) = (address(TEST + 1, 254, 6_999), address(TEST + 1, 1, 40_001));
    let mut target = target(&torrent, &[]);
    target.is_private = true;
    let mut plan = plan(TEST + 1, vec![target]);
    plan.listen = vec![own];
    plan.until = crawler::Until::Duration(3_000);
    let watching = tokio::spawn(Station::found().watch(plan));
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(own).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let received = peer::dial(Kind::Seed, &torrent, caller, own).await;
    let (summary, log) = watching.await.unwrap();
    summary.unwrap();
    assert_eq!(log.of(caller)[0].grade, Grade::Served);
    peer::assert_harmless(&received);
    let said = received.lock().unwrap()[0].clone();
    // We answer the caller's handshake with ours, and then say what we speak.
    let (message, _) = Decoder::default().decode(&said[handshake::LENGTH..]).unwrap().unwrap();
    let Message::Extended { id: 0, payload } = message else { panic!("{message:?}") };
    let offered = ExtensionHandshake::parse(payload).unwrap();
    assert!([UT_PEX, UT_HOLEPUNCH].iter().all(|name| offered.message_id(name).is_none()), "{offered:?}");
}
