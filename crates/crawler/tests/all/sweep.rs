//! A whole run: every kind of peer, every address accounted for, every sharer proved and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crawler::Reason;
use evidence::observation::{Purpose, Source};
use evidence::run::Fact;
use evidence::{Exclusion, Grade, Outcome, PortRole};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target, tracker};

const KINDS: [(Kind, Grade, &str); 11] = [
    (Kind::Seed, Grade::Served, "served"),
    (Kind::AllowedFast, Grade::Served, "served"),
    (Kind::Choker, Grade::Claimed, "choked"),
    (Kind::Liar, Grade::Claimed, "bad-block"),
    (Kind::Empty, Grade::Handshaken, "nothing-claimed"),
    (Kind::Echo, Grade::Served, "served"),
    (Kind::WrongHash, Grade::Connected, "wrong-info-hash"),
    (Kind::Web, Grade::Connected, "garbage"),
    (Kind::Silent, Grade::Connected, "no-answer"),
    (Kind::Full, Grade::Connected, "closed"),
    (Kind::Greedy, Grade::Claimed, "choked"),
];

const TEST: u8 = 71;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sharers_are_proved_and_everybody_is_accounted_for() {
    let torrent = Arc::new(Torrent::new("sweep"));
    let mut received = BTreeMap::new();
    let mut peers = Vec::new();
    for (number, (kind, ..)) in KINDS.iter().enumerate() {
        let at = address(TEST, number as u16 + 1, 6881);
        received.insert(*kind, peer::start(*kind, &torrent, at).await);
        peers.push(at);
    }
    let dead = address(TEST, 900, 6881);
    let own = address(TEST, 254, 6999);
    let printer = address(TEST, 901, 9100);
    let outside = "192.0.2.7:6881".parse().unwrap();
    peers.extend([dead, own, printer, outside, peers[0]]);
    let at = address(TEST, 250, 7000);
    let asked = tracker::http(at, "200 OK", tracker::announce(&peers)).await;

    let mut plan = plan(TEST, vec![target(&torrent, &[&format!("http://{at}/announce?key=1")])]);
    plan.listen = vec![own];
    let (summary, log) = Station::found().watch(plan).await;
    let summary = summary.unwrap();
    assert_eq!(summary.reason, Reason::Idle);

    for (number, (kind, grade, outcome)) in KINDS.iter().enumerate() {
        let observations = log.of(peers[number]);
        let probe = observations[0];
        assert_eq!((probe.grade, probe.outcome.word()), (*grade, *outcome), "{kind:?}");
        assert_eq!((probe.purpose, probe.port_role, probe.times.error_ms), (Purpose::Probe, PortRole::Listening, Some(7)));
        assert_eq!(probe.found.as_ref().map(|found| (found.index, found.source)), Some((number as u32, Source::Tracker)));
        let control = observations.iter().find(|observation| matches!(observation.purpose, Purpose::Control { .. }));
        assert_eq!(control.is_some(), *grade == Grade::Served, "{kind:?}: a control visit for each that served");
        if let Some(control) = control {
            let due = if *kind == Kind::Echo { Outcome::Echo } else { Outcome::NoEcho };
            assert_eq!(control.outcome, due, "{kind:?}");
            let Purpose::Control { about, info_hash } = control.purpose else { unreachable!() };
            assert!(log.observations.iter().any(|(commitment, observation)| *commitment == about && observation == probe));
            assert_ne!(Some(info_hash), torrent.ids().v1);
        }
    }
    for (peer, outcome) in [
        (dead, Outcome::Refused),
        (own, Outcome::Excluded { rule: Exclusion::Own }),
        (printer, Outcome::Excluded { rule: Exclusion::Port }),
        (outside, Outcome::Excluded { rule: Exclusion::OutsideLaboratory }),
    ] {
        let [observation] = log.of(peer)[..] else { panic!("one record of {outcome:?}") };
        assert_eq!((observation.grade, &observation.outcome), (Grade::Listed, &outcome));
    }

    // Every address of the list has its observation, and the list came first.
    let [(list, candidates)] = &log.lists[..] else { panic!("one list") };
    assert_eq!((&candidates.peers, candidates.dropped), (&peers, 0));
    assert_eq!(log.order[0], ('l', *list));
    let accounted: BTreeSet<_> = log.observations.iter().map(|(_, observation)| observation.peer).collect();
    assert!(peers.iter().all(|peer| accounted.contains(peer)));

    // The seed's proof: two blocks of distinct pieces, inside the work, and the transcript is there.
    let seed = log.of(peers[0])[0];
    assert_eq!((seed.outcome.clone(), seed.volume.piece_bytes_out), (Outcome::Served { blocks: 2, pieces: 2 }, 0));
    assert!(seed.challenges.iter().all(|challenge| challenge.is_verified() && challenge.work.as_deref() == Some("film")));
    assert_eq!(seed.client().unwrap().as_bytes(), b"test peer 1.");
    assert_eq!((seed.mandates_sha256.len(), seed.dossier_sha256), (1, Some(torrent.dossier_sha256())));
    let transcript = &log.transcripts[&seed.transcript_sha256.unwrap()];
    assert_eq!(swarm::transcript::parse(transcript).unwrap().len() as u64 > 6, seed.volume.bytes_in > 32_768);
    // No transcript of anybody's has any of the content.
    let rows: BTreeSet<&[u8]> = torrent.bytes.windows(64).collect();
    let has_content = |transcript: &Vec<u8>| transcript.windows(64).any(|row| rows.contains(row));
    assert!(log.transcripts.len() > 8 && !log.transcripts.values().any(has_content));
    assert!(log.of(peers[1])[0].challenges.iter().all(|challenge| challenge.choked && [2, 5].contains(&challenge.piece)));

    // Nothing was given away, not even to the peer that asked for everything.
    received.values().for_each(peer::assert_harmless);

    // The tracker was told the truth, and told goodbye.
    let asked = asked.lock().unwrap().clone();
    let announces: Vec<&String> = asked.iter().filter(|request| request.starts_with("GET /announce?key=1&")).collect();
    let [started, stopped] = announces[..] else { panic!("{asked:?}") };
    assert!(started.contains("&event=started") && started.contains(&format!("&left={}&", torrent.bytes.len())));
    assert!(started.contains("&uploaded=0&downloaded=0&") && started.contains("affiant/0.1.0"));
    assert!(stopped.contains("&event=stopped") && stopped.contains("&uploaded=0&") && !stopped.contains("&downloaded=0&"));
    assert!(matches!(log.facts.first(), Some(Fact::Started { laboratory: true, .. })));
    assert!(
        matches!(log.facts.last(), Some(Fact::Ended { piece_bytes_out: 0, observations, .. }) if *observations == log.observations.len() as u64)
    );
    assert_eq!((log.clocks, summary.progress.observations), (2, log.observations.len() as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_peers_are_proved_quickly() {
    let torrent = Arc::new(Torrent::new("many"));
    let mut peers = Vec::new();
    for host in 1..=400 {
        let at = address(TEST + 1, host, 6881);
        peer::start(if host % 2 == 0 { Kind::Seed } else { Kind::AllowedFast }, &torrent, at).await;
        peers.push(at);
    }
    let at = address(TEST + 1, 5_000, 7000);
    tracker::http(at, "200 OK", tracker::announce(&peers)).await;
    let began = std::time::Instant::now();
    let (summary, log) =
        Station::found().watch(plan(TEST + 1, vec![target(&torrent, &[&format!("http://{at}/announce")])])).await;
    let progress = summary.unwrap().progress;
    assert_eq!((progress.grades[&Grade::Served], progress.outcomes["no-echo"]), (400, 400));
    assert_eq!(log.observations.len(), 800);
    assert!(began.elapsed().as_secs() < 20, "took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_accounts_for_those_it_never_reached() {
    let torrent = Arc::new(Torrent::new("stopped"));
    let peers: Vec<_> = (1..=30).map(|host| address(TEST + 2, host, 6881)).collect();
    for at in &peers {
        peer::start(Kind::Silent, &torrent, *at).await;
    }
    let at = address(TEST + 2, 5_000, 7000);
    tracker::http(at, "200 OK", tracker::announce(&peers)).await;
    let mut plan = plan(TEST + 2, vec![target(&torrent, &[&format!("http://{at}/announce")])]);
    plan.settings.pace.total = 10;
    plan.settings.probe.handshake_ms = 60_000;
    plan.until = crawler::Until::Duration(700);
    let (summary, log) = Station::found().watch(plan).await;
    let summary = summary.unwrap();
    assert_eq!(summary.reason, Reason::Duration);
    let outcomes: Vec<_> = peers.iter().map(|peer| log.of(*peer)[0].outcome.word()).collect();
    assert_eq!(outcomes.iter().filter(|word| **word == "not-tried").count(), 20);
    assert_eq!(outcomes.iter().filter(|word| **word == "no-answer").count(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv6_peers_that_a_magnet_names_are_proved_too() {
    let torrent = Arc::new(Torrent::new("six"));
    let probe = std::net::TcpListener::bind("[::1]:0").unwrap();
    let seed = probe.local_addr().unwrap();
    drop(probe);
    let received = peer::start(Kind::Seed, &torrent, seed).await;
    let mut target = target(&torrent, &[]);
    let four = address(TEST + 3, 1, 6881);
    target.peers = vec![seed, four];
    let mut plan = plan(TEST + 3, vec![target]);
    plan.scope =
        swarm::Scope::laboratory(vec!["::1/128".parse().unwrap(), "127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
    plan.bind = swarm::Vantages::new([std::net::Ipv6Addr::LOCALHOST.into()]);
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    let observations = log.of(seed);
    let [proved, control] = observations[..] else { panic!("a probe and a control visit") };
    assert_eq!((proved.grade, &control.outcome), (Grade::Served, &Outcome::NoEcho));
    assert_eq!(proved.found.as_ref().map(|found| found.source), Some(Source::Magnet));
    assert_eq!(proved.observer.ip(), seed.ip());
    assert_eq!(log.of(four)[0].outcome, Outcome::LocalFault { what: "the monitor has no address of this family".into() });
    peer::assert_harmless(&received);
}

/// Whoever makes the log refuse one record ends neither the run nor anybody else's record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_log_refuses_is_counted_and_the_run_goes_on() {
    let torrent = Arc::new(Torrent::new("refused"));
    let peers: Vec<_> = (1..=4).map(|host| address(TEST + 6, host, 6881)).collect();
    for at in &peers {
        peer::start(Kind::Seed, &torrent, *at).await;
    }
    let outside: std::net::SocketAddr = "192.0.2.7:6881".parse().unwrap();
    let mut target = target(&torrent, &[]);
    target.peers = [&peers[..], &[outside]].concat();
    let unrecordable = [peers[1].ip(), outside.ip()];
    // No line may be as long as what the tables say of two of these.
    let attribute = move |address, at| {
        let isp = unrecordable.contains(&address).then(|| "x".repeat(2 << 20));
        evidence::Attribution { isp, ..crate::lab::nowhere(address, at) }
    };
    let (summary, log) = Station::found().attributed(plan(TEST + 6, vec![target]), attribute).await;
    let summary = summary.unwrap();
    assert_eq!((summary.reason, summary.progress.refused_records), (Reason::Idle, 2));
    assert_eq!((summary.progress.grades[&Grade::Served], log.observations.len()), (3, 6));
    assert!(log.of(peers[1]).is_empty() && log.of(outside).is_empty());
    assert_eq!(log.clocks, 4, "after each refusal the log was asked for something else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_takes_no_more_ends_the_run() {
    let torrent = Arc::new(Torrent::new("closed log"));
    let peer = address(TEST + 4, 1, 6881);
    let received = peer::start(Kind::Seed, &torrent, peer).await;
    let mut target = target(&torrent, &[]);
    target.peers = vec![peer];
    let station = Station::found();
    let (appender, clock) = (station.appender.clone(), Arc::clone(&station.clock));
    station.close().await;
    let (_stopper, stop) = crawler::stopper();
    let ended = crawler::watch(plan(TEST + 4, vec![target]), appender, crate::lab::nowhere, clock, stop, |_| {}).await;
    assert!(matches!(ended, Err(crawler::WatchError::Log(_))));
    assert!(received.lock().unwrap().is_empty(), "nobody is contacted whom no log would remember");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_a_run_gets_an_orderly_end() {
    let torrent = Arc::new(Torrent::new("stopper"));
    let peer = address(TEST + 5, 1, 6881);
    peer::start(Kind::Choker, &torrent, peer).await;
    let mut target = target(&torrent, &[]);
    target.peers = vec![peer];
    let mut plan = plan(TEST + 5, vec![target]);
    plan.settings.probe.choked_ms = 60_000;
    plan.until = crawler::Until::Stopped;
    let station = Station::found();
    let (appender, clock) = (station.appender.clone(), Arc::clone(&station.clock));
    let (stopper, stop) = crawler::stopper();
    let run = tokio::spawn(crawler::watch(plan, appender, crate::lab::nowhere, clock, stop, |_| {}));
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    stopper.stop();
    assert_eq!(run.await.unwrap().unwrap().reason, Reason::Stopped);
    let log = station.close().await;
    assert_eq!(log.of(peer)[0].outcome.word(), "choked");
    assert!(matches!(log.facts.last(), Some(Fact::Ended { reason, .. }) if reason == "stopped"));
}
