//! The hashes of a version 2 torrent's pieces, which stand outside the info dictionary. BEP 52.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Error, Info, Rule};
use crate::Fault;
use crate::bencode::Dict;
use crate::merkle::{self, Hash};

/// `piece layers`: for each file longer than a piece, the node of its tree above each piece. Each list was found to lead
/// to the file's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceLayers(BTreeMap<Hash, Vec<Hash>>);

impl PieceLayers {
    /// The nodes above the pieces of the file with this root, in order. `None` for a file that is not longer than a
    /// piece: its root is the only one.
    pub fn of(&self, pieces_root: &Hash) -> Option<&[Hash]> {
        self.0.get(pieces_root).map(Vec::as_slice)
    }

    pub(super) fn read(dict: &Dict<'_>, info: &Info, is_needed: bool) -> Result<Self, Error> {
        let Some(value) = dict.get(b"piece layers") else {
            return if is_needed && info.v2().is_some() && due(info).next().is_some() {
                Err(Fault::at(0, Rule::PieceLayers))
            } else {
                Ok(Self::default())
            };
        };
        if info.v2().is_none() {
            return Err(Fault::at(value.offset(), Rule::PieceLayers));
        }
        let listed = value.as_dict().ok_or(Fault::at(value.offset(), Rule::PieceLayers))?;
        let due: BTreeMap<Hash, u64> = due(info).collect();
        // As many as are due, each of which is found: so there is no other.
        if listed.entries().len() != due.len() {
            return Err(Fault::at(value.offset(), Rule::PieceLayers));
        }
        let layer = (info.piece_length() / super::BLOCK_LENGTH).ilog2();
        let mut layers = BTreeMap::new();
        for (root, length) in due {
            let nodes = listed.get(&root).ok_or(Fault::at(value.offset(), Rule::PieceLayers))?;
            let fault = |rule| Fault::at(nodes.offset(), rule);
            let (hashes, rest) = nodes.as_bytes().ok_or(fault(Rule::PieceLayers))?.as_chunks::<32>();
            if !rest.is_empty() || hashes.len() as u64 != length.div_ceil(info.piece_length().into()) {
                return Err(fault(Rule::LayerLength));
            }
            if merkle::root(hashes, layer) != Some(root) {
                return Err(fault(Rule::LayerRoot));
            }
            layers.insert(root, hashes.to_vec());
        }
        Ok(Self(layers))
    }
}

/// The roots of the files that need a layer, with a file's length. Equal files have the same root.
fn due(info: &Info) -> impl Iterator<Item = (Hash, u64)> {
    let long = info.files().iter().filter(|file| file.length > u64::from(info.piece_length()));
    long.filter_map(|file| Some((file.pieces_root?, file.length)))
}
