//! Text that somebody else chose: client names, file names. Kept exactly, shown inert.

use alloc::{string::String, vec::Vec};
use core::fmt::{self, Write as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::hex;

/// Bytes that a peer or a torrent claims to be text. Valid UTF-8 is recorded as a string, anything else as
/// `{"hex":"…"}`; nothing is replaced or lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claimed(Vec<u8>);

impl Claimed {
    /// Takes the bytes as they came.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Claimed {
    /// One line of harmless text: control, format and undecodable bytes are shown as escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_active(character) { write!(f, "\\u{{{:x}}}", u32::from(character))? } else { f.write_char(character)? }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character could change how the text around it is read: line breaks and other control
/// characters, bidirectional and invisible format characters, and the backslash that marks our escapes.
pub fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character, '\\' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Hex(HexForm),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HexForm {
    hex: String,
}

impl Serialize for Claimed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match core::str::from_utf8(&self.0) {
            Ok(text) => Form::Text(text.into()),
            Err(_) => Form::Hex(HexForm { hex: hex::encode(&self.0) }),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Claimed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Hex(form) => hex::decode_all(&form.hex).map(Self).ok_or_else(|| D::Error::custom("not lower-case hexadecimal")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;
    use alloc::string::ToString;

    #[test]
    fn bytes_survive_and_are_shown_inert() {
        for (bytes, json, shown) in [
            (&b"Transmission 3.00"[..], r#""Transmission 3.00""#, "Transmission 3.00"),
            (b"a\nb", r#""a\nb""#, "a\\u{a}b"),
            ("a\u{202e}b".as_bytes(), "\"a\u{202e}b\"", "a\\u{202e}b"),
            (b"\xff\x00", r#"{"hex":"ff00"}"#, "\\xff\\u{0}"),
        ] {
            let claimed = Claimed::new(bytes);
            assert_eq!(canonical::to_text(&claimed).unwrap(), json);
            assert_eq!(canonical::from_text::<Claimed>(json).unwrap(), claimed);
            assert_eq!(claimed.to_string(), shown);
        }
        assert!(canonical::from_text::<Claimed>(r#"{"hex":"61"}"#).is_err(), "valid UTF-8 has one encoding");
        assert!(canonical::from_text::<Claimed>(r#"{"hex":"FF"}"#).is_err());
    }
}
