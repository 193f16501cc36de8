//! Signed notes: a text and the signatures under it. C2SP `signed-note`.
//!
//! Stricter than C2SP where we may be: no control character of any kind but newline (C2SP forbids those below U+0020),
//! no two signatures with one key name and key id, base64 in its one spelling, and the limits below.

mod key;
mod name;
mod signature;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use key::{BadKey, KeyId, KeyKind, VerifierKey};
pub use name::{BadName, KeyName, MAX_NAME_BYTES};
pub use signature::Signature;

use crate::ed25519::{Refused, verify_strict};

/// Largest note in bytes, signatures included. A close note with thousands of workers is a tenth of it.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most signatures on a note. C2SP asks for at least 16; a log and any sensible number of witnesses fit.
pub const MAX_SIGNATURES: usize = 64;

/// A text and at least one signature line. Holding one says nothing about who signed: call [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note, signatures unverified.
    ///
    /// # Errors
    /// If the bytes are not a note in canonical form within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        check_characters(whole)?;
        // The text may hold blank lines of its own; the last one ends it.
        let blank = whole.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&whole[..=blank], &whole[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::BadSignatureLine)?;

        let mut note = Self { text: text.into(), signatures: Vec::new() };
        for line in lines.split('\n') {
            note.push(Signature::parse_line(line).ok_or(NoteError::BadSignatureLine)?)?;
        }
        if note.to_bytes() != bytes {
            return Err(NoteError::NotCanonical);
        }
        Ok(note)
    }

    /// Makes a note with one signature. `signer` is given the exact bytes to sign and holds the private key.
    ///
    /// # Errors
    /// If the text may not be a note's, the key is not for notes, or the signature does not verify under the key: a
    /// faulty signer is noticed before its note leaves.
    pub fn sign(text: &str, key: &VerifierKey, signer: impl FnOnce(&[u8]) -> [u8; 64]) -> Result<Self, NoteError> {
        check_text(text)?;
        let mut note = Self { text: text.into(), signatures: Vec::new() };
        note.add_signature(key, signer)?;
        Ok(note)
    }

    /// Adds a signature over the text. A signer that can fail signs [`Note::text`] itself and passes the result here.
    ///
    /// # Errors
    /// As [`Note::sign`], and if this key has signed already or the limits are reached. The note is then unchanged.
    pub fn add_signature(&mut self, key: &VerifierKey, signer: impl FnOnce(&[u8]) -> [u8; 64]) -> Result<(), NoteError> {
        if key.kind() != KeyKind::Note {
            return Err(NoteError::WrongKind);
        }
        let signature = signer(self.text.as_bytes());
        verify_strict(key.public_key(), self.text.as_bytes(), &signature).map_err(NoteError::Refused)?;
        self.attach(Signature::new(key, &signature))
    }

    /// Verifies that `key` signed the text.
    ///
    /// # Errors
    /// If the key is not for notes, has not signed, or its signature is bad.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        if key.kind() != KeyKind::Note {
            return Err(NoteError::WrongKind);
        }
        let signature = self.signature_by(key).ok_or(NoteError::NotSigned)?;
        let signature = signature.bytes().try_into().map_err(|_| NoteError::Refused(Refused::BadSignature))?;
        verify_strict(key.public_key(), self.text.as_bytes(), signature).map_err(NoteError::Refused)
    }

    /// The signature line that carries the name and id of `key`, unverified.
    #[must_use]
    pub fn signature_by(&self, key: &VerifierKey) -> Option<&Signature> {
        self.signatures.iter().find(|signature| signature.name() == key.name() && signature.key_id() == key.key_id())
    }

    /// The signed text, with its last newline and without the blank line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines in their order, unverified.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The bytes that [`Note::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.text.clone().into_bytes();
        bytes.push(b'\n');
        for signature in &self.signatures {
            bytes.extend_from_slice(signature.to_line().as_bytes());
        }
        bytes
    }

    /// Adds a signature that was made here, so that what we write can be read again.
    pub(crate) fn attach(&mut self, signature: Signature) -> Result<(), NoteError> {
        if self.to_bytes().len() + signature.to_line().len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        self.push(signature)
    }

    fn push(&mut self, signature: Signature) -> Result<(), NoteError> {
        if self.signatures.iter().any(|other| other.name() == signature.name() && other.key_id() == signature.key_id()) {
            return Err(NoteError::SignedTwice);
        }
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }
}

/// Whether this may be the text of a note.
fn check_text(text: &str) -> Result<(), NoteError> {
    check_characters(text)?;
    if !text.ends_with('\n') {
        return Err(NoteError::NotText);
    }
    // No signer is asked for a text that cannot become a note.
    if text.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong);
    }
    Ok(())
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.chars().any(|character| character.is_control() && character != '\n') {
        return Err(NoteError::NotText);
    }
    Ok(())
}

/// Why a note was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// The note is longer than [`MAX_NOTE_BYTES`].
    TooLong,
    /// The text is not UTF-8, holds a control character, or does not end with a newline.
    NotText,
    /// No blank line with signatures after it.
    NoSignatures,
    /// A signature line is not an em dash, a name and canonical base64.
    BadSignatureLine,
    /// More signatures than [`MAX_SIGNATURES`].
    TooManySignatures,
    /// Two signatures carry one key name and key id.
    SignedTwice,
    /// Writing the note again gives other bytes.
    NotCanonical,
    /// The key is made for another kind of signature.
    WrongKind,
    /// The note carries no signature by this key.
    NotSigned,
    /// The key or its signature is bad.
    Refused(Refused),
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the note is longer than a note may be",
            Self::NotText => "the note is not UTF-8 lines without control characters",
            Self::NoSignatures => "the note has no signatures",
            Self::BadSignatureLine => "a signature line of the note is not in canonical form",
            Self::TooManySignatures => "the note has more signatures than a note may have",
            Self::SignedTwice => "the note carries two signatures by one key",
            Self::NotCanonical => "the note is not in canonical form",
            Self::WrongKind => "the key is made for another kind of signature",
            Self::NotSigned => "the note carries no signature by this key",
            Self::Refused(refused) => return write!(f, "the note's signature was refused: {refused}"),
        })
    }
}

impl core::error::Error for NoteError {}

#[cfg(test)]
mod tests;
