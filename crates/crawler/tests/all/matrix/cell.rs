//! The cells of the matrix.

use std::fmt;

use evidence::Transport;
use swarm::ladder::Means;

use crate::lab::torrent::Torrent;

/// Which info-hashes a torrent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    V1,
}

impl Kind {
    pub const ALL: [Self; 1] = [Self::V1];

    pub fn torrent(self) -> Torrent {
        match self {
            Self::V1 => Torrent::new("matrix of version 1"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
        })
    }
}

/// One way for a client to be shared from and dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub kind: Kind,
    pub means: Means,
    pub is_six: bool,
}

impl Cell {
    /// Every means over either family.
    pub fn ways() -> Vec<(Means, bool)> {
        Means::ALL.into_iter().flat_map(|means| [false, true].map(|is_six| (means, is_six))).collect()
    }

    pub fn all() -> Vec<Self> {
        let of_kind = |kind| Self::ways().into_iter().map(move |(means, is_six)| Self { kind, means, is_six });
        Kind::ALL.into_iter().flat_map(of_kind).collect()
    }
}

/// As the files write a means.
pub fn words(means: Means) -> &'static str {
    match (means.transport, means.is_covered) {
        (Transport::Tcp, false) => "TCP plain",
        (Transport::Tcp, true) => "TCP MSE",
        (Transport::Utp, false) => "µTP plain",
        (Transport::Utp, true) => "µTP MSE",
    }
}

/// As the files write a means over a family.
pub fn way(means: Means, is_six: bool) -> String {
    format!("{} {}", words(means), if is_six { "IPv6" } else { "IPv4" })
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, way(self.means, self.is_six))
    }
}
