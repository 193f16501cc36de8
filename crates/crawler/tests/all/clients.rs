//! Runs against real clients that take only one kind of stream.
//!
//! A client that is not installed is skipped with a notice, except where `CI` is set: there it is a failure.

mod dialled;
mod dialling;
mod gossiping;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evidence::{Direction, Encryption, Observation, Transport};
use swarm::mse::{self, Method, RecordKeys, Role};
use swarm::transcript::{self, Record};
use swarmlab::clients::{self, Client, Found, Running, Start};

use crate::lab::station::Log;
use crate::lab::torrent::Torrent;

/// A client with a torrent, and the folders it lives in.
pub struct Subject {
    pub address: SocketAddr,
    pub running: Running,
    _folder: tempfile::TempDir,
}

pub fn find(client: Client) -> Option<Found> {
    let found = client.find();
    if found.is_none() {
        let notice = format!("{client} is not installed: {}", client.installation());
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        eprintln!("!!! SKIPPED !!! {notice}");
    }
    found
}

/// What a client is to take.
#[derive(Clone, Copy)]
pub struct Terms {
    pub role: clients::Role,
    pub encryption: clients::Encryption,
    pub streams: clients::Streams,
    /// Whether it names others.
    pub gossips: bool,
}

pub async fn launch(
    client: Client,
    found: &Found,
    torrent: &Torrent,
    tracker: SocketAddr,
    address: SocketAddr,
    terms: Terms,
) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let (dir, content) = (folder.path().join("client"), folder.path().join("content"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::create_dir(&content).unwrap();
    let file = folder.path().join("laboratory.torrent");
    std::fs::write(&file, torrent.with_tracker(&format!("http://{tracker}/announce"))).unwrap();
    if terms.role == clients::Role::Seed {
        std::fs::write(content.join(&torrent.name), &torrent.bytes).unwrap();
    }
    let start = Start {
        dir: &dir,
        address: address.ip(),
        port: address.port(),
        torrents: &[clients::Torrent { file: &file, info_hash: torrent.hash(), piece_count: torrent.piece_count() }],
        content_dir: &content,
        role: terms.role,
        encryption: terms.encryption,
        streams: terms.streams,
        peer_exchange: terms.gossips,
        ready_within: Duration::from_secs(60),
    };
    let running = clients::start(client, found, start).await.unwrap_or_else(|error| panic!("{error}"));
    Subject { address, running, _folder: folder }
}

/// Panics unless what the record keeps of the wire opens with the secret in the record.
fn assert_replays(log: &Log, observation: &Observation) {
    let digest = observation.transcript_sha256.expect("bytes were exchanged");
    let [mut wire_in, mut wire_out, mut plain_in, mut plain_out] = [const { Vec::<u8>::new() }; 4];
    let mut is_whole = true;
    for record in transcript::parse(&log.transcripts[&digest]).unwrap() {
        match record {
            Record::WireReceived { prefix, .. } => wire_in.extend(prefix),
            Record::WireSent { bytes, .. } => wire_out.extend(bytes),
            Record::Received { bytes, .. } if is_whole => plain_in.extend(bytes),
            Record::Received { .. } => {}
            Record::Sent { bytes, .. } => plain_out.extend(bytes),
            Record::Digested { .. } | Record::Dropped { .. } => is_whole = false,
        }
    }
    let method = if observation.encryption == Encryption::MseRc4 { Method::Rc4 } else { Method::Plain };
    let role = if observation.direction == Direction::Outgoing { Role::Initiator } else { Role::Responder };
    let secret = *observation.mse_secret.expect("the secret of an encrypted stream").as_bytes();
    let keys = RecordKeys { secret, info_hash: observation.target.v1.unwrap(), role, method };
    let checked = match role {
        Role::Initiator => mse::replay::check(&keys, &wire_out, &wire_in),
        Role::Responder => mse::replay::check(&keys, &wire_in, &wire_out),
    };
    checked.unwrap();
    assert!(plain_in.len() >= 68 && plain_out.len() >= 68, "what was said is there as it was said");
}

/// `test` is the second octet of every address, so that tests do not meet.
fn seats(test: u8) -> (SocketAddr, SocketAddr, SocketAddr) {
    let at = |host: u8, port: u16| SocketAddr::from((Ipv4Addr::new(127, test, 7, host), port));
    (at(1, 6_969), at(2, 6_881), at(3, 6_999))
}

fn story(log: &Log, peer: SocketAddr) -> Vec<String> {
    let word = |o: &&Observation| format!("{:?}/{:?} {} {:?}", o.transport, o.encryption, o.grade, o.outcome);
    log.of(peer).iter().map(word).collect()
}

/// A torrent of its own for each test.
fn torrent(test: u8) -> Arc<Torrent> {
    Arc::new(Torrent::new(&format!("clients-{test}")))
}

/// How a stream was carried and covered.
fn means(observation: &Observation) -> (Transport, Encryption) {
    (observation.transport, observation.encryption)
}
