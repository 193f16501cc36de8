//! UDP trackers. BEP 15, 41.

use std::net::SocketAddr;
use std::time::Duration;

use evidence::sha256;
use swarm::Seed;
use swarm::announce::Event;
use tokio::net::UdpSocket;
use wire::infohash::InfoHashV1;
use wire::tracker_http;
use wire::tracker_udp::{self, Action, AddressFamily, AnnounceRequest, Answer, Expected};

use super::resolve::Way;
use super::{Counts, List, Question, Reach, Told};

/// Packets sent for one answer: one may be lost on the way there and one on the way back.
const TRIES: u32 = 3;

/// The longest answer that fits a datagram.
const PACKET_BYTES: usize = 64 << 10;

/// Asks one way: the first address that the name has.
pub(super) async fn ask(question: &Question, reach: &Reach, way: &Way) -> (Told, Option<Counts>) {
    let Some(to) = way.to.first() else { return (no_answer("it has no address"), None) };
    let mut exchange = match Exchange::open(way, *to, reach, question).await {
        Ok(exchange) => exchange,
        Err(_) => return (no_answer("no socket could be opened towards it"), None),
    };
    match exchange.announce(question).await {
        Ok((connection_id, list)) => {
            let counts = if question.scrape { exchange.scrape(question, connection_id).await } else { None };
            (Told::Peers(list), counts)
        }
        Err(told) => (told, None),
    }
}

struct Exchange {
    /// Connected, so that packets from elsewhere are not even seen.
    socket: UdpSocket,
    /// Where we listen, or 0.
    port: u16,
    family: AddressFamily,
    patience: Duration,
    seed: Seed,
    sent: u64,
}

impl Exchange {
    async fn open(way: &Way, to: SocketAddr, reach: &Reach, question: &Question) -> std::io::Result<Self> {
        let socket = UdpSocket::bind((way.from, 0)).await?;
        socket.connect(to).await?;
        let family = if to.is_ipv4() { AddressFamily::V4 } else { AddressFamily::V6 };
        let about = format!("{} {} {to}", question.url, way.from);
        let seed = reach.seed.split("udp-tracker", about.as_bytes());
        Ok(Self { socket, port: way.port, family, patience: reach.patience / TRIES, seed, sent: 0 })
    }

    async fn announce(&mut self, question: &Question) -> Result<(u64, List), Told> {
        let port = self.port;
        let connect = |transaction_id| tracker_udp::connect(transaction_id).to_vec();
        let (Answer::Connect { connection_id }, _) = self.exchange(Action::Connect, connect).await? else {
            return Err(unexpected());
        };
        let request = |transaction_id| {
            AnnounceRequest {
                connection_id,
                transaction_id,
                info_hash: InfoHashV1(*question.info_hash.as_bytes()),
                peer_id: question.peer_id,
                downloaded: question.downloaded,
                left: question.left,
                event: match question.event {
                    Event::Started => Some(tracker_http::Event::Started),
                    Event::Stopped => Some(tracker_http::Event::Stopped),
                    Event::None => None,
                },
                key: question.key,
                numwant: Some(if question.event == Event::Stopped { 0 } else { question.numwant }),
                port,
                url_data: question.url.path_and_query(),
            }
            .encode()
        };
        let (Answer::Announce(answer), packet) = self.exchange(Action::Announce, request).await? else {
            return Err(unexpected());
        };
        let list = List {
            answer_sha256: sha256(&packet),
            peers: answer.peers,
            named: 0,
            interval_s: Some(answer.interval_s),
            min_interval_s: None,
        };
        Ok((connection_id, list))
    }

    async fn scrape(&mut self, question: &Question, connection_id: u64) -> Option<Counts> {
        let hashes = [InfoHashV1(*question.info_hash.as_bytes())];
        let request = |transaction_id| tracker_udp::scrape(connection_id, transaction_id, &hashes);
        let (Answer::Scrape(counts), _) = self.exchange(Action::Scrape, request).await.ok()? else { return None };
        let counts = counts.first()?;
        Some(Counts { complete: counts.complete, downloaded: counts.downloaded, incomplete: counts.incomplete })
    }

    /// Sends a request until its answer comes. Packets that answer something else are passed over.
    async fn exchange(&mut self, action: Action, request: impl Fn(u32) -> Vec<u8>) -> Result<(Answer, Vec<u8>), Told> {
        let mut fault = None;
        for _ in 0..TRIES {
            let transaction_id = self.transaction_id();
            let expected = Expected { action, transaction_id, family: self.family, torrents: 1 };
            if self.socket.send(&request(transaction_id)).await.is_err() {
                return Err(no_answer("it cannot be sent to"));
            }
            let answer = tokio::time::timeout(self.patience, self.receive(&expected, &mut fault)).await;
            match answer {
                Ok(Ok((Answer::Failure { reason }, _))) => return Err(Told::Refused { reason, retry_in_min: None }),
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(())) => return Err(no_answer("nothing listens at its address")),
                Err(_) => {}
            }
        }
        Err(fault.map_or(no_answer("it did not answer in time"), |rule: &str| Told::Malformed { rule: rule.into() }))
    }

    async fn receive(&self, expected: &Expected, fault: &mut Option<&'static str>) -> Result<(Answer, Vec<u8>), ()> {
        let mut packet = vec![0; PACKET_BYTES];
        loop {
            let length = self.socket.recv(&mut packet).await.map_err(|_| ())?;
            match Answer::parse(&packet[..length], expected) {
                Ok(answer) => return Ok((answer, packet[..length].to_vec())),
                Err(broken) => *fault = Some(broken.rule.name()),
            }
        }
    }

    fn transaction_id(&mut self) -> u32 {
        self.sent += 1;
        let [a, b, c, d, ..] = *self.seed.split("transaction", &self.sent.to_be_bytes()).bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

fn unexpected() -> Told {
    Told::Malformed { rule: "udp-tracker-action".into() }
}

fn no_answer(why: &str) -> Told {
    Told::NoAnswer { why: why.into() }
}
