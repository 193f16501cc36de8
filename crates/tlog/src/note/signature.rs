//! One signature line: em dash, key name, and base64 of key id and signature.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::key::{KeyId, VerifierKey};
use super::name::KeyName;
use crate::canonical::{parse_base64, to_base64};

const DASH: &str = "\u{2014} ";

/// A signature as a note carries it, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    key_id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    pub(crate) fn new(key: &VerifierKey, bytes: &[u8]) -> Self {
        Self { name: key.name().clone(), key_id: key.key_id(), bytes: bytes.into() }
    }

    /// Reads a line without its newline.
    pub(crate) fn parse_line(line: &str) -> Option<Self> {
        let (name, payload) = line.strip_prefix(DASH)?.split_once(' ')?;
        let name = KeyName::new(name).ok()?;
        let payload = parse_base64(payload)?;
        let (key_id, bytes) = payload.split_first_chunk::<4>()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self { name, key_id: KeyId(*key_id), bytes: bytes.into() })
    }

    /// Writes the line with its newline.
    pub(super) fn to_line(&self) -> String {
        let payload = [&self.key_id.0, self.bytes.as_slice()].concat();
        format!("{DASH}{} {}\n", self.name, to_base64(&payload))
    }

    /// Who signed, as the line says.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Which of that name's keys, as the line says.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The signature without the key id. Its layout depends on the kind of key.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
