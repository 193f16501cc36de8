//! The files of version 2: a tree of names, each file on the boundary of a piece. BEP 52.

use alloc::vec::Vec;

use super::{Error, File, FilePath, Layout, Limits, Name, Rule, v1};
use crate::Fault;
use crate::bencode::{Dict, Value};

/// Reads a file tree. The files come in the order of the tree, which is that of their pieces.
pub(super) fn read(tree: &Value<'_>, name: &[u8], piece_length: u32, limits: &Limits) -> Result<(Layout, Vec<File>), Error> {
    let dict = tree.as_dict().ok_or(Fault::at(tree.offset(), Rule::FileTree))?;
    let mut reader = Reader { piece_length: piece_length.into(), limits, files: Vec::new(), end: 0, parts: Vec::new() };
    reader.folder(dict, tree.offset())?;
    // A lone file that is called what the torrent is called has no folder around it.
    let is_single = matches!(dict.entries(), [only] if only.key == name) && reader.parts_of_first() == Some(1);
    Ok((if is_single { Layout::SingleFile } else { Layout::Folder }, reader.files))
}

struct Reader<'l, 'a> {
    piece_length: u64,
    limits: &'l Limits,
    files: Vec<File>,
    /// Where the last file with any bytes ends.
    end: u64,
    parts: Vec<&'a [u8]>,
}

impl<'a> Reader<'_, 'a> {
    fn parts_of_first(&self) -> Option<usize> {
        self.files.first().map(|file| file.path.parts().len())
    }

    /// The nesting of the input is bounded, and so is this.
    fn folder(&mut self, dict: &Dict<'a>, offset: usize) -> Result<(), Error> {
        if dict.entries().is_empty() {
            return Err(Fault::at(offset, Rule::FileTree));
        }
        for entry in dict.entries() {
            let at = entry.value.offset();
            let inner = entry.value.as_dict().ok_or(Fault::at(at, Rule::FileTree))?;
            if entry.key.is_empty() {
                return Err(Fault::at(entry.offset, Rule::FileTree));
            }
            self.parts.push(entry.key);
            if self.parts.len() > self.limits.path_parts_max {
                return Err(Fault::at(entry.offset, Rule::PathTooDeep));
            }
            match inner.entries() {
                [only] if only.key.is_empty() => self.file(&only.value)?,
                _ => self.folder(inner, at)?,
            }
            self.parts.pop();
        }
        Ok(())
    }

    fn file(&mut self, value: &Value<'a>) -> Result<(), Error> {
        let offset = value.offset();
        let dict = value.as_dict().ok_or(Fault::at(offset, Rule::FileTree))?;
        if self.files.len() >= self.limits.files_max {
            return Err(Fault::at(offset, Rule::TooManyFiles));
        }
        let length = dict.get(b"length").ok_or(Fault::at(offset, Rule::FileLength))?;
        let length = v1::file_length(length)?;
        let (padding, attr) = v1::attr(dict)?;
        if padding {
            return Err(Fault::at(offset, Rule::TreePadding));
        }
        let pieces_root = match dict.get(b"pieces root") {
            None if length == 0 => None,
            Some(root) if length > 0 => {
                let hash = root.as_bytes().and_then(|root| root.try_into().ok());
                Some(hash.ok_or(Fault::at(root.offset(), Rule::PiecesRoot))?)
            }
            found => return Err(Fault::at(found.map_or(offset, Value::offset), Rule::PiecesRoot)),
        };
        let start = if length == 0 { Some(self.end) } else { self.end.checked_next_multiple_of(self.piece_length) };
        let end = start.and_then(|start| start.checked_add(length)).filter(|end| i64::try_from(*end).is_ok());
        let (Some(start), Some(end)) = (start, end) else { return Err(Fault::at(offset, Rule::TooLarge)) };
        if end.div_ceil(self.piece_length) > u64::from(self.limits.pieces_max) {
            return Err(Fault::at(offset, Rule::TooManyPieces));
        }
        self.end = end;
        let path = FilePath::new(self.parts.iter().map(|part| Name::new(part, None)).collect());
        self.files.push(File { path, length, offset: start, padding, attr, pieces_root });
        Ok(())
    }
}

/// Checks that the files of version 1 are those of the tree, at the same places, and takes the roots over to them.
pub(super) fn unite(v1: (Layout, Vec<File>), v2: (Layout, Vec<File>), offset: usize) -> Result<(Layout, Vec<File>), Error> {
    let differ = || Fault::at(offset, Rule::Hybrid);
    let ((layout, mut files), (other_layout, others)) = (v1, v2);
    let mut others = others.into_iter();
    for file in files.iter_mut().filter(|file| !file.padding) {
        let other = others.next().ok_or_else(differ)?;
        let is_same = file.length == other.length
            && file.path.parts().iter().map(Name::utf8).eq(other.path.parts().iter().map(Name::utf8))
            // An empty file lies nowhere, so the two ways to lay the others out may put it at different places.
            && (file.length == 0 || file.offset == other.offset);
        if !is_same {
            return Err(differ());
        }
        file.pieces_root = other.pieces_root;
    }
    if layout != other_layout || others.next().is_some() {
        return Err(differ());
    }
    Ok((layout, files))
}
