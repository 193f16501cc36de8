//! The trust anchor: the keys that everything else is verified under. Its SHA-256 is what an auditor gets from elsewhere.

use std::fmt;
use std::fs;
use std::path::Path;

use evidence::{Digest, PublicKey};
use tlog::note::KeyName;
use tlog::{KeyKind, VerifierKey};

use crate::Fault;

const FORMAT: &str = "affiant.anchor/1";
/// A root, a log and a handful of witnesses and authorities.
const MAX_BYTES: u64 = 1 << 16;

/// `anchor.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The root key, named `<name>/root`.
    pub root: VerifierKey,
    /// The log key, named after the origin, `<name>/<YYYY-MM>`.
    pub log: VerifierKey,
    /// How many witnesses must have cosigned.
    pub quorum: usize,
    /// The witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// SHA-256 of the root certificate of each timestamp authority.
    pub tsas: Vec<Digest>,
}

impl Anchor {
    pub(crate) fn new(name: &str, month: &str, root: &PublicKey, log: &PublicKey) -> Result<Self, Fault> {
        let key = |name: String, public: &PublicKey| {
            let name = KeyName::new(&name).map_err(Fault::refused)?;
            VerifierKey::new(name, KeyKind::Note, *public.as_bytes()).map_err(Fault::refused)
        };
        let root = key(format!("{name}/root"), root)?;
        let log = key(format!("{name}/{month}"), log)?;
        Ok(Self { root, log, quorum: 0, witnesses: Vec::new(), tsas: Vec::new() })
    }

    /// Reads the text of `anchor.txt`.
    ///
    /// # Errors
    /// If it is not in its one accepted form.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let refuse = || Fault::strange("anchor.txt is not in its one accepted form");
        let mut lines = text.strip_suffix('\n').ok_or_else(refuse)?.split('\n');
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).ok_or_else(refuse);
        field(FORMAT)?;
        let root = field("root ")?.parse().map_err(|_| refuse())?;
        let log = field("log ")?.parse().map_err(|_| refuse())?;
        let quorum = field("quorum ")?.parse().map_err(|_| refuse())?;
        let mut anchor = Self { root, log, quorum, witnesses: Vec::new(), tsas: Vec::new() };
        for line in lines {
            if let Some(key) = line.strip_prefix("witness ") {
                anchor.witnesses.push(key.parse().map_err(|_| refuse())?);
            } else {
                let digest = line.strip_prefix("tsa ").ok_or_else(refuse)?;
                anchor.tsas.push(digest.parse().map_err(|_| refuse())?);
            }
        }
        let kinds = anchor.root.kind() == KeyKind::Note && anchor.log.kind() == KeyKind::Note;
        let named = anchor.root.name().as_str().strip_suffix("/root").zip(anchor.log.name().as_str().rsplit_once('/'));
        let same_name = named.is_some_and(|(root, (log, _))| root == log);
        // Writing it again catches other orders and other spellings at once.
        if kinds && same_name && anchor.to_string() == text { Ok(anchor) } else { Err(refuse()) }
    }

    pub(crate) fn load(path: &Path) -> Result<Self, Fault> {
        let length = fs::metadata(path).map_err(Fault::io("look at", path))?.len();
        if length > MAX_BYTES {
            return Err(Fault::strange(format!("{} is longer than an anchor can be", path.display())));
        }
        Self::parse(&fs::read_to_string(path).map_err(Fault::io("read", path))?)
    }

    /// The station's name, e.g. `log.example.org`.
    pub fn name(&self) -> &str {
        let root = self.root.name().as_str();
        root.strip_suffix("/root").unwrap_or(root)
    }

    /// The shard's origin, e.g. `log.example.org/2026-09`.
    pub fn origin(&self) -> &KeyName {
        self.log.name()
    }
}

/// The text of `anchor.txt`.
impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}\nroot {}\nlog {}\nquorum {}\n", self.root, self.log, self.quorum)?;
        self.witnesses.iter().try_for_each(|witness| writeln!(f, "witness {witness}"))?;
        self.tsas.iter().try_for_each(|tsa| writeln!(f, "tsa {tsa}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{LogKey, RootKey};
    use crate::testing::seed;

    #[test]
    fn an_anchor_has_one_form() {
        let root = RootKey::from_seed(&seed("root")).unwrap().public();
        let log = LogKey::from_seed(&seed("log")).unwrap().public();
        let mut anchor = Anchor::new("log.example.org", "2026-09", &root, &log).unwrap();
        anchor.tsas.push(evidence::sha256(b"authority"));
        let text = anchor.to_string();
        assert!(text.starts_with("affiant.anchor/1\nroot log.example.org/root+"), "{text}");
        assert!(text.contains("\nlog log.example.org/2026-09+") && text.contains("\nquorum 0\ntsa "), "{text}");
        assert_eq!(Anchor::parse(&text).unwrap(), anchor);
        assert_eq!((anchor.name(), anchor.origin().as_str()), ("log.example.org", "log.example.org/2026-09"));
        for (from, to) in [
            ("anchor/1", "anchor/1 "),
            ("quorum 0", "quorum 00"),
            ("quorum 0\n", ""),
            ("tsa ", "tsa  "),
            ("tsa ", "url "),
            ("example.org/2026", "example.com/2026"),
            ("\nroot", "\nlog"),
        ] {
            assert!(Anchor::parse(&text.replacen(from, to, 1)).is_err(), "{from} {to}");
        }
        assert!(Anchor::parse(&format!("{text}\n")).is_err());
        assert!(Anchor::parse("").is_err());
    }
}
