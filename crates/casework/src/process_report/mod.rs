//! The report on the procedure, derived from the log and never typed in (process-report.md).
//!
//! Sixteen sections in the order of casework.md. Where a section's machinery does not exist yet, the section says
//! so; it is never left out and never filled with an assumption.

mod casework_sections;
mod coverage_section;
mod figures;
mod observation_sections;
mod statistics;

use evidence::document::Document;

use crate::{
    bundle::LogReader, casefile::CaseFile, deadlines::Holidays, decided::Decided, fault::Fault, register::Register,
    tables::TableInfo,
};
use statistics::Statistics;

/// Page one says this before anything else.
pub const NOTICE: &str = "Neither of Ofcom's draft Initial Obligations Codes (the consultation of 28 May 2010 and the draft Order of 26 June 2012) was ever made. This report can be built to them; it cannot be approved under them, and it is not.";

/// What the report is derived from, beside the log.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// Entries below this index are reported on: the issue's own index plus one.
    pub until: u64,
    /// The ISP register.
    pub register: &'a Register,
    /// The dated tables, in the order consulted, and the register.
    pub tables: &'a [TableInfo],
    /// The holidays.
    pub holidays: &'a Holidays,
}

/// Everything that the sections are written from.
struct Facts<'a> {
    input: ReportInput<'a>,
    case: CaseFile,
    decided: Decided,
    statistics: Statistics,
}

/// Derives the report.
pub fn process_report(input: &ReportInput<'_>, log: &LogReader<'_>) -> Result<Document, Fault> {
    let taken = usize::try_from(input.until).unwrap_or(usize::MAX);
    let case = CaseFile::read(input.origin, log().take(taken))?;
    let decided = Decided::read(input.origin, &case, case.size)?;
    let statistics = Statistics::read(log().take(taken), |index| decided.reported.contains_key(&index))?;
    let facts = Facts { input: *input, statistics, case, decided };
    let mut document = Document::new("Process report", format!("Shard {}", input.origin)).notice(NOTICE).notice(
        "This report describes connections between addresses and ports. An address and a port are not a person, and nothing in it \
         says that they are.",
    );
    if facts.statistics.runs.values().any(|run| run.laboratory) {
        document = document.notice(
            "At least one run was a laboratory run: its peers are simulated and its content is synthetic. Figures from such runs say \
             nothing about any real network.",
        );
    }
    for (label, value) in facts.particulars() {
        document = document.particular(label, value);
    }
    let sections = [
        ("Ownership and authority", facts.ownership()),
        ("Absence of consent, and the owner's own seeds", facts.consent()),
        ("Identification of the content", facts.content()),
        ("Collection", facts.collection()),
        ("Accuracy of address, port and ISP", facts.addresses()),
        ("Time", facts.time()),
        ("Audit trail", facts.audit_trail()),
        ("Quality management", facts.quality()),
        ("Data protection", facts.data_protection()),
        ("Generation of reports", facts.generation()?),
        ("Independent review", facts.review()),
        ("Limits of the evidence", facts.limits()),
        ("Versions and digests", facts.versions()),
        ("Volumes, estimates and caps", facts.volumes()),
        ("Rejections and appeals", facts.rejections()),
        ("Coverage", facts.coverage()),
    ];
    for (number, (heading, blocks)) in (1..).zip(sections) {
        document = document.section(number, heading, blocks);
    }
    Ok(document)
}

impl Facts<'_> {
    fn particulars(&self) -> Vec<(&'static str, String)> {
        let statistics = &self.statistics;
        let moment = |at: Option<evidence::Utc>| at.map_or("none".to_string(), |at| at.to_string());
        let mut owners: Vec<&str> = self.case.mandates.iter().map(|logged| logged.note.owner.name.as_str()).collect();
        owners.sort_unstable();
        owners.dedup();
        let versions: std::collections::BTreeSet<&str> = statistics.runs.values().map(|run| run.version.as_str()).collect();
        vec![
            ("Log", self.input.origin.to_string()),
            ("Entries reported on", statistics.entries.to_string()),
            ("First recorded moment", moment(statistics.first)),
            ("Last recorded moment", moment(statistics.last)),
            ("Owners", if owners.is_empty() { "none".into() } else { owners.join("; ") }),
            ("Monitor", if versions.is_empty() { "none".into() } else { versions.into_iter().collect::<Vec<_>>().join(", ") }),
            ("Derived by", format!("affiant {}", env!("CARGO_PKG_VERSION"))),
        ]
    }
}

#[cfg(test)]
mod tests;
