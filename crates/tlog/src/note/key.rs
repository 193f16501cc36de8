//! Verifier keys: a name, a kind and a public key, written `name+<key id>+<base64>`.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::name::{BadName, KeyName};
use crate::canonical::{parse_base64, parse_hex, to_base64};
use crate::ed25519::{Refused, check_public_key};

/// What a key signs. The kind is part of the key id, so one key used twice has two ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the text of a note.
    Note,
    /// Type 0x04: a witness's Ed25519 over time and checkpoint, see [`crate::cosignature`].
    Cosignature,
}

impl KeyKind {
    /// The signature type byte. C2SP `signed-note`.
    #[must_use]
    pub const fn type_byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    const fn from_type_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Note),
            0x04 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

/// First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key). It tells keys apart and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A public key under a name, for one kind of signature. A weak key cannot be held in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: KeyKind,
    public_key: [u8; 32],
    key_id: KeyId,
}

impl VerifierKey {
    /// Takes a public key under a name.
    ///
    /// # Errors
    /// If the key is weak or no key at all.
    pub fn new(name: KeyName, kind: KeyKind, public_key: [u8; 32]) -> Result<Self, Refused> {
        check_public_key(&public_key)?;
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind.type_byte()])
            .chain_update(public_key)
            .finalize()
            .into();
        let key_id = KeyId([digest[0], digest[1], digest[2], digest[3]]);
        Ok(Self { name, kind, public_key, key_id })
    }

    /// Whose key it is.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The Ed25519 public key.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The id that signature lines carry.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed_key = [&[self.kind.type_byte()], self.public_key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.key_id, to_base64(&typed_key))
    }
}

impl FromStr for VerifierKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        // The name and the hex hold no plus sign; the base64 may.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(typed_key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Malformed);
        };
        let name = KeyName::new(name).map_err(BadKey::Name)?;
        let key_id = parse_hex(key_id).map(KeyId).ok_or(BadKey::Malformed)?;
        // Base64 of 33 bytes has 44 characters; longer text is not worth decoding.
        if typed_key.len() != 44 {
            return Err(BadKey::Malformed);
        }
        let typed_key = parse_base64(typed_key).ok_or(BadKey::Malformed)?;
        let (type_byte, public_key) = typed_key.split_first().ok_or(BadKey::Malformed)?;
        let kind = KeyKind::from_type_byte(*type_byte).ok_or(BadKey::UnknownType)?;
        let public_key = public_key.try_into().map_err(|_| BadKey::Malformed)?;
        let key = Self::new(name, kind, public_key).map_err(BadKey::Refused)?;
        if key.key_id == key_id { Ok(key) } else { Err(BadKey::WrongId) }
    }
}

/// Why the text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKey {
    /// Not `name+<8 hex>+<44 base64>`.
    Malformed,
    /// The name is not one.
    Name(BadName),
    /// A signature type that is not read here.
    UnknownType,
    /// The public key is weak or no key.
    Refused(Refused),
    /// The id is that of another key: a slip of the pen somewhere.
    WrongId,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a verifier key must be written name+key id in hex+base64 of type and key"),
            Self::Name(error) => write!(f, "the verifier key's name is bad: {error}"),
            Self::UnknownType => f.write_str("the verifier key has a signature type other than 0x01 and 0x04"),
            Self::Refused(error) => write!(f, "the verifier key was refused: {error}"),
            Self::WrongId => f.write_str("the verifier key's id does not belong to its name and key"),
        }
    }
}

impl core::error::Error for BadKey {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    /// From the tests of golang.org/x/mod/sumdb/note.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn keys_read_back() {
        // The base64 of the second one holds a plus sign; the third is a witness key. From transparency-dev/formats.
        for (text, kind) in [
            (PETER, KeyKind::Note),
            ("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", KeyKind::Note),
            ("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", KeyKind::Cosignature),
        ] {
            let key: VerifierKey = text.parse().unwrap();
            assert_eq!(key.kind(), kind);
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn bad_keys_are_refused() {
        // The identity point, small order, with its right key id so that only the weakness is at fault.
        let mut weak = [0; 33];
        (weak[0], weak[1]) = (1, 1);
        let digest: [u8; 32] = Sha256::new().chain_update("w\n").chain_update(weak).finalize().into();
        let id = KeyId([digest[0], digest[1], digest[2], digest[3]]);
        let weak = alloc::format!("w+{id}+{}", to_base64(&weak));
        for (bad, error) in [
            (weak.as_str(), BadKey::Refused(Refused::WeakKey)),
            ("", BadKey::Malformed),
            ("PeterNeumann+c74f20a3", BadKey::Malformed),
            (&PETER.replace("c74f20a3", "C74F20A3"), BadKey::Malformed),
            (&PETER.replace("c74f20a3", "c74f20a"), BadKey::Malformed),
            (&PETER.replace("c74f20a3", "c74f20a4"), BadKey::WrongId),
            (&PETER.replace("Peter", "peter"), BadKey::WrongId),
            (&PETER.replace("PeterNeumann", ""), BadKey::Name(BadName)),
            (&PETER.replace("PeterNeumann", "Peter Neumann"), BadKey::Name(BadName)),
            (&PETER.replace("+ARpc", "+AhpC"), BadKey::UnknownType),
            (&PETER.replace("+ARpc", "+BBpc"), BadKey::WrongId),
            (&PETER.replace("10TW", "10T"), BadKey::Malformed),
            (&(PETER.to_string() + "\n"), BadKey::Malformed),
            (&PETER.replace("10TW", "1==="), BadKey::Malformed),
        ] {
            assert_eq!(bad.parse::<VerifierKey>(), Err(error), "{bad:?}");
        }
    }
}
