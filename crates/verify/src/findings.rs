//! Where checks put what they find, until every step has a result.

use crate::{
    steps::Check,
    verdict::{Outcome, Step},
};

/// How many failures of one step are kept in words; the rest are counted.
pub const FAULTS_SHOWN: usize = 20;

/// Failures carry words from hostile files: none is kept longer than this.
const MAX_FAULT_BYTES: usize = 400;

/// What was found so far, by step.
pub(crate) struct Findings {
    found: Vec<Found>,
}

#[derive(Default)]
struct Found {
    count: u64,
    faults: Vec<String>,
    faults_total: u64,
    warning: Option<String>,
    skipped: Option<String>,
    done: bool,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Self { found: Check::ALL.iter().map(|_| Found::default()).collect() }
    }

    /// One more thing was looked at.
    pub(crate) fn count(&mut self, check: Check) {
        self.count_many(check, 1);
    }

    pub(crate) fn count_many(&mut self, check: Check, more: u64) {
        let found = self.at(check);
        found.done = true;
        found.count += more;
    }

    /// Something does not hold. The words are built only if there is room for them.
    pub(crate) fn fail(&mut self, check: Check, fault: impl FnOnce() -> String) {
        let found = self.at(check);
        found.done = true;
        found.faults_total += 1;
        if found.faults.len() < FAULTS_SHOWN {
            found.faults.push(inert(&fault()));
        }
    }

    /// Counts one thing, and a failure if it does not hold. Returns whether it holds.
    pub(crate) fn check(&mut self, check: Check, holds: bool, fault: impl FnOnce() -> String) -> bool {
        self.count(check);
        if !holds {
            self.fail(check, fault);
        }
        holds
    }

    /// The step holds, but shows less than a reader may think.
    pub(crate) fn warn(&mut self, check: Check, why: impl Into<String>) {
        let found = self.at(check);
        found.done = true;
        found.warning.get_or_insert(why.into());
    }

    /// The step cannot be or need not be done.
    pub(crate) fn skip(&mut self, check: Check, why: impl Into<String>) {
        self.at(check).skipped.get_or_insert(why.into());
    }

    /// All steps. Those that nothing was recorded for were not reached.
    pub(crate) fn into_steps(self, stopped: Option<&str>) -> Vec<Step> {
        Check::ALL.iter().zip(self.found).map(|(check, found)| found.into_step(*check, stopped)).collect()
    }

    fn at(&mut self, check: Check) -> &mut Found {
        // `found` has one element for each check, in the order of the enum.
        &mut self.found[check as usize]
    }
}

impl Found {
    fn into_step(self, check: Check, stopped: Option<&str>) -> Step {
        let (result, why) = if let Some(fault) = self.faults.first() {
            (Outcome::Fail, fault.clone())
        } else if let Some(why) = self.skipped {
            (Outcome::Skipped, why)
        } else if let Some(why) = self.warning {
            (Outcome::Warn, why)
        } else if self.done {
            (Outcome::Pass, "holds".into())
        } else if let Some(why) = stopped {
            (Outcome::Skipped, why.into())
        } else {
            (Outcome::Pass, "nothing in the bundle to check".into())
        };
        Step {
            number: check.number(),
            name: check.name(),
            result,
            count: self.count,
            why,
            faults: self.faults,
            faults_total: self.faults_total,
        }
    }
}

/// One line of bounded length that cannot change how a terminal shows the rest.
fn inert(fault: &str) -> String {
    let mut line = String::with_capacity(fault.len().min(MAX_FAULT_BYTES));
    for character in fault.chars() {
        if line.len() >= MAX_FAULT_BYTES {
            line.push('…');
            break;
        }
        if character != '\\' && evidence::text::is_active(character) {
            line.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_place_and_numbers_ascend() {
        let key = |check: &Check| -> Vec<u32> { check.number().split('.').map(|part| part.parse().unwrap()).collect() };
        for (position, check) in Check::ALL.iter().enumerate() {
            assert_eq!(*check as usize, position);
        }
        assert!(Check::ALL.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
    }

    #[test]
    fn failures_are_counted_beyond_those_shown_and_are_inert() {
        let mut findings = Findings::new();
        for number in 0..50 {
            findings.fail(Check::LeafForm, || format!("line {number}\u{1b}[2J{}", "x".repeat(1000)));
        }
        let step = &findings.into_steps(None)[Check::LeafForm as usize];
        assert_eq!((step.result, step.faults.len(), step.faults_total), (Outcome::Fail, FAULTS_SHOWN, 50));
        assert!(step.faults.iter().all(|fault| fault.len() < 500 && !fault.contains('\u{1b}')));
    }
}
