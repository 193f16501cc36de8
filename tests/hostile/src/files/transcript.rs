//! Transcripts, which come with a bundle.

use swarm::transcript::{HEADER, Record, parse};

use crate::Seed;

pub(crate) fn run(data: &[u8]) {
    match parse(data) {
        Ok(records) => {
            assert!(!records.is_empty() && data.starts_with(HEADER));
            let heads = records.len() * 13;
            let bytes: usize = records
                .iter()
                .map(|record| match record {
                    Record::Received { bytes, .. } | Record::Sent { bytes, .. } | Record::WireSent { bytes, .. } => bytes.len(),
                    Record::WireReceived { prefix, rest_sha256, .. } => {
                        1 + prefix.len() + 32 * usize::from(rest_sha256.is_some())
                    }
                    Record::Digested { prefix, .. } => 1 + prefix.len() + 32,
                    Record::Dropped { .. } => 0,
                })
                .sum();
            assert_eq!(HEADER.len() + heads + bytes, data.len(), "every byte of a transcript belongs to a record");
        }
        Err(fault) => assert!(fault.0 <= data.len()),
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let record = |kind: u8, length: u32, rest: &[u8]| [&[kind][..], &7_u64.to_be_bytes(), &length.to_be_bytes(), rest].concat();
    let whole = |records: &[Vec<u8>]| [HEADER, &records.concat()].concat();
    let digested = [&[3][..], b"abc", &[9; 32]].concat();
    let named = [
        (
            "every-kind",
            whole(&[
                record(1, 4, b"\0\0\0\0"),
                record(2, 2, b"ab"),
                record(3, 900, &digested),
                record(5, 3, b"\x03xyz"),
                record(6, 1, b"x"),
                record(4, 9, b""),
            ]),
        ),
        ("empty", HEADER.to_vec()),
        ("after-the-end", whole(&[record(4, 9, b""), record(1, 0, b"")])),
        ("longer-than-it-is", whole(&[record(1, u32::MAX, b"x")])),
        ("digest-of-nothing", whole(&[record(3, 3, &digested)])),
        ("unknown-kind", whole(&[record(7, 0, b"")])),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
