//! HTTP trackers. BEP 3, 7, 23, 48.

use evidence::sha256;
use swarm::announce::Event;
use wire::infohash::InfoHashV1;
use wire::tracker_http::{self, AnnounceAnswer, AnnounceRequest, ScrapeAnswer};

use super::resolve::Way;
use super::{Counts, List, Question, Reach, Told};

/// Asks one way.
pub(super) async fn ask(question: &Question, reach: &Reach, way: &Way) -> (Told, Option<Counts>) {
    let info_hash = InfoHashV1(*question.info_hash.as_bytes());
    let request = AnnounceRequest {
        info_hash,
        peer_id: question.peer_id,
        port: way.port,
        downloaded: question.downloaded,
        left: question.left,
        event: match question.event {
            Event::Started => Some(tracker_http::Event::Started),
            Event::Stopped => Some(tracker_http::Event::Stopped),
            Event::None => None,
        },
        numwant: Some(if question.event == Event::Stopped { 0 } else { question.numwant }),
        key: Some(question.key),
        tracker_id: None,
    };
    let Some(url) = request.url(&question.url) else { return (no_answer("it is not an HTTP tracker"), None) };
    let client = match client(question, reach, way) {
        Ok(client) => client,
        Err(_) => return (no_answer("the HTTP client could not be set up"), None),
    };
    let told = match get(&client, &url).await {
        Ok(body) => announced(&body),
        Err(told) => told,
    };
    let is_alive = matches!(told, Told::Peers(_));
    let counts = if is_alive && question.scrape { scrape(&client, question, info_hash).await } else { None };
    (told, counts)
}

/// A client that can reach the allowed addresses and nothing else. One is made for each question: they are few, and
/// the addresses are checked anew each time.
fn client(question: &Question, reach: &Reach, way: &Way) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(reach.client.as_str())
        .timeout(reach.patience)
        .connect_timeout(reach.patience)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        .resolve_to_addrs(question.url.host().trim_matches(['[', ']']), &way.to);
    if way.from.is_unspecified() { builder } else { builder.local_address(way.from) }.build()
}

async fn get(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, Told> {
    // The library's errors may name addresses, so only their kind is kept.
    let failed = |error: reqwest::Error| {
        no_answer(match () {
            () if error.is_timeout() => "it did not answer in time",
            () if error.is_connect() => "it cannot be connected to",
            () => "the exchange with it failed",
        })
    };
    let mut response = client.get(url).send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > tracker_http::Limits::default().bytes_max {
            return Err(Told::Malformed { rule: "tracker-answer-too-long".into() });
        }
    }
    // Some trackers send their failure reason with a status of failure: what can be read counts.
    if response.status().is_success() || body.first() == Some(&b'd') {
        return Ok(body);
    }
    Err(no_answer(&format!("it answered with HTTP status {}", response.status().as_u16())))
}

fn announced(body: &[u8]) -> Told {
    match AnnounceAnswer::parse(body, &tracker_http::Limits::default()) {
        Ok(AnnounceAnswer::Failure { reason, retry_in_min }) => Told::Refused { reason, retry_in_min },
        Ok(AnnounceAnswer::Peers(announce)) => Told::Peers(List {
            answer_sha256: sha256(body),
            peers: announce.peers.iter().map(|peer| peer.address).collect(),
            named: u32::try_from(announce.named_peers).unwrap_or(u32::MAX),
            interval_s: announce.interval_s,
            min_interval_s: announce.min_interval_s,
        }),
        Err(fault) => Told::Malformed { rule: fault.rule.name().into() },
    }
}

async fn scrape(client: &reqwest::Client, question: &Question, info_hash: InfoHashV1) -> Option<Counts> {
    let url = tracker_http::scrape_url(&question.url, &[info_hash])?;
    let body = get(client, &url).await.ok()?;
    let ScrapeAnswer::Counts(scrape) = ScrapeAnswer::parse(&body, &tracker_http::Limits::default()).ok()? else { return None };
    let counts = scrape.files.get(&info_hash)?;
    let number = |count: Option<u64>| u32::try_from(count?).ok();
    Some(Counts {
        complete: number(counts.complete)?,
        downloaded: number(counts.downloaded)?,
        incomplete: number(counts.incomplete)?,
    })
}

fn no_answer(why: &str) -> Told {
    Told::NoAnswer { why: why.into() }
}
