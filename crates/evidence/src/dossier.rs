//! The dossier: what a torrent was found to contain (`affiant.dossier/1`).
//!
//! It is built from a copy whose every piece hash matched the metainfo, by each version that the torrent has: one dossier
//! for both info-hashes of a hybrid. The digests of the copy's blocks stand beside it in a file of 32 bytes a block; that
//! file's own digest is in the dossier.
//!
//! With version 2, every file begins on the boundary of a piece and blocks end where files end, so that the digests are
//! the leaves of the files' Merkle trees (BEP 52), and padding has no block at all. Otherwise the files lie end to end, and
//! blocks end where pieces end.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Claimed, Digest, TargetIds, Utc, Version, challenge::BLOCK_BYTES};

/// The proof of a torrent's content, without the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// SHA-256 of the file of block digests: 32 bytes each, in order of piece and offset. With version 2 they are the leaves
    /// of one file after the other, padding left out.
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
    /// Where the last file ends: the length of the whole content in bytes, padding and gaps between files included.
    pub total_bytes: u64,
    /// Blocks that prove nothing: constant, duplicated, padding, or shorter than 1,024 bytes, so that their bytes might be
    /// guessed. Numbers in the file of block digests, ascending. A report may not rest on a short block even if it is not
    /// listed here.
    pub unfit_blocks: Vec<u32>,
    /// The versions whose hashes the copy was checked against: all that the torrent has.
    pub versions: Vec<Version>,
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
    /// The root of its Merkle tree in the info dictionary (BEP 52), to which its blocks were found to lead. Null for an empty
    /// file, for padding, and without version 2.
    pub pieces_root: Option<Digest>,
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
    /// Whether every file begins on the boundary of a piece and blocks end where files end.
    pub fn is_aligned(&self) -> bool {
        self.target.v2.is_some()
    }

    /// How many pieces there are.
    pub fn pieces(&self) -> u32 {
        u32::try_from(self.total_bytes.div_ceil(u64::from(self.piece_bytes.max(1)))).unwrap_or(u32::MAX)
    }

    /// All blocks in order of number.
    pub fn blocks(&self) -> impl Iterator<Item = BlockPlace> {
        let piece_bytes = u64::from(self.piece_bytes.max(1));
        let mut number = 0;
        self.stretches()
            .flat_map(move |(first, end)| {
                // Pieces are counted from the torrent's beginning; a stretch begins on the boundary of one.
                (first / piece_bytes..end.div_ceil(piece_bytes)).map(move |piece| (piece, end.min((piece + 1) * piece_bytes)))
            })
            .flat_map(move |(piece, end)| {
                let first = piece * piece_bytes;
                (first..end).step_by(BLOCK_BYTES as usize).map(move |start| {
                    // All fit: a piece's length is a u32, and so is the number of pieces.
                    (piece as u32, (start - first) as u32, (end - start).min(u64::from(BLOCK_BYTES)) as u32, start)
                })
            })
            .map(move |(piece, offset, length, start)| {
                let place = BlockPlace { number, piece, offset, length, start };
                number += 1;
                place
            })
    }

    /// The block that a request for `length` bytes at `offset` of a piece asks for; `None` if that is no whole block.
    pub fn block_at(&self, piece: u32, offset: u32, length: u32) -> Option<BlockPlace> {
        let (piece_bytes, block) = (u64::from(self.piece_bytes), u64::from(BLOCK_BYTES));
        if offset >= self.piece_bytes || !offset.is_multiple_of(BLOCK_BYTES) {
            return None;
        }
        let piece_start = u64::from(piece) * piece_bytes;
        let start = piece_start + u64::from(offset);
        let mut before = 0u64;
        for (first, end) in self.stretches() {
            if start < end {
                let per_piece = piece_bytes.div_ceil(block);
                let number = before + (piece_start.checked_sub(first)? / piece_bytes) * per_piece + u64::from(offset) / block;
                let due = (start + block).min(piece_start + piece_bytes).min(end) - start;
                let number = u32::try_from(number).ok()?;
                return (u64::from(length) == due).then_some(BlockPlace { number, piece, offset, length, start });
            }
            let (whole, rest) = ((end - first) / piece_bytes, (end - first) % piece_bytes);
            before += whole * piece_bytes.div_ceil(block) + rest.div_ceil(block);
        }
        None
    }

    /// What is cut into pieces and blocks from its beginning to its end: each file, or all of them together.
    fn stretches(&self) -> impl Iterator<Item = (u64, u64)> {
        let aligned = self.is_aligned();
        let files = self.files.iter().filter(move |file| aligned && !file.padding && file.bytes > 0);
        let whole = (!aligned && self.total_bytes > 0).then_some((0, self.total_bytes));
        files.map(|file| (file.offset, file.offset.saturating_add(file.bytes))).chain(whole)
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
            pieces_root: None,
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
            versions: vec![Version::V1],
        }
    }

    /// As with version 2: the files on piece boundaries, with padding between them or nothing.
    fn aligned(lengths: &[u64], piece_bytes: u32, padded: bool) -> Dossier {
        let mut files = vec![];
        let mut end = 0u64;
        for &length in lengths {
            let start = if length == 0 { end } else { end.next_multiple_of(u64::from(piece_bytes)) };
            if padded && start > end {
                files.push(file(end, start - end, None, true));
            }
            files.push(file(start, length, Some("film"), false));
            end = start + length;
        }
        let target = TargetIds { v1: None, v2: Some([2; 32].into()) };
        Dossier { target, total_bytes: end, versions: vec![Version::V2], ..dossier(files, piece_bytes) }
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
                assert_eq!(dossier.block_at(block.piece, block.offset, block.length), Some(block));
                assert_eq!(dossier.block_at(block.piece, block.offset, block.length - 1), None);
                assert_eq!(dossier.block_at(block.piece, block.offset + 1, block.length), None);
            }
            assert_eq!(end, total);
            assert_eq!(dossier.block_at(dossier.pieces(), 0, BLOCK_BYTES), None);
            assert_eq!(dossier.block_at(0, piece.next_multiple_of(BLOCK_BYTES), BLOCK_BYTES), None);
        }
    }

    #[test]
    fn with_version_2_blocks_tile_the_files_and_padding_has_none() {
        for lengths in [&[1][..], &[40_000, 0, 100, 70_000], &[16_384, 16_384], &[65_536, 1, 32_768], &[0, 5]] {
            for (piece, padded) in [(1 << 14, false), (1 << 15, false), (1 << 15, true), (1 << 16, true)] {
                let dossier = aligned(lengths, piece, padded);
                // An independent count: file by file, each from the next free piece on.
                let mut due = vec![];
                let mut at = 0u64;
                for length in lengths.iter().filter(|length| **length > 0) {
                    due.extend((0..*length).step_by(16_384).map(|from| (at + from, (length - from).min(16_384))));
                    at += length.div_ceil(u64::from(piece)) * u64::from(piece);
                }
                let blocks: Vec<_> = dossier.blocks().collect();
                let found: Vec<_> = blocks.iter().map(|block| (block.start, u64::from(block.length))).collect();
                assert_eq!(found, due, "{lengths:?} {piece}");
                for (number, block) in blocks.iter().enumerate() {
                    assert_eq!(block.number as usize, number);
                    assert_eq!(u64::from(block.piece) * u64::from(piece) + u64::from(block.offset), block.start);
                    assert_eq!(dossier.block_at(block.piece, block.offset, block.length), Some(*block));
                    assert_eq!(dossier.work_of(block), Some("film"));
                    if block.length < BLOCK_BYTES {
                        assert_eq!(dossier.block_at(block.piece, block.offset, BLOCK_BYTES), None, "that would be padding");
                    }
                }
            }
        }
    }

    #[test]
    fn a_dossier_that_contradicts_itself_is_no_reason_to_panic() {
        let mut dossier = aligned(&[40_000, 100], 1 << 15, false);
        dossier.files[1].offset = 40_001;
        assert_eq!(dossier.block_at(1, 0, 7_232).map(|block| block.number), Some(2));
        assert_eq!(dossier.block_at(1, 0, 100), None);
        dossier.files[0].offset = u64::MAX;
        assert_eq!(dossier.block_at(1, 0, 100), None);
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
