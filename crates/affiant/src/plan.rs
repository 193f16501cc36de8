//! From a station to the plan of a run: its mandates in force, their dossiers, its configuration.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use crawler::{LocalDiscovery, Mandated, Settings, TargetPlan, Until, WatchPlan};
use evidence::{RunId, TargetIds, Utc, sha256};
use swarm::{Content, Scope, Seed, Vantages, continuity::Revisit, prefix::Prefix, probe::gossip};
use wire::metainfo::Metainfo;

use crate::{
    book::{Book, Filed, FiledDossier},
    commands,
    config::{self, Config},
    dht, fetch,
    station::Station,
    tables::Loaded,
};

/// Plans a run of all mandates in force.
pub fn watch_plan(station: &Station, book: &Book, tables: &Loaded, until: Until, now: Utc) -> Result<WatchPlan> {
    let config = &station.config;
    let targets = targets(station, book, now)?;
    if targets.is_empty() {
        bail!("no mandate in force today names a torrent that can be watched; 'affiant mandate list' shows those in the log");
    }
    let mut run = [0; 8];
    let mut seed = [0; 32];
    fill(&mut run)?;
    fill(&mut seed)?;
    Ok(WatchPlan {
        run: RunId::from(run),
        version: env!("CARGO_PKG_VERSION").into(),
        config_sha256: config.digest()?,
        release_sha256: commands::release_sha256()?,
        tables_sha256: tables.attributor.digests(now.date()),
        targets,
        scope: scope(config, owner_seeds(book))?,
        client: client(config),
        bind: bind(config),
        listen: config.listen(),
        announce_port: None,
        dht: dht::plan(station)?,
        local: match config.monitor.local_discovery {
            config::LocalDiscovery::Off => LocalDiscovery::Off,
            config::LocalDiscovery::Listen => LocalDiscovery::Listen,
            config::LocalDiscovery::Announce => LocalDiscovery::Announce,
        },
        until,
        seed: Seed::new(seed),
        settings: settings(config, until),
    })
}

/// The torrents that mandates in force name, each once.
fn targets(station: &Station, book: &Book, now: Utc) -> Result<Vec<TargetPlan>> {
    let mut plans: Vec<TargetPlan> = Vec::new();
    for mandate in book.mandates.iter().filter(|mandate| mandate.says.in_force(now)) {
        for target in &mandate.says.targets {
            if plans.iter().any(|plan| plan.ids.overlaps(target)) {
                continue;
            }
            plans.push(target_plan(station, book, target, now)?);
        }
    }
    Ok(plans)
}

fn target_plan(station: &Station, book: &Book, target: &TargetIds, now: Utc) -> Result<TargetPlan> {
    let mandates = book.mandates_for(target, now);
    let works: Vec<String> = mandates.iter().map(|mandate| mandate.says.id.clone()).collect();
    let mandated = |filed: &&Filed<evidence::Mandate>| Mandated { mandate: filed.says.clone(), sha256: filed.note_sha256 };
    let mut plan = TargetPlan {
        ids: *target,
        mandates: mandates.iter().map(mandated).collect(),
        content: None,
        piece_count: None,
        total_bytes: None,
        is_private: false,
        trackers: Vec::new(),
        peers: Vec::new(),
    };
    let Some(dossier) = book.dossier_for(target) else {
        tracing::warn!(%target, "no dossier, so no trackers either: nobody is looked for; build one with 'affiant dossier build'");
        return Ok(plan);
    };
    let dir = station.dossier_dir(dossier.note.note_sha256);
    let metainfo = metainfo_of(&dir, dossier)?;
    plan.ids = super::commands::target_of(&metainfo.info);
    plan.piece_count = Some(metainfo.info.piece_count());
    plan.total_bytes = Some(metainfo.info.total_length());
    plan.is_private = metainfo.info.is_private();
    plan.trackers = metainfo.tiers.clone();
    if plan.is_private {
        tracing::info!(%target, "private (BEP 27): its own trackers alone are asked for peers");
    } else {
        plan.peers = named_by_magnet(&dir)?;
    }
    if dossier.is_approved() {
        let blocks =
            fs::read(dir.join("blocks.sha256")).with_context(|| format!("cannot read the block digests in {}", dir.display()))?;
        let content = Content::new(&dossier.note.says, dossier.note.note_sha256, blocks, &works)
            .with_context(|| format!("{} is refused", dir.join("blocks.sha256").display()))?;
        plan.content = Some(Arc::new(content));
    } else if let Some(content) = Content::of_info(&metainfo.info) {
        tracing::warn!(%target, "the dossier is not approved by two reviewers: peers prove what they send, and nothing of it is reported");
        plan.content = Some(Arc::new(content));
    } else {
        tracing::warn!(%target, "the dossier is not approved by two reviewers: peers can be graded no higher than claimed");
    }
    Ok(plan)
}

/// The torrent file that a dossier is about.
fn metainfo_of(dir: &Path, dossier: &FiledDossier) -> Result<Metainfo> {
    let path = dir.join("metainfo.torrent");
    let torrent = fs::read(&path).with_context(|| format!("the dossier's working files are not in {}", dir.display()))?;
    let metainfo =
        Metainfo::parse_without_layers(&torrent).map_err(|fault| anyhow::anyhow!("{} is refused: {fault}", path.display()))?;
    if sha256(metainfo.info.raw()) != dossier.note.says.info_sha256 {
        bail!("{} is not the torrent that the dossier is about", path.display());
    }
    Ok(metainfo)
}

/// The peers that the magnet names which the dossier was built from, if it was.
fn named_by_magnet(dir: &Path) -> Result<Vec<SocketAddr>> {
    let path = dir.join(MAGNET);
    match fs::read_to_string(&path) {
        Ok(link) => Ok(fetch::peers_of(&fetch::parse_magnet(&link)?)),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(fault) => Err(fault).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The magnet link that a dossier was built from, beside the torrent file.
pub const MAGNET: &str = "magnet.txt";

/// The torrents of mandates in force that are private (BEP 27), as far as their dossiers' files are at hand.
pub fn private_targets(station: &Station, book: &Book, now: Utc) -> Vec<TargetIds> {
    let in_force = book.mandates.iter().filter(|mandate| mandate.says.in_force(now));
    let named: BTreeSet<TargetIds> = in_force.flat_map(|mandate| mandate.says.targets.iter().copied()).collect();
    let is_private = |target: &TargetIds| {
        book.dossier_for(target).is_some_and(|dossier| {
            metainfo_of(&station.dossier_dir(dossier.note.note_sha256), dossier).is_ok_and(|metainfo| metainfo.info.is_private())
        })
    };
    named.into_iter().filter(is_private).collect()
}

/// Fills a buffer from the operating system's random source.
pub fn fill(buffer: &mut [u8]) -> Result<()> {
    getrandom::fill(buffer).map_err(|fault| anyhow::anyhow!("the operating system gave no random bytes: {fault}"))
}

/// What peers and trackers are told of us.
pub fn client(config: &Config) -> String {
    format!("affiant/{} (+{})", env!("CARGO_PKG_VERSION"), config.monitor.contact)
}

/// The owners' own seeds and decoys, which are never contacted.
pub fn owner_seeds(book: &Book) -> Vec<IpAddr> {
    book.mandates.iter().flat_map(|mandate| mandate.says.owner_seeds.iter().copied()).collect()
}

/// Who may be contacted.
pub fn scope(config: &Config, owner_seeds: Vec<IpAddr>) -> Result<Scope> {
    let own = config.listen();
    match &config.laboratory {
        None => Ok(Scope::public(own, owner_seeds)),
        Some(laboratory) => {
            let parse = |text: &String| {
                text.parse::<Prefix>().map_err(|fault| anyhow::anyhow!("laboratory network '{text}' is refused: {fault}"))
            };
            let networks = laboratory.networks.iter().map(parse).collect::<Result<Vec<_>>>()?;
            Scope::laboratory(networks, own, owner_seeds).map_err(|fault| anyhow::anyhow!("{fault}"))
        }
    }
}

/// The addresses that contacts are made from.
pub fn bind(config: &Config) -> Vantages {
    Vantages::new(config.monitor.addresses.iter().copied())
}

fn settings(config: &Config, until: Until) -> Settings {
    let pace = &config.pace;
    let mut settings = Settings::default();
    let seconds = |s: u32| u64::from(s) * 1000;
    settings.probe.connect_ms = pace.connect_ms.into();
    settings.probe.handshake_ms = pace.handshake_ms.into();
    settings.probe.claims_ms = pace.claims_ms.into();
    settings.probe.choked_ms = pace.choked_ms.into();
    settings.probe.choked_transmission_ms = pace.choked_transmission_ms.into();
    settings.probe.answer_ms = pace.block_ms.into();
    settings.probe.blocks = pace.challenges;
    settings.probe.gossip = match pace.pex_wait_ms {
        0 => gossip::Limits::NONE,
        wait_ms => gossip::Limits { wait_ms: wait_ms.into(), ..gossip::Limits::default() },
    };
    settings.pace.total = pace.connections;
    settings.pace.per_address = pace.connections_per_address;
    settings.pace.per_network = pace.connections_per_network;
    settings.pace.per_second = pace.dials_per_second;
    settings.pace.per_address_hour = pace.contacts_per_address_hour;
    settings.pace.back_off_first_ms = seconds(pace.retry_s);
    settings.roster.tries_max = pace.attempts;
    settings.roster.retry_first_ms = seconds(pace.retry_s);
    settings.roster.control_ms = pace.control_ms.into();
    (settings.roster.vantages_v4, settings.roster.vantages_v6) = (config.monitor.vantages, config.monitor.vantages);
    let ends_when_idle = matches!(until, Until::Idle { .. });
    let revisit = Revisit { after_ms: seconds(pace.revisit_s), within_ms: casework::sessions::GAP_MS.unsigned_abs() };
    settings.revisit = (pace.revisit_s > 0 && !ends_when_idle).then_some(revisit);
    settings.list_max = (pace.peers_per_answer as usize).min(crawler::LIST_MAX);
    settings.numwant = pace.peers_per_answer;
    settings
}
