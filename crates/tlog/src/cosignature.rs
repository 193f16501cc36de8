//! Witness cosignatures: who saw this checkpoint, when, as the largest consistent one. C2SP `tlog-cosignature`, v1.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ed25519::{Refused, verify_strict};
use crate::note::{KeyKind, NoteError, Signature, VerifierKey};

/// Latest time a cosignature may state, in seconds since the Unix epoch.
pub const MAX_TIME_UNIX_S: u64 = i64::MAX as u64;

/// What a cosignature line holds after the key id: eight bytes of time, big-endian, and an Ed25519 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// When the witness signed, by its own clock, in seconds since the Unix epoch.
    pub time_unix_s: u64,
    /// Ed25519 over [`message`].
    pub signature: [u8; 64],
}

impl Cosignature {
    /// Reads the bytes of a signature line.
    ///
    /// # Errors
    /// [`CosignatureError::Malformed`] if they have another length or the time is out of range.
    pub fn parse(bytes: &[u8]) -> Result<Self, CosignatureError> {
        let (time, signature) = bytes.split_first_chunk::<8>().ok_or(CosignatureError::Malformed)?;
        let time_unix_s = u64::from_be_bytes(*time);
        let signature = signature.try_into().map_err(|_| CosignatureError::Malformed)?;
        if time_unix_s > MAX_TIME_UNIX_S {
            return Err(CosignatureError::Malformed);
        }
        Ok(Self { time_unix_s, signature })
    }

    /// The bytes of a signature line.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 72] {
        let mut bytes = [0; 72];
        bytes[..8].copy_from_slice(&self.time_unix_s.to_be_bytes());
        bytes[8..].copy_from_slice(&self.signature);
        bytes
    }
}

/// What a witness signs: a header, the time and the three lines.
#[must_use]
pub fn message(checkpoint: &Checkpoint, time_unix_s: u64) -> String {
    format!("cosignature/v1\ntime {time_unix_s}\n{}", checkpoint.to_text())
}

/// Adds a witness's cosignature. `signer` is given the exact bytes to sign and holds the private key.
///
/// # Errors
/// If the key is not for cosignatures, the time is out of range, the signature does not verify, or this witness has
/// cosigned already. The checkpoint is then unchanged.
pub fn cosign(
    signed: &mut SignedCheckpoint,
    witness_key: &VerifierKey,
    time_unix_s: u64,
    signer: impl FnOnce(&[u8]) -> [u8; 64],
) -> Result<(), CosignatureError> {
    check_kind(witness_key)?;
    if time_unix_s > MAX_TIME_UNIX_S {
        return Err(CosignatureError::Malformed);
    }
    let message = message(signed.checkpoint(), time_unix_s);
    let signature = signer(message.as_bytes());
    verify_strict(witness_key.public_key(), message.as_bytes(), &signature).map_err(CosignatureError::Refused)?;
    let cosignature = Cosignature { time_unix_s, signature };
    signed.attach(Signature::new(witness_key, &cosignature.to_bytes())).map_err(CosignatureError::Note)
}

/// Adds a signature line that a witness answered with, once it is verified. Returns the witness's time.
///
/// # Errors
/// If the line is not a signature line, is not by this witness over this checkpoint, or this witness has cosigned
/// already.
pub fn add_cosignature_line(
    signed: &mut SignedCheckpoint,
    witness_key: &VerifierKey,
    line: &str,
) -> Result<u64, CosignatureError> {
    check_kind(witness_key)?;
    let signature = line.strip_suffix('\n').and_then(Signature::parse_line).ok_or(CosignatureError::Malformed)?;
    if signature.name() != witness_key.name() || signature.key_id() != witness_key.key_id() {
        return Err(CosignatureError::NotCosigned);
    }
    let time_unix_s = verify_signature(signed.checkpoint(), &signature, witness_key)?;
    signed.attach(signature).map_err(CosignatureError::Note)?;
    Ok(time_unix_s)
}

/// Verifies that this witness cosigned, and returns its time in seconds since the Unix epoch.
///
/// # Errors
/// If the key is not for cosignatures, has not cosigned, or its cosignature is bad.
pub fn verify(signed: &SignedCheckpoint, witness_key: &VerifierKey) -> Result<u64, CosignatureError> {
    check_kind(witness_key)?;
    let signature = signed.note().signature_by(witness_key).ok_or(CosignatureError::NotCosigned)?;
    verify_signature(signed.checkpoint(), signature, witness_key)
}

fn verify_signature(checkpoint: &Checkpoint, signature: &Signature, witness_key: &VerifierKey) -> Result<u64, CosignatureError> {
    let cosignature = Cosignature::parse(signature.bytes())?;
    let message = message(checkpoint, cosignature.time_unix_s);
    verify_strict(witness_key.public_key(), message.as_bytes(), &cosignature.signature).map_err(CosignatureError::Refused)?;
    Ok(cosignature.time_unix_s)
}

fn check_kind(witness_key: &VerifierKey) -> Result<(), CosignatureError> {
    if witness_key.kind() == KeyKind::Cosignature { Ok(()) } else { Err(CosignatureError::WrongKind) }
}

/// Why a cosignature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CosignatureError {
    /// The line or its bytes are not a cosignature with a time within 63 bits.
    Malformed,
    /// The key is made for another kind of signature.
    WrongKind,
    /// The checkpoint carries no cosignature by this witness.
    NotCosigned,
    /// The key or its signature is bad.
    Refused(Refused),
    /// The cosignature cannot be added to the note.
    Note(NoteError),
}

impl fmt::Display for CosignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the cosignature is not 72 bytes with a time within 63 bits"),
            Self::WrongKind => f.write_str("the key is made for another kind of signature than cosignatures"),
            Self::NotCosigned => f.write_str("the checkpoint carries no cosignature by this witness"),
            Self::Refused(refused) => write!(f, "the cosignature was refused: {refused}"),
            Self::Note(error) => write!(f, "the cosignature cannot be added: {error}"),
        }
    }
}

impl core::error::Error for CosignatureError {}
