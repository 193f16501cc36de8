//! What a log and its witnesses publish: signed notes, checkpoints, cosignatures, proofs, tiles, names;
//! and what a witness is asked.

use tlog::cosignature::Cosignature;
use tlog::request::{MAX_BODY_BYTES, MAX_PROOF_LINES, Request};
use tlog::tile::{TILE_WIDTH, Tile, encode_bundle, encode_hashes, parse_bundle, parse_hashes};
use tlog::{Checkpoint, KeyName, Note, Proof, SignedCheckpoint, VerifierKey};

use super::vectors;
use crate::Seed;
use crate::script::Script;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let kind = script.byte() % 9;
    let width = script.short();
    let bytes = script.rest();
    match kind {
        0 => {
            if let Ok(note) = Note::parse(bytes) {
                assert_eq!(note.to_bytes(), bytes, "a note has one form");
            }
        }
        1 => {
            if let Ok(signed) = SignedCheckpoint::parse(bytes) {
                assert_eq!(signed.to_bytes(), bytes, "a signed checkpoint has one form");
                assert_eq!(Checkpoint::parse(&signed.checkpoint().to_text()).as_ref(), Ok(signed.checkpoint()));
                let _ = verify::single::checkpoint(bytes, anchor());
            }
        }
        2 => {
            if let Ok(proof) = Proof::parse(bytes) {
                assert_eq!(proof.to_bytes(), bytes, "a proof has one form");
                let _ = verify::single::proof(bytes, "leaf\n", anchor());
            }
        }
        3 => {
            if let Ok(cosignature) = Cosignature::parse(bytes) {
                assert_eq!(cosignature.to_bytes(), bytes, "a cosignature has one form");
            }
        }
        4 => {
            if let Ok(hashes) = parse_hashes(bytes, width) {
                assert!(width <= TILE_WIDTH && hashes.len() == usize::from(width));
                assert_eq!(encode_hashes(&hashes), bytes, "a tile has one form");
            }
        }
        5 => {
            if let Ok(entries) = parse_bundle(bytes, width) {
                assert_eq!(entries.len(), usize::from(width));
                assert_eq!(encode_bundle(&entries).as_deref(), Ok(bytes), "a bundle of entries has one form");
            }
        }
        6 => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            if let Ok(tile) = text.parse::<Tile>() {
                assert_eq!(tile.to_string(), text, "a tile has one path");
            }
        }
        7 => {
            if let Ok(request) = Request::parse(bytes) {
                assert_eq!(request.to_bytes(), bytes, "a request to a witness has one form");
                assert!(request.proof.len() <= MAX_PROOF_LINES && bytes.len() <= MAX_BODY_BYTES);
            }
        }
        _ => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            if let Ok(key) = text.parse::<VerifierKey>() {
                assert_eq!(key.to_string(), text, "a key has one form");
            }
            if let Ok(name) = text.parse::<KeyName>() {
                assert_eq!(name.to_string(), text);
            }
        }
    }
}

fn anchor() -> &'static str {
    static ANCHOR: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    ANCHOR.get_or_init(|| String::from_utf8(vectors::file("worked-example/anchor.txt")).expect("an anchor is text"))
}

pub(crate) fn seeds() -> Vec<Seed> {
    let of = |kind: u8, width: u16, bytes: &[u8]| [&[kind][..], &width.to_be_bytes(), bytes].concat();
    let mut seeds = vec![
        ("tile-of-hashes".to_owned(), of(4, 3, &[7; 96])),
        ("tile-of-entries".to_owned(), of(5, 2, b"\0\x03one\0\x00")),
        ("tile-path".to_owned(), of(6, 0, b"tile/entries/x001/x234/067.p/8")),
        ("tile-path-long".to_owned(), of(6, 0, b"tile/8/x999/x999/x999/x999/x999/x999/999")),
        ("cosignature".to_owned(), of(3, 0, &[1; 72])),
        ("key".to_owned(), of(8, 0, b"log.example.org/root+13acc64a+AcrbjHe17M5wjivDNwbO/Ie0Asz4YVEyks1P2Ue705KO")),
    ];
    let checkpoint = vectors::file("worked-example/checkpoint.txt");
    let hash = b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    let request = |head: &[u8]| of(7, 0, &[head, b"\n", &checkpoint].concat());
    seeds.push(("request".to_owned(), request(&[&b"old 1\n"[..], hash].concat())));
    seeds.push(("request-proof-too-long".to_owned(), request(&[&b"old 1\n"[..], &hash.repeat(64)].concat())));
    seeds.push(("request-size-beyond".to_owned(), request(b"old 9223372036854775808\n")));
    for (folder, kind) in [("note", 0), ("checkpoint", 1), ("proof", 2)] {
        for (name, payload) in vectors::payloads(folder, 2_000).into_iter().step_by(3) {
            seeds.push((format!("vector-{folder}-{name}"), of(kind, 0, &payload)));
        }
    }
    seeds
}
