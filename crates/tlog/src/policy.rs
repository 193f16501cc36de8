//! Whom to believe: one log key, and k of n witnesses.

use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::cosignature::{self, CosignatureError};
use crate::note::{KeyKind, KeyName, VerifierKey};

/// The keys a verifier was given from elsewhere, and how many witnesses must have cosigned.
///
/// No key may serve twice: neither two witnesses nor a witness and the log, or k would count one party as several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    log: VerifierKey,
    witnesses: Vec<VerifierKey>,
    quorum: usize,
}

/// A witness whose cosignature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The witness.
    pub name: KeyName,
    /// When it cosigned, by its own clock, in seconds since the Unix epoch.
    pub time_unix_s: u64,
}

impl Policy {
    /// Asks for the log's signature and for `quorum` of the witnesses' cosignatures.
    ///
    /// # Errors
    /// [`PolicyError::BadPolicy`] if a key is of the wrong kind or serves twice, or the quorum is more than there are
    /// witnesses. A quorum of zero is allowed: it asks for the log alone.
    pub fn new(log: VerifierKey, witnesses: Vec<VerifierKey>, quorum: usize) -> Result<Self, PolicyError> {
        let kinds_fit = log.kind() == KeyKind::Note && witnesses.iter().all(|witness| witness.kind() == KeyKind::Cosignature);
        let mut public_keys: Vec<_> = witnesses.iter().chain([&log]).map(VerifierKey::public_key).collect();
        public_keys.sort_unstable();
        let distinct = public_keys.windows(2).all(|pair| pair[0] != pair[1]);
        if !kinds_fit || !distinct || quorum > witnesses.len() {
            return Err(PolicyError::BadPolicy);
        }
        Ok(Self { log, witnesses, quorum })
    }

    /// Verifies the log's signature and every cosignature by a known witness. Returns those witnesses, in policy order.
    ///
    /// # Errors
    /// If the log has not signed, a known witness's cosignature is bad (one bad one condemns the checkpoint, as C2SP
    /// asks), or fewer than the quorum have cosigned.
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<Vec<Witnessed>, PolicyError> {
        signed.verify(&self.log).map_err(PolicyError::Log)?;
        let mut witnessed = Vec::new();
        for witness in &self.witnesses {
            match cosignature::verify(signed, witness) {
                Ok(time_unix_s) => witnessed.push(Witnessed { name: witness.name().clone(), time_unix_s }),
                Err(CosignatureError::NotCosigned) => {}
                Err(error) => return Err(PolicyError::Witness(error)),
            }
        }
        if witnessed.len() < self.quorum {
            return Err(PolicyError::TooFewWitnesses { have: witnessed.len(), need: self.quorum });
        }
        Ok(witnessed)
    }

    /// The log's key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The witnesses' keys.
    #[must_use]
    pub fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// How many witnesses must have cosigned.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.quorum
    }
}

/// Why a checkpoint is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// The policy contradicts itself.
    BadPolicy,
    /// The log's signature is missing or bad.
    Log(CheckpointError),
    /// A known witness's cosignature is bad.
    Witness(CosignatureError),
    /// Fewer witnesses cosigned than the policy asks for.
    TooFewWitnesses {
        /// Witnesses that cosigned.
        have: usize,
        /// Witnesses the policy asks for.
        need: usize,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPolicy => f.write_str("the policy uses a key twice or wrongly, or asks for more witnesses than it names"),
            Self::Log(error) => write!(f, "the log's signature was refused: {error}"),
            Self::Witness(error) => write!(f, "a known witness's cosignature was refused: {error}"),
            Self::TooFewWitnesses { have, need } => {
                write!(f, "{have} known witnesses cosigned the checkpoint, the policy asks for {need}")
            }
        }
    }
}

impl core::error::Error for PolicyError {}
