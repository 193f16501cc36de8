//! Signature lines of a checkpoint, as they stand in its file.

use tlog::checkpoint::CheckpointError;
use tlog::{SignedCheckpoint, VerifierKey};

/// The line of a key, with its newline, unverified.
pub(crate) fn line_of(signed: &SignedCheckpoint, key: &VerifierKey) -> Option<String> {
    let is = |signature: &tlog::note::Signature| signature.name() == key.name() && signature.key_id() == key.key_id();
    let position = signed.note().signatures().iter().position(is)?;
    let bytes = signed.to_bytes();
    let lines = std::str::from_utf8(bytes.get(signed.note().text().len() + 1..)?).ok()?;
    lines.split_inclusive('\n').nth(position).map(Into::into)
}

/// The checkpoint with the log's signature alone: what others added is for others to vouch for.
pub(crate) fn signed_by_log(signed: &SignedCheckpoint, log: &VerifierKey) -> Result<SignedCheckpoint, CheckpointError> {
    signed.verify(log)?;
    let line = line_of(signed, log).unwrap_or_default();
    SignedCheckpoint::parse(format!("{}\n{line}", signed.note().text()).as_bytes())
}
