//! Step 5, first half: the checkpoint files, before the tree is rebuilt.

use std::collections::BTreeMap;

use tlog::{Hash, SignedCheckpoint, policy::PolicyError};

use crate::{
    anchor::Anchor,
    bag::{Bag, read_whole},
    findings::Findings,
    place::Place,
    source::Source,
    steps::Check,
};

/// A checkpoint is three lines and at most 64 signatures.
const MAX_BYTES: u64 = 32 * 1024;

/// What the signed checkpoints say, by size.
pub(crate) struct Checkpoints {
    by_size: BTreeMap<u64, Stated>,
}

struct Stated {
    root: Hash,
    /// The earliest time that a witness gave, if one cosigned.
    witnessed_unix_s: Option<u64>,
}

impl Checkpoints {
    /// The root that was signed for a tree of this size.
    pub(crate) fn root_at(&self, size: u64) -> Option<Hash> {
        self.by_size.get(&size).map(|stated| stated.root)
    }

    /// The largest size that was signed for.
    pub(crate) fn last_size(&self) -> Option<u64> {
        self.by_size.last_key_value().map(|(size, _)| *size)
    }

    pub(crate) fn sizes(&self) -> impl Iterator<Item = u64> {
        self.by_size.keys().copied()
    }

    /// The earliest witness time of the first checkpoint that covers the leaf at `index`.
    pub(crate) fn witnessed_unix_s(&self, index: u64) -> Option<u64> {
        self.by_size.range(index.saturating_add(1)..).next()?.1.witnessed_unix_s
    }
}

pub(crate) fn check(source: &mut dyn Source, bag: &Bag, anchor: &Anchor, findings: &mut Findings) -> Checkpoints {
    let mut by_size = BTreeMap::new();
    for (path, place) in bag.places() {
        let Place::Checkpoint(size) = place else { continue };
        findings.count(Check::CheckpointSignature);
        let read = read_whole(source, path, MAX_BYTES)
            .and_then(|bytes| judge(&bytes, anchor).map_err(|fault| format!("'{path}': {fault}")));
        match read {
            Err(fault) => findings.fail(Check::CheckpointSignature, || fault),
            Ok(judged) if judged.size != size => {
                findings.fail(Check::CheckpointSignature, || format!("'{path}' is the checkpoint of size {}", judged.size));
            }
            Ok(judged) => {
                if anchor.policy.quorum() > 0 {
                    findings.check(Check::Witnesses, judged.quorum.is_ok(), || {
                        format!("'{path}': {}", judged.quorum.err().unwrap_or_default())
                    });
                }
                by_size.insert(size, Stated { root: judged.root, witnessed_unix_s: judged.witnessed_unix_s });
            }
        }
    }
    if anchor.policy.quorum() == 0 {
        findings.warn(
            Check::Witnesses,
            "the anchor asks for no witness: no outsider vouches for the time or the completeness of the log",
        );
    }
    Checkpoints { by_size }
}

/// A checkpoint whose log signature holds.
pub(crate) struct Judged {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    witnessed_unix_s: Option<u64>,
    pub(crate) quorum: Result<(), String>,
}

/// Reads one checkpoint and checks everybody who signed it.
pub(crate) fn judge(bytes: &[u8], anchor: &Anchor) -> Result<Judged, String> {
    let signed = SignedCheckpoint::parse(bytes).map_err(|fault| fault.to_string())?;
    let policy = &anchor.policy;
    signed.verify(policy.log()).map_err(|fault| fault.to_string())?;
    // A signature that nobody here can check is an extension point that a verifier would ignore.
    for (position, signature) in signed.note().signatures().iter().enumerate() {
        let is = |key: &tlog::VerifierKey| key.name() == signature.name() && key.key_id() == signature.key_id();
        let known = if position == 0 { is(policy.log()) } else { policy.witnesses().iter().any(is) };
        if !known {
            return Err(format!("its signature line {} is neither the log's nor a witness's of the anchor", position + 1));
        }
    }
    let (times, quorum) = match policy.check(&signed) {
        Ok(witnessed) => (witnessed, Ok(())),
        Err(fault @ PolicyError::TooFewWitnesses { .. }) => (Vec::new(), Err(fault.to_string())),
        Err(fault) => return Err(fault.to_string()),
    };
    let witnessed_unix_s = times.iter().map(|witness| witness.time_unix_s).min();
    let checkpoint = signed.checkpoint();
    Ok(Judged { size: checkpoint.size(), root: checkpoint.root(), witnessed_unix_s, quorum })
}
