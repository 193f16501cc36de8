//! Reading a recorded connection again, from its raw bytes and the secret in the record.
//!
//! This shares the hashes and RC4 with the engines and nothing else: it has whole streams before it, so it is written
//! front to back, and serves as a check on them. It needs no arithmetic on large numbers.

use core::fmt;

use super::cipher::{Secret, Stream, torrent_digest};
use super::exchange::KEY_LENGTH;
use super::{Method, PAD_MAX, RecordKeys, Role, VC};

/// What a connection carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The methods that the initiator offered, as it wrote them.
    pub provided: u32,
    /// How the stream went on.
    pub method: Method,
    /// Everything the initiator said after the handshake, from its first payload on.
    pub from_initiator: Vec<u8>,
    /// Everything the responder said after the handshake.
    pub from_responder: Vec<u8>,
}

/// The bytes, the secret and the torrent do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The side's bytes end within the handshake.
    Short(Role),
    /// The mark that the secret makes is not where it must be among the side's bytes.
    Secret(Role),
    /// The initiator named another torrent.
    Torrent,
    /// Uncovered, the side's handshake makes no sense.
    Content(Role),
    /// Another method was selected than the record says.
    Method,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |role: &Role| match role {
            Role::Initiator => "initiator",
            Role::Responder => "responder",
        };
        match self {
            Self::Short(role) => write!(f, "the {}'s bytes end within its handshake", who(role)),
            Self::Secret(role) => write!(f, "the secret does not belong to the {}'s bytes", who(role)),
            Self::Torrent => f.write_str("the initiator named another torrent"),
            Self::Content(role) => write!(f, "the {}'s handshake makes no sense once it is uncovered", who(role)),
            Self::Method => f.write_str("the method selected is not the one recorded"),
        }
    }
}

impl core::error::Error for Mismatch {}

/// Reads the raw bytes of both sides, each from its first byte on.
pub fn read(keys: &RecordKeys, from_initiator: &[u8], from_responder: &[u8]) -> Result<Replay, Mismatch> {
    let secret = Secret(keys.secret);
    let skey = keys.info_hash.as_bytes();

    let mut a = Side { role: Role::Initiator, rest: from_initiator, stream: secret.stream_from(Role::Initiator, skey) };
    a.pass_pad(&secret.sync())?;
    if a.raw(20)? != secret.cover(torrent_digest(skey)) {
        return Err(Mismatch::Torrent);
    }
    if a.covered(VC.len())? != VC {
        return Err(Mismatch::Content(Role::Initiator));
    }
    let provided = a.number(4)?;
    a.inner_pad()?;
    let payload_length = a.number(2)? as usize;
    let payload = a.covered(payload_length)?;

    let mut b = Side { role: Role::Responder, rest: from_responder, stream: secret.stream_from(Role::Responder, skey) };
    let mut covered_vc = VC;
    b.stream.apply(&mut covered_vc);
    b.pass_pad(&covered_vc)?;
    let selected = b.number(4)?;
    b.inner_pad()?;

    let method = Method::from_bit(selected).ok_or(Mismatch::Content(Role::Responder))?;
    if method != keys.method || provided & selected == 0 {
        return Err(Mismatch::Method);
    }
    Ok(Replay { provided, method, from_initiator: [payload, a.finish(method)].concat(), from_responder: b.finish(method) })
}

/// Checks what a transcript keeps of both sides against the secret, the torrent and the method in the record: of the
/// initiator's and of the responder's bytes, from their first or from the mark that ends the pad.
pub fn check(keys: &RecordKeys, from_initiator: &[u8], from_responder: &[u8]) -> Result<(), Mismatch> {
    let secret = Secret(keys.secret);
    let skey = keys.info_hash.as_bytes();
    let mut a = Side { role: Role::Initiator, rest: from_initiator, stream: secret.stream_from(Role::Initiator, skey) };
    a.pass_mark(&secret.sync(), KEY_LENGTH + PAD_MAX)?;
    if a.raw(20)? != secret.cover(torrent_digest(skey)) {
        return Err(Mismatch::Torrent);
    }
    if a.covered(VC.len())? != VC {
        return Err(Mismatch::Content(Role::Initiator));
    }
    let provided = a.number(4)?;
    let mut b = Side { role: Role::Responder, rest: from_responder, stream: secret.stream_from(Role::Responder, skey) };
    let mut covered_vc = VC;
    b.stream.apply(&mut covered_vc);
    b.pass_mark(&covered_vc, KEY_LENGTH + PAD_MAX)?;
    let selected = b.number(4)?;
    if Method::from_bit(selected) != Some(keys.method) || provided & selected == 0 {
        return Err(Mismatch::Method);
    }
    Ok(())
}

struct Side<'a> {
    role: Role,
    rest: &'a [u8],
    stream: Stream,
}

impl<'a> Side<'a> {
    /// Passes over the public key, the outer pad and the mark at its end.
    fn pass_pad(&mut self, mark: &[u8]) -> Result<(), Mismatch> {
        self.raw(KEY_LENGTH)?;
        self.pass_mark(mark, PAD_MAX)
    }

    /// Passes over at most `most` bytes and the mark.
    fn pass_mark(&mut self, mark: &[u8], most: usize) -> Result<(), Mismatch> {
        let reach = self.rest.len().min(most + mark.len());
        let before = self.rest[..reach].windows(mark.len()).position(|window| window == mark);
        self.raw(before.ok_or(Mismatch::Secret(self.role))? + mark.len())?;
        Ok(())
    }

    fn inner_pad(&mut self) -> Result<(), Mismatch> {
        let length = self.number(2)? as usize;
        if length > PAD_MAX {
            return Err(Mismatch::Content(self.role));
        }
        self.covered(length)?;
        Ok(())
    }

    fn raw(&mut self, length: usize) -> Result<&'a [u8], Mismatch> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Mismatch::Short(self.role))?;
        self.rest = rest;
        Ok(taken)
    }

    fn covered(&mut self, length: usize) -> Result<Vec<u8>, Mismatch> {
        let mut taken = self.raw(length)?.to_vec();
        self.stream.apply(&mut taken);
        Ok(taken)
    }

    fn number(&mut self, length: usize) -> Result<u32, Mismatch> {
        Ok(self.covered(length)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn finish(mut self, method: Method) -> Vec<u8> {
        let mut rest = self.rest.to_vec();
        if method == Method::Rc4 {
            self.stream.apply(&mut rest);
        }
        rest
    }
}
