//! The bytes of one contact, both ways, with their times (`affiant.transcript/1`).
//!
//! A transcript is a header line, `affiant.transcript/1` and a line feed, then records. A record is one byte for its
//! kind, eight for the moment (microseconds since the start of the run, as `mono_us` everywhere in the record), four
//! for a length `n`, all numbers big-endian, and then
//!
//! | kind | what follows |
//! |---|---|
//! | 1 | `n` bytes received: a handshake, one message with its length prefix, or the rest that made neither |
//! | 2 | `n` bytes sent |
//! | 3 | of `n` bytes received: a byte `p`, the first `p` bytes, and the SHA-256 of the other `n − p` |
//! | 4 | nothing; `n` further records were not kept, and no record follows |
//!
//! The moment of a received record is that of its last byte. Nothing that was sent is ever left out short of kind 4.

use evidence::{Digest, Mono, sha256};

/// The header line.
pub const HEADER: &[u8] = b"affiant.transcript/1\n";

/// What is kept of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Bytes kept in full; beyond them only digests are.
    pub bytes_max: usize,
    /// Records kept; beyond them they are only counted.
    pub records_max: u32,
    /// Whether blocks of content are kept in full, or their digests alone.
    pub blocks: Blocks,
}

/// How blocks of content are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// In full, so that the proof can be repeated from the transcript.
    Full,
    /// Their header and their digest: the dossier's digest is then the proof.
    Trimmed,
}

impl Default for Policy {
    /// Room for the answers to several challenges, a large bitfield and some talk.
    fn default() -> Self {
        Self { bytes_max: 160 << 10, records_max: 2_000, blocks: Blocks::Full }
    }
}

const RECEIVED: u8 = 1;
const SENT: u8 = 2;
const DIGESTED: u8 = 3;
const DROPPED: u8 = 4;

/// Bytes of a digested record that are kept: a piece message up to its content.
const PREFIX_KEPT: usize = 13;

/// A transcript being written.
#[derive(Debug)]
pub(crate) struct Recorder {
    policy: Policy,
    bytes: Vec<u8>,
    kept: usize,
    records: u32,
    dropped: u32,
    last: Mono,
}

impl Recorder {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, bytes: Vec::new(), kept: 0, records: 0, dropped: 0, last: Mono::from_us(0) }
    }

    /// Records bytes that arrived. `is_block` says that they are a piece message.
    pub(crate) fn received(&mut self, now: Mono, bytes: &[u8], is_block: bool) {
        let trimmed = is_block && self.policy.blocks == Blocks::Trimmed;
        if trimmed || self.kept + bytes.len() > self.policy.bytes_max {
            let (prefix, rest) = bytes.split_at(bytes.len().min(PREFIX_KEPT));
            if self.begin(now, DIGESTED, bytes.len()) {
                self.bytes.push(prefix.len() as u8);
                self.bytes.extend_from_slice(prefix);
                self.bytes.extend_from_slice(sha256(rest).as_bytes());
            }
        } else if self.begin(now, RECEIVED, bytes.len()) {
            self.kept += bytes.len();
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Records bytes that were sent. They are few and short, so they are kept whatever the budget of bytes.
    pub(crate) fn sent(&mut self, now: Mono, bytes: &[u8]) {
        if self.begin(now, SENT, bytes.len()) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The transcript, unless no byte was exchanged.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        if self.dropped > 0 {
            self.put(self.last, DROPPED, self.dropped);
        }
        (!self.bytes.is_empty()).then(|| [HEADER, &self.bytes].concat())
    }

    fn begin(&mut self, now: Mono, kind: u8, length: usize) -> bool {
        self.last = now;
        if self.records >= self.policy.records_max {
            self.dropped = self.dropped.saturating_add(1);
            return false;
        }
        self.records += 1;
        // No message may be longer than the decoder's limits, which are far below four gigabytes.
        self.put(now, kind, length as u32);
        true
    }

    fn put(&mut self, now: Mono, kind: u8, length: u32) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&now.us().to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }
}

/// One record of a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// Bytes received.
    Received {
        /// When the last of them had arrived.
        at: Mono,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes sent.
    Sent {
        /// When.
        at: Mono,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes received, of which only the first are kept.
    Digested {
        /// When the last of them had arrived.
        at: Mono,
        /// How many there were.
        length: u32,
        /// The first of them.
        prefix: &'a [u8],
        /// SHA-256 of the others.
        rest_sha256: Digest,
    },
    /// Records that were not kept.
    Dropped {
        /// When the last of them was.
        at: Mono,
        /// How many.
        records: u32,
    },
}

/// Bytes are not a transcript; the number is the offset of the record that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATranscript(pub usize);

impl core::fmt::Display for NotATranscript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "not a transcript: no record can be read at byte {}", self.0)
    }
}

impl core::error::Error for NotATranscript {}

/// Reads a transcript.
pub fn parse(bytes: &[u8]) -> Result<Vec<Record<'_>>, NotATranscript> {
    let mut rest = bytes.strip_prefix(HEADER).filter(|rest| !rest.is_empty()).ok_or(NotATranscript(0))?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let fault = NotATranscript(bytes.len() - rest.len());
        if matches!(records.last(), Some(Record::Dropped { .. })) {
            return Err(fault);
        }
        let (record, after) = record(rest).ok_or(fault)?;
        records.push(record);
        rest = after;
    }
    Ok(records)
}

fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (at, length) = (Mono::from_us(u64::from_be_bytes(*at)), u32::from_be_bytes(*length));
    match *kind {
        RECEIVED => rest.split_at_checked(length as usize).map(|(bytes, rest)| (Record::Received { at, bytes }, rest)),
        SENT => rest.split_at_checked(length as usize).map(|(bytes, rest)| (Record::Sent { at, bytes }, rest)),
        DIGESTED => {
            let (prefix, rest) = rest.split_first()?;
            let due = PREFIX_KEPT.min(length as usize);
            let (prefix, rest) = rest.split_at_checked(usize::from(*prefix)).filter(|(prefix, _)| prefix.len() == due)?;
            let (digest, rest) = rest.split_first_chunk::<32>()?;
            Some((Record::Digested { at, length, prefix, rest_sha256: Digest::from(*digest) }, rest))
        }
        DROPPED if length > 0 => Some((Record::Dropped { at, records: length }, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Mono {
        Mono::from_us(us)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut recorder = Recorder::new(Policy { bytes_max: 40, records_max: 4, blocks: Blocks::Full });
        recorder.sent(at(1), b"hello");
        recorder.received(at(2), &[9; 30], true);
        recorder.received(at(3), &[8; 20], false);
        recorder.received(at(4), &[7; 10], false);
        recorder.sent(at(5), b"more");
        recorder.sent(at(6), b"more");
        let bytes = recorder.finish().unwrap();
        assert_eq!(parse(&bytes).unwrap(), [
            Record::Sent { at: at(1), bytes: b"hello" },
            Record::Received { at: at(2), bytes: &[9; 30] },
            Record::Digested { at: at(3), length: 20, prefix: &[8; 13], rest_sha256: sha256(&[8; 7]) },
            Record::Received { at: at(4), bytes: &[7; 10] },
            Record::Dropped { at: at(6), records: 2 },
        ]);
        assert!(bytes.starts_with(b"affiant.transcript/1\n\x02\0\0\0\0\0\0\0\x01\0\0\0\x05hello"));
    }

    #[test]
    fn blocks_may_be_trimmed_and_silence_leaves_nothing() {
        let mut recorder = Recorder::new(Policy { blocks: Blocks::Trimmed, ..Policy::default() });
        recorder.received(at(1), &[1; 100], true);
        recorder.received(at(2), &[2; 100], false);
        let bytes = recorder.finish().unwrap();
        assert!(matches!(parse(&bytes).unwrap()[..], [Record::Digested { length: 100, .. }, Record::Received { .. }]));
        assert_eq!(Recorder::new(Policy::default()).finish(), None);
    }

    #[test]
    fn damage_is_refused() {
        let mut recorder = Recorder::new(Policy { blocks: Blocks::Trimmed, ..Policy::default() });
        recorder.received(at(1), &[1; 100], true);
        recorder.sent(at(2), b"x");
        let good = recorder.finish().unwrap();
        for end in 0..good.len() {
            // Only a cut between two records leaves a transcript.
            assert_eq!(parse(&good[..end]).is_ok(), end == good.len() - 14, "{end}");
        }
        let mut bad = good.clone();
        bad[HEADER.len()] = 5;
        assert_eq!(parse(&bad), Err(NotATranscript(HEADER.len())));
        bad[HEADER.len()] = DIGESTED;
        bad[HEADER.len() + 13] = 12;
        assert_eq!(parse(&bad), Err(NotATranscript(HEADER.len())));
    }
}
