//! Measures look-ups in a DHT of the laboratory: how many complete ones a second, what each costs, and whom they miss.
//!
//! ```text
//! cargo run --release -p crawler --example dht_look_ups -- [NODES] [POISONED_PERCENT] [LOOK_UPS] [AT_A_TIME]
//! ```
//!
//! The engine, and every node it asks, run in this one process over real sockets on loopback, so a rate is "at least".
//! It is five runs of LOOK_UPS each; the figures are the median, the least and the most. Nothing fails on a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use evidence::{InfoHashV1, Mono, Now, Utc, sha256};
use swarm::dht::{BUDGETS, Config, Dht, Ending, Event, Family, Input, Limits, Output, SearchId};
use swarm::pace::Budgets;
use swarm::{Scope, Seed};
use swarmlab::dht::{DhtConfig, DhtFarm, Place};
use tokio::net::UdpSocket;

const RUNS: usize = 5;
const PEERS: u16 = 3;
const OWN: &str = "127.99.0.1:0";

/// No bound but the engine's own is measured.
const UNBOUND: Budgets = Budgets {
    total: 10_000,
    per_address: 10_000,
    per_network: 10_000,
    per_second: 1_000_000,
    per_address_hour: 10_000_000,
    ..BUDGETS
};

/// One run of look-ups.
#[derive(Default)]
struct Run {
    seconds: f64,
    queries: u64,
    complete: usize,
    found: usize,
    shared: usize,
}

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|word| word.parse().expect("arguments are numbers")).collect();
    let number = |at: usize, default: usize| numbers.get(at).copied().unwrap_or(default);
    let (nodes, poisoned_percent, look_ups, at_a_time) = (number(0, 256), number(1, 0), number(2, 500), number(3, 32));
    let place = Place::Loopback { octet: 100 };
    let sybils = if poisoned_percent > 0 { 64 } else { 0 };
    let config = DhtConfig { place, port: 0, nodes, poisoned_percent, sybils, ..DhtConfig::default() };
    let farm = DhtFarm::start(config).await.expect("the farm has its addresses to itself");
    println!("{nodes} nodes, {poisoned_percent} % poisoned, {look_ups} look-ups a run, {at_a_time} at a time, {RUNS} runs");
    let mut runs = Vec::new();
    for turn in 0..RUNS {
        runs.push(run(&farm, turn, look_ups, at_a_time).await);
    }
    let print = |what: &str, of: &dyn Fn(&Run) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        println!("{what:<28}{:>10.1}   ({:.1} to {:.1})", all[RUNS / 2], all[0], all[RUNS - 1]);
    };
    print("complete look-ups a second", &|run| run.complete as f64 / run.seconds);
    print("queries a look-up", &|run| run.queries as f64 / look_ups as f64);
    print("complete, %", &|run| run.complete as f64 * 100.0 / look_ups as f64);
    print("recall, %", &|run| run.found as f64 * 100.0 / run.shared.max(1) as f64);
    println!("load average {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}

async fn run(farm: &DhtFarm, turn: usize, look_ups: usize, at_a_time: usize) -> Run {
    let hash = |number: usize| {
        let digest = sha256(format!("{turn} {number}").as_bytes());
        InfoHashV1::from(*digest.as_bytes().first_chunk().expect("32 bytes hold 20"))
    };
    let peer = |number: usize, peer: u16| SocketAddr::from(([127, 110, (number >> 8) as u8, number as u8], 20_000 + peer));
    let mut truth = BTreeMap::new();
    for number in 0..look_ups {
        let peers: Vec<SocketAddr> = (0..PEERS).map(|of| peer(number, of)).collect();
        // Where all eight of the closest nodes lie, nobody can find them.
        if farm.share(wire::infohash::InfoHashV1(*hash(number).as_bytes()), &peers) > 0 {
            truth.insert(hash(number), peers);
        }
    }
    let socket = UdpSocket::bind(OWN).await.expect("our own address is free");
    let own = socket.local_addr().expect("a bound socket has an address");
    let scope = Scope::laboratory(vec!["127.0.0.0/8".parse().expect("a prefix")], vec![own], vec![]).expect("it is loopback");
    let limits = Limits { look_ups_max: at_a_time, ..Limits::default() };
    let config = Config {
        v6: false,
        bootstrap: vec![farm.entrance()],
        exempt_local: false,
        limits,
        budgets: UNBOUND,
        ..Config::default()
    };
    let started = Instant::now();
    let mut dht = Dht::new(config, scope, None, Seed::new([turn as u8; 32]), now(started));
    dht.bootstrap(now(started));
    let mut buffer = vec![0; 16 << 10];
    let (mut begun, mut done, mut began) = (0, 0, None);
    let mut run = Run::default();
    let mut open: BTreeSet<SearchId> = BTreeSet::new();
    let mut found: BTreeSet<(InfoHashV1, SocketAddr)> = BTreeSet::new();
    while done < look_ups {
        // The table is filled first.
        while began.is_some() && open.len() < at_a_time && begun < look_ups {
            let search = dht.find_peers(now(started), hash(begun), Family::V4).expect("there is room and a socket");
            open.insert(search);
            begun += 1;
        }
        match dht.poll_output() {
            Output::Send { to, datagram } => drop(socket.send_to(&datagram, to).await),
            Output::Event(Event::Peers(hearsay)) => found.extend(hearsay.peers.iter().map(|peer| (hearsay.info_hash, *peer))),
            Output::Event(Event::Finished(report)) if open.remove(&report.search) => {
                done += 1;
                run.queries += u64::from(report.queries);
                run.complete += usize::from(report.ending == Ending::Complete);
            }
            Output::Event(Event::Finished(_)) => {
                began.get_or_insert_with(Instant::now);
            }
            Output::Event(_) => {}
            Output::Wait(until) => {
                let wait = Duration::from_micros(until.us().saturating_sub(now(started).mono.us()).min(1_000_000));
                tokio::select! {
                    biased;
                    Ok((length, from)) = socket.recv_from(&mut buffer) => {
                        dht.handle_input(now(started), Input::Received { from, datagram: &buffer[..length] });
                        while let Ok((length, from)) = socket.try_recv_from(&mut buffer) {
                            dht.handle_input(now(started), Input::Received { from, datagram: &buffer[..length] });
                        }
                    }
                    () = tokio::time::sleep(wait) => dht.handle_input(now(started), Input::Timeout),
                }
            }
        }
    }
    run.seconds = began.unwrap_or(started).elapsed().as_secs_f64();
    run.shared = truth.values().map(Vec::len).sum();
    run.found = truth.iter().map(|(hash, peers)| peers.iter().filter(|peer| found.contains(&(*hash, **peer))).count()).sum();
    run
}

fn now(started: Instant) -> Now {
    let utc = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    Now { mono: Mono::from_us(started.elapsed().as_micros() as u64), utc: Utc::from_ms(utc) }
}
