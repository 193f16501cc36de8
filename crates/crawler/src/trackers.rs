//! One question to one tracker, over HTTP or UDP.
//!
//! A tracker is contacted only at addresses that the scope allows, checked after resolution and before the connection,
//! and at no other: redirects and proxies are off. Where it has addresses of both families it is asked over both,
//! for it names the peers of the family that asks, and from each address of ours at which we can be called, which is how
//! it learns of them (BEP 7, 15). All are the same client's, so peer id and key are the same.

mod http;
mod resolve;
mod udp;

use std::net::SocketAddr;
use std::time::Duration;

use evidence::{Digest, InfoHashV1};
use swarm::announce::{Answer, Event};
use swarm::{Scope, Seed, Vantages};
use tokio::task::JoinSet;
use wire::peer_id::PeerId;
use wire::tracker_url::{Scheme, TrackerUrl};

/// What a tracker is asked and told.
#[derive(Clone, Debug)]
pub struct Question {
    /// The tracker.
    pub url: TrackerUrl,
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// What we call ourselves in this torrent.
    pub peer_id: PeerId,
    /// The event.
    pub event: Event,
    /// Verified bytes received.
    pub downloaded: u64,
    /// Bytes we do not have: all of them.
    pub left: u64,
    /// How many peers we would like.
    pub numwant: u32,
    /// What identifies us when our address changes.
    pub key: u32,
    /// Whether to ask for counts too.
    pub scrape: bool,
}

/// How trackers are reached.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Our addresses.
    pub bind: Vantages,
    /// Who may be contacted.
    pub scope: Scope,
    /// Sent as the user agent.
    pub client: String,
    /// Wait for one answer.
    pub patience: Duration,
    /// Where transaction ids come from.
    pub seed: Seed,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A list, possibly empty.
    Peers(List),
    /// A refusal in the tracker's own words.
    Refused {
        /// Those words.
        reason: Vec<u8>,
        /// When to come back in minutes, or never (BEP 31).
        retry_in_min: Option<Option<u32>>,
    },
    /// An answer that breaks a rule.
    Malformed {
        /// Which.
        rule: String,
    },
    /// No answer, and why, without an address.
    NoAnswer {
        /// What went wrong.
        why: String,
    },
    /// Policy forbids every address that it resolves to.
    Excluded {
        /// Which rule.
        why: String,
    },
}

/// A list of peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// SHA-256 of the answer's bytes.
    pub answer_sha256: Digest,
    /// The addresses, in the order named.
    pub peers: Vec<SocketAddr>,
    /// Peers that it named by something that is no address.
    pub named: u32,
    /// Seconds until it may be asked again.
    pub interval_s: Option<u32>,
    /// Seconds before which it will not answer.
    pub min_interval_s: Option<u32>,
}

/// A tracker's counts (BEP 48).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Peers that it says have everything.
    pub complete: u32,
    /// How often it says the torrent was completed.
    pub downloaded: u32,
    /// Peers that it says lack something.
    pub incomplete: u32,
}

/// Asks, over each family that both sides have and from each address of ours. There is at least one result.
pub async fn ask(question: &Question, reach: &Reach) -> (Vec<Told>, Option<Counts>) {
    let ways = match resolve::ways(&question.url, reach).await {
        Ok(ways) => ways,
        Err(told) => return (vec![told], None),
    };
    // One that is dead takes as long to be found so from ten addresses as from one.
    let mut asked = JoinSet::new();
    for (number, way) in ways.into_iter().enumerate() {
        let question = Question { scrape: question.scrape && number == 0, ..question.clone() };
        let reach = reach.clone();
        asked.spawn(async move {
            let (told, counts) = match question.url.scheme() {
                Scheme::Http | Scheme::Https => http::ask(&question, &reach, &way).await,
                Scheme::Udp => udp::ask(&question, &reach, &way).await,
            };
            (number, told, counts)
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(number, ..)| *number);
    let counts = answers.iter().find_map(|(_, _, counts)| *counts);
    (answers.into_iter().map(|(_, told, _)| told).collect(), counts)
}

/// What the results mean for the next question: the best of them counts.
pub fn answer(told: &[Told]) -> Answer {
    let of = |told: &Told| match told {
        Told::Peers(list) => Answer::Peers { interval_s: list.interval_s, min_interval_s: list.min_interval_s },
        Told::Refused { retry_in_min: Some(Some(minutes)), .. } => Answer::RetryIn { minutes: *minutes },
        Told::Refused { retry_in_min: Some(None), .. } | Told::Excluded { .. } => Answer::Never,
        Told::Refused { .. } | Told::Malformed { .. } | Told::NoAnswer { .. } => Answer::Failed,
    };
    let rank = |answer: &Answer| match answer {
        Answer::Peers { .. } => 3,
        Answer::RetryIn { .. } => 2,
        Answer::Failed => 1,
        Answer::Never => 0,
    };
    told.iter().map(of).max_by_key(rank).unwrap_or(Answer::Failed)
}
