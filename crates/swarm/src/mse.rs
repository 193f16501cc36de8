//! Message Stream Encryption: the handshake that hides a BitTorrent connection, as initiator and as responder.
//!
//! Also called Protocol Encryption. Azureus wrote it in 2006 and no BEP followed; this is the text of the Vuze wiki, as
//! libtorrent, Transmission, rtorrent, aria2 and webtorrent speak it. It keeps middle boxes from telling what a stream
//! is. It proves nothing: neither that the bytes are whole nor who sent them.
//!
//! ```text
//! 1  A→B  Ya, PadA
//! 2  B→A  Yb, PadB
//! 3  A→B  HASH("req1", S), HASH("req2", SKEY) xor HASH("req3", S),
//!         RC4(VC, crypto_provide, len(PadC), PadC, len(IA), IA), then the stream as selected
//! 4  B→A  RC4(VC, crypto_select, len(PadD), PadD), then the stream as selected
//! ```
//!
//! Y is 2^x modulo a prime of 768 bits and S what both make of it; SKEY is the info-hash (20 bytes; that of version 2
//! truncated); VC is eight zero bytes; pads have at most [`PAD_MAX`] bytes; IA is A's first payload, hidden by RC4
//! whatever is selected. RC4 runs under `HASH("keyA", S, SKEY)` from A and `"keyB"` from B, its first 1,024 bytes
//! thrown away.
//!
//! In scope: [`Initiator`], [`Responder`] and the [`Session`] that either ends in; telling a hidden stream from a plain
//! one ([`detect`]); reading the raw bytes of a session again years later ([`replay`]).
//!
//! Out of scope: patience. An engine that is told nothing waits; the shell limits the time and sees the end of the
//! stream, and [`Phase`] says how far it came.
//!
//! # What is kept for the record
//!
//! S, 96 bytes ([`Session::keys_for_record`]); SKEY, the direction and the method are in the record anyway. From S both
//! RC4 keys follow. S is kept rather than those keys because it can be checked against the raw bytes: its hash
//! `req1` is among them, and with `req3` it uncovers which torrent was named. S opens this one connection and no
//! other, as both sides draw x afresh. The exponent x is not kept: it would add nothing.

mod cipher;
mod exchange;
mod inbox;
mod initiator;
mod random;
pub mod replay;
mod responder;
mod session;
#[cfg(test)]
mod tests;
mod torrents;
mod turns;

use core::fmt;

pub use initiator::{Initiator, PayloadTooLong};
pub use responder::{Policy, Responder};
pub use session::{RecordKeys, Role, Session};
pub use torrents::Torrents;

/// The longest of each of the four pads, in bytes.
pub const PAD_MAX: usize = 512;

/// The longest first payload of an initiator, in bytes: its length is a number of 16 bits.
pub const INITIAL_PAYLOAD_MAX: usize = 65_535;

const PLAIN_BIT: u32 = 1;
const RC4_BIT: u32 = 2;

/// The verification constant.
const VC: [u8; 8] = [0; 8];

/// How the stream goes on after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Unchanged.
    Plain,
    /// Under RC4.
    Rc4,
}

impl Method {
    const fn bit(self) -> u32 {
        match self {
            Self::Plain => PLAIN_BIT,
            Self::Rc4 => RC4_BIT,
        }
    }

    /// The method of a number that must name exactly one.
    const fn from_bit(bit: u32) -> Option<Self> {
        match bit {
            PLAIN_BIT => Some(Self::Plain),
            RC4_BIT => Some(Self::Rc4),
            _ => None,
        }
    }
}

/// The methods an initiator offers. Many clients that require encryption refuse [`Offer::Plain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Plain text only.
    Plain,
    /// RC4 only.
    Rc4,
    /// Whichever the responder prefers.
    Both,
}

impl Offer {
    const fn bits(self) -> u32 {
        match self {
            Self::Plain => PLAIN_BIT,
            Self::Rc4 => RC4_BIT,
            Self::Both => PLAIN_BIT | RC4_BIT,
        }
    }
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes, as they are.
    Send(Vec<u8>),
    /// Nothing until bytes arrive.
    Wait,
    /// The handshake is over: everything from here on goes through the session, which may hold payload already.
    Done(Box<Session>),
    /// Hang up.
    Failed(Fault),
}

/// How far a handshake came: what the engine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The peer's public key. A responder that ends here speaks no MSE, or has no room for us.
    Key,
    /// The end of the peer's pad. A responder that ends here has a key of ours but, most often, not our torrent.
    Sync,
    /// The rest of the peer's side of the handshake.
    Rest,
    /// Nothing: it is done, or has failed.
    Over,
}

/// What was wrong with the peer's handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Its public key is 0, 1, or not below p − 1: anybody could work out the secret.
    WeakKey,
    /// What ends its pad did not come within [`PAD_MAX`] bytes.
    NoSync,
    /// It names no torrent of ours, or another secret.
    UnknownTorrent,
    /// Its verification constant is not zero.
    Verification,
    /// It offers no method that we accept.
    NoCommonMethod,
    /// It selected no method, several, or one that was not offered.
    BadSelection,
    /// It announces a pad of more than [`PAD_MAX`] bytes.
    PadTooLong,
}

impl Fault {
    /// The name by which the fault is recorded.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeakKey => "mse-weak-key",
            Self::NoSync => "mse-no-sync",
            Self::UnknownTorrent => "mse-unknown-torrent",
            Self::Verification => "mse-verification",
            Self::NoCommonMethod => "mse-no-common-method",
            Self::BadSelection => "mse-bad-selection",
            Self::PadTooLong => "mse-pad-too-long",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WeakKey => "the peer's public key must lie between 1 and the prime less 1",
            Self::NoSync => "the peer's pad must end within 512 bytes",
            Self::UnknownTorrent => "the peer's handshake must name a torrent that is known here",
            Self::Verification => "the peer's verification constant must be zero",
            Self::NoCommonMethod => "the peer must offer a method that is accepted here",
            Self::BadSelection => "the peer must select exactly one of the methods offered",
            Self::PadTooLong => "the peer's inner pad must not be longer than 512 bytes",
        })
    }
}

impl core::error::Error for Fault {}

/// What the first bytes of an incoming stream may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// All bytes so far fit both; there are fewer than twenty.
    Undecided,
    /// A plain BitTorrent handshake.
    Plain,
    /// Not a plain one: a hidden one, or anything else. Hand all bytes to a [`Responder`].
    Hidden,
}

/// Tells from the first bytes of an incoming stream which handshake it may be.
///
/// A public key looks like chance, so it begins like a plain handshake once in 2^160 streams; and it is longer than the
/// twenty bytes that decide, so nobody honest stops while this is undecided.
pub fn detect(first: &[u8]) -> Opening {
    const PLAIN: &[u8; 20] = b"\x13BitTorrent protocol";
    if first.iter().zip(PLAIN).any(|(got, due)| got != due) {
        Opening::Hidden
    } else if first.len() < PLAIN.len() {
        Opening::Undecided
    } else {
        Opening::Plain
    }
}
