//! What a probe is checked against: the digests of a reference copy's blocks, which of them prove anything, and
//! which belong to a mandated work. The content itself is not needed.

use evidence::{Digest, Dossier, challenge::BLOCK_BYTES, dossier::BlockPlace, sha256};

use crate::chance::Chance;

/// A torrent's blocks, from its dossier.
#[derive(Debug)]
pub struct Content {
    dossier_sha256: Digest,
    piece_bytes: u32,
    total_bytes: u64,
    piece_count: u32,
    /// 32 bytes a block, in order of piece and offset.
    digests: Vec<u8>,
    /// One of the marks below for each block.
    marks: Vec<u16>,
    works: Vec<String>,
    /// Pieces with a fit block of a mandated work, ascending.
    work_pieces: Vec<u32>,
    /// Pieces with any fit block, ascending.
    fit_pieces: Vec<u32>,
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
    /// SHA-256 of the right answer.
    pub sha256: Digest,
    /// The mandated work that holds it, if one does.
    pub work: Option<String>,
}

impl Content {
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
        for block in dossier.blocks() {
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
        Ok(Self {
            dossier_sha256,
            piece_bytes: dossier.piece_bytes,
            total_bytes: dossier.total_bytes,
            piece_count: dossier.pieces(),
            digests,
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

    /// The digest of the dossier that says all this.
    pub fn dossier_sha256(&self) -> Digest {
        self.dossier_sha256
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
        let per_piece = self.piece_bytes.div_ceil(BLOCK_BYTES) as usize;
        let first = piece as usize * per_piece;
        first..(first + per_piece).min(self.marks.len())
    }

    fn question(&self, piece: u32, number: usize, among: u32) -> Option<Question> {
        let offset = (number - self.blocks_of(piece).start) as u32 * BLOCK_BYTES;
        let start = u64::from(piece) * u64::from(self.piece_bytes);
        let piece_end = (start + u64::from(self.piece_bytes)).min(self.total_bytes);
        let length = (piece_end - start - u64::from(offset)).min(u64::from(BLOCK_BYTES));
        let digest: [u8; 32] = *self.digests.get(number * 32..)?.first_chunk()?;
        let work = self.marks[number].checked_sub(FIRST_WORK).map(|work| self.works[usize::from(work)].clone());
        Some(Question { among, piece, offset, length: length as u32, sha256: Digest::from(digest), work })
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
            assert_eq!(sha256(&copy[start..start + question.length as usize]), question.sha256);
        }
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
