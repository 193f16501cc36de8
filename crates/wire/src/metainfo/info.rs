//! The info dictionary of either version, or of both.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Error, FilePath, Limits, Name, Rule, tree, v1};
use crate::Fault;
use crate::bencode::{self, Dict, Value};
use crate::infohash::{InfoHashV1, InfoHashV2};
use crate::message::Block;

/// Length of a block as everybody requests it, in bytes. The last block of a torrent, and with version 2 of a file, may be
/// shorter.
pub const BLOCK_LENGTH: u32 = 16 << 10;

const HASH_LENGTH: usize = 20;

/// What a torrent contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    raw: Vec<u8>,
    v1: Option<InfoHashV1>,
    v2: Option<InfoHashV2>,
    name: Name,
    layout: Layout,
    piece_length: u32,
    piece_count: u32,
    /// Where the SHA-1 hashes of version 1 stand in `raw`.
    pieces: Option<Range<usize>>,
    files: Vec<File>,
    total_length: u64,
    private: bool,
}

/// Whether a torrent is one file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// One file, called what the torrent is called.
    SingleFile,
    /// A folder called what the torrent is called, with the files' paths inside it.
    Folder,
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path: inside the folder called [`Info::name`], or that name itself for a torrent of one file.
    pub path: FilePath,
    /// Length in bytes.
    pub length: u64,
    /// Offset of its first byte in the torrent's content: all files laid end to end, or, without version 1, each on the
    /// boundary of a piece with a gap before it that is no bytes of anything.
    pub offset: u64,
    /// It is padding (BEP 47): zeros that clients neither store nor, often, send.
    pub padding: bool,
    /// `attr` as written: `x` executable, `h` hidden, `p` padding, `l` symbolic link. BEP 47.
    pub attr: Vec<u8>,
    /// The root of its Merkle tree, where there is version 2 and the file is not empty. BEP 52.
    pub pieces_root: Option<[u8; 32]>,
}

impl File {
    /// Its bytes in the torrent's content.
    pub const fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

impl Info {
    /// Reads an info dictionary as peers send it (BEP 9), within the default limits. The caller compares [`Self::v1`]
    /// or [`Self::v2`] with the info-hash that was asked for.
    pub fn parse(raw_info: &[u8]) -> Result<Self, Error> {
        Self::parse_within(raw_info, &Limits::default())
    }

    /// Reads an info dictionary within these limits.
    pub fn parse_within(raw_info: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::read(&bencode::parse(raw_info, &limits.bencode())?, limits)
    }

    pub(super) fn read(value: &Value<'_>, limits: &Limits) -> Result<Self, Error> {
        let dict = value.as_dict().ok_or(Fault::at(value.offset(), Rule::InfoNotADict))?;
        let at_info = |rule| Fault::at(value.offset(), rule);
        let tree = file_tree(dict)?;
        let has_v1 = tree.is_none() || ["pieces", "length", "files"].iter().any(|key| dict.get(key.as_bytes()).is_some());
        let raw_name = field(dict, b"name", Value::as_bytes, at_info(Rule::Name), Rule::Name)?;
        if raw_name.is_empty() {
            return Err(at_info(Rule::Name));
        }
        let name = Name::new(raw_name, dict.get(b"name.utf-8").and_then(|value| value.as_text()));
        let piece_length = field(dict, b"piece length", Value::as_int, at_info(Rule::PieceLength), Rule::PieceLength)?;
        let piece_length = u32::try_from(piece_length)
            .ok()
            .filter(|length| (1..=limits.piece_length_max).contains(length))
            .ok_or(at_info(Rule::PieceLength))?;
        if tree.is_some() && !(piece_length.is_power_of_two() && piece_length >= BLOCK_LENGTH) {
            return Err(at_info(Rule::PieceLengthV2));
        }
        let in_v1 = has_v1.then(|| v1::files(dict, &name, limits, at_info(Rule::LengthOrFiles))).transpose()?;
        let in_v2 = tree.map(|tree| tree::read(tree, raw_name, piece_length, limits)).transpose()?;
        let (layout, files) = match (in_v1, in_v2) {
            (Some(v1), Some(v2)) => tree::unite(v1, v2, value.offset())?,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return Err(at_info(Rule::LengthOrFiles)),
        };
        let total_length = files.last().map_or(0, |file| file.range().end);
        if total_length == 0 {
            return Err(at_info(Rule::Empty));
        }
        let pieces = has_v1.then(|| pieces(dict, value, total_length.div_ceil(piece_length.into()))).transpose()?;
        let data_end = files.iter().filter(|file| !file.padding && file.length > 0).map(|file| file.range().end).max();
        let count = total_length.div_ceil(piece_length.into());
        // Padding after the last file of a hybrid stays within that file's last piece: version 2 knows no other pieces.
        if tree.is_some() && data_end.unwrap_or(0).div_ceil(piece_length.into()) != count {
            return Err(at_info(Rule::Hybrid));
        }
        let private = match dict.get(b"private").map(|value| (value.as_int(), value.offset())) {
            None | Some((Some(0), _)) => false,
            Some((Some(1), _)) => true,
            Some((_, offset)) => return Err(Fault::at(offset, Rule::Private)),
        };
        Ok(Self {
            v1: has_v1.then(|| InfoHashV1::of_info(value.raw())),
            v2: tree.map(|_| InfoHashV2::of_info(value.raw())),
            raw: value.raw().to_vec(),
            name,
            layout,
            piece_length,
            // Both ways to count bound it: by the hashes that are there, or by the limit.
            piece_count: u32::try_from(count).map_err(|_| at_info(Rule::PieceCount))?,
            pieces,
            files,
            total_length,
            private,
        })
    }

    /// Exactly the bytes that the info-hash covers.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The version 1 info-hash, unless the torrent is of version 2 alone.
    pub const fn v1(&self) -> Option<InfoHashV1> {
        self.v1
    }

    /// The version 2 info-hash of a torrent of version 2 or of both.
    pub const fn v2(&self) -> Option<InfoHashV2> {
        self.v2
    }

    /// What the torrent calls itself.
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Whether it is one file or a folder.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The files in the order of their bytes, padding included.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Where the last file ends, in bytes: the length of all files together, padding and gaps between them included.
    pub const fn total_length(&self) -> u64 {
        self.total_length
    }

    /// Whether peers may come from its trackers only. BEP 27.
    pub const fn is_private(&self) -> bool {
        self.private
    }

    /// Length of every piece but the last, in bytes.
    pub const fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// Number of pieces, at least one.
    pub const fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Whether every file begins on the boundary of a piece, and blocks end where files end: so it is with version 2.
    pub const fn is_aligned(&self) -> bool {
        self.v2.is_some()
    }

    /// The SHA-1 of a piece, or `None` if there is no such piece or no version 1.
    pub fn piece_hash(&self, piece: u32) -> Option<[u8; 20]> {
        let hashes = self.raw.get(self.pieces.clone()?)?;
        let (hashes, _) = hashes.as_chunks::<HASH_LENGTH>();
        hashes.get(piece as usize).copied()
    }

    /// The bytes of a piece in the torrent's content, or `None` if there is no such piece. Where there is version 1 they
    /// are what [`Self::piece_hash`] covers, padding included; otherwise the piece ends where its file ends.
    pub fn piece_range(&self, piece: u32) -> Option<Range<u64>> {
        if self.v1.is_none() {
            return self.data_range(piece);
        }
        self.span(piece)
    }

    /// The bytes of a piece that can be asked for, or `None` if there is no such piece. With version 2 they are bytes of
    /// one file: what is behind its end is padding, or nothing at all.
    pub fn data_range(&self, piece: u32) -> Option<Range<u64>> {
        let span = self.span(piece)?;
        if !self.is_aligned() {
            return Some(span);
        }
        Some(span.start..span.end.min(self.file_of(piece)?.range().end))
    }

    /// The file that a piece belongs to, where pieces belong to one file only.
    pub fn file_of(&self, piece: u32) -> Option<&File> {
        let span = self.span(piece).filter(|_| self.is_aligned())?;
        self.files_in(span).find(|file| !file.padding)
    }

    fn span(&self, piece: u32) -> Option<Range<u64>> {
        if piece >= self.piece_count {
            return None;
        }
        let start = u64::from(piece) * u64::from(self.piece_length);
        Some(start..(start + u64::from(self.piece_length)).min(self.total_length))
    }

    /// Length in bytes of what can be asked for of a piece, or `None` if there is no such piece.
    pub fn piece_size(&self, piece: u32) -> Option<u32> {
        self.data_range(piece).map(|range| (range.end - range.start) as u32)
    }

    /// Number of blocks in a piece; none if there is no such piece.
    pub fn block_count(&self, piece: u32) -> u32 {
        self.piece_size(piece).map_or(0, |size| size.div_ceil(BLOCK_LENGTH))
    }

    /// The block of a piece to request, or `None` if there is no such block.
    pub fn block(&self, piece: u32, index: u32) -> Option<Block> {
        let size = self.piece_size(piece)?;
        let begin = index.checked_mul(BLOCK_LENGTH).filter(|begin| *begin < size)?;
        Some(Block { piece, begin, length: BLOCK_LENGTH.min(size - begin) })
    }

    /// The bytes of a block in the torrent's content, or `None` if they are not all inside one piece.
    pub fn block_range(&self, block: Block) -> Option<Range<u64>> {
        let piece = self.data_range(block.piece)?;
        let start = piece.start + u64::from(block.begin);
        let end = start + u64::from(block.length);
        (block.length > 0 && end <= piece.end).then_some(start..end)
    }

    /// The files with at least one byte in this range of the torrent's content, in order.
    pub fn files_in(&self, range: Range<u64>) -> impl Iterator<Item = &File> {
        let first = self.files.partition_point(|file| file.range().end <= range.start);
        self.files[first..]
            .iter()
            .take_while(move |file| file.offset < range.end)
            .filter(move |file| file.range().end.min(range.end) > file.offset.max(range.start))
    }
}

/// The file tree, if the dictionary is of version 2 or of both.
fn file_tree<'d, 'a>(dict: &'d Dict<'a>) -> Result<Option<&'d Value<'a>>, Error> {
    match (dict.get(b"meta version"), dict.get(b"file tree")) {
        (None, None) => Ok(None),
        (Some(version), _) if version.as_int() != Some(2) => Err(Fault::at(version.offset(), Rule::MetaVersion)),
        (Some(_), Some(tree)) => Ok(Some(tree)),
        (Some(one), None) | (None, Some(one)) => Err(Fault::at(one.offset(), Rule::MetaVersion)),
    }
}

/// Where the SHA-1 hashes stand in the bytes of the dictionary.
fn pieces(dict: &Dict<'_>, info: &Value<'_>, due: u64) -> Result<Range<usize>, Error> {
    let value = dict.get(b"pieces").ok_or(Fault::at(info.offset(), Rule::Pieces))?;
    let pieces = value.as_bytes().filter(|pieces| pieces.len() % HASH_LENGTH == 0);
    let pieces = pieces.ok_or(Fault::at(value.offset(), Rule::Pieces))?;
    if (pieces.len() / HASH_LENGTH) as u64 != due || due > u64::from(u32::MAX) {
        return Err(Fault::at(value.offset(), Rule::PieceCount));
    }
    let end = value.offset() + value.raw().len() - info.offset();
    Ok(end - pieces.len()..end)
}

fn field<'d, 'a, T>(
    dict: &'d Dict<'a>,
    key: &[u8],
    read: fn(&'d Value<'a>) -> Option<T>,
    missing: Error,
    rule: Rule,
) -> Result<T, Error> {
    let value = dict.get(key).ok_or(missing)?;
    read(value).ok_or(Fault::at(value.offset(), rule))
}
