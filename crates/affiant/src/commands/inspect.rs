//! `affiant inspect`

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, Result, bail};
use clap::Args;
use evidence::Claimed;
use serde_json::json;
use wire::{magnet::Magnet, metainfo::Metainfo};

use crate::answer::Answer;

/// Say what a torrent file or magnet link is. Contacts nobody.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  affiant inspect film.torrent\n  affiant inspect 'magnet:?xt=urn:btih:…' --json")]
pub struct Inspect {
    /// A .torrent file or a magnet link.
    torrent: String,
}

impl Inspect {
    pub(crate) fn run(&self) -> Result<Answer> {
        if self.torrent.starts_with("magnet:") {
            magnet(&self.torrent)
        } else {
            torrent(&read_torrent(Path::new(&self.torrent))?)
        }
    }
}

/// Reads a torrent file, naming the file and the rule that it breaks.
pub(crate) fn read_torrent(path: &Path) -> Result<Metainfo> {
    let bytes = read_torrent_bytes(path)?;
    Metainfo::parse(&bytes).map_err(|fault| anyhow::anyhow!("{} is refused: {fault}", path.display()))
}

/// Reads the bytes of a torrent file, but never more than a torrent file may have.
pub(crate) fn read_torrent_bytes(path: &Path) -> Result<Vec<u8>> {
    let length = path.metadata().with_context(|| format!("cannot read {}", path.display()))?.len();
    if length > 64 << 20 {
        bail!("{} is refused: a torrent file of more than 64 MiB", path.display());
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn torrent(metainfo: &Metainfo) -> Result<Answer> {
    let info = &metainfo.info;
    let mut text = String::new();
    let name = Claimed::new(info.name().raw());
    writeln!(text, "name          {name}")?;
    if let Some(v1) = info.v1() {
        writeln!(text, "info-hash v1  {v1}")?;
    }
    if let Some(v2) = info.v2() {
        writeln!(text, "info-hash v2  {v2}")?;
    }
    writeln!(text, "content       {} bytes in {} files", info.total_length(), info.files().len())?;
    writeln!(text, "pieces        {} of {} bytes", info.piece_count(), info.piece_length())?;
    writeln!(text, "private       {}", if info.is_private() { "yes" } else { "no" })?;
    for (number, tier) in metainfo.tiers.iter().enumerate() {
        for tracker in tier {
            writeln!(text, "tracker       tier {number}: {}", tracker.as_str())?;
        }
    }
    for refused in &metainfo.refused_trackers {
        writeln!(text, "refused       tracker {}: {}", Claimed::new(refused.raw.as_slice()), refused.fault)?;
    }
    let mut files = Vec::new();
    for file in info.files() {
        let path = path_claim(file);
        writeln!(
            text,
            "file          {} bytes at {}{}: {path}",
            file.length,
            file.offset,
            if file.padding { ", padding" } else { "" }
        )?;
        files.push(json!({ "path": path, "bytes": file.length, "offset": file.offset, "padding": file.padding }));
    }
    let json = json!({
        "kind": "torrent",
        "name": name,
        "info_hash_v1": info.v1().map(|hash| hash.to_string()),
        "info_hash_v2": info.v2().map(|hash| hash.to_string()),
        "bytes": info.total_length(),
        "piece_bytes": info.piece_length(),
        "pieces": info.piece_count(),
        "private": info.is_private(),
        "trackers": metainfo.tiers.iter().map(|tier| tier.iter().map(wire::tracker_url::TrackerUrl::as_str).collect()).collect::<Vec<Vec<_>>>(),
        "files": files,
    });
    Ok(Answer::yes(text, json))
}

/// A file's path as the metainfo claims it, parts joined by `/`.
pub(crate) fn path_claim(file: &wire::metainfo::File) -> Claimed {
    let parts: Vec<&[u8]> = file.path.parts().iter().map(wire::metainfo::Name::raw).collect();
    Claimed::new(parts.join(&b'/'))
}

fn magnet(link: &str) -> Result<Answer> {
    let magnet = Magnet::parse(link).map_err(|fault| anyhow::anyhow!("the magnet link is refused: {fault}"))?;
    let mut text = String::new();
    if let Some(hash) = &magnet.v1 {
        writeln!(text, "info-hash v1  {hash}")?;
    }
    if let Some(hash) = &magnet.v2 {
        writeln!(text, "info-hash v2  {hash}")?;
    }
    let name = magnet.display_name.as_ref().map(|name| Claimed::new(name.as_bytes()));
    if let Some(name) = &name {
        writeln!(text, "name          {name}")?;
    }
    for tracker in &magnet.trackers {
        writeln!(text, "tracker       {}", tracker.as_str())?;
    }
    writeln!(text, "peers named   {}", magnet.peers.len())?;
    let json = json!({
        "kind": "magnet",
        "info_hash_v1": magnet.v1.map(|hash| hash.to_string()),
        "info_hash_v2": magnet.v2.map(|hash| hash.to_string()),
        "name": name,
        "trackers": magnet.trackers.iter().map(wire::tracker_url::TrackerUrl::as_str).collect::<Vec<_>>(),
        "peers_named": magnet.peers.len(),
    });
    Ok(Answer::yes(text, json))
}
