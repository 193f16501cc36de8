//! Key names: who a key belongs to, in the signer's own words.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Longest key name in bytes. C2SP bounds the names of newer cosignatures so.
pub const MAX_NAME_BYTES: usize = 255;

/// A key name: not empty, no Unicode space, no plus sign, no control character. It can only be valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name if it is valid.
    ///
    /// # Errors
    /// [`BadName`] if it is not.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let forbidden = |character: char| character.is_whitespace() || character.is_control() || character == '+';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(forbidden) {
            return Err(BadName);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        Self::new(name)
    }
}

/// The text cannot be a key name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName;

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key name must be 1 to 255 bytes without spaces, plus signs and control characters")
    }
}

impl core::error::Error for BadName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_or_refused() {
        for good in ["log.example.org/2026-09", "a", "é", &"n".repeat(255)] {
            assert_eq!(KeyName::new(good).map(|name| name.0), Ok(good.into()));
        }
        for bad in ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\u{85}", "\0", "\u{7f}", &"n".repeat(256)]
        {
            assert_eq!(KeyName::new(bad), Err(BadName), "{bad:?}");
        }
    }
}
