//! Checks a bundle against a trust anchor and nothing else.
//!
//! The steps are those of `evidence-schema/verify.md`, one [`Step`] for each number. Formats are shared with the issuer
//! (`evidence`, `tlog`), logic is not: sessions, counts, identifiers, deadlines, eligibility and what a recipient is
//! owed are derived again here.
//!
//! *In scope*: reading a bundle (folder or zip) within limits, every rule of the pages, the verdict.
//! *Out of scope*: whether the anchor is the right one (its digest comes from elsewhere), RFC 3161 tokens, and making
//! anything. Files are read in `source` only; there is no network, no clock and no thread.
//!
//! ```no_run
//! let mut source = verify::open("bundle.zip".as_ref())?;
//! let verdict = verify::bundle(source.as_mut(), &verify::Expectations::default());
//! println!("{verdict}");
//! # Ok::<(), verify::CannotOpen>(())
//! ```

mod anchor;
mod attachments;
mod bag;
mod checkpoints;
mod dossiers;
pub mod findings;
mod lines;
mod log;
mod notes;
mod observation;
mod openings;
mod place;
mod process;
mod recipient;
mod reports;
mod session;
pub mod single;
pub mod source;
pub mod steps;
pub mod verdict;

use evidence::Digest;

pub use source::{CannotOpen, Folder, Listed, Source, Zip, open};
pub use steps::Check;
pub use verdict::{Outcome, State, Step, Verdict};

use checkpoints::Judged;
use findings::Findings;

/// What the caller knows from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// The SHA-256 of the trust anchor. Without it whoever made the bundle also chose the keys.
    pub anchor_sha256: Option<Digest>,
    /// The bytes of a checkpoint of the same log: the bundle must hold at least the leaves that it covers.
    pub newer_checkpoint: Option<Vec<u8>>,
}

/// Gives the verdict on a bundle.
pub fn bundle(source: &mut dyn Source, expectations: &Expectations) -> Verdict {
    let mut findings = Findings::new();
    let mut summary = Summary::default();
    let stopped = check(source, expectations, &mut findings, &mut summary).err();
    let steps = findings.into_steps(stopped);
    let valid = stopped.is_none() && steps.iter().all(|step| step.result != Outcome::Fail);
    let Summary { state, log, leaves, recipient, reports } = summary;
    Verdict { format: verdict::VERDICT_FORMAT, valid, state, log, leaves, recipient, reports, steps }
}

struct Summary {
    state: State,
    log: Option<String>,
    leaves: u64,
    recipient: Option<String>,
    reports: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self { state: State::Unknown, log: None, leaves: 0, recipient: None, reports: 0 }
    }
}

/// Goes through the steps. The error says why the remaining ones could not be reached.
fn check(
    source: &mut dyn Source,
    expectations: &Expectations,
    findings: &mut Findings,
    summary: &mut Summary,
) -> Result<(), &'static str> {
    let bag = bag::check(source, findings).ok_or("the list of files is refused (step 1.1)")?;
    process::check(source, &bag, findings);
    let tables = attachments::check_tables(source, &bag, findings);
    let recipient = recipient::check(source, findings);
    summary.recipient = recipient.as_ref().map(|recipient| recipient.id.clone());

    let anchor =
        anchor::check(source, expectations.anchor_sha256, findings).ok_or("there is no trust anchor to judge by (step 2.1)")?;
    summary.log = Some(anchor.origin().to_owned());
    let notes = notes::read(source, &bag, findings);
    let revoked = notes::revocations(&notes, &anchor);
    let stated = checkpoints::check(source, &bag, &anchor, findings);
    let newer = newer_checkpoint(expectations, &anchor, findings);
    let given = log::Given { anchor: &anchor, notes: &notes, revoked: &revoked, checkpoints: &stated, newer: newer.as_ref() };
    let log = log::check(source, &given, findings);
    drop(notes);
    summary.leaves = log.size;
    summary.state = if log.decisions.close.is_some() { State::Complete } else { State::Interim };

    let recipient = recipient.ok_or("the recipient's parts are refused (step 7.1)")?;
    let issue = reports::issue_of(&log, &recipient, findings);
    if let (Some(info), Some(issue)) = (&bag.info, issue) {
        let identifier = format!("{}/{}/{}", anchor.origin(), recipient.issue, recipient.id);
        findings.check(Check::BagInfo, info.identifier == identifier, || {
            format!("bag-info.txt: External-Identifier is not '{identifier}'")
        });
        findings.check(Check::BagInfo, info.date == issue.value.at.date(), || {
            "bag-info.txt: Bagging-Date is not the day of the issue note".into()
        });
    }
    let cirs = issue.map(|issue| reports::read(source, &bag, &recipient, issue, findings)).unwrap_or_default();
    summary.reports = cirs.len() as u64;
    let openings = openings::check(source, &log, &recipient, &reports::named(&cirs), findings);
    attachments::check_transcripts(&bag, &openings, findings);
    process::check_addresses(source, &openings.sightings.addresses(), findings);
    attachments::check_named(&openings, &tables, findings);
    dossiers::check(
        source,
        &dossiers::Given { bag: &bag, log: &log, recipient: &recipient, openings: &openings },
        &cirs,
        findings,
    );
    let issue = issue.ok_or("there is no issue note to compare the reports with (step 9.1)")?;
    let derived = openings.sightings.derive();
    let earlier = reports::earlier(&log, recipient.issue);
    let case = reports::Case {
        anchor: &anchor,
        log: &log,
        recipient: &recipient,
        openings: &openings,
        tables: &tables,
        issue,
        derived: &derived,
        revoked: &revoked,
        earlier,
    };
    reports::check(source, &case, &cirs, findings);
    Ok(())
}

fn newer_checkpoint(expectations: &Expectations, anchor: &anchor::Anchor, findings: &mut Findings) -> Option<Judged> {
    let Some(bytes) = &expectations.newer_checkpoint else {
        findings.skip(
            Check::NewerCheckpoint,
            "no checkpoint was given; one had from the log or a witness shows whether leaves were left out at the end",
        );
        return None;
    };
    let judged = checkpoints::judge(bytes, anchor);
    findings.count(Check::NewerCheckpoint);
    judged.map_err(|fault| findings.fail(Check::NewerCheckpoint, || format!("the checkpoint given is refused: {fault}"))).ok()
}
