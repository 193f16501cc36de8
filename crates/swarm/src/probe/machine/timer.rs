//! Why a contact waits.

/// Why the engine would wake up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// The transport has taken too long.
    Connect,
    /// The peer's handshake has taken too long.
    Handshake,
    /// The peer has had long enough to claim a piece.
    Claims,
    /// The peer has choked us long enough.
    Choked,
    /// The peer chokes us and has offered no piece for that time.
    Unbidden,
    /// An answer has taken too long.
    Answer,
    /// One block is proved, and no other piece has come within reach.
    Settle,
    /// Nothing else is left to do, and what the peer says of others has taken too long, or has come.
    Gossip,
    /// What was asked for in a rendezvous has not been answered.
    Rendezvous,
    /// The contact has lasted long enough, whatever the peer does.
    Contact,
    /// We have been silent for so long that the peer might hang up.
    KeepAlive,
}

pub(super) const TIMERS: usize = 11;

impl Timer {
    pub(super) const ALL: [Self; TIMERS] = [
        Self::Connect,
        Self::Handshake,
        Self::Claims,
        Self::Choked,
        Self::Unbidden,
        Self::Answer,
        Self::Settle,
        Self::Gossip,
        Self::Rendezvous,
        Self::Contact,
        Self::KeepAlive,
    ];
}

impl From<Timer> for usize {
    fn from(timer: Timer) -> Self {
        timer as Self
    }
}
