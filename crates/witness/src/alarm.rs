//! Alarms: a monitor's signed statement that a log contradicts itself, with what proves it. `affiant.alarm/1`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::Utc;
use tlog::merkle::{Hash, verify_consistency};
use tlog::{Note, SignedCheckpoint, VerifierKey};

const FORMAT: &str = "affiant.alarm/1";
/// Two heads, a root and 63 proof lines.
const MAX_BYTES: usize = 128 << 10;
const MAX_PROOF_LINES: usize = 63;

/// What a monitor saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When, by the monitor's clock.
    pub at: Utc,
    /// Where the head that contradicts the others was read, in one line.
    pub place: String,
    /// The head with fewer entries, signatures included.
    pub older: SignedCheckpoint,
    /// The head with more entries, or as many.
    pub newer: SignedCheckpoint,
    /// What shows that one does not extend the other.
    pub shown_by: ShownBy,
}

/// What shows a contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownBy {
    /// Both heads are signed for the same size and have different roots. They prove it by themselves.
    TheHeads,
    /// The tree of the newer head has another root at the older head's size, and this proves that it does.
    Proof {
        /// The root of the newer tree's first entries, as many as the older head has.
        root: Hash,
        /// From that root to the newer head's. RFC 6962, section 2.1.2.
        proof: Vec<Hash>,
    },
    /// The tiles served with the newer head do not give its root: nobody can tell what it is a head of.
    Nothing,
}

impl Alarm {
    /// `fork` is proven to whoever holds the log's key; `unproven` is the monitor's word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.shown_by {
            ShownBy::TheHeads | ShownBy::Proof { .. } => "fork",
            ShownBy::Nothing => "unproven",
        }
    }

    /// The text that the monitor signs.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{FORMAT}\nkind {}\nat {}\nplace {}\nolder {}\nnewer {}\n",
            self.kind(),
            self.at,
            self.place,
            STANDARD.encode(self.older.to_bytes()),
            STANDARD.encode(self.newer.to_bytes()),
        );
        if let ShownBy::Proof { root, proof } = &self.shown_by {
            text.push_str(&format!("root {}\n", root.to_base64()));
            proof.iter().for_each(|hash| text.push_str(&format!("proof {}\n", hash.to_base64())));
        }
        text
    }

    /// Reads an alarm file, unverified.
    ///
    /// # Errors
    /// If it is not in its one accepted form.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Note), BadAlarm> {
        if bytes.len() > MAX_BYTES {
            return Err(BadAlarm::Malformed);
        }
        let note = Note::parse(bytes).map_err(|_| BadAlarm::Malformed)?;
        let alarm = Self::parse_text(note.text()).ok_or(BadAlarm::Malformed)?;
        // Writing it again catches other spellings and orders at once.
        if alarm.text() == note.text() && note.signatures().len() == 1 { Ok((alarm, note)) } else { Err(BadAlarm::Malformed) }
    }

    fn parse_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name));
        field(FORMAT)?;
        let kind = field("kind ")?;
        let at = field("at ")?.parse().ok()?;
        let place = field("place ")?.to_string();
        let mut head = |name| SignedCheckpoint::parse(&STANDARD.decode(field(name)?).ok()?).ok();
        let (older, newer) = (head("older ")?, head("newer ")?);
        let shown_by = match (kind, lines.next()) {
            ("fork", None) => ShownBy::TheHeads,
            ("unproven", None) => ShownBy::Nothing,
            ("fork", Some(root)) => {
                let root = Hash::from_base64(root.strip_prefix("root ")?).ok()?;
                let proof = lines.map(|line| Hash::from_base64(line.strip_prefix("proof ")?).ok());
                let proof: Vec<Hash> = proof.take(MAX_PROOF_LINES + 1).collect::<Option<_>>()?;
                ShownBy::Proof { root, proof }
            }
            _ => return None,
        };
        Some(Self { at, place, older, newer, shown_by })
    }

    /// Checks that the log itself signed what contradicts itself. The monitor need not be believed for a fork.
    ///
    /// # Errors
    /// If a head is not the log's, or the heads and the proof do not contradict each other.
    pub fn check(&self, log: &VerifierKey) -> Result<(), BadAlarm> {
        for head in [&self.older, &self.newer] {
            head.verify(log).map_err(|_| BadAlarm::NotTheLogs)?;
        }
        let (older, newer) = (self.older.checkpoint(), self.newer.checkpoint());
        let contradicts = match &self.shown_by {
            ShownBy::TheHeads => older.size() == newer.size() && older.root() != newer.root(),
            ShownBy::Proof { root, proof } => {
                *root != older.root()
                    && older.size() < newer.size()
                    && verify_consistency(older.size(), *root, newer.size(), newer.root(), proof).is_ok()
            }
            ShownBy::Nothing => return Err(BadAlarm::Unproven),
        };
        if contradicts { Ok(()) } else { Err(BadAlarm::NoContradiction) }
    }
}

/// Why an alarm proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAlarm {
    /// The file has no accepted form.
    #[error("the alarm is not in its one accepted form")]
    Malformed,
    /// A head in it is not signed by the log.
    #[error("a head in the alarm is not signed by the log's key")]
    NotTheLogs,
    /// The heads do not contradict each other.
    #[error("the heads in the alarm do not contradict each other")]
    NoContradiction,
    /// It says itself that it proves nothing.
    #[error("the monitor could not prove a fork: what was served with the newer head is not its tree")]
    Unproven,
}

#[cfg(test)]
mod tests;
