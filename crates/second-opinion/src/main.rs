//! A second opinion about who the Mainline DHT says shares a torrent, by code that is not ours: `bip_dht`.
//!
//! `affiant dht compare` starts this program and compares its answer with that of our own engine. It is a program of
//! its own because `bip_dht` is old: its last release is of 2017, it panics on IPv6 and rests on crates with open
//! advisories. So nothing links it, nothing that watches runs it, and what it prints is compared and goes nowhere.
//!
//! *In scope*: one look-up of one info-hash among IPv4 nodes, printed as lines of JSON.
//! *Out of scope*: whom it asks. `bip_dht` asks whatever node anybody names, also one in reserved space; it asks nodes
//! and no peers, and is told to announce nothing.
//!
//! ```text
//! second-opinion 0.0.0.0:0 0123456789abcdef0123456789abcdef01234567 60 192.0.2.1:6881 …
//! {"bootstrapped":true}
//! {"peer":"198.51.100.7:6881"}
//! {"ended":"complete"}
//! ```

use std::collections::BTreeSet;
use std::net::{SocketAddr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bip_dht::{DhtBuilder, DhtEvent, Handshaker, InfoHash, PeerId, Router};

const USAGE: &str = "usage: second-opinion BIND INFOHASH SECONDS NODE...\n\
    looks INFOHASH (40 hex digits) up in the IPv4 DHT that NODEs (address:port) belong to, from the UDP address BIND,\n\
    for at most SECONDS to begin and as many to look, and prints a line of JSON for each peer that is named";

/// What is asked for.
struct Wish {
    bind: SocketAddrV4,
    hash: [u8; 20],
    patience: Duration,
    nodes: Vec<SocketAddrV4>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(wish) = wish(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match look_up(&wish) {
        Ok(ended) => {
            println!("{{\"ended\":\"{ended}\"}}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("second-opinion: {fault}");
            ExitCode::from(2)
        }
    }
}

fn wish(words: &[String]) -> Option<Wish> {
    let [bind, hash, seconds, nodes @ ..] = words else { return None };
    let nodes: Vec<SocketAddrV4> = nodes.iter().map(|node| node.parse().ok()).collect::<Option<_>>()?;
    let wish =
        Wish { bind: bind.parse().ok()?, hash: digits(hash)?, patience: Duration::from_secs(seconds.parse().ok()?), nodes };
    (!wish.nodes.is_empty()).then_some(wish)
}

fn digits(hash: &str) -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    if hash.len() != 40 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

fn look_up(wish: &Wish) -> Result<&'static str, String> {
    let routers = wish.nodes.iter().map(|node| Router::Custom(SocketAddr::V4(*node)));
    let Some(builder) = routers.fold(None::<DhtBuilder>, |builder, router| {
        Some(builder.map_or_else(|| DhtBuilder::with_router(router), |builder| builder.add_router(router)))
    }) else {
        return Err("no node is named to begin with".into());
    };
    let builder = builder.set_source_addr(SocketAddr::V4(wish.bind)).set_read_only(true);
    let peers = Peers(BTreeSet::new());
    let dht = builder.start_mainline(peers).map_err(|fault| format!("its node cannot be opened: {fault}"))?;
    let events = dht.events();
    if !wait(&events, wish.patience, |event| matches!(event, DhtEvent::BootstrapCompleted))? {
        println!("{{\"bootstrapped\":false}}");
        return Ok("too-slow");
    }
    println!("{{\"bootstrapped\":true}}");
    dht.search(InfoHash::from(wish.hash), false);
    let is_complete = wait(&events, wish.patience, |event| matches!(event, DhtEvent::LookupCompleted(_)))?;
    Ok(if is_complete { "complete" } else { "too-slow" })
}

/// Waits for an event. Returns whether it came in time; there are few others, and each starts the wait anew.
fn wait(events: &Receiver<DhtEvent>, patience: Duration, is_it: impl Fn(&DhtEvent) -> bool) -> Result<bool, String> {
    loop {
        match events.recv_timeout(patience) {
            Ok(event) if is_it(&event) => return Ok(true),
            Ok(DhtEvent::ShuttingDown(cause)) => return Err(format!("it ended by itself: {cause:?}")),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => return Err("it ended without a word".into()),
        }
    }
}

/// Prints each peer once. It is called what the library calls whoever is to connect to them; nobody does.
struct Peers(BTreeSet<SocketAddr>);

impl Handshaker for Peers {
    type MetadataEnvelope = ();

    fn id(&self) -> PeerId {
        PeerId::from([0; 20])
    }

    fn port(&self) -> u16 {
        0
    }

    fn connect(&mut self, _expected: Option<PeerId>, _hash: InfoHash, address: SocketAddr) {
        if self.0.insert(address) {
            println!("{{\"peer\":\"{address}\"}}");
        }
    }

    fn metadata(&mut self, (): ()) {}
}
