//! The tracker over HTTP, asked and read with `wire`.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use swarmlab::tracker::{AnnounceEvent, Lies, Malformed, Tracker, TrackerConfig, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;
use wire::tracker_http::{Announce, AnnounceAnswer, AnnounceRequest, Event, Limits, ScrapeAnswer, scrape_url};
use wire::tracker_url::TrackerUrl;

const HASH: InfoHashV1 = InfoHashV1([0xa7; 20]);

fn request(event: Option<Event>, numwant: Option<u32>) -> AnnounceRequest<'static> {
    AnnounceRequest {
        info_hash: HASH,
        peer_id: PeerId(*b"-AF0100-%&=+ \x00\xff\x80zzz1"),
        port: 6_881,
        downloaded: 5,
        left: 7,
        event,
        numwant,
        key: Some(1),
        tracker_id: None,
    }
}

fn from(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 201, 0, host)
}

/// The head and the body of an answer.
async fn get(source: Ipv4Addr, url: &str) -> (String, Vec<u8>) {
    let url = TrackerUrl::parse(url).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    let at = SocketAddr::new(url.host().parse().unwrap(), url.port());
    let mut stream = socket.connect(at).await.unwrap();
    let head = format!("GET {} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: test/1\r\nConnection: close\r\n\r\n", url.path_and_query());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

async fn announce_body(tracker: &Tracker, source: Ipv4Addr, request: &AnnounceRequest<'_>, more: &str) -> Vec<u8> {
    let url = TrackerUrl::parse(&tracker.http_url()).unwrap();
    get(source, &format!("{}{more}", request.url(&url).unwrap())).await.1
}

async fn announce(tracker: &Tracker, source: Ipv4Addr, request: &AnnounceRequest<'_>) -> Announce {
    match AnnounceAnswer::parse(&announce_body(tracker, source, request, "").await, &Limits::default()).unwrap() {
        AnnounceAnswer::Peers(announce) => announce,
        refusal => panic!("{refusal:?}"),
    }
}

fn addresses(announce: &Announce) -> Vec<SocketAddr> {
    announce.peers.iter().map(|peer| peer.address).collect()
}

#[tokio::test]
async fn peers_come_learn_of_each_other_and_go() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let first = announce(&tracker, from(1), &request(Some(Event::Started), None)).await;
    assert_eq!((first.interval_s, first.min_interval_s, first.complete, first.incomplete), (Some(60), Some(2), Some(0), Some(1)));
    assert!(first.peers.is_empty() && first.odd.is_empty());
    let second = announce(&tracker, from(2), &request(Some(Event::Started), None)).await;
    assert_eq!(addresses(&second), [SocketAddr::from((from(1), 6_881))]);
    let gone = announce(&tracker, from(1), &request(Some(Event::Stopped), None)).await;
    assert!(gone.peers.is_empty());
    assert_eq!(tracker.peers(HASH), [SocketAddr::from((from(2), 6_881))]);

    let log = tracker.log();
    assert_eq!(log.len(), 3);
    assert_eq!(log[0].from.ip(), from(1));
    assert_eq!(
        (log[0].transport, log[0].event.clone(), log[2].event.clone()),
        (Transport::Http, AnnounceEvent::Started, AnnounceEvent::Stopped)
    );
    assert_eq!((log[0].peer_id, log[0].uploaded, log[0].downloaded, log[0].left), (request(None, None).peer_id, 0, 5, 7));
    assert_eq!((log[0].user_agent.as_deref(), log[0].numwant), (Some("test/1"), None));
}

#[tokio::test]
async fn asking_again_brings_everybody_of_either_family() {
    let tracker = Tracker::start(TrackerConfig { numwant_max: 100, ..TrackerConfig::default() }).await.unwrap();
    let four = (0..240).map(|host| SocketAddr::from(([127, 64, 1, host], 51_413)));
    let six = (0..10).map(|port| SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 7_000 + port)));
    let all: BTreeSet<_> = four.chain(six).collect();
    tracker.list(HASH, all.iter().copied(), 0);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let answer = announce(&tracker, from(3), &request(None, Some(1_000))).await;
        assert!(answer.peers.len() >= 99);
        assert_eq!(answer.complete, Some(250));
        seen.extend(addresses(&answer));
    }
    assert_eq!(seen, all);
    assert_eq!(announce(&tracker, from(3), &request(None, Some(3))).await.peers.len(), 3);
    assert_eq!(announce(&tracker, from(3), &request(None, Some(0))).await.peers.len(), 0);
}

#[tokio::test]
async fn lists_may_be_of_dictionaries_with_or_without_ids() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    tracker.list(HASH, ["127.64.1.1:5".parse().unwrap(), "[::1]:6".parse().unwrap()], 1);
    let query = request(None, None).query().replace("compact=1", "compact=0");
    for (more, with_ids) in [("", true), ("&no_peer_id=1", false)] {
        let (_, body) = get(from(4), &format!("{}?{query}{more}", tracker.http_url())).await;
        let AnnounceAnswer::Peers(answer) = AnnounceAnswer::parse(&body, &Limits::default()).unwrap() else { panic!() };
        assert_eq!(addresses(&answer), ["127.64.1.1:5".parse().unwrap(), "[::1]:6".parse().unwrap()]);
        assert!(answer.peers.iter().all(|peer| peer.peer_id.is_some() == with_ids));
    }
}

#[tokio::test]
async fn a_scrape_counts() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    tracker.list(HASH, ["127.64.1.1:5".parse().unwrap()], 0);
    announce(&tracker, from(5), &request(None, None)).await;
    let url = TrackerUrl::parse(&tracker.http_url()).unwrap();
    let other = InfoHashV1([1; 20]);
    let (_, body) = get(from(5), &scrape_url(&url, &[HASH, other]).unwrap()).await;
    let ScrapeAnswer::Counts(counts) = ScrapeAnswer::parse(&body, &Limits::default()).unwrap() else { panic!() };
    let counted = counts.files[&HASH];
    assert_eq!((counted.complete, counted.incomplete, counted.downloaded), (Some(1), Some(1), Some(0)));
    assert!(!counts.files.contains_key(&other));
}

#[tokio::test]
async fn who_is_silent_for_long_is_forgotten_and_who_is_listed_is_not() {
    let config = TrackerConfig { expires_after: Duration::from_millis(100), ..TrackerConfig::default() };
    let tracker = Tracker::start(config).await.unwrap();
    tracker.list(HASH, ["127.64.1.1:5".parse().unwrap()], 0);
    announce(&tracker, from(6), &request(None, None)).await;
    assert_eq!(tracker.peers(HASH).len(), 2);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(tracker.peers(HASH), ["127.64.1.1:5".parse().unwrap()]);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let base = tracker.http_url();
    let whole = request(None, None).query();
    for (query, reason) in [
        (String::new(), "info_hash must be 20 bytes"),
        (whole.replace("&peer_id=", "&peer="), "peer_id must be 20 bytes"),
        (whole.replace("&port=6881", "&port=66000"), "port must be a port number"),
        (whole.replace("&left=7", ""), "left must be a number of bytes"),
    ] {
        let (_, body) = get(from(7), &format!("{base}?{query}")).await;
        let due = AnnounceAnswer::Failure { reason: reason.as_bytes().to_vec(), retry_in_min: None };
        assert_eq!(AnnounceAnswer::parse(&body, &Limits::default()), Ok(due));
    }
    assert!(tracker.log().is_empty());
}

#[tokio::test]
async fn it_lies_when_told_to_and_stops_when_told_to() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let extra: SocketAddr = "127.99.0.1:80".parse().unwrap();
    tracker.lie(Lies {
        listed: vec![extra],
        invented: 99,
        warning: Some("careful".to_owned()),
        interval_s: Some(1),
        ..Lies::default()
    });
    let one = announce(&tracker, from(8), &request(None, Some(0))).await;
    let two = announce(&tracker, from(8), &request(None, Some(0))).await;
    assert_eq!((one.peers.len(), one.peers[0].address, one.interval_s), (100, extra, Some(1)));
    assert_eq!(one.warning.as_deref(), Some(&b"careful"[..]));
    assert!(one.peers.iter().all(|peer| peer.address.ip().is_loopback()));
    assert_ne!(addresses(&one)[1..], addresses(&two)[1..]);

    tracker.lie(Lies { failure: Some("not today".to_owned()), delay: Duration::from_millis(120), ..Lies::default() });
    let began = Instant::now();
    let body = announce_body(&tracker, from(8), &request(None, None), "").await;
    assert!(began.elapsed() >= Duration::from_millis(120));
    let due = AnnounceAnswer::Failure { reason: b"not today".to_vec(), retry_in_min: None };
    assert_eq!(AnnounceAnswer::parse(&body, &Limits::default()), Ok(due));

    tracker.lie(Lies { silent: true, ..Lies::default() });
    let request_ = request(None, None);
    let waiting = announce_body(&tracker, from(8), &request_, "");
    assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());

    tracker.lie(Lies::default());
    assert!(announce(&tracker, from(8), &request(None, None)).await.peers.is_empty());
}

#[tokio::test]
async fn every_malformed_answer_is_refused_by_the_parser() {
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    for malformed in Malformed::ALL {
        tracker.lie(Lies { malformed: Some(malformed), ..Lies::default() });
        let body = announce_body(&tracker, from(9), &request(None, None), "").await;
        assert!(AnnounceAnswer::parse(&body, &Limits::default()).is_err(), "{malformed:?}");
    }
    assert_eq!(tracker.log().len(), Malformed::ALL.len());
}

#[tokio::test]
async fn the_tracker_stays_on_loopback() {
    let config = TrackerConfig { address: Ipv4Addr::UNSPECIFIED.into(), ..TrackerConfig::default() };
    assert!(Tracker::start(config).await.is_err());
}
