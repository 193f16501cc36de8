//! What runs beside the conductor: one task for each question, contact, caller and record.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evidence::candidates::Candidates;
use evidence::clock::ClockReading;
use evidence::observation::Purpose;
use evidence::run::{AnnounceResult, Fact, RunFact};
use evidence::{Claimed, Digest, Direction, Grade, InfoHashV1, Mono, Outcome, Stamp, Transport, Version, sha256};
use ledger::{AppendError, Record};
use swarm::announce::{Answer, Ask, Event as Announce, TrackerId};
use swarm::mse::Torrents;
use swarm::probe::{self, Aim, Identity, Target, Veil, Visit};
use swarm::reception::Named;
use swarm::roster::{Errand, Job};
use swarm::{Probe, Seed};
use tokio::sync::mpsc;
use wire::peer_id::{Family, PeerId};

use super::{Context, Found, Recorder, Source};
use crate::clock::vouched_ms;
use crate::dial::dial;
use crate::ear::{Ear, Rumour};
use crate::listener::{self, Caller};
use crate::prober::{call, lead};
use crate::trackers::{self, Question, Reach, Told};
use crate::utp::Ports;
use crate::{Clock, Settings, Stop, TargetPlan};

/// What all tasks of a run share.
pub(super) struct Shared {
    pub(super) recorder: Recorder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) identity: Identity,
    pub(super) reach: Reach,
    pub(super) targets: Vec<Arc<TargetPlan>>,
    pub(super) ports: Ports,
    pub(super) torrents: Torrents,
    pub(super) by_hash: BTreeMap<InfoHashV1, (usize, Version)>,
    pub(super) settings: Settings,
    pub(super) seed: Seed,
    pub(super) rumours: mpsc::Sender<Rumour>,
}

impl Shared {
    /// Our end towards a peer, as long as no connection has come to be.
    fn unconnected(&self, target: usize, peer: SocketAddr, turn: u32) -> SocketAddr {
        let any = || if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let from = self.reach.bind.towards(peer, &self.targets[target].ids, turn, &self.seed);
        SocketAddr::new(from.unwrap_or_else(any), 0)
    }
}

/// What a task came to. Whatever it says is in the log already.
pub(super) enum Event {
    /// A tracker was asked.
    Asked {
        target: usize,
        spoken: Version,
        tracker: TrackerId,
        event: Announce,
        answer: Answer,
        lists: Vec<Listed>,
        refused: u64,
    },
    /// A list came from elsewhere.
    Listed { target: usize, list: Listed },
    /// A list that came from elsewhere could not be recorded.
    Unlisted,
    /// How a look-up in the DHT went was recorded.
    Told,
    /// How a look-up in the DHT went could not be recorded.
    Untold,
    /// The clock was read.
    ClockRead,
    /// A contact ended.
    Ended(Ended),
    /// A contact never made was recorded.
    Filed { outcome: Outcome },
    /// A contact never made could not be recorded.
    Unfiled,
    /// A contact ended and could not be recorded.
    Unlogged { target: usize, peer: SocketAddr, direction: Direction, was_reached: bool },
    /// A caller named no mandated torrent.
    TurnedAway { peer: SocketAddr },
}

/// A list of candidates in the log.
pub(super) struct Listed {
    pub(super) at: Stamp,
    pub(super) commitment: Digest,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) source: Source,
    /// Which version of the torrent the source was asked about, if it was asked by one.
    pub(super) spoken: Option<Version>,
    pub(super) via: String,
}

/// A contact in the log.
pub(super) struct Ended {
    pub(super) target: usize,
    pub(super) peer: SocketAddr,
    pub(super) direction: Direction,
    pub(super) purpose: Purpose,
    pub(super) outcome: Outcome,
    pub(super) grade: Grade,
    pub(super) was_reached: bool,
    pub(super) verified_bytes: u64,
    /// When the last verified block had arrived.
    pub(super) last_block: Option<Mono>,
    pub(super) commitment: Digest,
    /// Which client the peer says it is, if its handshake has arrived.
    pub(super) met: Option<Family>,
    /// Whether the peer says that it sees us at the address that we recorded.
    pub(super) sees_observer: Option<bool>,
    /// Whether it can be asked for introductions, if it has said so.
    pub(super) introduces: Option<bool>,
    /// Those that it says it has told to dial us, as it was asked to.
    pub(super) connects: Vec<SocketAddr>,
}

pub(super) type Logged = Result<Event, AppendError>;

/// Asks a tracker, logs that it was asked, and logs each list before anybody on it is contacted.
pub(super) async fn ask(
    shared: Arc<Shared>,
    (target, spoken): (usize, Version),
    ask: Ask,
    question: Question,
    reach: Reach,
    mut stop: Stop,
) -> Logged {
    let asked = trackers::ask(&question, &reach);
    let is_farewell = ask.event == Announce::Stopped;
    let (told, counts) = tokio::select! {
        asked = asked => asked,
        () = stop.stopped(), if !is_farewell => (vec![Told::NoAnswer { why: "the run ended first".into() }], None),
    };
    let at = shared.clock.now().stamp();
    let plan = &shared.targets[target];
    let tracker = question.url.to_string();
    let run = shared.recorder.run;
    let (mut lists, mut refusals) = (Vec::new(), 0);
    for told in &told {
        let (result, interval_s) = result(told);
        let event = ask.event.word().into();
        let fact = Fact::Announced { event, interval_s, result, spoken, target: plan.ids, tracker: tracker.clone() };
        if let Err(error) = shared.recorder.appender.append(Record::Run(RunFact { at, fact, run })).await {
            refused(&shared, "what a tracker said", error).await?;
            refusals += 1;
        }
        if let Told::Peers(list) = told
            && !list.peers.is_empty()
            && !is_farewell
        {
            let naming = Naming {
                at,
                source: Source::Tracker,
                spoken: Some(spoken),
                via: tracker.clone(),
                answer_sha256: list.answer_sha256,
                peers: list.peers.clone(),
                more: list.named,
            };
            match log_list(&shared, target, naming).await {
                Ok(listed) => lists.push(listed),
                Err(error) => {
                    refused(&shared, "a list of addresses, none of which is contacted for it", error).await?;
                    refusals += 1;
                }
            }
        }
    }
    if let Some(counts) = counts {
        let fact = Fact::Scraped {
            complete: counts.complete,
            downloaded: counts.downloaded,
            incomplete: counts.incomplete,
            spoken,
            target: plan.ids,
            tracker,
        };
        if let Err(error) = shared.recorder.appender.append(Record::Run(RunFact { at, fact, run })).await {
            refused(&shared, "a tracker's counts", error).await?;
            refusals += 1;
        }
    }
    let named: usize = lists.iter().map(|list| list.peers.len()).sum();
    tracing::debug!(tracker = question.url.host(), event = ask.event.word(), named, "a tracker was asked");
    let answer = trackers::answer(&told);
    Ok(Event::Asked { target, spoken, tracker: ask.tracker, event: ask.event, answer, lists, refused: refusals })
}

fn result(told: &Told) -> (AnnounceResult, Option<u32>) {
    match told {
        Told::Peers(list) => {
            let named = u32::try_from(list.peers.len()).unwrap_or(u32::MAX).saturating_add(list.named);
            (AnnounceResult::Peers { named }, list.interval_s)
        }
        Told::Refused { reason, .. } => {
            let kept = &reason[..reason.len().min(REASON_BYTES)];
            (AnnounceResult::Failure { reason: Claimed::new(kept).to_string() }, None)
        }
        Told::Malformed { rule } => (AnnounceResult::Malformed { rule: rule.clone() }, None),
        Told::NoAnswer { why } => (AnnounceResult::NoAnswer { why: why.clone() }, None),
        Told::Excluded { why } => (AnnounceResult::Excluded { why: why.clone() }, None),
    }
}

/// A refusal is a sentence.
const REASON_BYTES: usize = 512;

/// What a source other than a tracker said.
pub(super) struct Naming {
    /// When.
    pub(super) at: Stamp,
    pub(super) source: Source,
    /// Which version of the torrent it was asked about, if it was asked by one.
    pub(super) spoken: Option<Version>,
    pub(super) via: String,
    pub(super) answer_sha256: Digest,
    /// Whom it named.
    pub(super) peers: Vec<SocketAddr>,
    /// How many more it named.
    pub(super) more: u32,
}

/// The peers that a magnet names.
pub(super) fn magnet_peers(shared: &Shared, target: usize) -> Naming {
    let peers = shared.targets[target].peers.clone();
    let text: Vec<String> = peers.iter().map(ToString::to_string).collect();
    let answer_sha256 = sha256(text.join("\n").as_bytes());
    Naming {
        at: shared.clock.now().stamp(),
        source: Source::Magnet,
        spoken: None,
        via: "x.pe".into(),
        answer_sha256,
        peers,
        more: 0,
    }
}

/// Logs whom a source named.
pub(super) async fn named(shared: Arc<Shared>, target: usize, naming: Naming) -> Logged {
    match log_list(&shared, target, naming).await {
        Ok(list) => Ok(Event::Listed { target, list }),
        Err(error) => {
            refused(&shared, "a list of addresses, none of which is contacted for it", error).await?;
            Ok(Event::Unlisted)
        }
    }
}

async fn log_list(shared: &Shared, target: usize, naming: Naming) -> Result<Listed, AppendError> {
    let Naming { at, source, spoken, via, answer_sha256, peers: named, more } = naming;
    let kept = named.len().min(shared.settings.list_max);
    let peers: Vec<SocketAddr> = named[..kept].iter().copied().map(evidence::endpoint::canonical).collect();
    let dropped = u32::try_from(named.len() - kept).unwrap_or(u32::MAX).saturating_add(more);
    let (run, ids) = (shared.recorder.run, shared.targets[target].ids);
    let (kept, via_too) = (peers.clone(), via.clone());
    let list = Candidates { answer_sha256, at, dropped, peers: kept, run, source, spoken, target: ids, via: via_too };
    let acked = shared.recorder.appender.append(Record::Candidates(list)).await?;
    Ok(Listed { at, commitment: acked.commitment, peers, source, spoken, via })
}

/// Contacts a peer and logs what came of it.
pub(super) async fn contact(
    shared: Arc<Shared>,
    (target, spoken): (usize, Version),
    job: Job,
    wishes: Vec<SocketAddr>,
    mandates: Vec<Digest>,
    seed: Seed,
    mut stop: Stop,
) -> Logged {
    let plan = &shared.targets[target];
    // A voice speaks by a hash that there is.
    let torrent = plan.ids.spoken(spoken).unwrap_or(InfoHashV1::from([0; 20]));
    let (aim, info_hash, purpose) = match job.errand {
        Errand::Probe => (Aim::Probe, torrent, Purpose::Probe),
        Errand::Control { about } => {
            let mut random = [0; 20];
            random.copy_from_slice(&seed.split("control", &[]).bytes()[..20]);
            let info_hash = InfoHashV1::from(random);
            (Aim::Control, info_hash, Purpose::Control { about, info_hash })
        }
        Errand::Rendezvous => (Aim::Rendezvous, torrent, Purpose::Rendezvous),
    };
    let observer = shared.unconnected(target, job.peer, job.turn);
    let before_ms = shared.clock.reading().error_ms;
    let ear = Ear { target, into: shared.rumours.clone() };
    let visit = {
        let target = aimed(&shared, plan, aim, Direction::Outgoing, (info_hash, spoken));
        let veil = if job.means.is_covered { Veil::Mse(torrent) } else { Veil::Plain };
        let mut probe = Probe::new(target, veil, limits(&shared, plan), seed, shared.clock.now()).asking_for(wishes);
        let (from, to) = (observer.ip(), job.peer);
        let dialled = async {
            match job.means.transport {
                Transport::Tcp => dial(from, to).await,
                Transport::Utp => shared.ports.dial(from, to).await,
            }
        };
        call(&mut probe, dialled, Some(&ear), &shared.clock, &mut stop).await
    };
    let context = Context {
        peer: job.peer,
        observer,
        found: Some(job.found),
        purpose,
        spoken,
        target: plan.ids,
        mandates_sha256: mandates,
        dossier_sha256: plan.content.as_ref().map(|content| content.dossier_sha256()),
        error_ms: vouched_ms(before_ms, shared.clock.reading().error_ms, &visit),
        transport: job.means.transport,
        rendezvous: job.rendezvous,
    };
    log_visit(&shared, target, context, *visit).await
}

fn aimed<'a>(
    shared: &'a Shared,
    plan: &'a TargetPlan,
    aim: Aim,
    direction: Direction,
    (info_hash, spoken): (InfoHashV1, Version),
) -> Target<'a> {
    let content = plan.content.as_deref().filter(|_| aim == Aim::Probe);
    let piece_count = content.map(swarm::Content::piece_count).or(plan.piece_count);
    Target { info_hash, spoken, aim, direction, piece_count, content, identity: &shared.identity }
}

/// Nobody who shares a private torrent is asked about others, and nothing they say is heard (BEP 27).
fn limits(shared: &Shared, plan: &TargetPlan) -> probe::Limits {
    match plan.is_private {
        true => {
            let gossip = probe::gossip::Limits::NONE;
            probe::Limits { gossip, is_introducible: false, ..shared.settings.probe }
        }
        false => shared.settings.probe,
    }
}

/// Hears a caller out. One that names no mandated torrent is put out without a word and without a record: nothing
/// about it is our business.
pub(super) async fn receive(
    shared: Arc<Shared>,
    caller: Caller,
    rendezvous: BTreeMap<usize, Digest>,
    seed: Seed,
    mut stop: Stop,
) -> Logged {
    let Caller { mut link, accepted, error_ms: before_ms } = caller;
    let (peer, transport) = (link.peer, link.transport);
    let patience = Duration::from_millis(shared.settings.probe.handshake_ms);
    let heard = tokio::select! {
        heard = listener::hear(&mut link, &shared.torrents, patience, seed.split("reception", &[]), &shared.clock) => heard,
        () = stop.stopped() => None,
    };
    let named = heard.and_then(|named| Some((*shared.by_hash.get(&named.info_hash)?, *named)));
    let Some(((target, spoken), Named { info_hash, veil, first })) = named else { return Ok(Event::TurnedAway { peer }) };
    let plan = &shared.targets[target];
    let mandates_sha256 = plan.mandates_in_force(shared.clock.now().utc);
    if mandates_sha256.is_empty() {
        return Ok(Event::TurnedAway { peer });
    }
    let ear = Ear { target, into: shared.rumours.clone() };
    let visit = {
        let target = aimed(&shared, plan, Aim::Probe, Direction::Incoming, (info_hash, spoken));
        let mut probe = Probe::new(target, veil, limits(&shared, plan), seed, accepted);
        lead(&mut probe, link, (&first, accepted), Some(&ear), &shared.clock, &mut stop).await
    };
    let context = Context {
        peer,
        observer: shared.unconnected(target, peer, 0),
        found: None,
        purpose: Purpose::Probe,
        spoken,
        target: plan.ids,
        mandates_sha256,
        dossier_sha256: plan.content.as_ref().map(|content| content.dossier_sha256()),
        error_ms: vouched_ms(before_ms, shared.clock.reading().error_ms, &visit),
        transport,
        rendezvous: rendezvous.get(&target).copied(),
    };
    log_visit(&shared, target, context, *visit).await
}

async fn log_visit(shared: &Arc<Shared>, target: usize, context: Context, visit: Visit) -> Logged {
    let met = visit.times.handshake.and(visit.peer_id).map(|id| PeerId(*id.as_bytes()).claim().family);
    let (outcome, grade, direction) = (visit.outcome.clone(), visit.grade, visit.direction);
    let ours = matches!(outcome, Outcome::LocalFault { .. });
    let was_reached = visit.times.connected.is_some() || ours;
    let verified_bytes = visit.volume.verified_bytes;
    let sees_observer = visit.extension.as_ref().and_then(|said| said.sees_observer);
    let last_block = visit.times.last_block.map(|at| Mono::from_us(at.mono_us));
    let (peer, purpose) = (context.peer, context.purpose);
    let (introduces, connects) = (visit.introduces, visit.connects.clone());
    let commitment = match shared.recorder.visit(context, visit).await {
        Ok(acked) => acked.commitment,
        Err(error) => {
            refused(shared, "a contact", error).await?;
            return Ok(Event::Unlogged { target, peer, direction, was_reached });
        }
    };
    Ok(Event::Ended(Ended {
        target,
        peer,
        direction,
        purpose,
        outcome,
        grade,
        was_reached,
        verified_bytes,
        last_block,
        commitment,
        met,
        sees_observer,
        introduces,
        connects,
    }))
}

/// Logs that a peer was not contacted, and why.
pub(super) async fn paper(
    shared: Arc<Shared>,
    (target, spoken): (usize, Version),
    peer: SocketAddr,
    found: Found,
    outcome: Outcome,
) -> Logged {
    let plan = &shared.targets[target];
    let before_ms = shared.clock.reading().error_ms;
    let now = shared.clock.now();
    let after_ms = shared.clock.reading().error_ms;
    let context = Context {
        peer,
        observer: shared.unconnected(target, peer, 0),
        found: Some(found),
        purpose: Purpose::Probe,
        spoken,
        target: plan.ids,
        mandates_sha256: plan.mandates_in_force(now.utc),
        dossier_sha256: None,
        // Its moments are one.
        error_ms: before_ms.zip(after_ms).map(|(before, after)| before.max(after)),
        transport: Transport::Tcp,
        rendezvous: None,
    };
    match shared.recorder.paper(context, outcome.clone(), now.stamp()).await {
        Ok(_) => Ok(Event::Filed { outcome }),
        Err(error) => {
            refused(&shared, "a contact that was not made", error).await?;
            Ok(Event::Unfiled)
        }
    }
}

/// A record was not logged. If the ledger refused it for its own sake, the run goes on without it: what a peer or a
/// tracker says must not be able to end a run. Whether that is so is settled by a record that nobody else has a hand in,
/// for the ledger refuses records also where none can be logged any more, as past the end of its month.
pub(super) async fn refused(shared: &Arc<Shared>, what: &str, error: AppendError) -> Result<(), AppendError> {
    if !error.is_about_the_record() {
        return Err(error);
    }
    clock_reading(Arc::clone(shared)).await.map_err(|_| error)?;
    // The ledger's words may quote the record, which has addresses in it.
    tracing::error!(what, "a record was refused by the log and is missing from it; the run goes on");
    Ok(())
}

/// Logs what is known of the wall clock.
pub(super) async fn clock_reading(shared: Arc<Shared>) -> Logged {
    let (now, reading) = (shared.clock.now(), shared.clock.reading());
    let record = ClockReading {
        at: now.stamp(),
        error_ms: reading.error_ms,
        run: shared.recorder.run,
        source: reading.source,
        synchronised: reading.synchronised,
    };
    shared.recorder.appender.append(Record::Clock(record)).await?;
    Ok(Event::ClockRead)
}
