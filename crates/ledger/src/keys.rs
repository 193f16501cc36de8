//! Private keys: the only place that touches them.
//!
//! A key has one role, and its type says which: a worker's key has no way to sign a checkpoint. None of them can
//! be printed, copied or compared, and all are wiped when dropped.

mod file;
mod password;
mod public;
mod sealed;
mod secret;
mod store;
mod token;
mod witness;

use std::marker::PhantomData;

use evidence::{Digest, KeyId, Leaf, Part, PublicKey, Signature, leaf};
use tlog::note::KeyName;
use tlog::{Checkpoint, KeyKind, Note, SignedCheckpoint, VerifierKey};

use crate::Fault;

pub use password::{AskPassword, Password};
pub use public::{public_pem, read_public};
use secret::Secret;
pub use store::Store;
pub use token::{TokenKey, TokenPlace};
pub use witness::{Monitor, MonitorKey, Witness, WitnessKey};

/// Signs delegations, revocations and close notes.
#[derive(Debug)]
pub enum Root {}
/// Signs checkpoints.
#[derive(Debug)]
pub enum Log {}
/// Signs leaves that commit to control notes.
#[derive(Debug)]
pub enum Registrar {}
/// Signs leaves that commit to openings.
#[derive(Debug)]
pub enum Worker {}
/// A named person who signs decisions.
#[derive(Debug)]
pub enum Analyst {}
/// A named person who signs erase notes.
#[derive(Debug)]
pub enum Erasure {}

/// The key of a role.
pub struct Key<Role> {
    secret: Secret,
    role: PhantomData<fn() -> Role>,
}

/// The root key.
pub type RootKey = Key<Root>;
/// The log key.
pub type LogKey = Key<Log>;
/// The registrar's key.
pub type RegistrarKey = Key<Registrar>;
/// The worker's key.
pub type WorkerKey = Key<Worker>;
/// An analyst's key.
pub type AnalystKey = Key<Analyst>;
/// An erasure officer's key.
pub type ErasureKey = Key<Erasure>;

/// The keys that a station is founded with.
#[derive(Debug)]
pub struct Keys {
    /// The root key.
    pub root: RootKey,
    /// The log key.
    pub log: LogKey,
    /// The registrar's key.
    pub registrar: RegistrarKey,
    /// The worker's key.
    pub worker: WorkerKey,
}

impl Keys {
    /// Four new keys from the operating system's random source.
    ///
    /// # Errors
    /// If the source fails.
    pub fn generate() -> Result<Self, Fault> {
        Ok(Self { root: Key::generate()?, log: Key::generate()?, registrar: Key::generate()?, worker: Key::generate()? })
    }
}

/// A key that signs notes, by role.
#[derive(Debug, Clone, Copy)]
pub enum NoteKey<'a> {
    /// For delegations, revocations and close notes.
    Root(&'a RootKey),
    /// For decisions.
    Analyst(&'a AnalystKey),
    /// For erase notes.
    Erasure(&'a ErasureKey),
}

impl<Role> Key<Role> {
    /// A new key from the operating system's random source.
    ///
    /// # Errors
    /// If the source fails.
    pub fn generate() -> Result<Self, Fault> {
        Ok(Self { secret: Secret::generate()?, role: PhantomData })
    }

    /// The key with this RFC 8032 seed, which must come from a random source. Tests pass known ones.
    ///
    /// # Errors
    /// If the seed is all zeros, as a failed random source leaves it, or the key is weak.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Fault> {
        Ok(Self { secret: Secret::from_seed(seed)?, role: PhantomData })
    }

    /// A key that stays in its token.
    ///
    /// # Errors
    /// If the token's public key is weak.
    pub fn in_token(key: TokenKey) -> Result<Self, Fault> {
        let secret = Secret::Token(key);
        if secret.is_weak() {
            return Err(Fault::refused("the token's key is weak: make another"));
        }
        Ok(Self { secret, role: PhantomData })
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.secret.public()
    }

    /// The first eight bytes of the SHA-256 of the public key.
    pub fn kid(&self) -> KeyId {
        KeyId::of(&self.public())
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], Fault> {
        self.secret.sign(message)
    }

    /// Hands `make` something that signs, and fails where the signing did.
    fn signed<T>(&self, make: impl FnOnce(&mut dyn FnMut(&[u8]) -> [u8; 64]) -> T) -> Result<T, Fault> {
        let mut failed = None;
        let made = make(&mut |message| {
            self.sign(message).unwrap_or_else(|fault| {
                failed = Some(fault);
                [0; 64]
            })
        });
        failed.map_or(Ok(made), Err)
    }

    fn sign_leaf(&self, seq: u64, prev: Digest, part: Part, commitment: Digest) -> Result<Leaf, Fault> {
        let kid = self.kid();
        let signature = Signature::from(self.sign(leaf::message(kid, seq, prev, part, commitment).as_bytes())?);
        Ok(Leaf { kid, seq, prev, part, commitment, signature })
    }
}

impl WorkerKey {
    /// The leaf of a record.
    pub(crate) fn leaf(&self, seq: u64, prev: Digest, part: Part, commitment: Digest) -> Result<Leaf, Fault> {
        self.sign_leaf(seq, prev, part, commitment)
    }
}

impl RegistrarKey {
    /// The leaf of a control note.
    pub(crate) fn leaf(&self, seq: u64, prev: Digest, commitment: Digest) -> Result<Leaf, Fault> {
        self.sign_leaf(seq, prev, Part::Ctl, commitment)
    }
}

impl LogKey {
    /// Signs a checkpoint of the log that the key is named after.
    pub(crate) fn sign_checkpoint(&self, checkpoint: Checkpoint) -> Result<SignedCheckpoint, Fault> {
        let name = checkpoint.origin().clone();
        let key = VerifierKey::new(name, KeyKind::Note, *self.public().as_bytes()).map_err(Fault::refused)?;
        self.signed(|sign| SignedCheckpoint::sign(checkpoint, &key, sign))?.map_err(Fault::refused)
    }
}

impl NoteKey<'_> {
    /// The role that a control note names as its signer; `None` for root.
    pub fn role(&self) -> Option<evidence::control::Role> {
        match self {
            Self::Root(_) => None,
            Self::Analyst(_) => Some(evidence::control::Role::Analyst),
            Self::Erasure(_) => Some(evidence::control::Role::Erasure),
        }
    }

    fn public(&self) -> PublicKey {
        match self {
            Self::Root(key) => key.public(),
            Self::Analyst(key) => key.public(),
            Self::Erasure(key) => key.public(),
        }
    }

    /// Signs the text of a note of the station `name`.
    pub(crate) fn sign_note(&self, name: &str, text: &str) -> Result<String, Fault> {
        let key = note_key(name, self.role(), &self.public())?;
        let note = match self {
            Self::Root(own) => own.signed(|sign| Note::sign(text, &key, sign)),
            Self::Analyst(own) => own.signed(|sign| Note::sign(text, &key, sign)),
            Self::Erasure(own) => own.signed(|sign| Note::sign(text, &key, sign)),
        };
        let bytes = note?.map_err(Fault::refused)?.to_bytes();
        String::from_utf8(bytes).map_err(Fault::refused)
    }
}

/// The verifier key under which a role signs notes: `<name>/root`, or `<name>/<role>/<kid>`.
pub(crate) fn note_key(name: &str, role: Option<evidence::control::Role>, public: &PublicKey) -> Result<VerifierKey, Fault> {
    let name = match role {
        None => format!("{name}/root"),
        Some(role) => format!("{name}/{role}/{}", KeyId::of(public)),
    };
    let name = KeyName::new(&name).map_err(Fault::refused)?;
    VerifierKey::new(name, KeyKind::Note, *public.as_bytes()).map_err(Fault::refused)
}

/// Says which key it is, never what it is.
impl<Role> std::fmt::Debug for Key<Role> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({}, secret withheld)", self.kid())
    }
}

/// Overwrites secret bytes in a way that the compiler may not leave out.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seed;

    #[test]
    fn a_key_does_not_print_itself() {
        let key = RootKey::from_seed(&seed("root")).unwrap();
        let printed = format!("{key:?}");
        assert_eq!(printed, format!("Key({}, secret withheld)", key.kid()));
        assert!(!printed.contains(&evidence::hex::encode(&seed("root"))));
    }

    #[test]
    fn a_failed_random_source_makes_no_key() {
        assert!(RootKey::from_seed(&[0; 32]).is_err());
        assert_ne!(RootKey::generate().unwrap().kid(), RootKey::generate().unwrap().kid());
    }
}
