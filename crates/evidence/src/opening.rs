//! The opening: one line that holds a record's personal data and whose SHA-256 is its commitment.
//!
//! `affiant.obs/1 SP <64 hex of blind> SP <canonical JSON> LF`. The blind comes first and has a fixed length,
//! so `sha256sum` of the line is the commitment and nobody can test a guess at the rest.

use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Blind, Digest, KeyId, canonical, sha256};

/// No opening is longer than this; the longest is a full list of candidates.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// What kind of record an opening holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// An observation of a peer.
    Obs,
    /// A list of candidates.
    Cand,
    /// A reading of the clock.
    Clock,
    /// A fact about a run.
    Run,
}

impl Tag {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Obs, Self::Cand, Self::Clock, Self::Run];

    /// Name and version, as the line begins.
    pub fn word(self) -> &'static str {
        match self {
            Self::Obs => "affiant.obs/1",
            Self::Cand => "affiant.cand/1",
            Self::Clock => "affiant.clock/1",
            Self::Run => "affiant.run/1",
        }
    }
}

/// A record with its place in its key's chain, as the JSON of an opening holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered<T> {
    /// The record.
    pub body: T,
    /// The key that signed the leaf.
    pub kid: KeyId,
    /// The leaf's number under that key.
    pub seq: u64,
}

/// An opening line taken apart. The JSON is not yet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening<'a> {
    /// What kind of record.
    pub tag: Tag,
    /// The blind.
    pub blind: Blind,
    /// The canonical JSON.
    pub json: &'a str,
}

/// Why a line is not an opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// It does not end with its only line feed.
    Line,
    /// It does not begin with a known tag.
    Tag,
    /// The blind is not 64 lower-case hexadecimal digits.
    Blind,
    /// The JSON is not canonical or not of the tag's shape.
    Json(canonical::Fault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "an opening is longer than {MAX_LINE_BYTES} bytes"),
            Self::Line => f.write_str("an opening is not exactly one line that ends with a line feed"),
            Self::Tag => f.write_str("an opening does not begin with a known tag and version"),
            Self::Blind => f.write_str("an opening's blind is not 64 lower-case hexadecimal digits"),
            Self::Json(fault) => write!(f, "an opening's JSON is refused: {fault}"),
        }
    }
}

impl core::error::Error for Fault {}

/// Writes the line, line feed included.
pub fn seal<T: Serialize + ?Sized>(tag: Tag, blind: &Blind, record: &T) -> Result<String, Fault> {
    let json = canonical::to_text(record).map_err(Fault::Json)?;
    let line = format!("{} {blind} {json}\n", tag.word());
    if line.len() > MAX_LINE_BYTES { Err(Fault::TooLong) } else { Ok(line) }
}

/// The SHA-256 of the whole line, line feed included.
pub fn commitment(line: &str) -> Digest {
    sha256(line.as_bytes())
}

impl<'a> Opening<'a> {
    /// Takes a line apart, line feed included.
    pub fn parse(line: &'a str) -> Result<Self, Fault> {
        if line.len() > MAX_LINE_BYTES {
            return Err(Fault::TooLong);
        }
        let text = line.strip_suffix('\n').filter(|text| !text.contains('\n')).ok_or(Fault::Line)?;
        let (word, rest) = text.split_once(' ').ok_or(Fault::Tag)?;
        let tag = Tag::ALL.into_iter().find(|tag| tag.word() == word).ok_or(Fault::Tag)?;
        let (blind, json) = rest.split_once(' ').ok_or(Fault::Blind)?;
        Ok(Self { tag, blind: blind.parse().map_err(|_| Fault::Blind)?, json })
    }

    /// Reads the record if the JSON is its canonical encoding.
    pub fn decode<T: DeserializeOwned + Serialize>(&self) -> Result<T, Fault> {
        canonical::from_text(self.json).map_err(Fault::Json)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.word().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `evidence-format.md` section 11.
    const EXAMPLE: &str = concat!(
        "affiant.obs/1 259462b7796f32230861aaa965c3102bb9cc65257b586e46f360ec8132865b04 ",
        r#"{"ih":"0123456789abcdef0123456789abcdef01234567","ip":"203.0.113.7","kind":"piece","#,
        r#""pcap_sha256":"ff3ed7cbf694b9da51b7617e827def2dfaf824596500228573f4cd5857793b33","#,
        r#""port":51413,"t":"2026-09-01T12:00:00.000Z","t_err_ms":40}"#,
        "\n"
    );

    #[test]
    fn the_worked_example_commits_as_published() {
        assert_eq!(EXAMPLE.len(), 302);
        assert_eq!(commitment(EXAMPLE).to_string(), "dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9");
        let opening = Opening::parse(EXAMPLE).unwrap();
        assert_eq!(opening.blind.as_bytes(), sha256(b"affiant test blind 0").as_bytes());
        let record: serde_json::Value = serde_json::from_str(opening.json).unwrap();
        assert_eq!(seal(Tag::Obs, &opening.blind, &record).unwrap(), EXAMPLE);
    }

    #[test]
    fn other_lines_are_refused() {
        let stem = EXAMPLE.trim_end();
        for (line, fault) in [
            (stem.to_string(), Fault::Line),
            (format!("{EXAMPLE}\n"), Fault::Line),
            (EXAMPLE.replace("obs/1", "obs/2"), Fault::Tag),
            (EXAMPLE.replace("affiant", " affiant"), Fault::Tag),
            (EXAMPLE.replace("2594", "259"), Fault::Blind),
            (EXAMPLE.replace("25946", "25946A"), Fault::Blind),
            (format!("{stem}{}\n", " ".repeat(MAX_LINE_BYTES)), Fault::TooLong),
            (String::new(), Fault::Line),
        ] {
            assert_eq!(Opening::parse(&line).map(|_| ()), Err(fault), "{line:.80}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(line in "(affiant\\.(obs|run)/1 )?[0-9a-f ]{0,70}\\PC*\n?") {
            let _ = Opening::parse(&line).map(|opening| opening.decode::<Numbered<u8>>());
        }
    }
}
