//! The info dictionary of a magnet (BEP 9), from whoever its trackers, the magnet itself, the DHT and the peers met on the
//! way name.
//!
//! A magnet is inspected before a mandate can name what it holds, so this is not part of a run, and no record is made.
//! The scope applies all the same. There is no pace to keep to between runs; instead each endpoint is contacted once by
//! each means that may help, at most four endpoints of one address, 64 of one network and 500 in all, and 20 at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{InfoHashV1, TargetIds, Transport, Version};
use swarm::announce::Event;
use swarm::ladder::{Allowed, Means};
use swarm::metadata::{Fetch, Limits, Search};
use swarm::probe::Identity;
use swarm::{Scope, Seed, Vantages};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wire::tracker_url::TrackerUrl;

use crate::dht::{DhtPlan, LookUpPlan, look_up};
use crate::dial::dial;
use crate::ear::{Ear, RUMOURS_MAX, Rumour};
use crate::prober::call;
use crate::trackers::{self, Question, Reach, Told};
use crate::utp::Ports;
use crate::{Clock, Stop};

/// What is fetched, and from where.
#[derive(Debug)]
pub struct MetadataPlan {
    /// The magnet's info-hashes. Trackers are asked by each.
    pub ids: TargetIds,
    /// Its trackers.
    pub trackers: Vec<TrackerUrl>,
    /// Peers that it names.
    pub peers: Vec<SocketAddr>,
    /// How the DHT is asked, if it is.
    pub dht: Option<DhtPlan>,
    /// By which means peers are contacted.
    pub allowed: Allowed,
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
    #[error("no peer that may be contacted was named by the magnet, its trackers or the DHT")]
    NoPeers,
    /// Environment: a socket could not be opened.
    #[error("no socket for \u{b5}TP: {0}")]
    Socket(String),
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
    let identity = Arc::new(Identity::new(plan.client.clone(), None, plan.seed));
    let ports = if plan.allowed.allows(Means::UTP) || plan.allowed.allows(Means::UTP_MSE) {
        Ports::open(&[], &plan.bind, AT_A_TIME as u32).await.map_err(|fault| MetadataError::Socket(fault.to_string()))?
    } else {
        Ports::none()
    };
    let ports = Arc::new(ports);
    let versions: Vec<Version> = plan.ids.versions().collect();
    let mut search = Search::new(plan.scope.clone(), plan.allowed);
    if let Some(first) = versions.first() {
        search.offer(reachable(plan, plan.peers.iter().copied()), *first);
    }
    let mut sources = sources(plan, &versions, clock, stop);
    let (into, mut rumours) = mpsc::channel(RUMOURS_MAX);
    let mut fetches = JoinSet::new();
    loop {
        while fetches.len() < AT_A_TIME {
            let Some(job) = search.take() else { break };
            let Some(from) = plan.bind.first(job.peer.ip()) else { continue };
            *tried = search.len();
            let seed = plan.seed.split("metadata", format!("{} {:?}", job.peer, job.means).as_bytes());
            let (ids, limits, identity, ports) = (plan.ids, plan.limits, Arc::clone(&identity), Arc::clone(&ports));
            let (clock, mut stop) = (Arc::clone(clock), stop.clone());
            let target = versions.iter().position(|version| *version == job.spoken).unwrap_or(0);
            let ear = Ear { target, into: into.clone() };
            fetches.spawn(async move {
                let mut fetch = Fetch::new(ids, (job.spoken, job.means.is_covered), &identity, limits, seed, clock.now());
                let dialled = async {
                    match job.means.transport {
                        Transport::Tcp => dial(from, job.peer).await,
                        Transport::Utp => ports.dial(from, job.peer).await,
                    }
                };
                (job, call(&mut fetch, dialled, Some(&ear), &clock, &mut stop).await)
            });
        }
        if fetches.is_empty() && sources.is_empty() {
            let is_nobody = search.is_empty();
            return Err(if is_nobody { MetadataError::NoPeers } else { MetadataError::NobodyHasIt { tried: *tried } });
        }
        tokio::select! {
            // What was heard comes first: it was handed on before the fetch that heard it ended.
            biased;
            Some(Rumour { target, teller, hearsay }) = rumours.recv() => {
                if let Some(spoken) = versions.get(target) {
                    search.hear(teller, &hearsay, *spoken);
                }
            }
            Some(joined) = fetches.join_next(), if !fetches.is_empty() => match unless_panicked(joined) {
                Some((_, Ok(info))) => return Ok(info),
                Some((job, Err(fault))) => search.failed(job, &fault),
                None => {}
            },
            Some(joined) = sources.join_next(), if !sources.is_empty() => {
                if let Some((peers, spoken)) = unless_panicked(joined) {
                    search.offer(reachable(plan, peers), spoken);
                }
            }
        }
    }
}

/// A task that panics is our own mistake, and never caught.
fn unless_panicked<T>(joined: Result<T, tokio::task::JoinError>) -> Option<T> {
    joined.map_err(|error| error.try_into_panic().map(|panic| std::panic::resume_unwind(panic))).ok()
}

/// Those towards whom we have an address.
fn reachable(plan: &MetadataPlan, named: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    named.into_iter().filter(|peer| plan.bind.first(peer.ip().to_canonical()).is_some()).collect()
}

/// What is asked beside the magnet's own peers: its trackers by each of its hashes, and the DHT by the first.
fn sources(
    plan: &MetadataPlan,
    versions: &[Version],
    clock: &Arc<dyn Clock>,
    stop: &Stop,
) -> JoinSet<(Vec<SocketAddr>, Version)> {
    let mut sources = JoinSet::new();
    for spoken in versions.iter().copied() {
        let Some(info_hash) = plan.ids.spoken(spoken) else { continue };
        let (trackers, scope, bind) = (plan.trackers.clone(), plan.scope.clone(), plan.bind.clone());
        let (client, seed) = (plan.client.clone(), plan.seed);
        sources.spawn(async move { (ask_all(&trackers, info_hash, &scope, &bind, &client, seed).await, spoken) });
    }
    let first = versions.first().and_then(|spoken| Some((*spoken, plan.ids.spoken(*spoken)?)));
    if let Some(((spoken, info_hash), dht)) = first.zip(plan.dht.clone()) {
        let asked = ask_dht(dht, info_hash, (&plan.scope, &plan.bind), plan.seed, (clock, stop));
        sources.spawn(async move { (asked.await, spoken) });
    }
    sources
}

/// Whom the DHT names. What cannot be asked names nobody: it is one source of several.
pub(crate) fn ask_dht(
    dht: DhtPlan,
    info_hash: InfoHashV1,
    (scope, bind): (&Scope, &Vantages),
    seed: Seed,
    (clock, stop): (&Arc<dyn Clock>, &Stop),
) -> impl Future<Output = Vec<SocketAddr>> + Send + use<> {
    let (scope, bind, seed) = (scope.clone(), bind.clone(), seed.split("dht", &[]));
    let plan = LookUpPlan { info_hash, dht, scope, bind, patience: DHT_PATIENCE, seed };
    let (clock, stop) = (Arc::clone(clock), stop.clone());
    async move {
        match look_up(plan, clock, stop).await {
            Ok(asked) => asked.peers.into_iter().collect(),
            Err(fault) => {
                tracing::warn!(%fault, "the DHT was not asked");
                Vec::new()
            }
        }
    }
}

/// The longest look-up.
const DHT_PATIENCE: Duration = Duration::from_secs(60);

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

/// Trackers asked for one magnet.
const TRACKERS_MAX: usize = 32;
