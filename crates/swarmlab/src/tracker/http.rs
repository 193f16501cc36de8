//! Announce and scrape over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use wire::bencode::Item;
use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;

use super::lies::{Lies, Malformed, invented};
use super::log::{AnnounceEvent, Announced, Transport};
use super::query::parameters;
use super::{Shared, swarm};

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new().route("/announce", get(announce)).route("/scrape", get(scrape)).with_state(shared);
    // It only ends with an error of the listener, and then the tracker is as good as gone, which callers see.
    let _ = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await;
}

async fn announce(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::read(&query.unwrap_or_default());
    let announced = match asked.announced(from, &headers) {
        Ok(announced) => announced,
        Err(missing) => return failure(missing),
    };
    let answer = shared.announce(announced);
    let lies = shared.lies();
    keep_waiting(&lies).await;
    if let Some(malformed) = lies.malformed {
        return misanswer(malformed);
    }
    if let Some(reason) = &lies.failure {
        return failure(reason);
    }
    let is_compact = asked.text("compact").as_deref() != Some("0");
    let with_ids = asked.text("no_peer_id").as_deref() != Some("1");
    let mut peers: Vec<_> = lies.listed.iter().copied().map(|address| (address, None)).collect();
    peers.extend(invented(lies.invented, answer.turn).into_iter().map(|address| (address, None)));
    peers.extend(answer.peers.iter().map(|(address, id)| (*address, Some(*id))));
    let mut body = BTreeMap::new();
    let mut put = |key: &str, item| body.insert(key.as_bytes().to_vec(), item);
    let swarm::Totals { complete, incomplete, downloaded } = answer.totals;
    put("complete", Item::Int(complete.into()));
    put("incomplete", Item::Int(incomplete.into()));
    put("downloaded", Item::Int(downloaded.into()));
    put("interval", Item::Int(lies.interval_s.unwrap_or(shared.config.interval_s).into()));
    if let Some(least) = shared.config.min_interval_s {
        put("min interval", Item::Int(least.into()));
    }
    if let Some(warning) = &lies.warning {
        put("warning message", warning.as_str().into());
    }
    if is_compact {
        let (four, six) = packed(peers.iter().map(|(address, _)| *address));
        put("peers", Item::Bytes(four));
        put("peers6", Item::Bytes(six));
    } else {
        put("peers", Item::List(peers.iter().map(|(address, id)| listed(*address, id.filter(|_| with_ids))).collect()));
    }
    plain(Item::Dict(body).encode())
}

async fn scrape(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let lies = shared.lies();
    keep_waiting(&lies).await;
    if let Some(malformed) = lies.malformed {
        return misanswer(malformed);
    }
    if let Some(reason) = &lies.failure {
        return failure(reason);
    }
    let hashes = Asked::read(&query.unwrap_or_default()).info_hashes();
    let mut swarms = shared.swarms();
    let files = hashes.into_iter().filter_map(|hash| Some((hash, swarms.totals(hash, shared.config.expires_after)?)));
    let files = files.map(|(hash, totals)| {
        let counts = Item::dict([
            ("complete", Item::Int(totals.complete.into())),
            ("downloaded", Item::Int(totals.downloaded.into())),
            ("incomplete", Item::Int(totals.incomplete.into())),
        ]);
        (hash.0.to_vec(), counts)
    });
    plain(Item::dict([("files", Item::Dict(files.collect()))]).encode())
}

/// The parameters of a request. Of one given twice the first counts, except for a scrape's info-hashes.
struct Asked(Vec<(Vec<u8>, Vec<u8>)>);

impl Asked {
    fn read(query: &str) -> Self {
        Self(parameters(query))
    }

    fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name == key.as_bytes()).map(|(_, value)| &value[..])
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    fn info_hashes(&self) -> Vec<InfoHashV1> {
        let values = self.0.iter().filter(|(name, _)| name == b"info_hash");
        values.filter_map(|(_, value)| Some(InfoHashV1(value[..].try_into().ok()?))).collect()
    }

    fn announced(&self, from: SocketAddr, headers: &HeaderMap) -> Result<Announced, &'static str> {
        let info_hash = self.get("info_hash").and_then(|value| value.try_into().ok());
        let peer_id = self.get("peer_id").and_then(|value| value.try_into().ok());
        let user_agent = headers.get(header::USER_AGENT);
        Ok(Announced {
            at: SystemTime::now(),
            transport: Transport::Http,
            from,
            info_hash: InfoHashV1(info_hash.ok_or("info_hash must be 20 bytes")?),
            peer_id: PeerId(peer_id.ok_or("peer_id must be 20 bytes")?),
            port: self.number("port").ok_or("port must be a port number")?,
            event: match self.text("event").as_deref() {
                None | Some("" | "empty") => AnnounceEvent::None,
                Some("started") => AnnounceEvent::Started,
                Some("stopped") => AnnounceEvent::Stopped,
                Some("completed") => AnnounceEvent::Completed,
                Some(other) => AnnounceEvent::Other(other.to_owned()),
            },
            uploaded: self.number("uploaded").unwrap_or(0),
            downloaded: self.number("downloaded").unwrap_or(0),
            left: self.number("left").ok_or("left must be a number of bytes")?,
            numwant: self.number("numwant"),
            user_agent: user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        })
    }
}

async fn keep_waiting(lies: &Lies) {
    if lies.silent {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(lies.delay).await;
}

fn packed(peers: impl Iterator<Item = SocketAddr>) -> (Vec<u8>, Vec<u8>) {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for address in peers {
        let bytes = match address {
            SocketAddr::V4(v4) => {
                four.extend_from_slice(&v4.ip().octets());
                &mut four
            }
            SocketAddr::V6(v6) => {
                six.extend_from_slice(&v6.ip().octets());
                &mut six
            }
        };
        bytes.extend_from_slice(&address.port().to_be_bytes());
    }
    (four, six)
}

fn listed(address: SocketAddr, id: Option<PeerId>) -> Item {
    let ip = address.ip().to_string();
    let mut item = Item::dict([("ip", ip.as_str().into()), ("port", Item::Int(address.port().into()))]);
    if let (Item::Dict(entries), Some(id)) = (&mut item, id) {
        entries.insert(b"peer id".to_vec(), Item::from(&id.0[..]));
    }
    item
}

fn failure(reason: &str) -> Response {
    plain(Item::dict([("failure reason", reason.into())]).encode())
}

fn misanswer(malformed: Malformed) -> Response {
    let body = match malformed {
        Malformed::Noise => b"<html><title>welcome</title></html>".to_vec(),
        Malformed::Empty => Vec::new(),
        Malformed::Truncated => b"d8:intervali60e5:peers600:\x7f\x01".to_vec(),
        Malformed::PartOfPeer => b"d8:intervali60e5:peers7:\x7f\x01\x02\x03\x1a\xe1\x7fe".to_vec(),
        Malformed::Disordered => b"d5:peers0:8:intervali60e5:peers0:e".to_vec(),
        Malformed::Bomb => b"l".repeat(100_000),
        Malformed::ServerError => return (StatusCode::INTERNAL_SERVER_ERROR, "something broke").into_response(),
    };
    plain(body)
}

fn plain(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], body).into_response()
}
