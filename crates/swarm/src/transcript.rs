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
//! | 5 | of `n` bytes received, as they were on the wire during the handshake of Message Stream Encryption: a byte `p`, the first `p` bytes, and unless `p` is `n` the SHA-256 of the other `n − p` |
//! | 6 | `n` bytes sent, as they were on the wire likewise |
//!
//! The moment of a received record is that of its last byte. Nothing that was sent is ever left out short of kind 4.
//!
//! A transcript is sent to others, so a peer must not be able to fill it: nothing that a peer may choose freely is kept
//! beyond [`KEPT_MAX`] bytes in a row. Of a block its header is kept; the digest of its content is the one that the
//! challenge has, so the proof is whole without the content.

use evidence::{Digest, Mono, sha256};
use wire::handshake;
use wire::message::id;

use crate::mse::Role;

/// The header line.
pub const HEADER: &[u8] = b"affiant.transcript/1\n";

/// What is kept of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Records kept; beyond them they are only counted.
    pub records_max: u32,
}

impl Default for Policy {
    /// Room for a long talk: a contact with a busy leecher brings some hundred haves.
    fn default() -> Self {
        Self { records_max: 2_000 }
    }
}

/// What received bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The peer's handshake.
    Handshake,
    /// One message with its length prefix, or the part of one.
    Message,
    /// Something else.
    Garbage,
}

/// Most bytes kept of what a peer may choose freely.
pub const KEPT_MAX: usize = 48;

/// Bytes kept of a piece message: up to its content.
const BLOCK_KEPT: usize = 13;

/// Bytes kept of other messages with content of any length: length and type.
const HEAD_KEPT: usize = 5;

/// Bytes kept of an extended message: up to its payload, which may hold addresses of others.
const EXTENDED_KEPT: usize = 6;

/// The longest message whose fields are all numbers that mean something: request, cancel and reject.
const NUMBERS_MAX: usize = 17;

/// How many of the first bytes are kept.
fn kept(said: Said, bytes: &[u8]) -> usize {
    let most = match (said, bytes.get(4)) {
        // Of its 68 bytes 20 are fixed, and the other 48 name the torrent, the client and what it speaks.
        (Said::Handshake, _) => handshake::LENGTH,
        (Said::Garbage, _) => KEPT_MAX,
        (Said::Message, Some(&id::EXTENDED)) => EXTENDED_KEPT,
        (Said::Message, Some(&id::PIECE)) => BLOCK_KEPT,
        (Said::Message, Some(&id::BITFIELD | 10..=12 | 18..)) => HEAD_KEPT,
        (Said::Message, _) if bytes.len() <= NUMBERS_MAX => NUMBERS_MAX,
        (Said::Message, _) => HEAD_KEPT,
    };
    most.min(bytes.len())
}

const RECEIVED: u8 = 1;
const SENT: u8 = 2;
const DIGESTED: u8 = 3;
const DROPPED: u8 = 4;
const WIRE_RECEIVED: u8 = 5;
const WIRE_SENT: u8 = 6;

/// Most bytes kept in one record of a peer's MSE handshake: the mark, the torrent, the constant, the methods and a length,
/// all of which follow from the secret but the last two. Keys and pads are noise that a peer chooses freely.
pub const WIRE_KEPT_MAX: usize = Role::Initiator.head_length();

/// A transcript being written.
#[derive(Debug)]
pub(crate) struct Recorder {
    policy: Policy,
    bytes: Vec<u8>,
    records: u32,
    dropped: u32,
    last: Mono,
}

impl Recorder {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, bytes: Vec::new(), records: 0, dropped: 0, last: Mono::from_us(0) }
    }

    /// Records bytes that arrived.
    pub(crate) fn received(&mut self, now: Mono, bytes: &[u8], said: Said) {
        let (prefix, rest) = bytes.split_at(kept(said, bytes));
        if rest.is_empty() {
            if self.begin(now, RECEIVED, bytes.len()) {
                self.bytes.extend_from_slice(bytes);
            }
        } else if self.begin(now, DIGESTED, bytes.len()) {
            self.bytes.push(prefix.len() as u8);
            self.bytes.extend_from_slice(prefix);
            self.bytes.extend_from_slice(sha256(rest).as_bytes());
        }
    }

    /// Records bytes that were sent. They are few, short and ours.
    pub(crate) fn sent(&mut self, now: Mono, bytes: &[u8]) {
        if self.begin(now, SENT, bytes.len()) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Records bytes of an MSE handshake as they arrived, of which the first `kept` are kept.
    pub(crate) fn wire_received(&mut self, now: Mono, bytes: &[u8], kept: usize) {
        let (prefix, rest) = bytes.split_at(kept.min(WIRE_KEPT_MAX).min(bytes.len()));
        if self.begin(now, WIRE_RECEIVED, bytes.len()) {
            self.bytes.push(prefix.len() as u8);
            self.bytes.extend_from_slice(prefix);
            if !rest.is_empty() {
                self.bytes.extend_from_slice(sha256(rest).as_bytes());
            }
        }
    }

    /// Records bytes of an MSE handshake as they were sent.
    pub(crate) fn wire_sent(&mut self, now: Mono, bytes: &[u8]) {
        if self.begin(now, WIRE_SENT, bytes.len()) {
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
    /// Bytes of an MSE handshake that arrived, as they were on the wire.
    WireReceived {
        /// When the last of them had arrived.
        at: Mono,
        /// How many there were.
        length: u32,
        /// The first of them.
        prefix: &'a [u8],
        /// SHA-256 of the others, if there are others.
        rest_sha256: Option<Digest>,
    },
    /// Bytes of an MSE handshake that were sent, as they were on the wire.
    WireSent {
        /// When.
        at: Mono,
        /// The bytes.
        bytes: &'a [u8],
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
            // Bytes that are all there make a record of kind 1.
            let (prefix, rest) =
                rest.split_at_checked(usize::from(*prefix)).filter(|(prefix, _)| prefix.len() < length as usize)?;
            if prefix.len() > handshake::LENGTH {
                return None;
            }
            let (digest, rest) = rest.split_first_chunk::<32>()?;
            Some((Record::Digested { at, length, prefix, rest_sha256: Digest::from(*digest) }, rest))
        }
        WIRE_SENT => rest.split_at_checked(length as usize).map(|(bytes, rest)| (Record::WireSent { at, bytes }, rest)),
        WIRE_RECEIVED => {
            let (kept, rest) = rest.split_first()?;
            let kept = usize::from(*kept);
            let (prefix, rest) = rest.split_at_checked(kept).filter(|_| kept <= WIRE_KEPT_MAX && kept <= length as usize)?;
            let (rest_sha256, rest) = match length as usize - kept {
                0 => (None, rest),
                _ => rest.split_first_chunk::<32>().map(|(digest, rest)| (Some(Digest::from(*digest)), rest))?,
            };
            Some((Record::WireReceived { at, length, prefix, rest_sha256 }, rest))
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

    fn message(id: u8, payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 1).to_be_bytes()[..], &[id], payload].concat()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut recorder = Recorder::new(Policy { records_max: 4 });
        let (have, block) = (message(id::HAVE, &[9; 4]), message(id::PIECE, &[8; 100]));
        recorder.sent(at(1), b"hello");
        recorder.received(at(2), &have, Said::Message);
        recorder.received(at(3), &block, Said::Message);
        recorder.received(at(4), &[7; 10], Said::Garbage);
        recorder.sent(at(5), b"more");
        recorder.sent(at(6), b"more");
        let bytes = recorder.finish().unwrap();
        assert_eq!(
            parse(&bytes).unwrap(),
            [
                Record::Sent { at: at(1), bytes: b"hello" },
                Record::Received { at: at(2), bytes: &have },
                Record::Digested { at: at(3), length: 105, prefix: &block[..13], rest_sha256: sha256(&[8; 92]) },
                Record::Received { at: at(4), bytes: &[7; 10] },
                Record::Dropped { at: at(6), records: 2 },
            ]
        );
        assert!(bytes.starts_with(b"affiant.transcript/1\n\x02\0\0\0\0\0\0\0\x01\0\0\0\x05hello"));
        assert_eq!(Recorder::new(Policy::default()).finish(), None, "silence leaves nothing");
    }

    #[test]
    fn nothing_that_a_peer_chooses_freely_is_kept_at_length() {
        let stuffing = [0x5a; 4_000];
        let whole = |said, bytes: &[u8]| kept(said, bytes) == bytes.len();
        for (said, bytes, due) in [
            (Said::Message, message(id::PIECE, &stuffing), 13),
            (Said::Message, message(id::BITFIELD, &[0x5a; 12]), 5),
            (Said::Message, message(id::EXTENDED, &stuffing), 6),
            (Said::Message, message(id::EXTENDED, b"\0d4:ipv44:...."), 6),
            (Said::Message, message(id::HASHES, &stuffing), 5),
            (Said::Message, message(id::HASH_REQUEST, &stuffing[..48]), 5),
            (Said::Message, message(99, &stuffing), 5),
            (Said::Message, message(99, &stuffing[..12]), 5),
            (Said::Message, message(11, &stuffing[..12]), 5),
            (Said::Message, message(id::HAVE, &stuffing), 5),
            (Said::Garbage, stuffing.to_vec(), 48),
        ] {
            assert_eq!(kept(said, &bytes), due, "{said:?} {:?}", bytes.get(4));
        }
        assert!(whole(Said::Handshake, &[1; 68]) && whole(Said::Message, &message(id::REJECT, &[1; 12])));
        assert!(whole(Said::Message, &[0; 4]) && whole(Said::Message, &[0; 2]) && whole(Said::Garbage, b"SSH-2.0-OpenSSH"));
    }

    #[test]
    fn damage_is_refused() {
        let mut recorder = Recorder::new(Policy::default());
        recorder.received(at(1), &message(id::PIECE, &[1; 100]), Said::Message);
        recorder.sent(at(2), b"x");
        let good = recorder.finish().unwrap();
        for end in 0..good.len() {
            // Only a cut between two records leaves a transcript.
            assert_eq!(parse(&good[..end]).is_ok(), end == good.len() - 14, "{end}");
        }
        let mut bad = good.clone();
        bad[HEADER.len()] = 99;
        assert_eq!(parse(&bad), Err(NotATranscript(HEADER.len())));
        // A digested record that has all of its bytes is a received one, and is written as such.
        let mut bad = good.clone();
        bad[HEADER.len() + 12] = 13;
        assert_eq!(parse(&bad), Err(NotATranscript(HEADER.len())));
        let long = [HEADER, &[DIGESTED, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 69], &[0; 69 + 32]].concat();
        assert_eq!(parse(&long), Err(NotATranscript(HEADER.len())));
    }
}
