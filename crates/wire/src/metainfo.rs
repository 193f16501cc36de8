//! `.torrent` files and info dictionaries. BEP 3, 12 (trackers), 19 (web seeds), 27 (private), 47 (padding), 52 (version 2).
//!
//! A torrent is of version 1, of version 2, or of both (a hybrid). The two descriptions in a hybrid must name the same
//! files at the same places, or the whole is refused: one torrent must not be two contents. The piece layers of version
//! 2 are checked against the roots in the info dictionary, which is all that the info-hash covers.

mod info;
mod layers;
mod name;
#[cfg(test)]
mod tests;
mod tree;
mod v1;

use alloc::string::String;
use alloc::vec::Vec;

pub use info::{BLOCK_LENGTH, File, Info, Layout};
pub use layers::PieceLayers;
pub use name::{FilePath, Hazard, Name};

use crate::bencode::{self, Dict, Strictness, Value};
use crate::fault::{Fault, rules};
use crate::tracker_url::{self, TrackerUrl};

/// Bytes that are not a torrent we accept.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of metainfo, and our limits on it.
    pub enum Rule {
        [Bencode(bencode::Rule)]
        NotADict "metainfo-not-a-dict" "a torrent file must be a dictionary",
        NoInfo "metainfo-no-info" "a torrent file must have an info dictionary",
        Announce "metainfo-announce" "announce must be a string and announce-list a list of lists of strings",
        TooManyTrackers "metainfo-too-many-trackers" "there are more trackers than the limit",
        WebSeeds "metainfo-web-seeds" "url-list must be a string or a list of strings",
        InfoNotADict "info-not-a-dict" "the info value must be a dictionary",
        MetaVersion "info-meta-version" "meta version must be 2 where it is given, with a file tree",
        Name "info-name" "name must be a string that is not empty",
        PieceLength "info-piece-length" "piece length must be an integer between 1 byte and the limit",
        Pieces "info-pieces" "pieces must be a string of whole SHA-1 hashes",
        PieceCount "info-piece-count" "the number of piece hashes must suit the total length and the piece length",
        LengthOrFiles "info-length-or-files" "an info dictionary must have either length or files",
        FileLength "info-file-length" "the length of a file must be an integer that is not negative",
        FilePath "info-file-path" "the path of a file must be a list of strings that is not empty",
        PathUtf8 "info-path-utf8" "path.utf-8 must be a list of as many UTF-8 strings as path has",
        PathTooDeep "info-path-too-deep" "the path of a file has more parts than the limit",
        FileEntry "info-file-entry" "files must be a list of dictionaries that is not empty",
        TooManyFiles "info-too-many-files" "there are more files than the limit",
        Empty "info-empty" "a torrent must have at least one byte of content",
        TooLarge "info-too-large" "the total length is beyond 63 bits",
        Attr "info-attr" "attr must be a string",
        Private "info-private" "private must be 0 or 1",
        PieceLengthV2 "info-piece-length-v2" "with version 2 the piece length must be a power of two and at least 16 KiB",
        FileTree "info-file-tree" "a file tree must be dictionaries of names, none of them empty, with a file at the end of each path",
        TreePadding "info-tree-padding" "a file tree must not have padding: files of version 2 are on piece boundaries anyway",
        PiecesRoot "info-pieces-root" "a file of version 2 must have a root of 32 bytes, and an empty one must have none",
        TooManyPieces "info-too-many-pieces" "there are more pieces than the limit",
        Hybrid "info-hybrid" "the files of version 1 and of version 2 must be the same, in the same order and on piece boundaries",
        PieceLayers "metainfo-piece-layers" "piece layers must have an entry for each file of version 2 that is longer than a piece, and no other",
        LayerLength "metainfo-layer-length" "an entry of piece layers must have 32 bytes for each piece of its file",
        LayerRoot "metainfo-layer-root" "an entry of piece layers does not lead to the root of its file",
    }
}

/// Bounds on what is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest file or info dictionary, in bytes.
    pub bytes_max: usize,
    /// Most bencoded values, which bounds memory at about a hundred bytes each.
    pub items_max: usize,
    /// Most files in a torrent.
    pub files_max: usize,
    /// Most parts in the path of a file.
    pub path_parts_max: usize,
    /// Most pieces of a torrent of version 2. Those of version 1 are bounded by the bytes that their hashes take.
    pub pieces_max: u32,
    /// Longest piece, in bytes.
    pub piece_length_max: u32,
    /// Most trackers, all tiers together.
    pub trackers_max: usize,
    /// What is asked of dictionaries. `Peer` accepts a torrent that a careless program made with unsorted keys; its
    /// info-hash is unambiguous all the same, being of the raw bytes.
    pub strictness: Strictness,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            items_max: 4_000_000,
            files_max: 500_000,
            path_parts_max: 64,
            // As many as version 1 hashes fit into the longest file.
            pieces_max: (64 << 20) / 20,
            piece_length_max: 256 << 20,
            trackers_max: 1_000,
            strictness: Strictness::Strict,
        }
    }
}

impl Limits {
    fn bencode(&self) -> bencode::Limits {
        bencode::Limits {
            bytes_max: self.bytes_max,
            // A version 2 file tree nests once for every part of a path, and a few times around it.
            depth_max: 160,
            items_max: self.items_max,
            strictness: self.strictness,
        }
    }
}

/// A `.torrent` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metainfo {
    /// What the info-hash covers. Nothing else in the file is covered by it.
    pub info: Info,
    /// The hashes of version 2 pieces; nothing without version 2.
    pub piece_layers: PieceLayers,
    /// Trackers by tier. Those of `announce-list` where it names any, else the one of `announce`. BEP 12.
    pub tiers: Vec<Vec<TrackerUrl>>,
    /// Tracker URLs that we do not speak or that break a rule, as they were written.
    pub refused_trackers: Vec<RefusedTracker>,
    /// `url-list`, as written. We do not contact web seeds. BEP 19.
    pub web_seeds: Vec<Vec<u8>>,
    /// `comment`, where it is UTF-8.
    pub comment: Option<String>,
    /// `created by`, where it is UTF-8.
    pub created_by: Option<String>,
    /// `creation date` in seconds since 1970, as claimed.
    pub created_at_s: Option<i64>,
}

/// A tracker URL that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTracker {
    /// The URL as it was written.
    pub raw: Vec<u8>,
    /// Why it cannot be used; the offset is within the URL.
    pub fault: tracker_url::Error,
}

impl Metainfo {
    /// Reads a `.torrent` file within the default limits.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        Self::parse_within(file, &Limits::default())
    }

    /// Reads a `.torrent` file that may lack its piece layers, as one made from what peers send for a magnet does: they
    /// stand outside the info dictionary. Those that are there are checked.
    pub fn parse_without_layers(file: &[u8]) -> Result<Self, Error> {
        Self::read(file, &Limits::default(), false)
    }

    /// Reads a `.torrent` file within these limits.
    pub fn parse_within(file: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::read(file, limits, true)
    }

    fn read(file: &[u8], limits: &Limits, needs_layers: bool) -> Result<Self, Error> {
        let value = bencode::parse(file, &limits.bencode())?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        let info = dict.get(b"info").ok_or(Fault::at(0, Rule::NoInfo))?;
        let info = Info::read(info, limits)?;
        let trackers = Trackers::read(dict, limits)?;
        let text = |key: &[u8]| dict.get(key).and_then(|value| value.as_text()).map(String::from);
        Ok(Self {
            piece_layers: PieceLayers::read(dict, &info, needs_layers)?,
            info,
            tiers: trackers.tiers,
            refused_trackers: trackers.refused,
            web_seeds: web_seeds(dict)?,
            comment: text(b"comment"),
            created_by: text(b"created by"),
            created_at_s: dict.get(b"creation date").and_then(|value| value.as_int()),
        })
    }

    /// Every tracker, tier by tier.
    pub fn trackers(&self) -> impl Iterator<Item = &TrackerUrl> {
        self.tiers.iter().flatten()
    }
}

#[derive(Default)]
struct Trackers {
    tiers: Vec<Vec<TrackerUrl>>,
    refused: Vec<RefusedTracker>,
    count: usize,
}

impl Trackers {
    fn read(dict: &Dict<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut trackers = Self::default();
        if let Some(value) = dict.get(b"announce-list") {
            for tier in value.as_list().ok_or(Fault::at(value.offset(), Rule::Announce))? {
                let urls = tier.as_list().ok_or(Fault::at(tier.offset(), Rule::Announce))?;
                trackers.add_tier(urls, limits)?;
            }
        }
        if let Some(value) = dict.get(b"announce")
            && trackers.tiers.is_empty()
        {
            trackers.add_tier(core::slice::from_ref(value), limits)?;
        }
        Ok(trackers)
    }

    fn add_tier(&mut self, urls: &[Value<'_>], limits: &Limits) -> Result<(), Error> {
        let mut tier = Vec::new();
        for value in urls {
            let raw = value.as_bytes().ok_or(Fault::at(value.offset(), Rule::Announce))?;
            self.count += 1;
            if self.count > limits.trackers_max {
                return Err(Fault::at(value.offset(), Rule::TooManyTrackers));
            }
            match TrackerUrl::from_bytes(raw) {
                Ok(url) => tier.push(url),
                Err(fault) => self.refused.push(RefusedTracker { raw: raw.to_vec(), fault }),
            }
        }
        if !tier.is_empty() {
            self.tiers.push(tier);
        }
        Ok(())
    }
}

fn web_seeds(dict: &Dict<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let Some(value) = dict.get(b"url-list") else { return Ok(Vec::new()) };
    let urls = value.as_list().unwrap_or(core::slice::from_ref(value));
    urls.iter().map(|url| url.as_bytes().map(<[u8]>::to_vec).ok_or(Fault::at(url.offset(), Rule::WebSeeds))).collect()
}
