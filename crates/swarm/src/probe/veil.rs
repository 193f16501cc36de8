//! How the stream of a contact is covered: not at all, or by Message Stream Encryption.

use evidence::{Encryption, InfoHashV1, Now};

use crate::mse::Session;

#[cfg(test)]
mod tests;

/// How the stream of a contact is to be covered.
#[derive(Debug)]
pub enum Veil {
    /// Not at all.
    Plain,
    /// We begin with an MSE handshake. It names this torrent, which a control visit needs too: a peer cannot finish a
    /// handshake for a torrent it does not have, be it honest or not.
    Mse(InfoHashV1),
    /// The peer began with an MSE handshake, which is over.
    Accepted(Box<Accepted>),
}

impl Veil {
    /// How the stream is covered as far as that is decided: a handshake that is yet to come decides it.
    pub fn encryption(&self) -> Encryption {
        match self {
            Self::Plain | Self::Mse(_) => Encryption::None,
            Self::Accepted(accepted) => accepted.session.encryption(),
        }
    }
}

/// A caller's finished MSE handshake.
#[derive(Debug)]
pub struct Accepted {
    /// The stream from now on.
    pub session: Box<Session>,
    /// What was on the wire until the caller's first payload.
    pub wire: Vec<Wire>,
    /// What the caller has said since, uncovered.
    pub heard: Vec<u8>,
    /// When the last of it had arrived.
    pub heard_at: Now,
}

/// Bytes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// When the last of them had arrived, or all were sent.
    pub at: Now,
    /// Whether the peer sent them.
    pub is_received: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Wire {
    /// Takes the last bytes that the peer sent off again: they are the stream's, byte for byte, and no handshake's.
    pub(crate) fn cut_stream(parts: &mut [Self], mut stream_length: usize) {
        for part in parts.iter_mut().rev().filter(|part| part.is_received) {
            let cut = stream_length.min(part.bytes.len());
            part.bytes.truncate(part.bytes.len() - cut);
            stream_length -= cut;
        }
    }
}
