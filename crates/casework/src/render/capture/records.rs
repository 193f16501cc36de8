//! The records of a transcript (`evidence-schema/transcript.md`).

use evidence::Digest;

const HEADER: &[u8] = b"affiant.transcript/1\n";
/// Kind, moment and length.
const HEAD_BYTES: usize = 13;
/// Most bytes that are kept of a record whose rest is a digest.
const KEPT_MAX: usize = 68;

/// The same of a record of a handshake of MSE.
const WIRE_KEPT_MAX: usize = 54;

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Microseconds since the start of the run.
    pub mono_us: u64,
    /// What was said.
    pub said: Said<'a>,
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// The peer said it.
    Received {
        /// Its first bytes, all of them if there is no digest.
        kept: &'a [u8],
        /// How many bytes it had.
        length: usize,
        /// SHA-256 of those that are not kept.
        rest_sha256: Option<Digest>,
    },
    /// The monitor said it.
    Sent(&'a [u8]),
    /// So many records were not kept.
    Dropped(u32),
    /// The first bytes of a part of a handshake of MSE, as they arrived.
    WireReceived(&'a [u8]),
    /// Bytes of a handshake of MSE, as they were sent.
    WireSent(&'a [u8]),
}

/// Why bytes are not a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATranscript {
    /// The first line is another.
    #[error("it does not begin with 'affiant.transcript/1'")]
    Header,
    /// A record is cut short.
    #[error("the record at byte {0} is cut short")]
    Short(usize),
    /// A record is of no known kind, or its numbers contradict each other.
    #[error("the record at byte {0} has no known form")]
    Form(usize),
    /// Records follow the one that says that none does.
    #[error("records follow the one at byte {0}, which ends a transcript")]
    After(usize),
}

/// Reads all records.
///
/// # Errors
/// If the bytes are not a transcript.
pub fn records(bytes: &[u8]) -> Result<Vec<Record<'_>>, NotATranscript> {
    let mut rest = bytes.strip_prefix(HEADER).ok_or(NotATranscript::Header)?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let (record, after) = record(rest, at)?;
        if matches!(record.said, Said::Dropped(_)) && !after.is_empty() {
            return Err(NotATranscript::After(at));
        }
        records.push(record);
        rest = after;
    }
    Ok(records)
}

fn record(bytes: &[u8], at: usize) -> Result<(Record<'_>, &[u8]), NotATranscript> {
    let short = NotATranscript::Short(at);
    let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or(short)?;
    let mono_us = head[1..9].iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let count = head[9..].iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    let length = usize::try_from(count).map_err(|_| short)?;
    let take = |count: usize| body.split_at_checked(count).ok_or(short);
    let (said, after) = match head[0] {
        1 => {
            let (kept, after) = take(length)?;
            (Said::Received { kept, length, rest_sha256: None }, after)
        }
        2 => take(length).map(|(bytes, after)| (Said::Sent(bytes), after))?,
        3 => {
            let kept_bytes = usize::from(*body.first().ok_or(short)?);
            if kept_bytes >= length || kept_bytes > KEPT_MAX {
                return Err(NotATranscript::Form(at));
            }
            let (record, after) = take(1 + kept_bytes + 32)?;
            let (kept, digest) = record[1..].split_at(kept_bytes);
            let digest: [u8; 32] = digest.try_into().map_err(|_| short)?;
            (Said::Received { kept, length, rest_sha256: Some(Digest::from(digest)) }, after)
        }
        4 => (Said::Dropped(count), body),
        5 => {
            let kept_bytes = usize::from(*body.first().ok_or(short)?);
            if kept_bytes > length || kept_bytes > WIRE_KEPT_MAX {
                return Err(NotATranscript::Form(at));
            }
            let digest_bytes = if kept_bytes < length { 32 } else { 0 };
            let (record, after) = take(1 + kept_bytes + digest_bytes)?;
            (Said::WireReceived(&record[1..=kept_bytes]), after)
        }
        6 => take(length).map(|(bytes, after)| (Said::WireSent(bytes), after))?,
        _ => return Err(NotATranscript::Form(at)),
    };
    Ok((Record { mono_us, said }, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(kind: u8, count: u32, body: &[u8]) -> Vec<u8> {
        [HEADER, &[kind], &7u64.to_be_bytes(), &count.to_be_bytes(), body].concat()
    }

    #[test]
    fn each_kind_is_read() {
        let digested = [&[2, b'h', b'i'][..], &[9; 32]].concat();
        for (kind, count, body, said) in [
            (1, 2, &b"hi"[..], Said::Received { kept: b"hi", length: 2, rest_sha256: None }),
            (2, 2, b"hi", Said::Sent(b"hi")),
            (3, 30, &digested, Said::Received { kept: b"hi", length: 30, rest_sha256: Some(Digest::from([9; 32])) }),
            (4, 12, b"", Said::Dropped(12)),
            (5, 2, b"\x02hi", Said::WireReceived(b"hi")),
            (5, 30, &digested, Said::WireReceived(b"hi")),
            (6, 2, b"hi", Said::WireSent(b"hi")),
        ] {
            assert_eq!(records(&one(kind, count, body)), Ok(vec![Record { mono_us: 7, said }]), "{kind}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let digested = [&[2, b'h', b'i'][..], &[9; 32]].concat();
        for (bytes, why) in [
            (b"affiant.transcript/2\n".to_vec(), NotATranscript::Header),
            (one(0, 0, b""), NotATranscript::Form(21)),
            (one(7, 0, b""), NotATranscript::Form(21)),
            (one(1, 3, b"hi"), NotATranscript::Short(21)),
            (one(3, 2, &digested), NotATranscript::Form(21)),
            (one(3, 300, &[&[69][..], &[0; 101]].concat()), NotATranscript::Form(21)),
            (one(3, 30, &digested[..20]), NotATranscript::Short(21)),
            (one(4, 12, b"x"), NotATranscript::After(21)),
            (one(5, 1, &digested), NotATranscript::Form(21)),
            (one(5, 300, &[&[55][..], &[0; 87]].concat()), NotATranscript::Form(21)),
            (one(5, 30, &digested[..20]), NotATranscript::Short(21)),
            (one(5, 0, b""), NotATranscript::Short(21)),
            (one(2, u32::MAX, b"hi"), NotATranscript::Short(21)),
        ] {
            assert_eq!(records(&bytes), Err(why), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = records(&[HEADER, &tail].concat());
        }
    }
}
