//! What is never contacted.

use std::sync::Arc;

use crawler::WatchError;
use evidence::run::{AnnounceResult, Fact};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, mandate, plan, target, tracker};

const TEST: u8 = 81;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_dialled_without_a_mandate_in_force() {
    let torrent = Arc::new(Torrent::new("refusal"));
    let other = Torrent::new("another");
    let peer = address(TEST, 1, 6881);
    let received = peer::start(Kind::Seed, &torrent, peer).await;
    let at = address(TEST, 250, 7000);
    let asked = tracker::http(at, "200 OK", tracker::announce(&[peer])).await;
    for mandates in [
        vec![],
        vec![mandate(torrent.ids(), "2020-01-01", "2020-12-31")],
        vec![mandate(torrent.ids(), "2098-01-01", "2099-12-31")],
        vec![mandate(other.ids(), "2020-01-01", "2099-12-31")],
    ] {
        let mut target = target(&torrent, &[&format!("http://{at}/announce")]);
        target.mandates = mandates;
        let (result, log) = Station::found().watch(plan(TEST, vec![target])).await;
        assert!(matches!(result, Err(WatchError::NoMandate(_))), "{result:?}");
        assert!(log.observations.is_empty() && log.facts.is_empty());
    }
    assert!(asked.lock().unwrap().is_empty() && received.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_might_not_fit_its_record_is_not_planned_for() {
    let torrent = Arc::new(Torrent::new("lists"));
    for list_max in [0, crawler::LIST_MAX + 1] {
        let mut plan = plan(TEST + 2, vec![target(&torrent, &[])]);
        plan.settings.list_max = list_max;
        let (result, log) = Station::found().watch(plan).await;
        assert!(matches!(result, Err(WatchError::ListMax(refused)) if refused == list_max));
        assert!(log.facts.is_empty());
    }
    let mut target = target(&torrent, &[]);
    target.peers = (0..20_000u16)
        .map(|n| std::net::SocketAddr::from(([0x2001, 0xdb8, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, n], 65_535)))
        .collect();
    let mut plan = plan(TEST + 2, vec![target]);
    plan.until = crawler::Until::Duration(300);
    let (_, log) = Station::found().watch(plan).await;
    assert_eq!((log.lists[0].1.peers.len(), log.lists[0].1.dropped), (10_000, 10_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trackers_in_reserved_space_and_redirects_into_it_are_refused() {
    let torrent = Torrent::new("trackers");
    let redirecting = address(TEST + 1, 1, 7000);
    let asked = tracker::http(redirecting, "302 Found", vec![]).await;
    let silent = address(TEST + 1, 2, 7000);
    let refusing = address(TEST + 1, 3, 7000);
    tracker::http(refusing, "200 OK", b"d14:failure reason9:not yours8:retry in5:nevere".to_vec()).await;
    let lying = address(TEST + 1, 4, 7000);
    tracker::http(lying, "200 OK", b"d5:peers5:abcdee".to_vec()).await;
    let urls = [
        format!("http://{redirecting}/announce"),
        "http://192.0.2.1/announce".into(),
        format!("http://{silent}/announce"),
        format!("http://{refusing}/announce"),
        format!("http://{lying}/announce"),
        "udp://10.0.0.1:6969/announce".into(),
    ];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let mut plan = plan(TEST + 1, vec![target(&torrent, &urls)]);
    plan.scope = swarm::Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
    let (summary, log) = Station::found().watch(plan).await;
    assert_eq!(summary.unwrap().progress.tracker_failures, 6);
    let said = |url: &str| {
        log.facts.iter().find_map(|fact| match fact {
            Fact::Announced { tracker, result, .. } if tracker == url => Some(result.clone()),
            _ => None,
        })
    };
    let outside = || Some(AnnounceResult::Excluded { why: "it resolves to an address outside the laboratory".into() });
    assert_eq!(said(urls[0]), Some(AnnounceResult::NoAnswer { why: "it answered with HTTP status 302".into() }));
    assert_eq!(said(urls[1]), outside());
    assert_eq!(said(urls[2]), Some(AnnounceResult::NoAnswer { why: "it cannot be connected to".into() }));
    assert_eq!(said(urls[3]), Some(AnnounceResult::Failure { reason: "not yours".into() }));
    assert_eq!(said(urls[4]), Some(AnnounceResult::Malformed { rule: "tracker-peers".into() }));
    assert_eq!(said(urls[5]), outside());
    assert_eq!(asked.lock().unwrap().len(), 1);
}
