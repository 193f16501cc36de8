//! The files of version 1. BEP 3, 47.

use alloc::vec::Vec;

use super::{Error, File, FilePath, Layout, Limits, Name, Rule};
use crate::Fault;
use crate::bencode::{Dict, Value};

/// The files in the order of their bytes. `neither` is the fault of a dictionary that names none.
pub(super) fn files(dict: &Dict<'_>, name: &Name, limits: &Limits, neither: Error) -> Result<(Layout, Vec<File>), Error> {
    match (dict.get(b"length"), dict.get(b"files")) {
        (Some(length), None) => {
            let length = file_length(length)?;
            let (padding, attr) = attr(dict)?;
            let path = FilePath::new(Vec::from([name.clone()]));
            Ok((Layout::SingleFile, Vec::from([File { path, length, offset: 0, padding, attr, pieces_root: None }])))
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
        files.push(File { path, length, offset, padding, attr, pieces_root: None });
        offset = end;
    }
    Ok(files)
}

pub(super) fn file_length(value: &Value<'_>) -> Result<u64, Error> {
    value.as_int().and_then(|length| u64::try_from(length).ok()).ok_or(Fault::at(value.offset(), Rule::FileLength))
}

pub(super) fn attr(dict: &Dict<'_>) -> Result<(bool, Vec<u8>), Error> {
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
