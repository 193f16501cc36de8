//! What signs: a key in memory, or one that never leaves its token.

use evidence::PublicKey;

use super::token::TokenKey;
use super::wipe;
use crate::Fault;

/// The private half of a key.
pub(super) enum Secret {
    /// In memory, wiped when dropped.
    Held(ed25519_dalek::SigningKey),
    /// In a token, which signs.
    Token(TokenKey),
}

impl Secret {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Result<Self, Fault> {
        let secret = Self::Held(ed25519_dalek::SigningKey::from_bytes(seed));
        if *seed == [0; 32] || secret.is_weak() {
            return Err(Fault::refused("the key is weak: make another"));
        }
        Ok(secret)
    }

    pub(super) fn generate() -> Result<Self, Fault> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|fault| Fault::Random(fault.to_string()))?;
        let secret = Self::from_seed(&seed);
        wipe(&mut seed);
        secret
    }

    pub(super) fn is_weak(&self) -> bool {
        tlog::ed25519::check_public_key(self.public().as_bytes()).is_err()
    }

    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Held(key) => PublicKey::from(key.verifying_key().to_bytes()),
            Self::Token(key) => key.public(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Fault> {
        match self {
            Self::Held(key) => Ok(ed25519_dalek::Signer::sign(key, message).to_bytes()),
            Self::Token(key) => key.sign(message),
        }
    }

    /// The seed, for a file. A token's key has none.
    pub(super) fn seed(&self) -> Option<[u8; 32]> {
        match self {
            Self::Held(key) => Some(key.to_bytes()),
            Self::Token(_) => None,
        }
    }
}
