//! Single formats of a bundle, as `verify` reads them, and the records in them written again.

use evidence::candidates::Candidates;
use evidence::clock::ClockReading;
use evidence::control::Control;
use evidence::run::RunFact;
use evidence::{Leaf, Numbered, Observation, Opening, Tag, opening};
use serde::{Serialize, de::DeserializeOwned};
use verify::single;

use super::vectors;
use crate::Seed;
use crate::script::Script;

/// What the text is taken for, in the order of the script's first byte.
const KINDS: [&str; 7] = ["opening", "leaf", "note", "anchor", "part", "cir", "tables"];

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let kind = KINDS[usize::from(script.byte()) % KINDS.len()];
    let bytes = script.rest();
    if kind == "note" {
        let _ = single::note(bytes, None);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match kind {
        "opening" => {
            let verdict = single::opening(text);
            match Opening::parse(text) {
                Ok(opening) => check_opening(&opening, text, verdict.is_ok()),
                Err(_) => assert!(verdict.is_err()),
            }
        }
        "leaf" => {
            if let Ok(leaf) = Leaf::parse(text) {
                assert_eq!(leaf.line(), text, "a leaf has one line");
                assert!(single::leaf(text, None).is_ok());
            }
        }
        "note" => {
            if let Ok(control) = Control::parse(text) {
                assert_eq!(control.text().as_deref(), Ok(text), "a note has one text");
                let _ = (control.tag(), control.signer());
            }
        }
        "anchor" => drop(single::anchor(text)),
        "part" => drop(single::part(text)),
        "cir" => drop(single::report(text)),
        _ => drop(single::tables(text)),
    }
}

fn check_opening(opening: &Opening<'_>, line: &str, is_sound: bool) {
    let is_read = match opening.tag {
        Tag::Obs => check_record::<Observation>(opening, line),
        Tag::Cand => check_record::<Candidates>(opening, line),
        Tag::Clock => check_record::<ClockReading>(opening, line),
        Tag::Run => check_record::<RunFact>(opening, line),
    };
    assert!(is_read || !is_sound, "a verifier accepts what cannot be read");
}

/// Whether the record can be read; one that can has one line.
fn check_record<T: DeserializeOwned + Serialize>(opening: &Opening<'_>, line: &str) -> bool {
    let Ok(record) = opening.decode::<Numbered<T>>() else { return false };
    assert_eq!(opening::seal(opening.tag, &opening.blind, &record).as_deref(), Ok(line), "a record has one line");
    true
}

pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (kind, number) in KINDS.iter().zip(0_u8..) {
        // Every second vector breaks a rule that one of the others breaks as well; corpora stay small.
        for (name, payload) in vectors::payloads(kind, 4_000).into_iter().step_by(3) {
            seeds.push((format!("vector-{kind}-{name}"), [&[number][..], &payload].concat()));
        }
    }
    seeds
}
