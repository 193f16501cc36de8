//! Cosignatures: what witnesses answered, kept with the checkpoint that they answered for.

use std::fs;

use tlog::{Policy, SignedCheckpoint};

use crate::{Fault, Ledger, durable};

impl Ledger {
    /// Publishes the last checkpoint again, now with the cosignatures that witnesses gave for it.
    ///
    /// `cosigned` is what [`Ledger::checkpoint`] answered with lines added. Cosignatures held already stay, so a call
    /// that brings fewer takes none away.
    ///
    /// # Errors
    /// If it is not the last checkpoint, carries a signature of anybody whom the anchor does not name or one that does
    /// not verify, or a write fails.
    pub fn attach_cosignatures(&mut self, cosigned: &SignedCheckpoint) -> Result<SignedCheckpoint, Fault> {
        self.check_sound()?;
        let Some(published) = self.published.clone() else {
            return Err(Fault::refused("no checkpoint is published yet, so none can be cosigned"));
        };
        if cosigned.checkpoint() != published.checkpoint() {
            return Err(Fault::refused(format!(
                "the cosignatures are for a checkpoint of {} entries, the last is of {}",
                cosigned.checkpoint().size(),
                published.checkpoint().size()
            )));
        }
        let policy = self.anchor.policy()?;
        check_signers(&policy, cosigned).map_err(Fault::refused)?;
        let merged = merge(&policy, &published, cosigned).map_err(Fault::refused)?;
        if merged == published {
            return Ok(published);
        }
        let written = self.put_cosigned(&merged);
        self.poison_on_fault(written)?;
        self.published = Some(merged.clone());
        Ok(merged)
    }

    fn put_cosigned(&self, merged: &SignedCheckpoint) -> Result<(), Fault> {
        let bytes = merged.to_bytes();
        durable::replace(&self.shard.checkpoint_of(merged.checkpoint().size()), &bytes)?;
        durable::replace(&self.shard.checkpoint(), &bytes)
    }

    /// Brings `checkpoint` up to `checkpoints/<size>.txt`, which is written first, if a crash came in between.
    pub(crate) fn finish_attaching(&mut self) -> Result<(), Fault> {
        let Some(published) = self.published.clone() else { return Ok(()) };
        let path = self.shard.checkpoint_of(published.checkpoint().size());
        let strange = |what: &dyn std::fmt::Display| Fault::strange(format!("{}: {what}", path.display()));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // A copy that was lost is for fsck to report; nothing signed is in doubt.
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(fault) => return Err(Fault::io("read", &path)(fault)),
        };
        if bytes == published.to_bytes() {
            return Ok(());
        }
        let kept = SignedCheckpoint::parse(&bytes).map_err(|fault| strange(&fault))?;
        if kept.checkpoint() != published.checkpoint() {
            return Err(strange(&"it is another checkpoint than the one published: bring the right one back"));
        }
        let policy = self.anchor.policy()?;
        check_signers(&policy, &kept).map_err(|fault| strange(&fault))?;
        check_signers(&policy, &published).map_err(|fault| strange(&fault))?;
        let merged = merge(&policy, &published, &kept).map_err(|fault| strange(&fault))?;
        self.put_cosigned(&merged)?;
        self.published = Some(merged);
        Ok(())
    }
}

/// The log's signature first, then witnesses of the anchor, every one of them good.
fn check_signers(policy: &Policy, signed: &SignedCheckpoint) -> Result<(), String> {
    signed.verify(policy.log()).map_err(|fault| fault.to_string())?;
    for (position, signature) in signed.note().signatures().iter().enumerate() {
        let is = |key: &&tlog::VerifierKey| key.name() == signature.name() && key.key_id() == signature.key_id();
        match policy.witnesses().iter().find(is) {
            Some(witness) => drop(tlog::cosignature::verify(signed, witness).map_err(|fault| fault.to_string())?),
            None if position == 0 && is(&policy.log()) => {}
            None => return Err(format!("its signature line {} is nobody's whom the anchor names there", position + 1)),
        }
    }
    Ok(())
}

/// The first with those of the second's cosignatures that it lacks.
fn merge(policy: &Policy, first: &SignedCheckpoint, second: &SignedCheckpoint) -> Result<SignedCheckpoint, String> {
    let mut merged = first.clone();
    for witness in policy.witnesses() {
        if merged.note().signature_by(witness).is_none()
            && let Some(line) = line_by(second, witness)
        {
            tlog::cosignature::add_cosignature_line(&mut merged, witness, &line).map_err(|fault| fault.to_string())?;
        }
    }
    Ok(merged)
}

/// The signature line of a witness, as it stands in the file.
fn line_by(signed: &SignedCheckpoint, witness: &tlog::VerifierKey) -> Option<String> {
    let position = signed
        .note()
        .signatures()
        .iter()
        .position(|signature| signature.name() == witness.name() && signature.key_id() == witness.key_id())?;
    let bytes = signed.to_bytes();
    let lines = std::str::from_utf8(bytes.get(signed.note().text().len() + 1..)?).ok()?;
    lines.split_inclusive('\n').nth(position).map(Into::into)
}

#[cfg(test)]
mod tests;
