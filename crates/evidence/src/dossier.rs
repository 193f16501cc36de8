//! The dossier: what a torrent was found to contain (`affiant.dossier/1`).
//!
//! It is built from a copy whose every piece hash matched the metainfo. The digests of the copy's blocks stand
//! beside it in a file of 32 bytes a block; that file's own digest is in the dossier.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Claimed, Digest, TargetIds, Utc, challenge::BLOCK_BYTES};

/// The proof of a torrent's content, without the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// SHA-256 of the file of block digests: 32 bytes each, in order of piece and offset.
    pub blocks_sha256: Digest,
    /// When every piece had been checked.
    pub built_at: Utc,
    /// The files, in torrent order.
    pub files: Vec<File>,
    /// The torrent's name as its metainfo claims it.
    pub name: Claimed,
    /// Where the reference copy came from.
    pub origin: Origin,
    /// Length of a piece in bytes.
    pub piece_bytes: u32,
    /// SHA-256 of the program that built it.
    pub release_sha256: Digest,
    /// The torrent.
    pub target: TargetIds,
    /// SHA-256 of the info dictionary.
    pub info_sha256: Digest,
    /// Length of the whole content in bytes.
    pub total_bytes: u64,
    /// Blocks that prove nothing: constant, duplicated, padding, or shorter than 1,024 bytes, so that their bytes might be
    /// guessed. Numbers in the file of block digests, ascending. A report may not rest on a short block even if it is not
    /// listed here.
    pub unfit_blocks: Vec<u32>,
}

/// Where the reference copy came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A lawful copy already held.
    LocalCopy,
    /// A download with upload disabled.
    Download,
}

/// One file of the torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Length in bytes.
    pub bytes: u64,
    /// What the file was found to contain, in words.
    pub contains: String,
    /// Offset of its first byte in the torrent.
    pub offset: u64,
    /// Whether it is padding (BEP 47).
    pub padding: bool,
    /// Its path as the metainfo claims it, components joined by `/`.
    pub path: Claimed,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// The mandate whose work it holds, if it holds one.
    pub work: Option<String>,
}

/// A block's place in the torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockPlace {
    /// Its number in the file of block digests.
    pub number: u32,
    /// Index of its piece.
    pub piece: u32,
    /// Offset in bytes from the start of the piece.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
    /// Offset in bytes from the start of the torrent.
    pub start: u64,
}

impl Dossier {
    /// How many pieces there are.
    pub fn pieces(&self) -> u32 {
        u32::try_from(self.total_bytes.div_ceil(u64::from(self.piece_bytes.max(1)))).unwrap_or(u32::MAX)
    }

    /// All blocks in order of number.
    pub fn blocks(&self) -> impl Iterator<Item = BlockPlace> {
        let (piece_bytes, total) = (u64::from(self.piece_bytes.max(1)), self.total_bytes);
        let mut number = 0;
        (0..self.pieces())
            .flat_map(move |piece| {
                let first = u64::from(piece) * piece_bytes;
                let length = piece_bytes.min(total - first);
                (0..length.div_ceil(u64::from(BLOCK_BYTES))).map(move |index| {
                    let offset = index * u64::from(BLOCK_BYTES);
                    // Both fit: a piece's length is a u32.
                    (piece, offset as u32, (length - offset).min(u64::from(BLOCK_BYTES)) as u32, first + offset)
                })
            })
            .map(move |(piece, offset, length, start)| {
                let place = BlockPlace { number, piece, offset, length, start };
                number += 1;
                place
            })
    }

    /// The mandate whose work wholly covers the block, if one does: padding and blocks that reach beyond the
    /// work's own bytes prove nothing about it.
    pub fn work_of(&self, block: &BlockPlace) -> Option<&str> {
        let end = block.start + u64::from(block.length);
        let after = self.files.partition_point(|file| file.offset + file.bytes <= block.start);
        let mut work = None;
        for file in self.files[after..].iter().take_while(|file| file.offset < end).filter(|file| file.bytes > 0) {
            match (&file.work, work) {
                (Some(id), None) if !file.padding => work = Some(id.as_str()),
                (Some(id), Some(same)) if !file.padding && id == same => {}
                _ => return None,
            }
        }
        work
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InfoHashV1, sha256};
    use alloc::vec;

    fn file(offset: u64, bytes: u64, work: Option<&str>, padding: bool) -> File {
        File {
            bytes,
            contains: String::new(),
            offset,
            padding,
            path: Claimed::new("f"),
            sha256: sha256(b""),
            work: work.map(Into::into),
        }
    }

    fn dossier(files: Vec<File>, piece_bytes: u32) -> Dossier {
        let total_bytes = files.iter().map(|file| file.bytes).sum();
        Dossier {
            blocks_sha256: sha256(b""),
            built_at: Utc::from_ms(0),
            files,
            name: Claimed::new("n"),
            origin: Origin::LocalCopy,
            piece_bytes,
            release_sha256: sha256(b""),
            target: TargetIds::of_v1(InfoHashV1::from([1; 20])),
            info_sha256: sha256(b""),
            total_bytes,
            unfit_blocks: vec![],
        }
    }

    #[test]
    fn blocks_tile_the_torrent() {
        for (total, piece) in [(1, 16384), (16384, 16384), (100_000, 20_000), (1 << 20, 1 << 18), (70_000, 1 << 15)] {
            let dossier = dossier(vec![file(0, total, None, false)], piece);
            let mut end = 0;
            for (number, block) in dossier.blocks().enumerate() {
                assert_eq!((block.number as usize, block.start), (number, end));
                assert_eq!(u64::from(block.piece) * u64::from(piece) + u64::from(block.offset), block.start);
                end += u64::from(block.length);
            }
            assert_eq!(end, total);
        }
    }

    #[test]
    fn a_block_belongs_to_a_work_only_if_wholly_inside_it() {
        let half = u64::from(BLOCK_BYTES / 2);
        let dossier = dossier(
            vec![
                file(0, 3 * half, Some("film"), false),
                file(3 * half, half, Some("film"), false),
                file(4 * half, half, Some("film"), false),
                file(5 * half, half, None, false),
                file(6 * half, 2 * half, Some("film"), true),
                file(8 * half, 2 * half, Some("song"), false),
            ],
            1 << 16,
        );
        let works: Vec<_> = dossier.blocks().map(|block| dossier.work_of(&block)).collect();
        assert_eq!(works, [Some("film"), Some("film"), None, None, Some("song")]);
    }
}
