//! `affiant dossier`

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use evidence::{
    Claimed, Digest, Dossier as Built,
    control::{Approval, Control},
    dossier::{File, Origin},
    sha256,
};
use serde_json::json;
use wire::metainfo::Metainfo;

use super::inspect::{path_claim, read_torrent_bytes};
use crate::{answer::Answer, args::Affiant, clock, content, fetch, plan, progress, station::Station};

/// Proof of what a torrent contains.
#[derive(Debug, Subcommand)]
pub enum Dossier {
    /// Check a reference copy piece by piece and log what it is.
    Build(Build),
    /// Confirm a dossier. Two different reviewers must, before anything is reported.
    Approve(Approve),
    /// List the dossiers in the log.
    List,
}

/// Check a reference copy piece by piece and log what it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  affiant dossier build film.torrent --content ./film.mkv --work film-2026 --contains 'the film, complete' --by 'I. Investigator'
  affiant dossier build album.torrent --content ./album --map '*.flac=album-2026' --by 'I. Investigator'
  affiant dossier build film.torrent --work film-2026 --by 'I. Investigator'      downloads it, with upload disabled

A torrent of version 1, of version 2 or of both has one dossier; content is checked against the hashes of each version
that the torrent has. One of version 2 alone is not downloaded: it needs --content.")]
pub struct Build {
    /// The torrent file, or a magnet link, whose metadata is then asked of its peers.
    torrent: String,
    /// A lawful copy of the content. Without it the content is downloaded with upload disabled, checked and deleted.
    #[arg(long, value_name = "PATH")]
    content: Option<PathBuf>,
    /// The mandate whose work every file of the torrent holds.
    #[arg(long, value_name = "MANDATE", conflicts_with = "map")]
    work: Option<String>,
    /// Which files hold which work: PATTERN=MANDATE, where * matches anything. Files that match none hold no work.
    #[arg(long, value_name = "PATTERN=MANDATE")]
    map: Vec<String>,
    /// What the work's files were found to contain, in words.
    #[arg(long, value_name = "WORDS", default_value = "the work named by its mandate")]
    contains: String,
    /// The person who builds it.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// Confirm a dossier.
#[derive(Debug, Args)]
pub struct Approve {
    /// The dossier: the first digits of its note's SHA-256.
    dossier: String,
    /// The reviewer.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What you did and confirm, in words.
    #[arg(long, value_name = "WORDS")]
    statement: String,
}

impl Dossier {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Build(build) => build.run(args),
            Self::Approve(approve) => approve.run(args),
            Self::List => list(args),
        }
    }
}

impl Build {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let book = station.book()?;
        let torrent = if self.is_magnet() {
            fetch::torrent_of_magnet(&station, &book, &self.torrent)?
        } else {
            read_torrent_bytes(Path::new(&self.torrent))?
        };
        // What peers send for a magnet has no piece layers, and the dossier needs none: the content's blocks are checked
        // against the roots themselves.
        let read = if self.torrent.starts_with("magnet:") { Metainfo::parse_without_layers } else { Metainfo::parse };
        let metainfo = read(&torrent).map_err(|fault| anyhow::anyhow!("{:.80} is refused: {fault}", self.torrent))?;
        let target = super::target_of(&metainfo.info);
        let now = clock::utc();
        let mandates = book.mandates_for(&target, now);
        if mandates.is_empty() {
            bail!("no mandate in force names {target}; a dossier is built only of mandated torrents");
        }
        let ids: Vec<&str> = mandates.iter().map(|mandate| mandate.says.id.as_str()).collect();
        let works = self.works(&metainfo, &ids)?;
        let (origin, checked) = match &self.content {
            Some(content) => (Origin::LocalCopy, check(&metainfo, content)?),
            None => {
                let download = tempfile_dir(&station)?;
                let peers = if self.is_magnet() { fetch::peers_of(&fetch::parse_magnet(&self.torrent)?) } else { Vec::new() };
                let content = fetch::content(&station, &book, &target, torrent.clone(), &download, peers);
                let checked = content.and_then(|content| check(&metainfo, &content));
                // The copy is deleted whatever came of it: what the dossier needs of it are digests.
                fs::remove_dir_all(&download).with_context(|| format!("cannot delete {}", download.display()))?;
                (Origin::Download, checked?)
            }
        };
        let blocks: Vec<u8> = checked.blocks.iter().flat_map(|digest| *digest.as_bytes()).collect();
        let files = metainfo.info.files().iter().zip(&checked.files).zip(&works).map(|((file, digest), work)| File {
            bytes: file.length,
            contains: if work.is_some() { self.contains.clone() } else { "not part of a mandated work".into() },
            offset: file.offset,
            padding: file.padding,
            path: path_claim(file),
            pieces_root: file.pieces_root.map(Digest::from),
            sha256: *digest,
            work: work.clone(),
        });
        let dossier = Built {
            blocks_sha256: sha256(&blocks),
            built_at: clock::utc(),
            files: files.collect(),
            name: Claimed::new(metainfo.info.name().raw()),
            origin,
            piece_bytes: metainfo.info.piece_length(),
            release_sha256: super::release_sha256()?,
            target,
            info_sha256: sha256(metainfo.info.raw()),
            total_bytes: metainfo.info.total_length(),
            unfit_blocks: checked.unfit,
            versions: target.versions().collect(),
        };
        let unfit = dossier.unfit_blocks.len();
        let mapped = mapping(&dossier);
        // The working files come first, under the digest that the note will have: a dossier in the log always has them.
        let (mut ledger, note) = station.sign_decision(&book, &self.by, &Control::Dossier(dossier))?;
        let dir = station.dossier_dir(sha256(note.as_bytes()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        crate::station::replace(&dir.join("blocks.sha256"), &blocks)?;
        crate::station::replace(&dir.join("metainfo.torrent"), &torrent)?;
        if self.is_magnet() {
            // The peers that it names are asked in every run.
            crate::station::replace(&dir.join(plan::MAGNET), self.torrent.as_bytes())?;
        }
        let acked = ledger.append_note(note)?;
        let text = format!(
            "{mapped}dossier {:.12} is entry {} of the log: {} blocks match, {unfit} of them prove nothing and are never asked for\ntwo reviewers must now approve it: affiant dossier approve {:.12} --by NAME --statement WORDS",
            acked.commitment.to_string(),
            acked.index,
            checked.blocks.len(),
            acked.commitment.to_string(),
        );
        let json = json!({
            "note_sha256": acked.commitment, "index": acked.index, "target": target.to_string(),
            "blocks": checked.blocks.len(), "unfit_blocks": unfit,
        });
        Ok(Answer::yes(text, json))
    }

    fn is_magnet(&self) -> bool {
        self.torrent.starts_with("magnet:")
    }

    /// The mandate of each file, in torrent order.
    fn works(&self, metainfo: &Metainfo, mandates: &[&str]) -> Result<Vec<Option<String>>> {
        let rules = self.rules(metainfo, mandates)?;
        let mut works = Vec::new();
        for file in metainfo.info.files() {
            let path = path_claim(file).to_string();
            let mut found: Option<&str> = None;
            for (_, id) in rules.iter().filter(|(pattern, _)| matches_pattern(pattern, &path)) {
                if found.is_some_and(|other| other != *id) {
                    bail!("'{path}' matches rules for several mandates; make the patterns of --map exclude one another");
                }
                found = Some(*id);
            }
            works.push(found.filter(|_| !file.padding && file.length > 0).map(ToOwned::to_owned));
        }
        if works.iter().all(Option::is_none) {
            bail!("no file of the torrent holds a work by these rules; 'affiant inspect' lists the files");
        }
        Ok(works)
    }

    /// Patterns and mandates as given. Which files hold a work is never guessed where there are several.
    fn rules<'a>(&'a self, metainfo: &Metainfo, mandates: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>> {
        let mut rules: Vec<(&str, &str)> = Vec::new();
        for rule in &self.map {
            rules.push(rule.rsplit_once('=').with_context(|| format!("--map '{rule}' is not PATTERN=MANDATE"))?);
        }
        if let Some(id) = &self.work {
            rules.push(("*", id));
        }
        if rules.is_empty() {
            let files = metainfo.info.files().iter().filter(|file| !file.padding && file.length > 0).count();
            match (mandates, files) {
                ([one], 1) => rules.push(("*", one)),
                ([one], _) => bail!(
                    "the torrent has {files} files; say which of them hold the work with --map 'PATTERN={one}', or that all do with --work {one}"
                ),
                _ => bail!(
                    "several mandates name this torrent ({}); say which files hold which work with --map",
                    mandates.join(", ")
                ),
            }
        }
        if let Some((_, unknown)) = rules.iter().find(|(_, id)| !mandates.contains(id)) {
            bail!("'{unknown}' is not a mandate in force for this torrent (in force: {})", mandates.join(", "));
        }
        Ok(rules)
    }
}

/// Which file was taken for which work, for the person who has to confirm it.
fn mapping(dossier: &Built) -> String {
    let line = |file: &File| format!("  {:<24} {}\n", file.work.as_deref().unwrap_or("no work"), file.path);
    dossier.files.iter().filter(|file| !file.padding).map(line).collect()
}

fn check(metainfo: &Metainfo, content: &Path) -> Result<content::Checked> {
    let bar = progress::bar(metainfo.info.total_length(), "checking every piece");
    let checked = content::check(&metainfo.info, content, |done| bar.set_position(done));
    bar.finish_and_clear();
    checked
}

fn tempfile_dir(station: &Station) -> Result<PathBuf> {
    let dir = station.dir.join("dossiers").join(".download");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot clear {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Whether `text` matches `pattern`, in which `*` stands for anything, also nothing.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

impl Approve {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        if self.statement.trim().is_empty() {
            bail!("the statement is empty; say what you did and confirm");
        }
        let station = Station::open(&args.place)?;
        let book = station.book()?;
        let dossier = book.dossier(&self.dossier)?;
        if dossier.reviewers().contains(&self.by.as_str()) {
            bail!("{} has approved this dossier already; the second reviewer must be somebody else", self.by);
        }
        let approval =
            Approval { at: clock::utc(), dossier_note_sha256: dossier.note.note_sha256, statement: self.statement.clone() };
        let reviewers = dossier.reviewers().len() + 1;
        let acked = station.decide(&book, &self.by, &Control::Approval(approval))?;
        let text = if reviewers >= 2 {
            format!("entry {}: the dossier is approved by {reviewers} reviewers", acked.index)
        } else {
            format!("entry {}: one reviewer has approved; one more must", acked.index)
        };
        Ok(Answer::yes(text, json!({ "index": acked.index, "reviewers": reviewers, "approved": reviewers >= 2 })))
    }
}

fn list(args: &Affiant) -> Result<Answer> {
    let book = Station::open(&args.place)?.book()?;
    let mut text = String::new();
    let mut rows = Vec::new();
    for dossier in &book.dossiers {
        let note = &dossier.note;
        let state = if dossier.is_approved() { "approved" } else { "not approved" };
        let digest = note.note_sha256.to_string();
        writeln!(text, "{digest:.12}  {state:<12} {}  {}  {}", note.says.built_at.date(), note.says.target, note.says.name)?;
        rows.push(json!({
            "note_sha256": note.note_sha256, "index": note.index, "approved": dossier.is_approved(), "reviewers": dossier.reviewers(),
            "target": note.says.target.to_string(), "name": note.says.name, "bytes": note.says.total_bytes,
        }));
    }
    if rows.is_empty() {
        text.push_str("no dossier yet; build one with 'affiant dossier build'");
    }
    Ok(Answer::yes(text, json!({ "dossiers": rows })))
}

#[cfg(test)]
mod tests {
    use swarmlab::torrent::{Shape, SyntheticTorrent};
    use wire::metainfo::Metainfo;

    use super::{Build, matches_pattern};

    fn works(shape: Shape, work: Option<&str>, map: &[&str], mandates: &[&str]) -> Result<Vec<Option<String>>, String> {
        let torrent = SyntheticTorrent::new("t", 1, shape, 1 << 14, &[]).unwrap();
        let build = Build {
            torrent: String::new(),
            content: None,
            work: work.map(ToOwned::to_owned),
            map: map.iter().map(ToString::to_string).collect(),
            contains: String::new(),
            by: String::new(),
        };
        build.works(&Metainfo::parse(torrent.metainfo()).unwrap(), mandates).map_err(|fault| fault.to_string())
    }

    #[test]
    fn which_files_hold_a_work_is_not_guessed() {
        let film = || Shape::film_with_nfo(100_000, 1 << 14);
        let id = |id: &str| Some(id.to_string());
        assert_eq!(works(Shape::File { length: 9 }, None, &[], &["film"]), Ok(vec![id("film")]));
        assert_eq!(works(film(), None, &["*.mkv=film"], &["film"]), Ok(vec![id("film"), None, None]));
        assert_eq!(works(film(), Some("film"), &[], &["film"]), Ok(vec![id("film"), None, id("film")]));
        assert_eq!(works(film(), None, &["*.mkv=a", "*.nfo=b"], &["a", "b"]), Ok(vec![id("a"), None, id("b")]));
        for (map, mandates, word) in [
            (&[][..], &["film"][..], "--map"),
            (&[], &["a", "b"], "several mandates"),
            (&["*=a", "*.mkv=b"], &["a", "b"], "exclude one another"),
            (&["*.avi=film"], &["film"], "no file"),
            (&["*.mkv=other"], &["film"], "not a mandate"),
            (&["film"], &["film"], "PATTERN=MANDATE"),
        ] {
            let fault = works(film(), None, map, mandates).unwrap_err();
            assert!(fault.contains(word), "{map:?}: {fault}");
        }
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, is_match) in [
            ("*", "", true),
            ("*", "a/b.mkv", true),
            ("*.mkv", "a/b.mkv", true),
            ("*.mkv", "a/b.mkv.nfo", false),
            ("a/*", "a/b", true),
            ("a/*", "b/a/c", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("aa*aa", "aaa", false),
            ("film.mkv", "film.mkv", true),
            ("film.mkv", "film.mkv2", false),
        ] {
            assert_eq!(matches_pattern(pattern, path), is_match, "{pattern} {path}");
        }
    }
}
