//! The info dictionary, version 1.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Error, FilePath, Limits, Name, Rule};
use crate::Fault;
use crate::bencode::{self, Dict, Value};
use crate::infohash::{InfoHashV1, InfoHashV2};
use crate::message::Block;

/// Length of a block as everybody requests it, in bytes. The last block of a torrent may be shorter.
pub const BLOCK_LENGTH: u32 = 16 << 10;

const HASH_LENGTH: usize = 20;

/// What a torrent contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    raw: Vec<u8>,
    v1: InfoHashV1,
    v2: Option<InfoHashV2>,
    name: Name,
    layout: Layout,
    piece_length: u32,
    pieces: Range<usize>,
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
    /// Offset of its first byte in the torrent's content, all files laid end to end.
    pub offset: u64,
    /// It is padding (BEP 47): zeros that clients neither store nor, often, send.
    pub padding: bool,
    /// `attr` as written: `x` executable, `h` hidden, `p` padding, `l` symbolic link. BEP 47.
    pub attr: Vec<u8>,
}

impl File {
    /// Its bytes in the torrent's content.
    pub const fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

impl Info {
    /// Reads an info dictionary as peers send it (BEP 9), within the default limits. The caller compares [`Self::v1`]
    /// with the info-hash that was asked for.
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
        let hybrid = is_hybrid(dict, value.offset())?;
        let name = field(dict, b"name", Value::as_bytes, at_info(Rule::Name), Rule::Name)?;
        if name.is_empty() {
            return Err(at_info(Rule::Name));
        }
        let name = Name::new(name, dict.get(b"name.utf-8").and_then(|value| value.as_text()));
        let piece_length = field(dict, b"piece length", Value::as_int, at_info(Rule::PieceLength), Rule::PieceLength)?;
        let piece_length = u32::try_from(piece_length)
            .ok()
            .filter(|length| (1..=limits.piece_length_max).contains(length))
            .ok_or(at_info(Rule::PieceLength))?;
        let (layout, files) = files(dict, &name, limits, at_info(Rule::LengthOrFiles))?;
        let total_length = files.last().map_or(0, |file| file.range().end);
        if total_length == 0 {
            return Err(at_info(Rule::Empty));
        }
        let pieces_value = dict.get(b"pieces").ok_or(at_info(Rule::Pieces))?;
        let pieces = pieces_value.as_bytes().filter(|pieces| pieces.len() % HASH_LENGTH == 0);
        let pieces = pieces.ok_or(Fault::at(pieces_value.offset(), Rule::Pieces))?;
        let due = total_length.div_ceil(piece_length.into());
        if (pieces.len() / HASH_LENGTH) as u64 != due || due > u64::from(u32::MAX) {
            return Err(Fault::at(pieces_value.offset(), Rule::PieceCount));
        }
        let pieces_end = pieces_value.offset() + pieces_value.raw().len() - value.offset();
        let private = match dict.get(b"private").map(|value| (value.as_int(), value.offset())) {
            None | Some((Some(0), _)) => false,
            Some((Some(1), _)) => true,
            Some((_, offset)) => return Err(Fault::at(offset, Rule::Private)),
        };
        Ok(Self {
            v1: InfoHashV1::of_info(value.raw()),
            v2: hybrid.then(|| InfoHashV2::of_info(value.raw())),
            raw: value.raw().to_vec(),
            name,
            layout,
            piece_length,
            pieces: pieces_end - pieces.len()..pieces_end,
            files,
            total_length,
            private,
        })
    }

    /// Exactly the bytes that the info-hash covers.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The info-hash.
    pub const fn v1(&self) -> InfoHashV1 {
        self.v1
    }

    /// The version 2 info-hash of a hybrid torrent.
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

    /// Length of all files together in bytes, padding included.
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
        // The count was checked to fit when the dictionary was read.
        ((self.pieces.end - self.pieces.start) / HASH_LENGTH) as u32
    }

    /// The SHA-1 of a piece, or `None` if there is no such piece.
    pub fn piece_hash(&self, piece: u32) -> Option<[u8; 20]> {
        let hashes = self.raw.get(self.pieces.clone())?;
        let (hashes, _) = hashes.as_chunks::<HASH_LENGTH>();
        hashes.get(piece as usize).copied()
    }

    /// The bytes of a piece in the torrent's content, or `None` if there is no such piece.
    pub fn piece_range(&self, piece: u32) -> Option<Range<u64>> {
        if piece >= self.piece_count() {
            return None;
        }
        let start = u64::from(piece) * u64::from(self.piece_length);
        Some(start..(start + u64::from(self.piece_length)).min(self.total_length))
    }

    /// Length of a piece in bytes, or `None` if there is no such piece.
    pub fn piece_size(&self, piece: u32) -> Option<u32> {
        self.piece_range(piece).map(|range| (range.end - range.start) as u32)
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
        let piece = self.piece_range(block.piece)?;
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

/// Whether the dictionary describes version 2 as well. An error if it describes nothing else.
fn is_hybrid(dict: &Dict<'_>, offset: usize) -> Result<bool, Error> {
    let version = dict.get(b"meta version");
    let tree = dict.get(b"file tree");
    match version.map(|version| (version.as_int(), version.offset())) {
        None if tree.is_none() || dict.get(b"pieces").is_some() => Ok(false),
        None => Err(Fault::at(offset, Rule::V2Only)),
        Some((Some(2), _)) if dict.get(b"pieces").is_none() => Err(Fault::at(offset, Rule::V2Only)),
        Some((Some(2), _)) if tree.is_some_and(|tree| tree.as_dict().is_some()) => Ok(true),
        Some((_, offset)) => Err(Fault::at(offset, Rule::MetaVersion)),
    }
}

fn files(dict: &Dict<'_>, name: &Name, limits: &Limits, neither: Error) -> Result<(Layout, Vec<File>), Error> {
    match (dict.get(b"length"), dict.get(b"files")) {
        (Some(length), None) => {
            let length = file_length(length)?;
            let (padding, attr) = attr(dict)?;
            let path = FilePath::new(Vec::from([name.clone()]));
            Ok((Layout::SingleFile, Vec::from([File { path, length, offset: 0, padding, attr }])))
        }
        (None, Some(list)) => Ok((Layout::Folder, folder(list, limits)?)),
        (Some(_), Some(list)) => Err(Fault::at(list.offset(), Rule::LengthOrFiles)),
        (None, None) => Err(neither),
    }
}

fn folder(value: &Value<'_>, limits: &Limits) -> Result<Vec<File>, Error> {
    let list = value.as_list().filter(|list| !list.is_empty());
    let list = list.ok_or(Fault::at(value.offset(), Rule::FileEntry))?;
    if list.len() > limits.files_max {
        return Err(Fault::at(value.offset(), Rule::TooManyFiles));
    }
    let mut files = Vec::with_capacity(list.len());
    let mut offset = 0u64;
    for entry in list {
        let dict = entry.as_dict().ok_or(Fault::at(entry.offset(), Rule::FileEntry))?;
        let length = dict.get(b"length").ok_or(Fault::at(entry.offset(), Rule::FileLength))?;
        let length = file_length(length)?;
        let (padding, attr) = attr(dict)?;
        let path = path(dict, entry.offset(), limits)?;
        let end = offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
        let end = end.ok_or(Fault::at(entry.offset(), Rule::TooLarge))?;
        files.push(File { path, length, offset, padding, attr });
        offset = end;
    }
    Ok(files)
}

fn file_length(value: &Value<'_>) -> Result<u64, Error> {
    value.as_int().and_then(|length| u64::try_from(length).ok()).ok_or(Fault::at(value.offset(), Rule::FileLength))
}

fn attr(dict: &Dict<'_>) -> Result<(bool, Vec<u8>), Error> {
    let Some(value) = dict.get(b"attr") else { return Ok((false, Vec::new())) };
    let attr = value.as_bytes().ok_or(Fault::at(value.offset(), Rule::Attr))?;
    Ok((attr.contains(&b'p'), attr.to_vec()))
}

fn path(dict: &Dict<'_>, offset: usize, limits: &Limits) -> Result<FilePath, Error> {
    let value = dict.get(b"path").ok_or(Fault::at(offset, Rule::FilePath))?;
    let parts = value.as_list().filter(|parts| !parts.is_empty());
    let parts = parts.ok_or(Fault::at(value.offset(), Rule::FilePath))?;
    if parts.len() > limits.path_parts_max {
        return Err(Fault::at(value.offset(), Rule::PathTooDeep));
    }
    let texts = match dict.get(b"path.utf-8") {
        None => None,
        Some(texts) => {
            let list = texts.as_list().filter(|list| list.len() == parts.len());
            Some(list.ok_or(Fault::at(texts.offset(), Rule::PathUtf8))?)
        }
    };
    let mut names = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let raw = part.as_bytes().ok_or(Fault::at(part.offset(), Rule::FilePath))?;
        let text = match texts.and_then(|texts| texts.get(at)) {
            None => None,
            Some(text) => Some(text.as_text().ok_or(Fault::at(text.offset(), Rule::PathUtf8))?),
        };
        names.push(Name::new(raw, text));
    }
    Ok(FilePath::new(names))
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
