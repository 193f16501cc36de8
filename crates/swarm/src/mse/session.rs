//! A stream after its handshake.

use core::fmt;

use evidence::{Encryption, InfoHashV1};

use super::Method;
use super::cipher::{Secret, Stream};
use super::exchange::KEY_LENGTH;

/// A side of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who dialled: A.
    Initiator,
    /// Who was dialled: B.
    Responder,
}

impl Role {
    /// Length in bytes of what follows this side's pad: a responder's constant, method and length of a pad, and before them an
    /// initiator's mark and torrent.
    pub const fn head_length(self) -> usize {
        match self {
            Self::Initiator => 20 + 20 + 8 + 4 + 2,
            Self::Responder => 8 + 4 + 2,
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// A stream after its handshake. Every byte from now on goes through it, in order and once.
#[derive(Debug)]
pub struct Session {
    info_hash: InfoHashV1,
    role: Role,
    secret: Secret,
    mark_at: usize,
    ciphers: Option<Ciphers>,
    payload: Vec<u8>,
}

/// What a handshake came to.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) info_hash: InfoHashV1,
    pub(super) role: Role,
    pub(super) secret: Secret,
    pub(super) method: Method,
    /// Where in the peer's bytes the mark stands that ends its pad.
    pub(super) mark_at: usize,
}

/// Both directions of RC4, from one side.
#[derive(Debug)]
pub(super) struct Ciphers {
    pub(super) send: Stream,
    pub(super) receive: Stream,
}

impl Ciphers {
    pub(super) fn new(secret: &Secret, role: Role, info_hash: &InfoHashV1) -> Self {
        let skey = info_hash.as_bytes();
        Self { send: secret.stream_from(role, skey), receive: secret.stream_from(role.other(), skey) }
    }
}

impl Session {
    /// `payload` is what the peer's handshake brought along, uncovered.
    pub(super) fn new(agreed: Agreed, ciphers: Ciphers, payload: Vec<u8>) -> Self {
        let Agreed { info_hash, role, secret, method, mark_at } = agreed;
        Self { info_hash, role, secret, mark_at, ciphers: (method == Method::Rc4).then_some(ciphers), payload }
    }

    /// Where in the peer's bytes stands what follows from the secret and the method, and nothing that it chose freely:
    /// from the mark that ends its pad to the length of the next one.
    pub fn head(&self) -> core::ops::Range<usize> {
        self.mark_at..self.mark_at + self.role.other().head_length()
    }

    /// How many bytes of the payload are here.
    pub fn payload_length(&self) -> usize {
        self.payload.len()
    }

    /// The torrent that the handshake named. The BitTorrent handshake inside names one again, which only its reader can
    /// compare: for a hybrid torrent it may be the other hash.
    pub fn info_hash(&self) -> InfoHashV1 {
        self.info_hash
    }

    /// How the stream goes on.
    pub fn method(&self) -> Method {
        if self.ciphers.is_some() { Method::Rc4 } else { Method::Plain }
    }

    /// The same as it is recorded.
    pub fn encryption(&self) -> Encryption {
        match self.method() {
            Method::Plain => Encryption::MsePlain,
            Method::Rc4 => Encryption::MseRc4,
        }
    }

    /// The peer's payload that came with its handshake, uncovered. What arrives later goes to [`Self::decrypt`].
    pub fn take_payload(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.payload)
    }

    /// Covers bytes to be sent.
    pub fn encrypt(&mut self, bytes: &mut [u8]) {
        if let Some(ciphers) = &mut self.ciphers {
            ciphers.send.apply(bytes);
        }
    }

    /// Uncovers bytes received.
    pub fn decrypt(&mut self, bytes: &mut [u8]) {
        if let Some(ciphers) = &mut self.ciphers {
            ciphers.receive.apply(bytes);
        }
    }

    /// Bytes that arrived after the handshake, but before anybody asked for its result.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let start = self.payload.len();
        self.payload.extend_from_slice(bytes);
        if let Some(ciphers) = &mut self.ciphers {
            ciphers.receive.apply(&mut self.payload[start..]);
        }
    }

    /// What whoever holds the raw bytes of this connection needs to read them: see [`super::replay`].
    pub fn keys_for_record(&self) -> RecordKeys {
        RecordKeys { secret: self.secret.0, info_hash: self.info_hash, role: self.role, method: self.method() }
    }
}

/// What is needed to read the raw bytes of a connection again. Only the secret is new to the record.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordKeys {
    /// S, big-endian.
    pub secret: [u8; KEY_LENGTH],
    /// SKEY.
    pub info_hash: InfoHashV1,
    /// Which side we were.
    pub role: Role,
    /// How the stream went on.
    pub method: Method,
}

impl fmt::Debug for RecordKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, info_hash, role, method } = self;
        f.debug_struct("RecordKeys")
            .field("info_hash", info_hash)
            .field("role", role)
            .field("method", method)
            .finish_non_exhaustive()
    }
}
