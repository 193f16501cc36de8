//! Why a run could not begin or go on. A peer's faults are not among these: they are observations.

use std::net::SocketAddr;

use evidence::{Mono, TargetIds};

/// A run could not begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Policy: nothing is contacted for a torrent without a mandate.
    #[error("no mandate that names {0} is in force: add one, or leave the torrent out")]
    NoMandate(TargetIds),
    /// There is no info-hash to ask for.
    #[error("a torrent to be watched has no info-hash")]
    NoInfoHash,
    /// Policy: a list of so many addresses might not fit a record.
    #[error("a list is to keep {0} addresses, which is not between 1 and {max}: set list_max accordingly", max = crate::LIST_MAX)]
    ListMax(usize),
    /// Environment: a listener could not be opened. The address is our own.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Environment: the log cannot take records. Nothing acknowledged is lost; nothing more is contacted.
    #[error("the run ends because its records cannot be logged: {0}")]
    Log(#[from] ledger::AppendError),
    /// Ours: the monotonic clock went back.
    #[error("the monotonic clock went back from {} to {} microseconds", from.us(), to.us())]
    ClockWentBack {
        /// The later moment, seen first.
        from: Mono,
        /// The earlier moment, seen after it.
        to: Mono,
    },
}
