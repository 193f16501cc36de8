//! Checkpoints: origin, size and root of a log, signed by it. C2SP `tlog-checkpoint`.
//!
//! Stricter than C2SP: exactly three lines, because no verifier can audit an extension line, and the origin must be a
//! key name, because the log signs under its origin.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::MAX_TREE_SIZE;
use crate::canonical::parse_decimal;
use crate::merkle::{Hash, empty_root};
use crate::note::{KeyName, Note, NoteError, Signature, VerifierKey};

/// What a log says about its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: KeyName,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// States that the tree of `origin` has this size and root.
    ///
    /// # Errors
    /// If the size is past [`MAX_TREE_SIZE`], or the tree is empty and its root is not.
    pub fn new(origin: KeyName, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if size > MAX_TREE_SIZE {
            return Err(CheckpointError::BadSize);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::BadRoot);
        }
        Ok(Self { origin, size, root })
    }

    /// Reads the three lines.
    ///
    /// # Errors
    /// Says which line is not in canonical form.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::NotThreeLines)?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::NotThreeLines);
        };
        let origin = KeyName::new(origin).map_err(|_| CheckpointError::BadOrigin)?;
        let size = parse_decimal(size).ok_or(CheckpointError::BadSize)?;
        let root = Hash::from_base64(root).map_err(|_| CheckpointError::BadRoot)?;
        Self::new(origin, size, root)
    }

    /// Writes the three lines, each with its newline: the text that the log signs.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree with that many leaves.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }
}

/// A checkpoint and the signatures under it: the log's and its witnesses'.
///
/// Holding one says nothing about who signed: call [`SignedCheckpoint::verify`], or check it by a [`crate::Policy`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a checkpoint file, signatures unverified.
    ///
    /// # Errors
    /// If it is not a note, or its text is not a checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes).map_err(CheckpointError::Note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// Signs as the log. `signer` is given the exact bytes to sign and holds the private key.
    ///
    /// # Errors
    /// If the key has another name than the origin, or the signature does not verify.
    pub fn sign(
        checkpoint: Checkpoint,
        log_key: &VerifierKey,
        signer: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<Self, CheckpointError> {
        if log_key.name() != checkpoint.origin() {
            return Err(CheckpointError::WrongOrigin);
        }
        let note = Note::sign(&checkpoint.to_text(), log_key, signer).map_err(CheckpointError::Note)?;
        Ok(Self { checkpoint, note })
    }

    /// Verifies that the log with this key signed, and that the key is the origin's.
    ///
    /// # Errors
    /// If the key has another name than the origin, has not signed, or its signature is bad.
    pub fn verify(&self, log_key: &VerifierKey) -> Result<(), CheckpointError> {
        if log_key.name() != self.checkpoint.origin() {
            return Err(CheckpointError::WrongOrigin);
        }
        self.note.verify(log_key).map_err(CheckpointError::Note)
    }

    /// What the log states.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note that carries it.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    pub(crate) fn attach(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.note.attach(signature)
    }
}

/// Why a checkpoint was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The text is not three lines. Extension lines are not read.
    NotThreeLines,
    /// The origin is not a key name.
    BadOrigin,
    /// The size is not a canonical decimal within [`MAX_TREE_SIZE`].
    BadSize,
    /// The root is not canonical base64 of 32 bytes, or an empty tree has another root than the empty one.
    BadRoot,
    /// The key belongs to another log.
    WrongOrigin,
    /// The note around the checkpoint is bad.
    Note(NoteError),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotThreeLines => "the checkpoint is not exactly three lines",
            Self::BadOrigin => "the checkpoint's origin is not a key name",
            Self::BadSize => "the checkpoint's size is not a canonical decimal within 63 bits",
            Self::BadRoot => "the checkpoint's root is not the canonical base64 of a root",
            Self::WrongOrigin => "the key's name is not the checkpoint's origin",
            Self::Note(error) => return write!(f, "the checkpoint is not signed as it must be: {error}"),
        })
    }
}

impl core::error::Error for CheckpointError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn a_checkpoint_reads_back() {
        let checkpoint = Checkpoint::parse(TEXT).unwrap();
        assert_eq!(checkpoint.origin().as_str(), "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size(), 20_852_163);
        assert_eq!(checkpoint.to_text(), TEXT);

        let empty = Checkpoint::new(checkpoint.origin, 0, empty_root()).unwrap();
        assert_eq!(Checkpoint::parse(&empty.to_text()), Ok(empty));
    }

    #[test]
    fn bad_checkpoints_are_refused() {
        let swap = |from: &str, to: &str| TEXT.replacen(from, to, 1);
        for (bad, error) in [
            (String::new(), CheckpointError::NotThreeLines),
            ("\n".into(), CheckpointError::NotThreeLines),
            ("\n\n\n".into(), CheckpointError::BadOrigin),
            (TEXT.trim_end().into(), CheckpointError::NotThreeLines),
            (format!("{TEXT}extension\n"), CheckpointError::NotThreeLines),
            (format!("{TEXT}\n"), CheckpointError::NotThreeLines),
            (swap("sofa", "so fa"), CheckpointError::BadOrigin),
            (swap("sofa", "so+fa"), CheckpointError::BadOrigin),
            (swap("20852163", "020852163"), CheckpointError::BadSize),
            (swap("20852163", "+20852163"), CheckpointError::BadSize),
            (swap("20852163", "20852163 "), CheckpointError::BadSize),
            (swap("20852163", ""), CheckpointError::BadSize),
            (swap("20852163", "-1"), CheckpointError::BadSize),
            (swap("20852163", "9223372036854775808"), CheckpointError::BadSize),
            (swap("20852163", "99999999999999999999"), CheckpointError::BadSize),
            (swap("20852163", "0"), CheckpointError::BadRoot),
            (swap("I=", "J="), CheckpointError::BadRoot),
            (swap("I=", "I"), CheckpointError::BadRoot),
            (swap("I=", "I= "), CheckpointError::BadRoot),
            (swap("CsUY", ""), CheckpointError::BadRoot),
            (swap("/Xajj", "_Xajj"), CheckpointError::BadRoot),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(error), "{bad:?}");
        }
    }
}
