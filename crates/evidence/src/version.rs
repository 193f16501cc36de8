//! The versions of a torrent, and what each is called on the wire.

use serde::{Deserialize, Serialize};

use crate::{InfoHashV1, InfoHashV2};

/// A version of a torrent's metainfo. A hybrid torrent is of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Version {
    /// BEP 3: SHA-1.
    V1,
    /// BEP 52: SHA-256.
    V2,
}

/// The info-hashes of a torrent; at least one is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetIds {
    /// SHA-1 info-hash (BEP 3).
    pub v1: Option<InfoHashV1>,
    /// SHA-256 info-hash (BEP 52).
    pub v2: Option<InfoHashV2>,
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The word used in the record and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl TargetIds {
    /// A version 1 torrent.
    pub fn of_v1(hash: InfoHashV1) -> Self {
        Self { v1: Some(hash), v2: None }
    }

    /// A version 2 torrent.
    pub fn of_v2(hash: InfoHashV2) -> Self {
        Self { v1: None, v2: Some(hash) }
    }

    /// The versions that there is an info-hash of, in order.
    pub fn versions(&self) -> impl Iterator<Item = Version> + use<> {
        let this = *self;
        Version::ALL.into_iter().filter(move |version| this.spoken(*version).is_some())
    }

    /// The 20 bytes that handshakes, trackers and the DHT name this version by: the version 1 info-hash, or the first 20 of
    /// the version 2 info-hash.
    pub fn spoken(&self, version: Version) -> Option<InfoHashV1> {
        match version {
            Version::V1 => self.v1,
            Version::V2 => {
                let (short, _) = self.v2.as_ref()?.as_bytes().split_first_chunk::<20>()?;
                Some(InfoHashV1::from(*short))
            }
        }
    }

    /// Which version these 20 bytes name, if one of this torrent.
    pub fn version_of(&self, spoken: &InfoHashV1) -> Option<Version> {
        Version::ALL.into_iter().find(|version| self.spoken(*version).as_ref() == Some(spoken))
    }

    /// Whether they name one torrent: a hash in common is enough, as each names all of it.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.v1.is_some() && self.v1 == other.v1 || self.v2.is_some() && self.v2 == other.v2
    }
}

impl core::fmt::Display for TargetIds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.v1, self.v2) {
            (Some(v1), Some(v2)) => write!(f, "{v1}/{v2}"),
            (Some(v1), None) => write!(f, "{v1}"),
            (None, Some(v2)) => write!(f, "{v2}"),
            (None, None) => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_twenty_bytes_on_the_wire() {
        let (v1, v2) = (InfoHashV1::from([1; 20]), InfoHashV2::from(core::array::from_fn(|at| at as u8)));
        let short = InfoHashV1::from(core::array::from_fn(|at| at as u8));
        let hybrid = TargetIds { v1: Some(v1), v2: Some(v2) };
        assert_eq!([Version::V1, Version::V2].map(|version| hybrid.spoken(version)), [Some(v1), Some(short)]);
        assert_eq!(
            [v1, short, InfoHashV1::from([2; 20])].map(|hash| hybrid.version_of(&hash)),
            [Some(Version::V1), Some(Version::V2), None]
        );
        assert!(TargetIds::of_v1(v1).versions().eq([Version::V1]) && TargetIds::of_v2(v2).versions().eq([Version::V2]));
        assert!(hybrid.versions().eq(Version::ALL));
        assert_eq!(TargetIds::of_v2(v2).version_of(&v1), None);
    }

    #[test]
    fn one_hash_in_common_is_one_torrent() {
        let (one, two) = (TargetIds::of_v1(InfoHashV1::from([1; 20])), TargetIds::of_v2(InfoHashV2::from([2; 32])));
        let hybrid = TargetIds { v1: one.v1, v2: two.v2 };
        assert!(one.overlaps(&hybrid) && hybrid.overlaps(&two) && one.overlaps(&one));
        assert!(!one.overlaps(&two));
        let none = TargetIds { v1: None, v2: None };
        assert!(!none.overlaps(&none));
    }
}
