//! The answer: every numbered step with its result and why.

use std::fmt;

use serde::Serialize;

/// Names the JSON form of a verdict; its schema is `evidence-schema/schemas/verdict.json`.
pub const VERDICT_FORMAT: &str = "affiant.verdict/1";

/// What came of checking a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Always [`VERDICT_FORMAT`].
    pub format: &'static str,
    /// No step failed.
    pub valid: bool,
    /// Whether leaves may follow.
    pub state: State,
    /// The log's origin, as far as it could be read.
    pub log: Option<String>,
    /// How many leaves the bundle holds.
    pub leaves: u64,
    /// Whose bundle it is, as far as it could be read.
    pub recipient: Option<String>,
    /// How many reports it holds.
    pub reports: u64,
    /// Every step of `verify.md`, in order.
    pub steps: Vec<Step>,
}

/// Whether a bundle's shard has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The last leaf is a close note: nothing can follow.
    Complete,
    /// Leaves may follow; only a newer checkpoint can tell.
    Interim,
    /// The log could not be read.
    Unknown,
}

/// One step and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// As in `verify.md`.
    pub number: &'static str,
    /// As in `verify.md`.
    pub name: &'static str,
    /// What came of it.
    pub result: Outcome,
    /// How many things were checked.
    pub count: u64,
    /// In one sentence; for a failure the first one.
    pub why: String,
    /// The failures, at most [`crate::findings::FAULTS_SHOWN`] of them.
    pub faults: Vec<String>,
    /// How many failures there are.
    pub faults_total: u64,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything checked holds.
    Pass,
    /// Something does not hold: the bundle is not valid.
    Fail,
    /// Nothing is wrong, but the bundle shows less than a reader may think.
    Warn,
    /// Not checked, and why.
    Skipped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Warn => "warn",
            Self::Skipped => "skipped",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Complete => "complete",
            Self::Interim => "interim",
            Self::Unknown => "unknown",
        })
    }
}

impl Verdict {
    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.result == Outcome::Fail)
    }

    /// The step with this number.
    pub fn step(&self, number: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.number == number)
    }

    /// The JSON form, on one line with a line feed.
    pub fn to_json(&self) -> String {
        // A verdict holds strings and integers only, so it always has a JSON form.
        serde_json::to_string(self).map(|json| json + "\n").unwrap_or_default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{:>5}  {:<7}  {:>9}  {}", step.number, step.result, step.count, step.name)?;
            if step.result != Outcome::Pass {
                let shown: &[String] = if step.faults.is_empty() { std::slice::from_ref(&step.why) } else { &step.faults };
                for line in shown {
                    writeln!(f, "{:>5}  {:<7}  {:>9}  - {line}", "", "", "")?;
                }
                let more = step.faults_total.saturating_sub(step.faults.len() as u64);
                if more > 0 {
                    writeln!(f, "{:>5}  {:<7}  {:>9}  - and {more} more", "", "", "")?;
                }
            }
        }
        writeln!(f)?;
        if let (Some(log), Some(recipient)) = (&self.log, &self.recipient) {
            writeln!(
                f,
                "log {log}: {} leaves, reports for {recipient}: {}; the bundle is {}",
                self.leaves, self.reports, self.state
            )?;
        }
        writeln!(f, "verdict: {}", if self.valid { "valid" } else { "INVALID" })
    }
}
