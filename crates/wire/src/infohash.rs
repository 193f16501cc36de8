//! The names of torrents: SHA-1 (BEP 3) and SHA-256 (BEP 52) of the raw info dictionary.

use core::fmt;
use core::str::FromStr;

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::fault::{Fault, rules};

/// Text that is not an info-hash.
pub type Error = Fault<Rule>;

rules! {
    /// The rules for info-hashes written as text.
    pub enum Rule {
        Length "infohash-length" "an info-hash has 40 hexadecimal digits (v1), 64 (v2), or 32 base32 characters (v1)",
        Digit "infohash-digit" "an info-hash is written in lower-case hexadecimal digits",
        Base32 "infohash-base32" "a base32 info-hash is written in the letters a to z and the digits 2 to 7",
    }
}

/// A torrent's version 1 info-hash: SHA-1 of the info dictionary's bytes. BEP 3.
///
/// The twenty bytes in a handshake, a tracker request or a DHT query have this type too; for a version 2 torrent they
/// are [`InfoHashV2::truncated`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashV1(pub [u8; 20]);

/// A torrent's version 2 info-hash: SHA-256 of the info dictionary's bytes. BEP 52.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashV2(pub [u8; 32]);

impl InfoHashV1 {
    /// The info-hash of these info-dictionary bytes.
    pub fn of_info(raw_info: &[u8]) -> Self {
        Self(Sha1::digest(raw_info).into())
    }

    /// Reads 40 hexadecimal digits of either case, as magnets have them.
    pub fn from_hex_of_any_case(text: &str) -> Result<Self, Error> {
        hex(text, hex_digit_of_any_case).map(Self)
    }

    /// Reads 32 characters of base32 (RFC 4648) of either case, as old magnets have them.
    pub fn from_base32(text: &str) -> Result<Self, Error> {
        if text.len() != 32 {
            return Err(Fault::at(text.len(), Rule::Length));
        }
        let mut hash = [0; 20];
        for (at, byte) in text.bytes().enumerate() {
            let digit = match byte {
                b'a'..=b'z' => byte - b'a',
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(Fault::at(at, Rule::Base32)),
            };
            // 32 digits of 5 bits are exactly 160 bits, so nothing is left over to check.
            for bit in 0..5 {
                let place = at * 5 + bit;
                hash[place / 8] |= (digit >> (4 - bit) & 1) << (7 - place % 8);
            }
        }
        Ok(Self(hash))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl InfoHashV2 {
    /// The info-hash of these info-dictionary bytes.
    pub fn of_info(raw_info: &[u8]) -> Self {
        Self(Sha256::digest(raw_info).into())
    }

    /// Reads 64 hexadecimal digits of either case, as magnets have them.
    pub fn from_hex_of_any_case(text: &str) -> Result<Self, Error> {
        hex(text, hex_digit_of_any_case).map(Self)
    }

    /// The first 20 bytes, which stand for the torrent in handshakes, trackers and the DHT. BEP 52.
    pub fn truncated(&self) -> InfoHashV1 {
        let mut short = [0; 20];
        short.copy_from_slice(&self.0[..20]);
        InfoHashV1(short)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for InfoHashV1 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        hex(text, hex_digit).map(Self)
    }
}

impl FromStr for InfoHashV2 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        hex(text, hex_digit).map(Self)
    }
}

impl fmt::Display for InfoHashV1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for InfoHashV1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHashV1({self})")
    }
}

impl fmt::Debug for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHashV2({self})")
    }
}

fn hex<const N: usize>(text: &str, digit: fn(u8) -> Option<u8>) -> Result<[u8; N], Error> {
    if text.len() != 2 * N {
        return Err(Fault::at(text.len(), Rule::Length));
    }
    let mut hash = [0; N];
    for (at, byte) in text.bytes().enumerate() {
        let value = digit(byte).ok_or(Fault::at(at, Rule::Digit))?;
        hash[at / 2] = hash[at / 2] << 4 | value;
    }
    Ok(hash)
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

const fn hex_digit_of_any_case(byte: u8) -> Option<u8> {
    hex_digit(byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use proptest::prelude::*;

    use super::*;

    const ABC_SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn hashes_the_raw_bytes() {
        assert_eq!(InfoHashV1::of_info(b"abc").to_string(), ABC_SHA1);
        let v2 = InfoHashV2::of_info(b"abc");
        assert_eq!(v2.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(v2.truncated().to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a3");
    }

    #[test]
    fn text_has_one_form_outside_magnets() {
        let upper = ABC_SHA1.to_uppercase();
        assert_eq!(ABC_SHA1.parse(), Ok(InfoHashV1::of_info(b"abc")));
        assert_eq!(upper.parse::<InfoHashV1>(), Err(Fault::at(0, Rule::Digit)));
        assert_eq!(InfoHashV1::from_hex_of_any_case(&upper), Ok(InfoHashV1::of_info(b"abc")));
        assert_eq!(ABC_SHA1[1..].parse::<InfoHashV1>(), Err(Fault::at(39, Rule::Length)));
        assert_eq!(ABC_SHA1.parse::<InfoHashV2>(), Err(Fault::at(40, Rule::Length)));
    }

    #[test]
    fn reads_base32() {
        // The same twenty bytes as ABC_SHA1, encoded with `base32`.
        let text = "VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5";
        assert_eq!(InfoHashV1::from_base32(text), Ok(InfoHashV1::of_info(b"abc")));
        assert_eq!(InfoHashV1::from_base32(&text.to_lowercase()), Ok(InfoHashV1::of_info(b"abc")));
        assert_eq!(InfoHashV1::from_base32(&text[1..]), Err(Fault::at(31, Rule::Length)));
        let one = text.replace('2', "1");
        assert_eq!(InfoHashV1::from_base32(&one).unwrap_err().rule, Rule::Base32);
    }

    proptest! {
        #[test]
        fn display_reads_back(hash: [u8; 20], wide: [u8; 32]) {
            prop_assert_eq!(InfoHashV1(hash).to_string().parse(), Ok(InfoHashV1(hash)));
            prop_assert_eq!(InfoHashV2(wide).to_string().parse(), Ok(InfoHashV2(wide)));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,64}", forty in "[\\x00-\\x7f]{40}", short in "[\\x00-\\x7f]{32}") {
            for text in [&text, &forty, &short] {
                let _ = text.parse::<InfoHashV1>();
                let _ = text.parse::<InfoHashV2>();
                let _ = InfoHashV1::from_base32(text);
            }
        }
    }
}
