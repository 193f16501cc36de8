//! Test keys: the seed of a key is SHA-256("affiant test key " + name), as in the worked example.

use ed25519_dalek::{Signer as _, SigningKey};
use evidence::{KeyId, PublicKey, sha256};
use tlog::{KeyKind, KeyName, VerifierKey};

pub const NAME: &str = "log.example.org";
pub const ORIGIN: &str = "log.example.org/2026-09";
pub const WITNESS: &str = "witness.lawfirm.example/w1";

pub fn private(name: &str) -> SigningKey {
    SigningKey::from_bytes(sha256(format!("affiant test key {name}").as_bytes()).as_bytes())
}

pub fn public(name: &str) -> PublicKey {
    PublicKey::from(private(name).verifying_key().to_bytes())
}

pub fn kid(name: &str) -> KeyId {
    KeyId::of(&public(name))
}

pub fn sign(name: &str, message: &[u8]) -> [u8; 64] {
    private(name).sign(message).to_bytes()
}

pub fn verifier(key_name: &str, kind: KeyKind, seed: &str) -> VerifierKey {
    VerifierKey::new(KeyName::new(key_name).unwrap(), kind, *public(seed).as_bytes()).unwrap()
}

pub fn root() -> VerifierKey {
    verifier(&format!("{NAME}/root"), KeyKind::Note, "root")
}

pub fn log() -> VerifierKey {
    verifier(ORIGIN, KeyKind::Note, "log")
}

pub fn witness() -> VerifierKey {
    verifier(WITNESS, KeyKind::Cosignature, "wit1")
}

/// A trust anchor that asks for the one witness.
pub fn anchor() -> String {
    format!("affiant.anchor/1\nroot {}\nlog {}\nquorum 1\nwitness {}\n", root(), log(), witness())
}
