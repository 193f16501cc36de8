//! The leaf: the log's entry for one record. It holds no personal data, no address and no time.
//!
//! `affiant.leaf/1 SP kid SP seq SP prev SP part SP commitment SP signature LF`, the signature by Ed25519 over
//! the same line without its last field. It signs the commitment, never the text: a signature over plain text
//! would let anybody confirm a guess at an erased record.

use alloc::{format, string::String};
use core::{fmt, str::FromStr};

use crate::{Digest, KeyId, Part, Signature};

const TAG: &str = "affiant.leaf/1";

/// The longest leaf: a 20-digit sequence number and a 10-digit AS number.
pub const MAX_LINE_BYTES: usize = 340;

/// One entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The key that signs.
    pub kid: KeyId,
    /// 0, 1, 2 … under that key, without gaps.
    pub seq: u64,
    /// The RFC 6962 leaf hash of this key's previous leaf; for 0 the SHA-256 of its delegation note.
    pub prev: Digest,
    /// Who is owed the opening.
    pub part: Part,
    /// SHA-256 of the opening line or of the control note.
    pub commitment: Digest,
    /// Ed25519 over [`Leaf::message`].
    pub signature: Signature,
}

/// Why a line is not a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    field: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a leaf's {} is not in its one accepted form", self.field)
    }
}

impl core::error::Error for Fault {}

/// The signed part of a leaf, line feed included.
pub fn message(kid: KeyId, seq: u64, prev: Digest, part: Part, commitment: Digest) -> String {
    format!("{TAG} {kid} {seq} {prev} {part} {commitment}\n")
}

impl Leaf {
    /// What the signature covers, line feed included.
    pub fn message(&self) -> String {
        message(self.kid, self.seq, self.prev, self.part, self.commitment)
    }

    /// The entry, line feed included.
    pub fn line(&self) -> String {
        let mut line = self.message();
        line.pop();
        line.push_str(&format!(" {}\n", self.signature));
        line
    }

    /// Reads an entry, line feed included.
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let text = line.strip_suffix('\n').filter(|_| line.len() <= MAX_LINE_BYTES).ok_or(Fault { field: "line" })?;
        let mut fields = text.split(' ');
        if fields.next() != Some(TAG) {
            return Err(Fault { field: "tag" });
        }
        let leaf = Self {
            kid: field(&mut fields, "kid")?,
            seq: field(&mut fields, "seq")?,
            prev: field(&mut fields, "prev")?,
            part: field(&mut fields, "part")?,
            commitment: field(&mut fields, "commitment")?,
            signature: field(&mut fields, "signature")?,
        };
        // The number is the only field that a lenient parser reads in two forms.
        if leaf.line() == line { Ok(leaf) } else { Err(Fault { field: "line" }) }
    }
}

fn field<'a, T: FromStr>(fields: &mut impl Iterator<Item = &'a str>, name: &'static str) -> Result<T, Fault> {
    fields.next().and_then(|text| text.parse().ok()).ok_or(Fault { field: name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `evidence-format.md` section 11.
    const EXAMPLE: &str = "affiant.leaf/1 ba29f59ba00a8cea 0 31442e2bc7eadf61e38a7534d7cb27c82617efdf0890fbb5b082ba1b98dd6b60 as2856 dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9 1275907a3aa4d90862531447b9c1d2c3f0f2b2235e8719971e530671fd244cde3cf24faf57e444e668c2f43a7e8535f1c28efead050c17bb7ed738d214c6a404\n";

    #[test]
    fn the_worked_example_round_trips() {
        let leaf = Leaf::parse(EXAMPLE).unwrap();
        assert_eq!((leaf.seq, leaf.part), (0, Part::As(2856)));
        assert_eq!(leaf.line(), EXAMPLE);
        assert_eq!(leaf.message().len(), EXAMPLE.len() - 129);
    }

    #[test]
    fn other_lines_are_refused() {
        for (from, to) in [
            ("leaf/1", "leaf/2"),
            ("affiant.leaf/1 ", "affiant.leaf/1  "),
            (" 0 ", " 00 "),
            (" 0 ", " +0 "),
            (" 0 ", " -1 "),
            (" 0 ", " 18446744073709551616 "),
            ("ba29", "BA29"),
            ("as2856", "as02856"),
            ("as2856", "isp"),
            ("\n", ""),
            ("\n", "\n\n"),
            ("\n", " \n"),
            ("\n", " x\n"),
            ("c6a404", "c6a4"),
        ] {
            let line = EXAMPLE.replace(from, to);
            assert!(Leaf::parse(&line).is_err(), "{from} -> {to}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(line in "(affiant.leaf/1 )?[0-9a-f ]{0,330}\\PC{0,3}\n?") {
            let _ = Leaf::parse(&line);
        }
    }
}
