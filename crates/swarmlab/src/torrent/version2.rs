//! Synthetic torrents of version 2 and hybrids (BEP 52): the same files as of version 1, each on the boundary of a piece.

use std::collections::BTreeMap;
use std::ops::Range;

use wire::bencode::Item;
use wire::merkle::{self, Hash};
use wire::metainfo::BLOCK_LENGTH;

use super::{FileSpec, Shape, Stream, file_item, hashes, int};

/// The versions that a synthetic torrent is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// BEP 3 alone.
    One,
    /// BEP 52 alone.
    Two,
    /// Both in one info dictionary.
    Both,
}

/// What a version 2 torrent says of its files.
pub(super) struct Described {
    /// Entries of the info dictionary.
    pub(super) info: Vec<(&'static str, Item)>,
    /// `piece layers`, which stand outside.
    pub(super) layers: Item,
}

/// Describes the files. Padding that the shape asks for is left out: where it is needed, it follows from the files.
pub(super) fn describe(name: &str, shape: Shape, stream: &Stream, piece_length: u32, is_hybrid: bool) -> Described {
    let (is_single, mut files) = match shape {
        Shape::File { length } => (true, vec![FileSpec { path: name.to_owned(), length, padding: false }]),
        Shape::Folder(files) => (false, files.into_iter().filter(|file| !file.padding).collect()),
    };
    // The order of the tree, which is that of names part by part.
    files.sort_by(|one, other| one.path.split('/').cmp(other.path.split('/')));
    let piece = u64::from(piece_length.max(BLOCK_LENGTH));
    let (mut tree, mut layers, mut list, mut padding) = (BTreeMap::new(), BTreeMap::new(), Vec::new(), Vec::new());
    let mut end = 0u64;
    for file in &files {
        let start = if file.length == 0 { end } else { end.next_multiple_of(piece) };
        if start > end {
            let gap = FileSpec { path: format!(".pad/{}", start - end), length: start - end, padding: true };
            list.push(file_item(&gap));
            padding.push(end..start);
        }
        list.push(file_item(file));
        end = start + file.length;
        let leaves = leaves(stream, start..end);
        let root = merkle::root(&leaves, 0);
        if let Some(root) = root.filter(|_| file.length > piece) {
            layers.insert(root.to_vec(), Item::Bytes(layer(&leaves, piece / u64::from(BLOCK_LENGTH))));
        }
        let mut leaf = Item::dict([("length", int(file.length))]);
        if let (Item::Dict(entries), Some(root)) = (&mut leaf, root) {
            entries.insert(b"pieces root".to_vec(), Item::Bytes(root.to_vec()));
        }
        plant(&mut tree, &file.path, Item::dict([("", leaf)]));
    }
    let mut info = vec![("file tree", Item::Dict(tree)), ("meta version", Item::Int(2))];
    if is_hybrid {
        info.push(("pieces", Item::Bytes(hashes(stream, end, piece_length.max(1), &padding))));
        info.push(if is_single { ("length", int(end)) } else { ("files", Item::List(list)) });
    }
    Described { info, layers: Item::Dict(layers) }
}

fn leaves(stream: &Stream, mut range: Range<u64>) -> Vec<Hash> {
    let mut leaves = Vec::new();
    let mut block = vec![0; BLOCK_LENGTH as usize];
    while range.start < range.end {
        let length = (range.end - range.start).min(u64::from(BLOCK_LENGTH)) as usize;
        stream.read(range.start, &mut block[..length]);
        leaves.push(merkle::leaf(&block[..length]));
        range.start += length as u64;
    }
    leaves
}

/// The nodes above each piece, one after the other; the last piece is filled up.
fn layer(leaves: &[Hash], per_piece: u64) -> Vec<u8> {
    let mut nodes = Vec::new();
    for piece in leaves.chunks(per_piece as usize) {
        let mut piece = piece.to_vec();
        piece.resize(per_piece as usize, [0; 32]);
        nodes.extend(merkle::root(&piece, 0).into_iter().flatten());
    }
    nodes
}

/// Puts a file into a tree of dictionaries. A name that is both a file's and a folder's becomes what the parser refuses.
fn plant(tree: &mut BTreeMap<Vec<u8>, Item>, path: &str, leaf: Item) {
    match path.split_once('/') {
        None => drop(tree.insert(path.as_bytes().to_vec(), leaf)),
        Some((first, rest)) => {
            let folder = tree.entry(first.as_bytes().to_vec()).or_insert_with(|| Item::Dict(BTreeMap::new()));
            if let Item::Dict(inner) = folder {
                plant(inner, rest, leaf);
            }
        }
    }
}
