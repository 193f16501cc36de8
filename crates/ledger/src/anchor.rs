//! The trust anchor: the keys that everything else is verified under. Its SHA-256 is what an auditor gets from elsewhere.

use std::fmt;
use std::fs;
use std::path::Path;

use evidence::{Digest, PublicKey};
use tlog::note::KeyName;
use tlog::{KeyKind, Policy, VerifierKey};

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
    pub(crate) fn new(
        name: &str,
        month: &str,
        root: &PublicKey,
        log: &PublicKey,
        witnesses: Vec<VerifierKey>,
        quorum: usize,
    ) -> Result<Self, Fault> {
        let key = |name: String, public: &PublicKey| {
            let name = KeyName::new(&name).map_err(Fault::refused)?;
            VerifierKey::new(name, KeyKind::Note, *public.as_bytes()).map_err(Fault::refused)
        };
        let root = key(format!("{name}/root"), root)?;
        let log = key(format!("{name}/{month}"), log)?;
        let anchor = Self { root, log, quorum, witnesses, tsas: Vec::new() };
        anchor.check_keys().map_err(Fault::refused)?;
        Ok(anchor)
    }

    /// Whom to believe: the log's key and the quorum of its witnesses.
    ///
    /// # Errors
    /// If the anchor was put together by hand and contradicts itself.
    pub fn policy(&self) -> Result<Policy, Fault> {
        Policy::new(self.log.clone(), self.witnesses.clone(), self.quorum).map_err(Fault::refused)
    }

    /// No key serves twice, and the quorum can be met.
    fn check_keys(&self) -> Result<(), String> {
        Policy::new(self.log.clone(), self.witnesses.clone(), self.quorum).map_err(|fault| fault.to_string())?;
        if self.witnesses.iter().chain([&self.log]).any(|key| key.public_key() == self.root.public_key()) {
            return Err("the root key serves twice".into());
        }
        Ok(())
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
        if kinds && same_name && anchor.check_keys().is_ok() && anchor.to_string() == text { Ok(anchor) } else { Err(refuse()) }
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
        let mut anchor = Anchor::new("log.example.org", "2026-09", &root, &log, Vec::new(), 0).unwrap();
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

    #[test]
    fn an_anchor_does_not_contradict_itself() {
        let root = RootKey::from_seed(&seed("root")).unwrap().public();
        let log = LogKey::from_seed(&seed("log")).unwrap().public();
        let witness = |name: &str, secret: &str, kind| {
            let public = LogKey::from_seed(&seed(secret)).unwrap().public();
            VerifierKey::new(KeyName::new(name).unwrap(), kind, *public.as_bytes()).unwrap()
        };
        let one = witness("w1", "wit1", KeyKind::Cosignature);
        let two = witness("w2", "wit2", KeyKind::Cosignature);
        let make = |witnesses: &[&VerifierKey], quorum| {
            let witnesses = witnesses.iter().map(|key| (*key).clone()).collect();
            Anchor::new("log.example.org", "2026-09", &root, &log, witnesses, quorum)
        };
        let anchor = make(&[&one, &two], 2).unwrap();
        assert_eq!(Anchor::parse(&anchor.to_string()).unwrap(), anchor);
        assert_eq!(anchor.policy().unwrap().quorum(), 2);
        assert!(Anchor::parse(&anchor.to_string().replace("quorum 2", "quorum 3")).is_err());
        for (bad, quorum) in [
            (vec![&one], 2),
            (vec![&one, &one], 1),
            (vec![&witness("w1", "wit1", KeyKind::Note)], 1),
            (vec![&witness("w1", "log", KeyKind::Cosignature)], 1),
            (vec![&witness("w1", "root", KeyKind::Cosignature)], 1),
        ] {
            assert!(make(&bad, quorum).is_err(), "{bad:?}");
        }
    }
}
