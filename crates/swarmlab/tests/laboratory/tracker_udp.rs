//! The tracker over UDP, asked and read with `wire`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use swarmlab::tracker::{AnnounceEvent, Lies, Malformed, Tracker, TrackerConfig, Transport};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;
use wire::tracker_http::Event;
use wire::tracker_udp::{
    Action, AddressFamily, AnnounceAnswer, AnnounceRequest, Answer, Error, Expected, ScrapeCounts, connect, scrape,
};
use wire::tracker_url::TrackerUrl;

const HASH: InfoHashV1 = InfoHashV1([0xa7; 20]);

struct Asker {
    socket: UdpSocket,
}

impl Asker {
    async fn new(tracker: &Tracker, host: u8) -> Self {
        let url = TrackerUrl::parse(&tracker.udp_url()).unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 202, 0, host), 0)).await.unwrap();
        socket.connect((url.host(), url.port())).await.unwrap();
        Self { socket }
    }

    async fn ask(&self, packet: &[u8], action: Action, torrents: usize) -> Result<Answer, Error> {
        self.socket.send(packet).await.unwrap();
        let mut buffer = vec![0; 65_536];
        let length = timeout(Duration::from_secs(5), self.socket.recv(&mut buffer)).await.unwrap().unwrap();
        let expected = Expected { action, transaction_id: 42, family: AddressFamily::V4, torrents };
        Answer::parse(&buffer[..length], &expected)
    }

    async fn connection(&self) -> u64 {
        match self.ask(&connect(42), Action::Connect, 0).await.unwrap() {
            Answer::Connect { connection_id } => connection_id,
            other => panic!("{other:?}"),
        }
    }

    async fn announce(&self, request: &AnnounceRequest<'_>) -> AnnounceAnswer {
        match self.ask(&request.encode(), Action::Announce, 0).await.unwrap() {
            Answer::Announce(answer) => answer,
            other => panic!("{other:?}"),
        }
    }
}

fn request(connection_id: u64, event: Option<Event>, numwant: Option<u32>) -> AnnounceRequest<'static> {
    AnnounceRequest {
        connection_id,
        transaction_id: 42,
        info_hash: HASH,
        peer_id: PeerId(*b"-AF0100-abcdefghijkl"),
        downloaded: 5,
        left: 7,
        event,
        key: 1,
        numwant,
        port: 6_881,
        url_data: "/announce",
    }
}

#[tokio::test]
async fn peers_come_learn_of_each_other_and_go() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let (one, two) = (Asker::new(&tracker, 1).await, Asker::new(&tracker, 2).await);
    let id = one.connection().await;
    let first = one.announce(&request(id, Some(Event::Started), None)).await;
    assert_eq!((first.interval_s, first.incomplete, first.complete, first.peers.len()), (60, 1, 0, 0));
    tracker.list(HASH, ["127.64.1.1:5".parse().unwrap(), "[::1]:6".parse().unwrap()], 0);
    let second = two.announce(&request(two.connection().await, None, None)).await;
    let due: [SocketAddr; 2] = ["127.64.1.1:5".parse().unwrap(), "127.202.0.1:6881".parse().unwrap()];
    let mut peers = second.peers.clone();
    peers.sort();
    assert_eq!((peers.as_slice(), second.complete, second.incomplete), (&due[..], 2, 2));
    one.announce(&request(id, Some(Event::Stopped), None)).await;
    assert!(!tracker.peers(HASH).contains(&due[1]));

    let log = tracker.log();
    assert_eq!(
        log.iter().map(|one| one.event.clone()).collect::<Vec<_>>(),
        [AnnounceEvent::Started, AnnounceEvent::None, AnnounceEvent::Stopped]
    );
    assert_eq!(
        (log[0].transport, log[0].port, log[0].uploaded, log[0].downloaded, log[0].left),
        (Transport::Udp, 6_881, 0, 5, 7)
    );
    assert_eq!((log[0].numwant, log[0].info_hash), (None, HASH));
}

#[tokio::test]
async fn a_scrape_counts_in_order() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    tracker.list(HASH, ["127.64.1.1:5".parse().unwrap()], 0);
    let asker = Asker::new(&tracker, 3).await;
    let packet = scrape(asker.connection().await, 42, &[InfoHashV1([1; 20]), HASH]);
    let counts = |complete| ScrapeCounts { complete, downloaded: 0, incomplete: 0 };
    assert_eq!(asker.ask(&packet, Action::Scrape, 2).await, Ok(Answer::Scrape(vec![counts(0), counts(1)])));
}

#[tokio::test]
async fn only_the_asker_s_own_connection_id_is_good() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let (one, two) = (Asker::new(&tracker, 4).await, Asker::new(&tracker, 5).await);
    let id = one.connection().await;
    for (asker, id) in [(&one, id ^ 1), (&two, id)] {
        let answer = asker.ask(&request(id, None, None).encode(), Action::Announce, 0).await;
        assert!(matches!(answer, Ok(Answer::Failure { .. })), "{answer:?}");
    }
    assert!(tracker.log().is_empty());
    one.announce(&request(id, None, None)).await;
}

#[tokio::test]
async fn nonsense_is_passed_over() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let asker = Asker::new(&tracker, 6).await;
    for packet in [&[][..], &[0; 15], &[0; 16], &[0xff; 2_000][..15]] {
        asker.socket.send(packet).await.unwrap();
    }
    let mut buffer = [0; 64];
    assert!(timeout(Duration::from_millis(150), asker.socket.recv(&mut buffer)).await.is_err());
    let id = asker.connection().await;
    let short = &request(id, None, None).encode()[..97];
    assert!(matches!(asker.ask(short, Action::Announce, 0).await, Ok(Answer::Failure { .. })));
}

#[tokio::test]
async fn it_lies_when_told_to() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let asker = Asker::new(&tracker, 7).await;
    let id = asker.connection().await;
    let extra: SocketAddr = "127.99.0.1:80".parse().unwrap();
    tracker.lie(Lies { listed: vec![extra], invented: 30, ..Lies::default() });
    let answer = asker.announce(&request(id, None, Some(0))).await;
    assert_eq!((answer.peers.len(), answer.peers[0]), (31, extra));
    tracker.lie(Lies { failure: Some("not today".to_owned()), ..Lies::default() });
    let answer = asker.ask(&request(id, None, None).encode(), Action::Announce, 0).await;
    assert_eq!(answer, Ok(Answer::Failure { reason: b"not today".to_vec() }));
    for malformed in Malformed::ALL {
        tracker.lie(Lies { malformed: Some(malformed), ..Lies::default() });
        let answer = asker.ask(&request(asker.connection().await, None, None).encode(), Action::Announce, 0).await;
        assert!(answer.is_err(), "{malformed:?}: {answer:?}");
    }
    tracker.lie(Lies { silent: true, ..Lies::default() });
    asker.socket.send(&connect(42)).await.unwrap();
    let mut buffer = [0; 64];
    assert!(timeout(Duration::from_millis(150), asker.socket.recv(&mut buffer)).await.is_err());
}
