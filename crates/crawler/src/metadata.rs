//! The info dictionary of a magnet (BEP 9), from whoever its trackers and the magnet itself name; and the DHT, where the
//! magnet has no tracker.
//!
//! A magnet is inspected before a mandate can name what it holds, so this is not part of a run, and no record is made.
//! The scope applies all the same. There is no pace to keep to between runs; instead each endpoint is contacted once, at
//! most four of one address, 64 of one network and 500 in all, and 20 at a time.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{InfoHashV1, TargetIds, Version};
use swarm::announce::Event;
use swarm::metadata::{Fetch, Limits};
use swarm::probe::Identity;
use swarm::{Scope, Seed, Vantages};
use tokio::task::JoinSet;
use wire::tracker_url::TrackerUrl;

use crate::dht::{self, LookUpPlan};
use crate::dial::dial;
use crate::named::bounded;
use crate::prober::call;
use crate::trackers::{self, Question, Reach, Told};
use crate::{Clock, DhtPlan, Stop};

/// What is fetched, and from where.
#[derive(Debug)]
pub struct MetadataPlan {
    /// The magnet's info-hashes. Trackers are asked by each.
    pub ids: TargetIds,
    /// Its trackers.
    pub trackers: Vec<TrackerUrl>,
    /// Peers that it names.
    pub peers: Vec<SocketAddr>,
    /// How the DHT is asked, if it is, where the magnet has no tracker. One with trackers may be of a private torrent,
    /// whose peers are its trackers' business alone (BEP 27).
    pub dht: Option<DhtPlan>,
    /// Who may be contacted.
    pub scope: Scope,
    /// Our addresses.
    pub bind: Vantages,
    /// What we tell others of ourselves.
    pub client: String,
    /// The longest search.
    pub patience: Duration,
    /// The numbers of one fetch.
    pub limits: Limits,
    /// Chance.
    pub seed: Seed,
}

/// Why there is no info dictionary.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MetadataError {
    /// Nobody was named who may be contacted.
    #[error("no peer that may be contacted was named by the magnet, its trackers or, without trackers, the DHT")]
    NoPeers,
    /// Nobody had it.
    #[error("none of {tried} peers sent the metadata")]
    NobodyHasIt {
        /// How many were asked.
        tried: usize,
    },
    /// It took too long, or was stopped.
    #[error("the metadata was not found in time ({tried} peers were asked)")]
    TooSlow {
        /// How many were asked.
        tried: usize,
    },
}

/// Peers asked at a time.
const AT_A_TIME: usize = 20;

/// Fetches the info dictionary that the info-hashes are of.
///
/// # Errors
/// If nobody is named, has it, or sends it in time.
pub async fn fetch_metadata(plan: MetadataPlan, clock: Arc<dyn Clock>, mut stop: Stop) -> Result<Vec<u8>, MetadataError> {
    let mut tried = 0;
    let inner = stop.clone();
    let searching = search(&plan, &clock, &inner, &mut tried);
    let found = tokio::select! {
        found = tokio::time::timeout(plan.patience, searching) => found.ok(),
        () = stop.stopped() => None,
    };
    found.unwrap_or(Err(MetadataError::TooSlow { tried }))
}

async fn search(plan: &MetadataPlan, clock: &Arc<dyn Clock>, stop: &Stop, tried: &mut usize) -> Result<Vec<u8>, MetadataError> {
    let mut peers = VecDeque::from(named(plan, clock, stop).await);
    if peers.is_empty() {
        return Err(MetadataError::NoPeers);
    }
    let identity = Arc::new(Identity::new(plan.client.clone(), None, plan.seed));
    let mut fetches = JoinSet::new();
    loop {
        while fetches.len() < AT_A_TIME {
            let Some((from, peer, spoken)) = peers.pop_front() else { break };
            *tried += 1;
            let seed = plan.seed.split("metadata", peer.to_string().as_bytes());
            let (ids, limits, identity) = (plan.ids, plan.limits, Arc::clone(&identity));
            let (clock, mut stop) = (Arc::clone(clock), stop.clone());
            fetches.spawn(async move {
                let mut fetch = Fetch::new(ids, spoken, &identity, limits, seed, clock.now());
                call(&mut fetch, dial(from, peer), None, &clock, &mut stop).await
            });
        }
        match fetches.join_next().await {
            Some(Ok(Ok(info))) => return Ok(info),
            Some(Ok(Err(_))) => {}
            Some(Err(error)) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            None => return Err(MetadataError::NobodyHasIt { tried: *tried }),
        }
    }
}

/// The peers that may be contacted, our address towards each, and the version that it was named for.
async fn named(plan: &MetadataPlan, clock: &Arc<dyn Clock>, stop: &Stop) -> Vec<(std::net::IpAddr, SocketAddr, Version)> {
    let Some(first) = plan.ids.versions().next() else { return Vec::new() };
    let mut listed: Vec<(SocketAddr, Version)> = plan.peers.iter().map(|peer| (*peer, first)).collect();
    for spoken in plan.ids.versions() {
        let Some(info_hash) = plan.ids.spoken(spoken) else { continue };
        let told = match plan.dht.clone().filter(|_| plan.trackers.is_empty()) {
            Some(dht) => {
                let (scope, bind, seed) = (plan.scope.clone(), plan.bind.clone(), plan.seed.split("dht", info_hash.as_bytes()));
                dht::peers(LookUpPlan { info_hash, dht, scope, bind, patience: DHT_PATIENCE, seed }, clock, stop).await
            }
            None => ask_all(&plan.trackers, info_hash, &plan.scope, &plan.bind, &plan.client, plan.seed).await,
        };
        listed.extend(told.into_iter().map(|peer| (peer, spoken)));
    }
    let spoken: BTreeMap<SocketAddr, Version> =
        listed.iter().rev().map(|(peer, spoken)| (evidence::endpoint::canonical(*peer), *spoken)).collect();
    let reachable = listed.into_iter().map(|(peer, _)| peer).filter(|peer| plan.bind.first(peer.ip().to_canonical()).is_some());
    let reached = |peer: SocketAddr| {
        let spoken = spoken.get(&evidence::endpoint::canonical(peer)).copied().unwrap_or(first);
        Some((plan.bind.first(peer.ip())?, peer, spoken))
    };
    bounded(reachable, &plan.scope).into_iter().filter_map(reached).collect()
}

/// Whom the trackers name. They are told `stopped` at once: we listen nowhere and stay nowhere.
pub(crate) async fn ask_all(
    trackers: &[TrackerUrl],
    info_hash: InfoHashV1,
    scope: &Scope,
    bind: &Vantages,
    client: &str,
    seed: Seed,
) -> Vec<SocketAddr> {
    let identity = Identity::new(client, None, seed);
    let mut asked = JoinSet::new();
    for url in trackers.iter().take(TRACKERS_MAX).cloned() {
        let seed = seed.split("tracker", url.as_str().as_bytes());
        let mut question = Question {
            url,
            info_hash,
            peer_id: identity.peer_id(&seed),
            event: Event::Started,
            downloaded: 0,
            left: 1,
            numwant: 100,
            key: 0,
            scrape: false,
        };
        let patience = Duration::from_secs(10);
        let mut reach = Reach { bind: bind.clone(), scope: scope.clone(), client: client.into(), patience, seed };
        asked.spawn(async move {
            let (told, _) = trackers::ask(&question, &reach).await;
            if told.iter().any(|told| matches!(told, Told::Peers(_))) {
                question.event = Event::Stopped;
                reach.patience = Duration::from_secs(3);
                reach.seed = reach.seed.split("stopped", &[]);
                trackers::ask(&question, &reach).await;
            }
            told
        });
    }
    let told = asked.join_all().await;
    let lists = told.into_iter().flatten().filter_map(|told| match told {
        Told::Peers(list) => Some(list.peers),
        _ => None,
    });
    lists.flatten().collect()
}

/// The longest look-up: the node's own place first, then the torrent's.
pub(crate) const DHT_PATIENCE: Duration = Duration::from_secs(120);

/// Trackers asked for one magnet.
const TRACKERS_MAX: usize = 32;
