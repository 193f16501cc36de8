//! Single formats, for vectors and for readers who hold one file of a bundle: is it in its one accepted form?

use evidence::{Leaf, Numbered, Observation, Opening, Tag, candidates::Candidates, clock::ClockReading, run::RunFact};
use tlog::{Proof, VerifierKey};

use crate::{anchor, checkpoints, notes, observation, recipient, reports};

/// A leaf line; with a key also its signature.
pub fn leaf(line: &str, key: Option<&[u8; 32]>) -> Result<(), String> {
    let leaf = Leaf::parse(line).map_err(|fault| fault.to_string())?;
    let Some(key) = key else { return Ok(()) };
    tlog::verify_strict(key, leaf.message().as_bytes(), leaf.signature.as_bytes()).map_err(|fault| fault.to_string())
}

/// An opening line: form, shape and the rules that its record must satisfy by itself.
pub fn opening(line: &str) -> Result<(), String> {
    let opening = Opening::parse(line).map_err(|fault| fault.to_string())?;
    fn body<T: serde::de::DeserializeOwned + serde::Serialize>(opening: &Opening<'_>) -> Result<T, String> {
        opening.decode::<Numbered<T>>().map(|numbered| numbered.body).map_err(|fault| fault.to_string())
    }
    let faults = match opening.tag {
        Tag::Obs => observation::faults(&body::<Observation>(&opening)?),
        Tag::Cand => observation::candidate_faults(&body::<Candidates>(&opening)?),
        Tag::Clock => body::<ClockReading>(&opening).map(|_| Vec::new())?,
        Tag::Run => observation::fact_faults(&body::<RunFact>(&opening)?),
    };
    faults.first().map_or(Ok(()), |fault| Err((*fault).to_owned()))
}

/// A control note: form, kind and one signature; with a key also that signature.
pub fn note(bytes: &[u8], key: Option<&VerifierKey>) -> Result<(), String> {
    let (note, _) = notes::parse(bytes)?;
    key.map_or(Ok(()), |key| note.verify(key).map_err(|fault| fault.to_string()))
}

/// A trust anchor.
pub fn anchor(text: &str) -> Result<(), String> {
    anchor::parse(text).map(|_| ())
}

/// A checkpoint, judged by the text of a trust anchor.
pub fn checkpoint(bytes: &[u8], anchor: &str) -> Result<(), String> {
    checkpoints::judge(bytes, &anchor::parse(anchor)?)?.quorum
}

/// An inclusion proof of a leaf line, judged by the text of a trust anchor.
pub fn proof(bytes: &[u8], leaf: &str, anchor: &str) -> Result<(), String> {
    let policy = anchor::parse(anchor)?.policy;
    let proof = Proof::parse(bytes).map_err(|fault| fault.to_string())?;
    proof.verify(leaf.as_bytes(), &policy).map(|_| ()).map_err(|fault| fault.to_string())
}

/// The text of a `part.txt`.
pub fn part(text: &str) -> Result<(), String> {
    recipient::parse(text).map(|_| ())
}

/// The form of a `cir.json`.
pub fn report(text: &str) -> Result<(), String> {
    reports::parse(text).map(|_| ())
}

/// The text of a `tables.txt`.
pub fn tables(text: &str) -> Result<(), String> {
    crate::attachments::parse(text).map(|_| ())
}
