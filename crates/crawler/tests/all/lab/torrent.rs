//! A synthetic torrent and its dossier.

use evidence::challenge::BLOCK_BYTES;
use evidence::{Claimed, Digest, Dossier, InfoHashV1, TargetIds, Utc, Version, dossier, sha256};
use sha1::{Digest as _, Sha1};
use swarm::Content;
use swarmlab::torrent::SyntheticTorrent;
use wire::bencode::Item;

pub const PIECE_BYTES: u32 = 2 * BLOCK_BYTES;

pub struct Torrent {
    pub name: String,
    pub bytes: Vec<u8>,
    pub info: Vec<u8>,
}

impl Torrent {
    /// Nine pieces of which no two blocks are alike; `name` makes the info-hash.
    pub fn new(name: &str) -> Self {
        let mut bytes: Vec<u8> = (0..PIECE_BYTES * 9 - 5_000).map(|n| (n % 249) as u8).collect();
        for (number, block) in bytes.chunks_mut(BLOCK_BYTES as usize).enumerate() {
            block[..4].copy_from_slice(&(number as u32).to_be_bytes());
        }
        let pieces: Vec<u8> = bytes.chunks(PIECE_BYTES as usize).flat_map(|piece| Sha1::digest(piece).to_vec()).collect();
        let info = Item::dict([
            ("length", Item::Int(bytes.len() as i64)),
            ("name", name.into()),
            ("piece length", Item::Int(PIECE_BYTES.into())),
            ("pieces", pieces.as_slice().into()),
        ]);
        Self { name: name.into(), bytes, info: info.encode() }
    }

    /// The torrent that the peers of a farm are asked about.
    pub fn of_farm(torrent: &SyntheticTorrent) -> Self {
        let info = torrent.info();
        assert_eq!(info.piece_length(), PIECE_BYTES);
        let mut bytes = vec![0; info.total_length() as usize];
        torrent.read(0, &mut bytes);
        Self { name: "film".into(), bytes, info: info.raw().to_vec() }
    }

    /// The torrent file with trackers.
    pub fn with_tracker(&self, url: &str) -> Vec<u8> {
        let mut file = format!("d8:announce{}:{url}4:info", url.len()).into_bytes();
        file.extend(&self.info);
        file.push(b'e');
        file
    }

    pub fn hash(&self) -> [u8; 20] {
        Sha1::digest(&self.info).into()
    }

    pub fn ids(&self) -> TargetIds {
        TargetIds::of_v1(InfoHashV1::from(self.hash()))
    }

    pub fn piece_count(&self) -> u32 {
        (self.bytes.len() as u32).div_ceil(PIECE_BYTES)
    }

    pub fn dossier_sha256(&self) -> Digest {
        sha256(b"dossier")
    }

    pub fn content(&self) -> Content {
        let digests: Vec<u8> = self.bytes.chunks(BLOCK_BYTES as usize).flat_map(|block| *sha256(block).as_bytes()).collect();
        let file = dossier::File {
            bytes: self.bytes.len() as u64,
            contains: "the film".into(),
            offset: 0,
            padding: false,
            path: Claimed::new("film"),
            pieces_root: None,
            sha256: sha256(&self.bytes),
            work: Some("film".into()),
        };
        let dossier = Dossier {
            blocks_sha256: sha256(&digests),
            built_at: Utc::from_ms(0),
            files: vec![file],
            name: Claimed::new("film"),
            origin: dossier::Origin::LocalCopy,
            piece_bytes: PIECE_BYTES,
            release_sha256: sha256(b"release"),
            target: self.ids(),
            info_sha256: sha256(&self.info),
            total_bytes: self.bytes.len() as u64,
            unfit_blocks: vec![],
            versions: vec![Version::V1],
        };
        Content::new(&dossier, self.dossier_sha256(), digests, &["film".into()]).unwrap()
    }
}
