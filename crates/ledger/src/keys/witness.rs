//! Keys of those who watch a log from outside: neither is a station's, and no station holds one.

use evidence::Utc;
use tlog::note::KeyName;
use tlog::{KeyKind, Note, SignedCheckpoint, VerifierKey, cosignature};

use super::Key;
use crate::Fault;

/// Cosigns checkpoints that extend each other.
#[derive(Debug)]
pub enum Witness {}
/// Signs alarms.
#[derive(Debug)]
pub enum Monitor {}

/// A witness's key.
pub type WitnessKey = Key<Witness>;
/// A monitor's key.
pub type MonitorKey = Key<Monitor>;

impl WitnessKey {
    /// What anchors and policies name the witness by: a key of type 0x04.
    ///
    /// # Errors
    /// If the key is weak.
    pub fn verifier(&self, name: &KeyName) -> Result<VerifierKey, Fault> {
        VerifierKey::new(name.clone(), KeyKind::Cosignature, *self.public().as_bytes()).map_err(Fault::refused)
    }

    /// Adds this witness's cosignature. It says "the largest tree that I have seen is this one, at this time", so the
    /// caller first makes durable that it is.
    ///
    /// # Errors
    /// If the time is before 1970, or this witness has cosigned already.
    pub fn cosign(&self, name: &KeyName, signed: &mut SignedCheckpoint, at: Utc) -> Result<(), Fault> {
        let time_unix_s = u64::try_from(at.ms().div_euclid(1000)).map_err(Fault::refused)?;
        let key = self.verifier(name)?;
        self.signed(|sign| cosignature::cosign(signed, &key, time_unix_s, sign))?.map_err(Fault::refused)
    }
}

impl MonitorKey {
    /// What others know the monitor by: a key of type 0x01.
    ///
    /// # Errors
    /// If the key is weak.
    pub fn verifier(&self, name: &KeyName) -> Result<VerifierKey, Fault> {
        VerifierKey::new(name.clone(), KeyKind::Note, *self.public().as_bytes()).map_err(Fault::refused)
    }

    /// Signs the text of an alarm, which begins with its own tag so that it cannot be taken for anything else.
    ///
    /// # Errors
    /// If the text is not an alarm's, or may not be a note's.
    pub fn sign_alarm(&self, name: &KeyName, text: &str) -> Result<Note, Fault> {
        if !text.starts_with("affiant.alarm/1\n") {
            return Err(Fault::refused("a monitor signs alarms and nothing else"));
        }
        let key = self.verifier(name)?;
        self.signed(|sign| Note::sign(text, &key, sign))?.map_err(Fault::refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOON, key, seed, station};

    #[test]
    fn a_witness_cosigns_once_and_verifiably() {
        let (_folder, mut ledger) = station();
        let mut signed = ledger.checkpoint().unwrap();
        let witness: WitnessKey = key("wit1");
        let name = KeyName::new("witness.example/w1").unwrap();
        witness.cosign(&name, &mut signed, NOON).unwrap();
        assert_eq!(cosignature::verify(&signed, &witness.verifier(&name).unwrap()), Ok(1_788_264_000));
        assert!(witness.cosign(&name, &mut signed, NOON).is_err());
    }

    #[test]
    fn a_monitor_signs_nothing_but_alarms() {
        let monitor = MonitorKey::from_seed(&seed("monitor")).unwrap();
        let name = KeyName::new("monitor.example").unwrap();
        let note = monitor.sign_alarm(&name, "affiant.alarm/1\nkind fork\n").unwrap();
        note.verify(&monitor.verifier(&name).unwrap()).unwrap();
        assert!(monitor.sign_alarm(&name, "log.example.org/2026-09\n3\n").is_err());
    }
}
