//! What an insider might do to a bundle. Each rewrites the manifests too, so that only the evidence can object.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evidence::sha256;

/// One way to falsify a bundle.
#[derive(Debug, Clone, Copy)]
pub enum Tampering {
    /// Another address in an observation.
    Address,
    /// An observation less.
    Dropped,
    /// A leaf less at the end, as if it had never been logged.
    Truncated,
    /// Another time in a report.
    ReportTime,
    /// The witnesses' signatures taken from every checkpoint.
    Unwitnessed,
}

/// All of them.
pub const ALL: [Tampering; 5] =
    [Tampering::Address, Tampering::Dropped, Tampering::Truncated, Tampering::ReportTime, Tampering::Unwitnessed];

impl Tampering {
    pub fn words(self) -> &'static str {
        match self {
            Self::Address => "a digit of an address edited",
            Self::Dropped => "an observation dropped",
            Self::Truncated => "the last leaf cut off",
            Self::ReportTime => "a report's time moved by a second",
            Self::Unwitnessed => "the witnesses' signatures taken away",
        }
    }

    /// Copies the bundle under `into` and falsifies the copy.
    pub fn apply(self, bundle: &Path, into: &Path) -> Result<PathBuf> {
        let copy = into.join(format!("{self:?}").to_lowercase());
        copy_folder(bundle, &copy)?;
        match self {
            Self::Address => {
                edit(&copy.join("data/recipient/openings.txt"), |text| text.replacen("\"peer\":\"127.", "\"peer\":\"126.", 1))?
            }
            Self::Dropped => {
                edit(&copy.join("data/recipient/openings.txt"), |text| text.split_inclusive('\n').skip(1).collect())?
            }
            Self::Truncated => edit(&copy.join("data/shard/leaves.txt"), |text| {
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                lines[..lines.len().saturating_sub(1)].concat()
            })?,
            Self::ReportTime => {
                let cirs = copy.join("data/cirs");
                let first = fs::read_dir(&cirs)?.next().with_context(|| format!("{} is empty", cirs.display()))??;
                edit(&first.path().join("cir.json"), move_start)?;
            }
            Self::Unwitnessed => {
                let checkpoints = copy.join("data/shard/checkpoints");
                for entry in fs::read_dir(&checkpoints).with_context(|| format!("cannot read {}", checkpoints.display()))? {
                    edit(&entry?.path(), without_witnesses)?;
                }
            }
        }
        rewrite_manifests(&copy)?;
        Ok(copy)
    }
}

/// Adds one to the last digit of the seconds of the session's start.
fn move_start(text: String) -> String {
    let Some(at) = text.find("\"start\":\"").map(|at| at + "\"start\":\"".len() + "2026-01-01T00:00:0".len()) else {
        return text;
    };
    let digit = if &text[at..=at] == "9" { "8".to_string() } else { char::from(text.as_bytes()[at] + 1).to_string() };
    format!("{}{digit}{}", &text[..at], &text[at + 1..])
}

/// Three lines, a blank one and the log's own signature.
fn without_witnesses(text: String) -> String {
    text.split_inclusive('\n').take(5).collect()
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) -> Result<()> {
    let before = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let after = change(before.clone());
    if after == before {
        bail!("{} was not changed by the tampering", path.display());
    }
    fs::write(path, after).with_context(|| format!("cannot write {}", path.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// Makes the bag consistent again: sizes, manifest, tag manifest.
fn rewrite_manifests(bag: &Path) -> Result<()> {
    let mut files = BTreeMap::new();
    collect(bag, &bag.join("data"), &mut files)?;
    let bytes: u64 = files.values().map(|(_, length)| length).sum();
    let info = fs::read_to_string(bag.join("bag-info.txt"))?;
    let kept: String = info.split_inclusive('\n').filter(|line| !line.starts_with("Payload-Oxum")).collect();
    fs::write(bag.join("bag-info.txt"), format!("{kept}Payload-Oxum: {bytes}.{}\n", files.len()))?;
    let manifest: String = files.iter().map(|(path, (digest, _))| format!("{digest}  {path}\n")).collect();
    fs::write(bag.join("manifest-sha256.txt"), manifest)?;
    let mut tags = String::new();
    for name in ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"] {
        tags.push_str(&format!("{}  {name}\n", sha256(&fs::read(bag.join(name))?)));
    }
    fs::write(bag.join("tagmanifest-sha256.txt"), tags).context("cannot write the tag manifest")
}

fn collect(bag: &Path, folder: &Path, files: &mut BTreeMap<String, (String, u64)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(bag, &path, files)?;
        } else {
            let bytes = fs::read(&path)?;
            let name = path.strip_prefix(bag)?.to_str().context("paths of a bundle are ASCII")?.to_string();
            files.insert(name, (sha256(&bytes).to_string(), bytes.len() as u64));
        }
    }
    Ok(())
}
