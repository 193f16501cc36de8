//! UDP trackers, several tiers, and what they are told.

use std::sync::Arc;

use evidence::Grade;
use evidence::run::Fact;

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 91;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tier_is_asked_and_udp_survives_a_lost_packet() {
    let torrent = Arc::new(Torrent::new("udp"));
    let (one, two) = (address(TEST, 1, 6881), address(TEST, 2, 6881));
    peer::start(Kind::Seed, &torrent, one).await;
    peer::start(Kind::Seed, &torrent, two).await;
    let (first, second) = (address(TEST, 250, 7000), address(TEST, 251, 7000));
    let asked = tracker::udp(first, vec![one]).await;
    tracker::http(second, "200 OK", tracker::announce(&[two, one])).await;
    let urls = [format!("udp://{first}/announce"), format!("http://{second}/announce")];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let (summary, log) = Station::found().watch(plan(TEST, vec![target(&torrent, &urls)])).await;
    assert_eq!(summary.unwrap().progress.grades[&Grade::Served], 2);
    assert_eq!(log.lists.len(), 2);
    let left = torrent.bytes.len();
    let expected = |event| format!("event={event} left={left} uploaded=0");
    assert_eq!(*asked.lock().unwrap(), [expected(2), "scrape".into(), expected(3)]);
    let scraped = log.facts.iter().find_map(|fact| match fact {
        Fact::Scraped { complete, downloaded, incomplete, .. } => Some((*complete, *downloaded, *incomplete)),
        _ => None,
    });
    assert_eq!(scraped, Some((5, 6, 7)));
    let events = log.facts.iter().filter_map(|fact| match fact {
        Fact::Announced { event, tracker, interval_s, .. } if *tracker == urls[0] => Some((event.as_str(), *interval_s)),
        _ => None,
    });
    assert_eq!(events.collect::<Vec<_>>(), [("started", Some(900)), ("stopped", Some(900))]);
}
