//! Byte strings of a fixed length, written as lower-case hexadecimal.

use alloc::string::String;
use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A string is not the lower-case hexadecimal form of the expected length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHex {
    /// How many bytes were expected.
    pub expected_bytes: usize,
}

impl fmt::Display for NotHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {} lower-case hexadecimal digits", self.expected_bytes * 2)
    }
}

impl core::error::Error for NotHex {}

/// Decodes exactly `N` bytes of lower-case hexadecimal.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let fault = NotHex { expected_bytes: N };
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(fault);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        match (nibble(pair[0]), nibble(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return Err(fault),
        }
    }
    Ok(bytes)
}

/// Encodes bytes of any length as lower-case hexadecimal.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Decodes lower-case hexadecimal of any even length.
pub fn decode_all(text: &str) -> Option<alloc::vec::Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

/// Upper-case digits are refused: one value, one encoding.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The bytes themselves.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl From<[u8; $bytes]> for $name {
            fn from(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

fixed_bytes!(
    /// A SHA-256 digest.
    Digest,
    32
);
fixed_bytes!(
    /// 32 random bytes that keep a commitment from being guessed.
    Blind,
    32
);
fixed_bytes!(
    /// An Ed25519 public key. Whether it is weak is for the verifier to say.
    PublicKey,
    32
);
fixed_bytes!(
    /// An Ed25519 signature.
    Signature,
    64
);
fixed_bytes!(
    /// The first eight bytes of the SHA-256 of a public key.
    KeyId,
    8
);
fixed_bytes!(
    /// Names one run of the monitor: eight random bytes.
    RunId,
    8
);
fixed_bytes!(
    /// SHA-1 of a torrent's info dictionary (BEP 3).
    InfoHashV1,
    20
);
fixed_bytes!(
    /// SHA-256 of a torrent's info dictionary (BEP 52).
    InfoHashV2,
    32
);
fixed_bytes!(
    /// A peer id as sent in the handshake (BEP 3): a claim, never an identity.
    PeerId,
    20
);
fixed_bytes!(
    /// S, the secret of one Message Stream Encryption handshake, big-endian: what uncovers its raw bytes.
    MseSecret,
    96
);
fixed_bytes!(
    /// The eight reserved bytes of the handshake (BEP 3, 6, 10, 52).
    Reserved,
    8
);

impl KeyId {
    /// The id of a public key.
    pub fn of(key: &PublicKey) -> Self {
        let digest = sha256(key.as_bytes());
        let mut id = [0; 8];
        id.copy_from_slice(&digest.0[..8]);
        Self(id)
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_of_the_right_length_is_read() {
        let text = "ff3ed7cbf694b9da51b7617e827def2dfaf824596500228573f4cd5857793b33";
        assert_eq!(text.parse::<Digest>().unwrap(), sha256(b"pcap"));
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[2..].parse::<Digest>().is_err());
        assert!(format_with(text, "00").parse::<Digest>().is_err());
        assert!("zz".repeat(32).parse::<Digest>().is_err());
        assert_eq!(decode_all("00ff"), Some(alloc::vec![0, 255]));
        assert_eq!(decode_all("0"), None);
        assert_eq!(decode_all("0G"), None);
    }

    fn format_with(text: &str, more: &str) -> String {
        alloc::format!("{text}{more}")
    }
}
