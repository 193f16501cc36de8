//! Peers that name others: whoever is known through them alone is found and proved, and nobody is hammered for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use evidence::observation::Source;
use evidence::{Exclusion, Grade, Outcome, sha256};
use swarm::transcript::{self, Record};
use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::gossip::{Gossip, Word};
use swarmlab::torrent::{Shape, SyntheticTorrent};

use crate::lab::station::{Log, Station};
use crate::lab::torrent::{PIECE_BYTES, Torrent};
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 132;

pub struct Scene {
    pub farm: Farm,
    pub torrent: Torrent,
}

/// Peers that all share.
pub async fn scene() -> Scene {
    let torrent = SyntheticTorrent::new("film", 7, Shape::File { length: 300_000 }, PIECE_BYTES, &[]).unwrap();
    let ours = Torrent::of_farm(&torrent);
    let farm = Farm::start(FarmConfig::new(vec![Arc::new(torrent)], Mix::only(Behaviour::Seed))).await.unwrap();
    Scene { farm, torrent: ours }
}

impl Scene {
    pub fn peer(&self, test: u8, host: u16) -> SocketAddr {
        address(test, host, self.farm.port())
    }

    pub fn say(&self, words: &[(SocketAddr, Word)]) {
        let by_host: BTreeMap<IpAddr, Word> = words.iter().map(|(peer, word)| (peer.ip(), word.clone())).collect();
        self.farm.set_gossip(Gossip { others: None, by_host });
    }

    /// Watches with a tracker that names `listed`.
    async fn watch(&self, test: u8, listed: &[SocketAddr]) -> Log {
        let at = address(test, 60_000, 7_000);
        tracker::http(at, "200 OK", tracker::announce(listed)).await;
        let target = target(&self.torrent, &[&format!("http://{at}/announce")]);
        let (summary, log) = Station::found().watch(plan(test, vec![target])).await;
        assert_eq!(summary.unwrap().reason, crawler::Reason::Idle);
        log
    }
}

fn grade(log: &Log, peer: SocketAddr) -> Option<Grade> {
    log.of(peer).first().map(|observation| observation.grade)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_known_through_others_alone_is_found_and_proved() {
    let scene = scene().await;
    let [a, b, c, d] = [1, 700, 1_400, 2_100].map(|host| scene.peer(TEST, host));
    let words = [(a, Word::Names(vec![b, c, a])), (b, Word::Names(vec![d, a]))];
    scene.say(&words);
    let log = scene.watch(TEST, &[a]).await;
    assert!([a, b, c, d].iter().all(|peer| grade(&log, *peer) == Some(Grade::Served)), "by each other's word alone");

    // Every list was logged before anybody on it was contacted, and says who said so in which message.
    for (peer, teller, word, index) in [(b, a, &words[0].1, 0), (c, a, &words[0].1, 1), (d, b, &words[1].1, 0)] {
        let observation = log.of(peer)[0];
        let found = observation.found.as_ref().unwrap();
        assert_eq!((found.source, found.via.as_str(), found.index), (Source::Pex, "pex", index));
        let (commitment, list) = log.lists.iter().find(|(commitment, _)| *commitment == found.list).unwrap();
        assert_eq!((list.source, list.via.clone(), list.peers[index as usize]), (Source::Pex, format!("pex:{teller}"), peer));
        let place = |kind: char, digest| log.order.iter().position(|entry| *entry == (kind, digest)).unwrap();
        let digest = log.observations.iter().find(|(_, other)| std::ptr::eq(other, observation)).unwrap().0;
        assert!(place('l', *commitment) < place('o', digest));
        assert_eq!(list.answer_sha256, sha256(&word.encode(2)[6..]), "the payload's digest");
        assert_eq!(list.at, found.at);
        // The teller's transcript has the same digest, and the address of none of those it named.
        let transcript = &log.transcripts[&log.of(teller)[0].transcript_sha256.unwrap()];
        let mut digests = transcript::parse(transcript).unwrap().into_iter().filter_map(|record| match record {
            Record::Digested { rest_sha256, .. } => Some(rest_sha256),
            _ => None,
        });
        assert!(digests.any(|digest| digest == list.answer_sha256));
        let IpAddr::V4(named) = peer.ip() else { unreachable!() };
        assert!(!transcript.windows(4).any(|bytes| bytes == named.octets()), "{peer} in the transcript of {teller}");
    }
    assert!(!log.lists.iter().any(|(_, list)| list.source == Source::Pex && list.via == format!("pex:{d}")));
    assert_eq!(log.lists.len(), 3, "a tracker's, and one of each that had something to say");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_made_up_addresses_costs_little() {
    let scene = scene().await;
    let teller = scene.peer(TEST + 1, 1);
    let victim: Vec<SocketAddr> = (2_000..2_600).map(|port| address(TEST + 1, 500, port)).collect();
    let scattered: Vec<SocketAddr> = (10..200).map(|net| address(TEST + 1, net * 256 + 1, 6_881)).collect();
    let own: SocketAddr = "127.133.255.1:6881".parse().unwrap();
    let odd: Vec<SocketAddr> = ["192.0.2.7:6881", "127.133.0.9:25"].map(|text| text.parse().unwrap()).to_vec();
    let flood = [&[own][..], &victim, &odd, &scattered, &victim, &scattered].concat();
    scene.say(&[(teller, Word::Floods(flood.clone()))]);
    let log = scene.watch(TEST + 1, &[teller]).await;
    assert_eq!(grade(&log, teller), Some(Grade::Served), "it shares all the same");

    let [_, (_, list)] = &log.lists[..] else { panic!("the tracker's list and one message of the flood") };
    assert_eq!(list.source, Source::Pex);
    assert_eq!(list.peers.len(), 50, "whoever has not served by then may name fifty");
    assert_eq!(list.dropped as usize, 1_000 - 50, "what one message named and was not taken");
    assert_eq!(list.peers[..8], victim[..8], "eight ports of one address");
    assert_eq!(list.peers[8..10], odd[..]);
    assert_eq!(list.peers[10..], scattered[..40]);
    for (peer, rule) in [(odd[0], Exclusion::OutsideLaboratory), (odd[1], Exclusion::Port)] {
        assert_eq!(log.of(peer)[0].outcome, Outcome::Excluded { rule });
    }
    // Each has its observation, and nobody else has one: no address of ours among them.
    let accounted: BTreeSet<SocketAddr> = log.observations.iter().map(|(_, observation)| observation.peer).collect();
    let named: BTreeSet<SocketAddr> = list.peers.iter().copied().chain([teller]).collect();
    assert_eq!(accounted, named);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn babble_is_passed_over() {
    let scene = scene().await;
    let babbles: [&[u8]; 4] = [b"", b"d5:added5:abcdee", b"d5:added6:", b"le"];
    let peers: Vec<SocketAddr> = (1..=4).map(|host| scene.peer(TEST + 2, host)).collect();
    let words: Vec<_> = peers.iter().copied().zip(babbles.map(|bytes| Word::Babbles(bytes.to_vec()))).collect();
    scene.say(&words);
    let log = scene.watch(TEST + 2, &peers).await;
    assert!(peers.iter().all(|peer| grade(&log, *peer) == Some(Grade::Served)));
    assert_eq!(log.lists.len(), 1);
}
