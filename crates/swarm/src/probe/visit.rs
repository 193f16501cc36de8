//! What a contact leaves behind.

use core::net::SocketAddr;

use evidence::observation::{ChokeChange, PieceClaim, Times, Volume};
use evidence::{Challenge, Direction, Encryption, Extension, Grade, MseSecret, Outcome, PeerId, Reserved, Software};

/// Everything that the engine knows of a contact. The shell adds what the engine cannot know: the run, how the
/// address was found, attribution, the clock's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Blocks asked for, in order.
    pub challenges: Vec<Challenge>,
    /// Changes of the peer's choke state towards us.
    pub choke: Vec<ChokeChange>,
    /// What the peer claims to have. `of` is 0 where the number of pieces is not known.
    pub claim: Option<PieceClaim>,
    /// Those that the peer says it has told to dial us, of those that it was asked to.
    pub connects: Vec<SocketAddr>,
    /// Who dialled.
    pub direction: Direction,
    /// How its stream was covered, once that was agreed.
    pub encryption: Encryption,
    /// What its extension handshake said.
    pub extension: Option<Extension>,
    /// The grade reached.
    pub grade: Grade,
    /// What uncovers the handshake that agreed on it.
    pub mse_secret: Option<MseSecret>,
    /// Our end, once connected.
    pub observer: Option<SocketAddr>,
    /// How it ended.
    pub outcome: Outcome,
    /// The peer's end, once connected.
    pub peer: Option<SocketAddr>,
    /// Its peer id.
    pub peer_id: Option<PeerId>,
    /// Its reserved bytes.
    pub reserved: Option<Reserved>,
    /// Which software it says it is.
    pub software: Option<Software>,
    /// Whether the peer can be asked for introductions, if it has said what it speaks.
    pub introduces: Option<bool>,
    /// The moments that matter. `error_ms` is left for the shell.
    pub times: Times,
    /// The bytes exchanged, as [`crate::transcript`] keeps them; nothing if there were none.
    pub transcript: Option<Vec<u8>>,
    /// Byte counts.
    pub volume: Volume,
}
