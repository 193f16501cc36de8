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
    pub fn all() -> Vec<Self> {
        let of_kind =
            |kind| Means::ALL.into_iter().flat_map(move |means| [false, true].map(|is_six| Self { kind, means, is_six }));
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

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.is_six { "IPv6" } else { "IPv4" };
        write!(f, "{} {} {family}", self.kind, words(self.means))
    }
}
