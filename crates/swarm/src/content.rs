//! What a probe is checked against: the digests of a reference copy's blocks, which of them prove anything, and
//! which belong to a mandated work. The content itself is not needed.
//!
//! Without an approved dossier, a torrent of version 2 says enough by its info dictionary: a peer proves a block by the way to
//! its file's root. Which blocks prove nothing is not known then, nor which hold a work; no report can rest on them.

use std::collections::BTreeMap;

use evidence::{Digest, Dossier, challenge::BLOCK_BYTES, dossier::BlockPlace, sha256};
use wire::merkle;
use wire::metainfo::Info;

use crate::chance::Chance;

/// A torrent's blocks, from its dossier.
#[derive(Debug)]
pub struct Content {
    dossier_sha256: Option<Digest>,
    total_bytes: u64,
    piece_count: u32,
    /// The number of each piece's first block, and behind the last piece that of all blocks.
    blocks_from: Vec<u32>,
    /// Length in bytes of the blocks that are not of the usual length.
    short: BTreeMap<u32, u32>,
    key: Key,
    /// One of the marks below for each block.
    marks: Vec<u16>,
    works: Vec<String>,
    /// Pieces with a fit block of a mandated work, ascending.
    work_pieces: Vec<u32>,
    /// Pieces with any fit block, ascending.
    fit_pieces: Vec<u32>,
}

/// What answers are compared with.
#[derive(Debug)]
enum Key {
    /// 32 bytes a block, in order of number.
    Digests(Vec<u8>),
    /// The files' trees, in order: the number of the first block, the length in bytes, the root.
    Trees(Vec<(u32, u64, merkle::Hash)>),
}

/// The block proves nothing: constant, duplicated, padding or too short.
const UNFIT: u16 = 0;
/// The block is fit, but belongs to no mandated work.
const FIT: u16 = 1;
/// The block belongs to the work with this number less two.
const FIRST_WORK: u16 = 2;

/// Blocks shorter than this, in bytes, prove nothing: the end of a torrent may be a few bytes that follow from its
/// format, and somebody who has none of the content could guess them.
pub const FIT_BYTES_MIN: u32 = 1_024;

/// Why a dossier and a file of digests cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The digests are not those that the dossier names.
    Digests,
    /// There are not 32 bytes for each block.
    Length,
    /// A piece is empty, or there are more blocks or works than we count.
    Shape,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Digests => "the file of block digests is not the one that the dossier names",
            Self::Length => "the file of block digests has not 32 bytes for each block of the torrent",
            Self::Shape => "the dossier's piece length or number of works is out of range",
        })
    }
}

impl core::error::Error for Fault {}

/// One block that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// How many pieces its piece was drawn from.
    pub among: u32,
    /// Index of the piece.
    pub piece: u32,
    /// Offset in bytes from the start of the piece.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
    /// How the right answer is known.
    pub right: Right,
    /// The mandated work that holds it, if one does.
    pub work: Option<String>,
}

/// How the right answer to a question is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// By its SHA-256.
    Sha256(Digest),
    /// By the way to its file's root, which the peer is to show.
    Leaf {
        /// The root.
        root: merkle::Hash,
        /// Length of the file in bytes.
        file_length: u64,
        /// Number of the block in its file.
        index: u64,
    },
}

impl Content {
    /// From an info dictionary of version 2, without any dossier. `None` if it is not of version 2.
    pub fn of_info(info: &Info) -> Option<Self> {
        let (mut blocks_from, mut trees) = (vec![0], Vec::new());
        let (mut short, mut fit_pieces, mut marks) = (BTreeMap::new(), Vec::new(), Vec::new());
        for piece in 0..info.piece_count() {
            let file = info.file_of(piece)?;
            if info.piece_range(piece)?.start == file.offset {
                trees.push((marks.len() as u32, file.length, file.pieces_root?));
            }
            for index in 0..info.block_count(piece) {
                let block = info.block(piece, index)?;
                if block.length != BLOCK_BYTES {
                    short.insert(marks.len() as u32, block.length);
                }
                let is_fit = block.length >= FIT_BYTES_MIN;
                if is_fit && fit_pieces.last() != Some(&piece) {
                    fit_pieces.push(piece);
                }
                marks.push(if is_fit { FIT } else { UNFIT });
            }
            blocks_from.push(u32::try_from(marks.len()).ok()?);
        }
        Some(Self {
            dossier_sha256: None,
            total_bytes: info.total_length(),
            piece_count: info.piece_count(),
            blocks_from,
            short,
            key: Key::Trees(trees),
            marks,
            works: Vec::new(),
            work_pieces: Vec::new(),
            fit_pieces,
        })
    }

    /// From an approved dossier, its own digest, its file of block digests, and the works whose mandates are in force.
    pub fn new(dossier: &Dossier, dossier_sha256: Digest, digests: Vec<u8>, works: &[String]) -> Result<Self, Fault> {
        if dossier.piece_bytes == 0 || works.len() > usize::from(u16::MAX - FIRST_WORK) {
            return Err(Fault::Shape);
        }
        if sha256(&digests) != dossier.blocks_sha256 {
            return Err(Fault::Digests);
        }
        let mut unfit = dossier.unfit_blocks.iter().copied().peekable();
        let mut marks = Vec::with_capacity(digests.len() / 32);
        let (mut work_pieces, mut fit_pieces) = (Vec::new(), Vec::new());
        let (mut blocks_from, mut short) = (Vec::new(), BTreeMap::new());
        for block in dossier.blocks() {
            // A piece has a block at least, so that no dossier makes this longer than its digests.
            if block.offset == 0 {
                blocks_from.push(block.number);
            }
            if block.length != BLOCK_BYTES {
                short.insert(block.number, block.length);
            }
            let is_unfit = unfit.next_if_eq(&block.number).is_some() || block.length < FIT_BYTES_MIN;
            let mark = if is_unfit { UNFIT } else { mark(dossier, &block, works) };
            let lists: [(&mut Vec<u32>, u16); 2] = [(&mut fit_pieces, FIT), (&mut work_pieces, FIRST_WORK)];
            for (pieces, least) in lists {
                if mark >= least && pieces.last() != Some(&block.piece) {
                    pieces.push(block.piece);
                }
            }
            marks.push(mark);
        }
        if digests.len() != marks.len() * 32 {
            return Err(Fault::Length);
        }
        if blocks_from.len() != dossier.pieces() as usize {
            return Err(Fault::Shape);
        }
        blocks_from.push(marks.len() as u32);
        Ok(Self {
            dossier_sha256: Some(dossier_sha256),
            total_bytes: dossier.total_bytes,
            piece_count: dossier.pieces(),
            blocks_from,
            short,
            key: Key::Digests(digests),
            marks,
            works: works.to_vec(),
            work_pieces,
            fit_pieces,
        })
    }

    /// How many pieces the torrent has.
    pub fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Length of the whole content in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The digest of the dossier that says all this, if one does.
    pub fn dossier_sha256(&self) -> Option<Digest> {
        self.dossier_sha256
    }

    /// Whether peers have to prove what they send, which they can where version 2 is spoken alone.
    pub fn needs_proofs(&self) -> bool {
        matches!(self.key, Key::Trees(_))
    }

    /// A block nobody can foresee, out of the pieces that `may` names and `only` lists, if it does. A block of a mandated
    /// work is preferred; one of another file is taken only where the peer has nothing of a work. Blocks that prove
    /// nothing are never taken.
    pub(crate) fn pick(&self, chance: &mut Chance, only: Option<&[u32]>, may: impl Fn(u32) -> bool) -> Option<Question> {
        [(&self.work_pieces, FIRST_WORK), (&self.fit_pieces, FIT)].into_iter().find_map(|(pieces, least)| {
            let is_due = |piece: &u32| only.is_none() || pieces.binary_search(piece).is_ok();
            let open = || only.unwrap_or(pieces).iter().copied().filter(is_due).filter(|piece| may(*piece));
            let count = open().count();
            let piece = open().nth(chance.below(count as u64) as usize)?;
            let fit = || self.blocks_of(piece).filter(|number| self.marks[*number] >= least);
            let number = fit().nth(chance.below(fit().count() as u64) as usize)?;
            self.question(piece, number, count as u32)
        })
    }

    /// Whether any block could be asked for out of the pieces that `may` names.
    pub(crate) fn has_any(&self, may: impl Fn(u32) -> bool) -> bool {
        self.fit_pieces.iter().any(|piece| may(*piece))
    }

    fn blocks_of(&self, piece: u32) -> core::ops::Range<usize> {
        let from = |piece: usize| self.blocks_from.get(piece).map_or(0, |number| *number as usize);
        from(piece as usize)..from(piece as usize + 1)
    }

    fn question(&self, piece: u32, number: usize, among: u32) -> Option<Question> {
        let offset = (number - self.blocks_of(piece).start) as u32 * BLOCK_BYTES;
        let length = self.short.get(&(number as u32)).copied().unwrap_or(BLOCK_BYTES);
        let right = match &self.key {
            Key::Digests(digests) => Right::Sha256(Digest::from(*digests.get(number * 32..)?.first_chunk::<32>()?)),
            Key::Trees(trees) => {
                let after = trees.partition_point(|(first, ..)| *first as usize <= number);
                let (first, file_length, root) = *trees.get(after.checked_sub(1)?)?;
                Right::Leaf { root, file_length, index: number as u64 - u64::from(first) }
            }
        };
        let work = self.marks[number].checked_sub(FIRST_WORK).map(|work| self.works[usize::from(work)].clone());
        Some(Question { among, piece, offset, length, right, work })
    }
}

fn mark(dossier: &Dossier, block: &BlockPlace, works: &[String]) -> u16 {
    let work = dossier.work_of(block).and_then(|work| works.iter().position(|mandated| mandated == work));
    // The number of works was checked.
    work.map_or(FIT, |number| FIRST_WORK + number as u16)
}

#[cfg(test)]
pub(crate) mod tests {
    use evidence::{Claimed, InfoHashV1, TargetIds, Utc, Version, dossier};

    use super::*;
    use crate::chance::Seed;

    /// Bytes of the synthetic torrent that tests probe: every block differs.
    pub(crate) fn bytes(total: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..total).map(|n| (n % 251) as u8).collect();
        for (number, block) in bytes.chunks_mut(BLOCK_BYTES as usize).enumerate() {
            let mark = (number as u32).to_be_bytes();
            let end = block.len().min(4);
            block[..end].copy_from_slice(&mark[..end]);
        }
        bytes
    }

    pub(crate) fn digests(bytes: &[u8], piece_bytes: u32) -> Vec<u8> {
        let blocks = bytes.chunks(piece_bytes as usize).flat_map(|piece| piece.chunks(BLOCK_BYTES as usize));
        blocks.flat_map(|block| *sha256(block).as_bytes()).collect()
    }

    /// A dossier of one file for each (bytes, work).
    pub(crate) fn dossier(files: &[(u64, Option<&str>)], piece_bytes: u32, unfit_blocks: Vec<u32>) -> (Dossier, Vec<u8>) {
        let total_bytes = files.iter().map(|file| file.0).sum();
        let content = bytes(total_bytes as usize);
        let digests = digests(&content, piece_bytes);
        let mut offset = 0;
        let mut file = |&(bytes, work): &(u64, Option<&str>)| {
            offset += bytes;
            dossier::File {
                bytes,
                contains: "synthetic".into(),
                offset: offset - bytes,
                padding: false,
                path: Claimed::new("f"),
                pieces_root: None,
                sha256: sha256(b""),
                work: work.map(Into::into),
            }
        };
        let dossier = Dossier {
            blocks_sha256: sha256(&digests),
            built_at: Utc::from_ms(0),
            files: files.iter().map(&mut file).collect(),
            name: Claimed::new("n"),
            origin: dossier::Origin::LocalCopy,
            piece_bytes,
            release_sha256: sha256(b""),
            target: TargetIds::of_v1(InfoHashV1::from([7; 20])),
            info_sha256: sha256(b""),
            total_bytes,
            unfit_blocks,
            versions: vec![Version::V1],
        };
        (dossier, digests)
    }

    pub(crate) fn content(files: &[(u64, Option<&str>)], piece_bytes: u32, unfit: Vec<u32>) -> Content {
        let (dossier, digests) = dossier(files, piece_bytes, unfit);
        Content::new(&dossier, sha256(b"dossier"), digests, &["film".into()]).unwrap()
    }

    #[test]
    fn questions_are_inside_the_work_and_fit() {
        // Four pieces of two blocks; the film covers blocks 2 to 6, of which 3 and 4 are unfit.
        let content = content(&[(2 << 14, None), (5 << 14, Some("film")), (100, None)], 2 << 14, vec![3, 4]);
        assert_eq!(content.piece_count(), 4);
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..200u8 {
            let question = content.pick(&mut Chance::new(Seed::new([n; 32])), None, |_| true).unwrap();
            assert_eq!((question.work.as_deref(), question.length), (Some("film"), BLOCK_BYTES));
            seen.insert((question.piece, question.offset));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(1, 0), (2, BLOCK_BYTES), (3, 0)]);
        // A peer that has only the first piece can prove nothing of the film, and is asked outside it.
        let question = content.pick(&mut Chance::new(Seed::new([1; 32])), None, |piece| piece == 0).unwrap();
        assert_eq!((question.piece, question.work), (0, None));
        assert!(content.pick(&mut Chance::new(Seed::new([1; 32])), None, |_| false).is_none());
        assert!(content.has_any(|piece| piece == 3) && !content.has_any(|_| false));
    }

    #[test]
    fn answers_are_those_of_the_copy() {
        let total = 3 * 20_000 + 77;
        let content = content(&[(total, Some("film"))], 20_000, vec![]);
        let copy = bytes(total as usize);
        for n in 0..50u8 {
            let question = content.pick(&mut Chance::new(Seed::new([n; 32])), None, |_| true).unwrap();
            let start = question.piece as usize * 20_000 + question.offset as usize;
            assert_eq!(Right::Sha256(sha256(&copy[start..start + question.length as usize])), question.right);
        }
    }

    #[test]
    fn with_version_2_every_block_is_of_one_file_and_none_is_padding() {
        // Two files of pieces of two blocks, the first padded to the boundary of a piece; the film is the second.
        let (piece, lengths) = (2u32 << 14, [40_000u64, 70_000]);
        let mut files = dossier(&[(lengths[0], None), (25_536, None), (lengths[1], Some("film"))], piece, vec![]).0.files;
        files[1].padding = true;
        let copies = lengths.map(|length| bytes(length as usize + 7)[7..].to_vec());
        let digests: Vec<u8> = copies.iter().flat_map(|copy| digests(copy, BLOCK_BYTES)).collect();
        let (base, _) = dossier(&[(1, None)], piece, vec![]);
        let target = TargetIds { v1: base.target.v1, v2: Some([9; 32].into()) };
        let hybrid = Dossier { blocks_sha256: sha256(&digests), files, target, total_bytes: 65_536 + 70_000, ..base };
        let content = Content::new(&hybrid, sha256(b"dossier"), digests, &["film".into()]).unwrap();
        assert_eq!(content.piece_count(), 5);
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..200u8 {
            let mut chance = Chance::new(Seed::new([n; 32]));
            let film = content.pick(&mut chance, None, |_| true).unwrap();
            let other = content.pick(&mut chance, None, |piece| piece < 2).unwrap();
            for (question, copy, first) in [(&film, &copies[1], 2 * piece), (&other, &copies[0], 0)] {
                let start = (question.piece * piece + question.offset - first) as usize;
                assert_eq!(Right::Sha256(sha256(&copy[start..start + question.length as usize])), question.right);
            }
            assert_eq!((film.work.as_deref(), other.work), (Some("film"), None));
            seen.extend([(film.piece, film.offset, film.length), (other.piece, other.offset, other.length)]);
        }
        let last_of_first = (1, 0, BLOCK_BYTES.min(40_000 - piece));
        assert!(seen.contains(&last_of_first) && seen.contains(&(4, 0, 70_000 - 2 * piece)), "{seen:?}");
        // Blocks 0 to 2 of the first file, 3 to 7 of the second; its last is of 4,464 bytes.
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn a_list_of_pieces_is_all_that_is_looked_at() {
        let content = content(&[(2 << 14, None), (90 << 14, Some("film"))], 1 << 14, vec![5]);
        let looked = core::cell::Cell::new(0);
        let may = |piece| {
            looked.set(looked.get() + 1);
            piece != 7
        };
        let pick = |only: &[u32]| content.pick(&mut Chance::new(Seed::new([3; 32])), Some(only), may);
        // Of another file, unfit, not allowed by `may`, past the end; and one that is left.
        assert_eq!(pick(&[0, 5, 7, 4_000, 9]).map(|question| (question.piece, question.work)), Some((9, Some("film".into()))));
        assert!(looked.get() <= 6, "{} of 92 pieces were looked at", looked.get());
        assert_eq!(pick(&[5, 7, 0]).map(|question| (question.piece, question.work)), Some((0, None)));
        assert_eq!((pick(&[]), pick(&[5, 7])), (None, None));
    }

    #[test]
    fn blocks_that_could_be_guessed_are_never_asked_for() {
        for (last, pieces) in [(1_023, vec![0]), (1_024, vec![0, 1])] {
            let content = content(&[((1 << 14) + last, Some("film"))], 1 << 14, vec![]);
            let asked = (0..60u8).map(|n| content.pick(&mut Chance::new(Seed::new([n; 32])), None, |_| true).unwrap().piece);
            assert_eq!(asked.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(), pieces);
            assert_eq!(content.has_any(|piece| piece == 1), last == 1_024);
        }
    }

    #[test]
    fn refuses_digests_of_something_else() {
        let (mut dossier, mut digests) = dossier(&[(1 << 16, None)], 1 << 15, vec![]);
        let new = |dossier: &Dossier, digests: &[u8]| Content::new(dossier, sha256(b""), digests.to_vec(), &[]).map(|_| ());
        assert_eq!(new(&dossier, &digests), Ok(()));
        digests[0] ^= 1;
        assert_eq!(new(&dossier, &digests), Err(Fault::Digests));
        digests.truncate(64);
        dossier.blocks_sha256 = sha256(&digests);
        assert_eq!(new(&dossier, &digests), Err(Fault::Length));
        dossier.piece_bytes = 0;
        assert_eq!(new(&dossier, &digests), Err(Fault::Shape));
    }
}
