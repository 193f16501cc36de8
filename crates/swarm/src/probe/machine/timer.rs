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
    /// An answer has taken too long.
    Answer,
    /// One block is proved, and no other piece has come within reach.
    Settle,
    /// Nothing else is left to do, and what the peer says of others has taken too long, or has come.
    Gossip,
    /// The contact has lasted long enough, whatever the peer does.
    Contact,
    /// We have been silent for so long that the peer might hang up.
    KeepAlive,
}

pub(super) const TIMERS: usize = 9;

impl Timer {
    pub(super) const ALL: [Self; TIMERS] = [
        Self::Connect,
        Self::Handshake,
        Self::Claims,
        Self::Choked,
        Self::Answer,
        Self::Settle,
        Self::Gossip,
        Self::Contact,
        Self::KeepAlive,
    ];
}

impl From<Timer> for usize {
    fn from(timer: Timer) -> Self {
        timer as Self
    }
}
