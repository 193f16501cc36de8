//! Step 1: the bag (BagIt 1.0, RFC 8493) in the one form that `bundle.md` allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use evidence::{Date, Digest};
use sha2::{Digest as _, Sha256};

use crate::{
    findings::Findings,
    lines::Lines,
    place::{FIXED_PAYLOAD, Place, REPORT_FILES, TAG_FILES, place_of},
    source::Source,
    steps::Check,
};

const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const MAX_INFO_BYTES: u64 = 4096;

/// The bag's files, read once from end to end.
pub(crate) struct Bag {
    /// Payload files by path, each with its own digest (not the manifest's word for it).
    pub(crate) payload: BTreeMap<String, Digest>,
    /// What `bag-info.txt` says, as far as it has the right form.
    pub(crate) info: Option<Info>,
}

/// The values of `bag-info.txt` that later steps compare.
pub(crate) struct Info {
    pub(crate) date: Date,
    pub(crate) identifier: String,
}

impl Bag {
    /// The payload files of one kind, in order of path.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, Place)> {
        self.payload.keys().filter_map(|path| Some((path.as_str(), place_of(path)?)))
    }
}

/// Reads the whole bag. `None` if not even its list of files can be trusted.
pub(crate) fn check(source: &mut dyn Source, findings: &mut Findings) -> Option<Bag> {
    let listed = match source.list() {
        Ok(listed) => listed,
        Err(faults) => {
            for fault in faults {
                findings.fail(Check::Paths, || fault);
            }
            return None;
        }
    };
    findings.count_many(Check::Paths, listed.len() as u64);
    let paths: BTreeSet<String> = listed.iter().map(|file| file.path.clone()).collect();
    check_files(&paths, findings);

    let mut payload = BTreeMap::new();
    let mut tags = BTreeMap::new();
    let mut payload_bytes = 0;
    for file in &listed {
        match digest_of(source, &file.path) {
            Err(fault) => findings.fail(Check::PayloadDigests, || format!("'{}' cannot be read: {fault}", file.path)),
            Ok(digest) if file.path.starts_with("data/") => {
                payload_bytes += file.bytes;
                payload.insert(file.path.clone(), digest);
            }
            Ok(digest) => {
                tags.insert(file.path.clone(), digest);
            }
        }
    }

    if paths.contains("bagit.txt") {
        let exact = read_whole(source, "bagit.txt", MAX_INFO_BYTES).is_ok_and(|bytes| bytes == BAGIT.as_bytes());
        findings.check(Check::BagDeclaration, exact, || "bagit.txt is not exactly the two lines of BagIt 1.0 and UTF-8".into());
    }
    if paths.contains("manifest-sha256.txt") {
        check_manifest(source, &payload, findings);
    }
    if paths.contains("tagmanifest-sha256.txt") {
        let expected: String = TAG_FILES[..3].iter().filter_map(|path| Some(format!("{}  {path}\n", tags.get(*path)?))).collect();
        let exact = read_whole(source, "tagmanifest-sha256.txt", MAX_INFO_BYTES).is_ok_and(|bytes| bytes == expected.as_bytes());
        findings.check(Check::TagManifest, exact, || {
            "tagmanifest-sha256.txt is not exactly the digests of bag-info.txt, bagit.txt and manifest-sha256.txt".into()
        });
    }
    let info = paths.contains("bag-info.txt").then(|| check_info(source, payload_bytes, payload.len(), findings)).flatten();
    Some(Bag { payload, info })
}

fn check_files(paths: &BTreeSet<String>, findings: &mut Findings) {
    for path in paths {
        match place_of(path) {
            None => findings.fail(Check::Files, || format!("'{path}' is not a file of a bundle")),
            Some(Place::Report(uin)) => {
                for file in REPORT_FILES {
                    let needed = format!("data/cirs/{uin}/{file}");
                    if !paths.contains(&needed) {
                        findings.fail(Check::Files, || format!("'{needed}' is missing"));
                    }
                }
            }
            Some(_) => {}
        }
        findings.count(Check::Files);
    }
    for path in TAG_FILES.iter().chain(&FIXED_PAYLOAD) {
        if !paths.contains(*path) {
            findings.fail(Check::Files, || format!("'{path}' is missing"));
        }
    }
}

fn check_manifest(source: &mut dyn Source, payload: &BTreeMap<String, Digest>, findings: &mut Findings) {
    const LONGEST: usize = 64 + 2 + crate::source::MAX_PATH_BYTES + 1;
    let reader = match source.open("manifest-sha256.txt") {
        Ok(reader) => reader,
        Err(fault) => return findings.fail(Check::Manifest, || format!("manifest-sha256.txt cannot be read: {fault}")),
    };
    let mut lines = Lines::new(reader, LONGEST);
    let mut listed: BTreeMap<String, Digest> = BTreeMap::new();
    let mut number = 0;
    while let Some(line) = lines.next_line() {
        number += 1;
        findings.count(Check::Manifest);
        let line = match line {
            Ok(line) => line,
            Err(fault) => return findings.fail(Check::Manifest, || format!("manifest-sha256.txt line {number} {fault}")),
        };
        let entry = line.strip_suffix('\n').and_then(|line| line.split_once("  "));
        let Some((Ok(digest), path)) = entry.map(|(digest, path)| (digest.parse::<Digest>(), path)) else {
            findings
                .fail(Check::Manifest, || format!("manifest-sha256.txt line {number} is not a digest, two spaces and a path"));
            continue;
        };
        if listed.last_key_value().is_some_and(|(last, _)| last.as_str() >= path) {
            findings.fail(Check::Manifest, || {
                format!("manifest-sha256.txt line {number} is not after the line before by the bytes of its path")
            });
        }
        match payload.get(path) {
            None => findings.fail(Check::Manifest, || {
                format!("manifest-sha256.txt line {number} names '{path}', which is not a payload file of the bag")
            }),
            Some(actual) => {
                findings.check(Check::PayloadDigests, *actual == digest, || {
                    format!("'{path}' has the SHA-256 {actual}, the manifest says {digest}")
                });
            }
        }
        listed.insert(path.to_owned(), digest);
    }
    for path in payload.keys().filter(|path| !listed.contains_key(*path)) {
        findings.fail(Check::Manifest, || format!("'{path}' is not in manifest-sha256.txt"));
    }
}

fn check_info(source: &mut dyn Source, payload_bytes: u64, payload_files: usize, findings: &mut Findings) -> Option<Info> {
    let bytes = read_whole(source, "bag-info.txt", MAX_INFO_BYTES);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let info = text.as_deref().and_then(|text| parse_info(text, payload_bytes, payload_files));
    findings.check(Check::BagInfo, info.is_some(), || {
        format!("bag-info.txt is not the four lines in their order with Payload-Oxum {payload_bytes}.{payload_files}")
    });
    info
}

fn parse_info(text: &str, payload_bytes: u64, payload_files: usize) -> Option<Info> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ").filter(|value| is_plain(value));
    let agent = value("Bag-Software-Agent")?;
    let date = value("Bagging-Date")?.parse().ok()?;
    let identifier = value("External-Identifier")?.to_owned();
    let oxum = value("Payload-Oxum")?;
    let complete = lines.next().is_none() && agent.strip_prefix("affiant ").is_some_and(|version| !version.is_empty());
    (complete && oxum == format!("{payload_bytes}.{payload_files}")).then_some(Info { date, identifier })
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control)
}

fn digest_of(source: &mut dyn Source, path: &str) -> std::io::Result<Digest> {
    let mut reader = source.open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Digest::from(<[u8; 32]>::from(hasher.finalize()))),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Reads a file that must be small.
pub(crate) fn read_whole(source: &mut dyn Source, path: &str, max_bytes: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let reader = source.open(path).map_err(|fault| format!("'{path}' cannot be read: {fault}"))?;
    reader.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|fault| format!("'{path}' cannot be read: {fault}"))?;
    if bytes.len() as u64 > max_bytes { Err(format!("'{path}' is longer than {max_bytes} bytes")) } else { Ok(bytes) }
}

/// Reads a small file of text.
pub(crate) fn read_text(source: &mut dyn Source, path: &str, max_bytes: u64) -> Result<String, String> {
    String::from_utf8(read_whole(source, path, max_bytes)?).map_err(|_| format!("'{path}' is not UTF-8"))
}
