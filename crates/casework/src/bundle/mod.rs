//! The files of a bundle (bundle.md), in order of path and with the same bytes every time.
//!
//! Nothing is written here: each file is handed to a sink in chunks, files in order of path. The log is read
//! several times and never held; transcripts are asked for one at a time.

mod openings;
mod payload;
mod survey;

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Cir, Digest, Entry};
use sha2::Digest as _;

use crate::{
    fault::{BoxError, Fault},
    register::Register,
    render::bag,
    tables::TableInfo,
};
use openings::Source;
use survey::Survey;

/// The recipient that is owed everything.
pub const AUDIT: &str = "audit";

/// A verifier refuses more files.
const MAX_FILES: usize = 100_000;
/// A verifier refuses a larger file.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// A verifier refuses a larger bundle.
const MAX_BUNDLE_BYTES: u64 = 8 << 30;
/// A larger table is named, and kept by the monitor.
pub const MAX_TABLE_BYTES: usize = 4 << 20;

/// Reads the shard from its first entry, as often as it is called.
pub type LogReader<'l> = dyn Fn() -> Box<dyn Iterator<Item = Result<Entry, BoxError>> + 'l> + 'l;
/// The transcript with a digest, if it is held.
pub type Transcripts<'t> = dyn Fn(Digest) -> Result<Option<Vec<u8>>, BoxError> + 't;
/// Takes the next bytes of a file; chunks of one file follow one another, and an empty file is one empty chunk.
pub type Sink<'s> = dyn FnMut(&str, &[u8]) -> Result<(), BoxError> + 's;

/// What a bundle is made from, beside the log.
#[derive(Debug, Clone)]
pub struct BundleInput<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// Index of the issue note.
    pub issue: u64,
    /// The ISP register's identifier, or [`AUDIT`].
    pub recipient: &'a str,
    /// All reports of the issue, whoever receives them.
    pub cirs: &'a [Cir],
    /// The register that the issue was planned with.
    pub register: &'a Register,
    /// The dated tables and the register, in the order consulted.
    pub tables: &'a [TableFile],
    /// The trust anchor's text.
    pub anchor: &'a str,
    /// The signed checkpoints by size. The bundle holds the leaves that the last one covers.
    pub checkpoints: &'a BTreeMap<u64, Vec<u8>>,
    /// For each dossier that a report may rest on, by its note's SHA-256: the file of block digests. The audit bundle
    /// holds those that its reports rest on.
    pub dossiers: &'a BTreeMap<Digest, Vec<u8>>,
    /// The process report's files by extension: `json`, `html` and perhaps `pdf`.
    pub process_report: &'a BTreeMap<String, Vec<u8>>,
}

/// A table and its bytes.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// What names it.
    pub info: TableInfo,
    /// Its bytes; they are needed only up to [`MAX_TABLE_BYTES`].
    pub bytes: Option<Vec<u8>>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleSummary {
    /// How many files, tag files included.
    pub files: usize,
    /// Their length together.
    pub bytes: u64,
    /// SHA-256 of `tagmanifest-sha256.txt`, which commits to every byte of the bundle.
    pub tagmanifest_sha256: Digest,
    /// How many openings the recipient gets.
    pub openings: u64,
}

/// Who is sent a bundle of an issue: every ISP with a report, and the auditor.
pub fn recipients(cirs: &[Cir]) -> Vec<String> {
    let isps: BTreeSet<&str> = cirs.iter().map(|cir| cir.isp.id.as_str()).collect();
    isps.into_iter().chain([AUDIT]).map(String::from).collect()
}

/// Hands every file of a recipient's bundle to the sink, in order of path.
pub fn write_bundle(
    input: &BundleInput<'_>,
    log: &LogReader<'_>,
    transcripts: &Transcripts<'_>,
    sink: &mut Sink<'_>,
) -> Result<BundleSummary, Fault> {
    let survey = Survey::read(input, log)?;
    let payload = payload::payload(input, &survey)?;
    let writer = Writer { log, transcripts, survey: &survey };

    // The first reading measures: bag-info.txt comes before the payload and tells its length.
    let mut digests = BTreeMap::new();
    let mut bytes = 0;
    for (path, source) in &payload {
        let (digest, length) = writer.copy(path, source, &mut |_, _| Ok(()))?;
        if length > MAX_FILE_BYTES {
            return Err(Fault::File(path.clone(), "it is larger than 1 GiB"));
        }
        bytes += length;
        digests.insert(path.clone(), digest);
    }
    if bytes > MAX_BUNDLE_BYTES {
        return Err(Fault::File(input.recipient.into(), "the bundle is larger than 8 GiB"));
    }
    let identifier = format!("{}/{}/{}", input.origin, input.issue, input.recipient);
    let bag_info = bag::bag_info(survey.issued_on, &identifier, bytes, digests.len());
    let manifest = bag::manifest(&digests);
    let tags = [("bag-info.txt", bag_info), ("bagit.txt", bag::BAGIT.to_string()), ("manifest-sha256.txt", manifest)];
    let tagmanifest =
        bag::manifest(&tags.iter().map(|(path, text)| ((*path).into(), evidence::sha256(text.as_bytes()))).collect());

    for (path, text) in &tags[..2] {
        sink(path, text.as_bytes()).map_err(Fault::Shell)?;
    }
    for (path, source) in &payload {
        let (digest, _) = writer.copy(path, source, sink)?;
        if digests.get(path) != Some(&digest) {
            return Err(Fault::Changed(path.clone()));
        }
    }
    sink(tags[2].0, tags[2].1.as_bytes()).map_err(Fault::Shell)?;
    sink("tagmanifest-sha256.txt", tagmanifest.as_bytes()).map_err(Fault::Shell)?;
    let tag_bytes = tags.iter().map(|(_, text)| text.len()).sum::<usize>() + tagmanifest.len();
    Ok(BundleSummary {
        files: payload.len() + 4,
        bytes: bytes + tag_bytes as u64,
        tagmanifest_sha256: evidence::sha256(tagmanifest.as_bytes()),
        openings: survey.openings,
    })
}

/// Copies one source to a sink.
struct Writer<'a, 'l, 't> {
    log: &'a LogReader<'l>,
    transcripts: &'a Transcripts<'t>,
    survey: &'a Survey,
}

impl Writer<'_, '_, '_> {
    fn copy(&self, path: &str, source: &Source, sink: &mut Sink<'_>) -> Result<(Digest, u64), Fault> {
        let mut hasher = sha2::Sha256::new();
        let mut length = 0;
        let mut put = |chunk: &[u8]| {
            hasher.update(chunk);
            length += chunk.len() as u64;
            sink(path, chunk).map_err(Fault::Shell)
        };
        let mut is_empty = true;
        match source {
            Source::Bytes(bytes) => {
                is_empty = false;
                put(bytes)?;
            }
            Source::Transcript(digest) => {
                is_empty = false;
                let bytes = (self.transcripts)(*digest).map_err(Fault::Shell)?;
                let bytes = bytes.filter(|bytes| evidence::sha256(bytes) == *digest).ok_or(Fault::Transcript(*digest))?;
                put(&bytes)?;
            }
            Source::Leaves => {
                for entry in (self.log)().take(self.survey.leaves_taken()) {
                    is_empty = false;
                    put(entry.map_err(Fault::Shell)?.leaf.line().as_bytes())?;
                }
            }
            Source::Openings => {
                for entry in (self.log)().take(self.survey.leaves_taken()) {
                    if let Some(line) = self.survey.owed.opening(&entry.map_err(Fault::Shell)?) {
                        is_empty = false;
                        put(line.as_bytes())?;
                    }
                }
            }
        }
        if is_empty {
            put(&[])?;
        }
        Ok((Digest::from(<[u8; 32]>::from(hasher.finalize())), length))
    }
}

#[cfg(test)]
mod tests;
