//! Announce and scrape over UDP. BEP 15; the options of BEP 41 are skipped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use tokio::net::UdpSocket;
use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;

use super::lies::{Malformed, invented};
use super::log::{AnnounceEvent, Announced, Transport};
use super::{Shared, swarm};

const PROTOCOL_ID: u64 = 0x0417_2710_1980;
const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

/// A tracker accepts a connection id for two minutes. BEP 15.
const ID_LIFE: Duration = Duration::from_secs(120);

/// The longest packet that fits a datagram.
const PACKET_MAX: usize = 65_507;

pub(super) async fn serve(socket: UdpSocket, shared: Arc<Shared>) {
    let socket = Arc::new(socket);
    let ids = ConnectionIds::new();
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An earlier answer was refused by its receiver; that says nothing about the next packet.
            Err(_) => continue,
        };
        let lies = shared.lies();
        if lies.silent {
            continue;
        }
        let Some(answer) = answer(&shared, &ids, from, &buffer[..length]) else { continue };
        // The answer to a connect stays good, or nobody would ever come to hear the others.
        let is_connect = answer.starts_with(&CONNECT.to_be_bytes());
        let answer = match lies.malformed {
            Some(malformed) if !is_connect => misanswer(malformed, answer),
            _ => answer,
        };
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(lies.delay).await;
            // The asker may be gone, which is its own affair.
            let _ = socket.send_to(&answer, from).await;
        });
    }
}

/// What to say to a packet, if it is worth an answer.
fn answer(shared: &Shared, ids: &ConnectionIds, from: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let connection_id = u64::from_be_bytes(*packet.first_chunk()?);
    let action = u32_at(packet, 8)?;
    let transaction_id = u32_at(packet, 12)?;
    if action == CONNECT {
        let id = ids.of(from, ids.now());
        return (connection_id == PROTOCOL_ID).then(|| {
            let mut out = header(CONNECT, transaction_id);
            out.extend_from_slice(&id.to_be_bytes());
            out
        });
    }
    let error = |reason: &str| {
        let mut out = header(ERROR, transaction_id);
        out.extend_from_slice(reason.as_bytes());
        Some(out)
    };
    if !ids.accept(from, connection_id) {
        return error("connection id is not yours or too old");
    }
    let lies = shared.lies();
    if let Some(reason) = &lies.failure {
        return error(reason);
    }
    match action {
        ANNOUNCE => {
            let Some(announced) = announced(from, packet) else { return error("an announce has 98 bytes at least") };
            let answer = shared.announce(announced);
            let mut peers = lies.listed.clone();
            peers.extend(invented(lies.invented, answer.turn));
            peers.extend(answer.peers.iter().map(|(address, _)| *address));
            let mut out = header(ANNOUNCE, transaction_id);
            let swarm::Totals { complete, incomplete, .. } = answer.totals;
            for number in [lies.interval_s.unwrap_or(shared.config.interval_s), incomplete, complete] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            put_peers(&mut out, &peers, from);
            Some(out)
        }
        SCRAPE => {
            let mut out = header(SCRAPE, transaction_id);
            let (hashes, _) = packet.get(16..)?.as_chunks::<20>();
            let mut swarms = shared.swarms();
            for hash in hashes {
                let totals = swarms.totals(InfoHashV1(*hash), shared.config.expires_after).unwrap_or_default();
                for number in [totals.complete, totals.downloaded, totals.incomplete] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
            }
            Some(out)
        }
        _ => error("no such action"),
    }
}

fn announced(from: SocketAddr, packet: &[u8]) -> Option<Announced> {
    let u64_at = |at: usize| packet.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let numwant = i32::from_be_bytes(*packet.get(92..)?.first_chunk()?);
    Some(Announced {
        at: SystemTime::now(),
        transport: Transport::Udp,
        from,
        info_hash: InfoHashV1(*packet.get(16..)?.first_chunk()?),
        peer_id: PeerId(*packet.get(36..)?.first_chunk()?),
        downloaded: u64_at(56)?,
        left: u64_at(64)?,
        uploaded: u64_at(72)?,
        event: match u32_at(packet, 80)? {
            0 => AnnounceEvent::None,
            1 => AnnounceEvent::Completed,
            2 => AnnounceEvent::Started,
            3 => AnnounceEvent::Stopped,
            other => AnnounceEvent::Other(other.to_string()),
        },
        numwant: usize::try_from(numwant).ok(),
        port: u16::from_be_bytes(*packet.get(96..)?.first_chunk()?),
        user_agent: None,
    })
}

/// Peers of the asker's own family, as many as fit a datagram.
fn put_peers(out: &mut Vec<u8>, peers: &[SocketAddr], asker: SocketAddr) {
    for peer in peers.iter().filter(|peer| peer.is_ipv4() == asker.is_ipv4()) {
        if out.len() + 18 > PACKET_MAX {
            return;
        }
        match peer {
            SocketAddr::V4(v4) => out.extend_from_slice(&v4.ip().octets()),
            SocketAddr::V6(v6) => out.extend_from_slice(&v6.ip().octets()),
        }
        out.extend_from_slice(&peer.port().to_be_bytes());
    }
}

fn misanswer(malformed: Malformed, mut answer: Vec<u8>) -> Vec<u8> {
    match malformed {
        Malformed::Noise => answer.iter_mut().for_each(|byte| *byte = !*byte),
        Malformed::Empty => answer.clear(),
        Malformed::Truncated => answer.truncate(11),
        Malformed::PartOfPeer => answer.push(0x7f),
        Malformed::Disordered => answer[4..8].iter_mut().for_each(|byte| *byte ^= 0xff),
        Malformed::Bomb => answer.resize(60_000, 0xff),
        Malformed::ServerError => answer[..4].copy_from_slice(&77u32.to_be_bytes()),
    }
    answer
}

fn header(action: u32, transaction_id: u32) -> Vec<u8> {
    [action.to_be_bytes(), transaction_id.to_be_bytes()].concat()
}

fn u32_at(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Connection ids that need no memory: a digest of a secret, the asker and the time.
struct ConnectionIds {
    secret: SystemTime,
}

impl ConnectionIds {
    fn new() -> Self {
        Self { secret: SystemTime::now() }
    }

    /// The period we are in: an id lives for this one and the next.
    fn now(&self) -> u64 {
        self.secret.elapsed().map_or(0, |age| age.as_secs() / (ID_LIFE.as_secs() / 2))
    }

    fn of(&self, asker: SocketAddr, period: u64) -> u64 {
        let text = format!("{:?} {} {period}", self.secret, asker.ip());
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn accept(&self, asker: SocketAddr, id: u64) -> bool {
        let now = self.now();
        [now, now.saturating_sub(1)].into_iter().any(|period| self.of(asker, period) == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_good_for_its_asker_for_this_period_and_the_next() {
        let [one, two] = [1, 2].map(|host| SocketAddr::from(([127, 0, 0, host], 9)));
        let ids = ConnectionIds { secret: SystemTime::now() - Duration::from_secs(600) };
        assert_eq!(ids.now(), 10);
        assert!(ids.accept(one, ids.of(one, 10)) && ids.accept(one, ids.of(one, 9)));
        assert!(!ids.accept(one, ids.of(one, 8)) && !ids.accept(two, ids.of(one, 10)) && !ids.accept(one, PROTOCOL_ID));
    }
}
