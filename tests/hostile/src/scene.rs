//! What the engines' targets have in common: a torrent, a clock, a name of ours.

use std::net::SocketAddr;
use std::sync::OnceLock;

use evidence::challenge::BLOCK_BYTES;
use evidence::{Claimed, Dossier, InfoHashV1, Mono, Now, TargetIds, Utc, Version, dossier, sha256};
use swarm::probe::Identity;
use swarm::{Content, Seed};

/// The info-hash.
pub(crate) const HASH: [u8; 20] = [7; 20];

/// Pieces of the torrent, of two blocks each, the last one shorter.
pub(crate) const PIECES: u32 = 9;
pub(crate) const PIECE_BYTES: u32 = 2 * BLOCK_BYTES;
const TOTAL_BYTES: u32 = PIECES * PIECE_BYTES - 5_000;

pub(crate) const OURS: &str = "198.51.100.9:6881";
pub(crate) const THEIRS: &str = "192.0.2.7:51413";

pub(crate) fn hash() -> InfoHashV1 {
    InfoHashV1::from(HASH)
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address of this file")
}

/// Both clocks, so many microseconds after the start.
pub(crate) fn now(us: u64) -> Now {
    Now { mono: Mono::from_us(us), utc: Utc::from_ms(1_788_264_000_000 + (us / 1_000) as i64) }
}

pub(crate) fn identity() -> Identity {
    Identity::new("affiant/0.1.0 (+https://monitor.example/)", Some(6881), Seed::new([1; 32]))
}

/// The whole torrent's bytes.
pub(crate) fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| (0..TOTAL_BYTES).map(|at| (at / BLOCK_BYTES * 31 + at % 251) as u8).collect())
}

/// The bytes of a block, if there is such a one.
pub(crate) fn block(piece: u32, begin: u32, length: u32) -> Option<&'static [u8]> {
    let start = usize::try_from(u64::from(piece) * u64::from(PIECE_BYTES) + u64::from(begin)).ok()?;
    bytes().get(start..start.checked_add(length as usize)?)
}

/// What blocks are checked against.
pub(crate) fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let digests: Vec<u8> = bytes().chunks(BLOCK_BYTES as usize).flat_map(|block| *sha256(block).as_bytes()).collect();
        let file = dossier::File {
            bytes: TOTAL_BYTES.into(),
            contains: "synthetic".into(),
            offset: 0,
            padding: false,
            path: Claimed::new("synthetic.bin"),
            pieces_root: None,
            sha256: sha256(bytes()),
            work: Some("film".into()),
        };
        let dossier = Dossier {
            blocks_sha256: sha256(&digests),
            built_at: Utc::from_ms(0),
            files: vec![file],
            name: Claimed::new("synthetic.bin"),
            origin: dossier::Origin::LocalCopy,
            piece_bytes: PIECE_BYTES,
            release_sha256: sha256(b"release"),
            target: TargetIds::of_v1(hash()),
            info_sha256: sha256(b"info"),
            total_bytes: TOTAL_BYTES.into(),
            unfit_blocks: vec![],
            versions: vec![Version::V1],
        };
        Content::new(&dossier, sha256(b"dossier"), digests, &["film".into()]).expect("a dossier of its own content")
    })
}
