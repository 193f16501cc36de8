//! `affiant issue`

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use casework::{
    BoxError,
    bundle::{self, BundleInput, TableFile},
    deadlines::{Holidays, SHIPPED},
    plan::{Plan, PlanInput},
    process_report::{ReportInput, process_report},
    tables::TableInfo,
};
use clap::Args;
use evidence::{Digest, Entry, Utc, control::Control, document::Document};
use ledger::Reader;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    args::Affiant,
    clock,
    delivery::Delivery,
    progress, queries,
    station::Station,
    tables::{self, Loaded},
    witnesses,
};

/// The rules that reports are issued under, as reports name them.
const PROFILE: &str = "uk-draft-2012/1";
/// The same of a laboratory: nobody's notice.
const LABORATORY_PROFILE: &str = "laboratory/1";

/// Issue reports: a bundle for each ISP and one for the auditor.
///
/// Everything that the log holds and no earlier issue decided is reported or refused with a reason. The decision is
/// logged, signed by the approver, before a bundle is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  affiant issue --by 'I. Investigator' --approver 'C. Approver' --dry-run
  affiant issue --by 'I. Investigator' --approver 'C. Approver' --out bundles
  affiant issue --by 'I. Investigator' --approver 'C. Approver' --out bundles --close    the shard's last issue
  affiant issue --again 631 --out bundles-again        the bundles of an issue that is in the log")]
pub struct Issue {
    /// Who launched the job, and holds a key.
    #[arg(long, value_name = "NAME", required_unless_present = "again")]
    by: Option<String>,
    /// Who approves and signs: somebody else, who holds a key.
    #[arg(long, value_name = "NAME", required_unless_present = "again")]
    approver: Option<String>,
    /// Where the bundles go.
    #[arg(long, value_name = "DIR", default_value = "bundles")]
    out: PathBuf,
    /// Only say what would be issued and what would be refused; log nothing.
    #[arg(long)]
    dry_run: bool,
    /// Close the shard after the issue, so that the bundles are complete and not interim.
    #[arg(long)]
    close: bool,
    /// Write the bundles of an issue that is in the log already, by the index of its note. Logs no decision.
    #[arg(long, value_name = "INDEX", conflicts_with_all = ["by", "approver", "dry_run", "close"])]
    again: Option<u64>,
}

impl Issue {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let tables = tables::load(&station.config, &station.tables_dir())?;
        let issued = match (&self.again, &self.by, &self.approver) {
            (Some(index), ..) => issue_again(&station, &tables, *index, &self.out)?,
            (None, Some(investigator), Some(approver)) => {
                let order = Order { investigator, approver, out: &self.out, close: self.close };
                issue(&station, &tables, &order, self.dry_run)?
            }
            _ => bail!("an issue needs --by and --approver"),
        };
        let mut text = String::new();
        let plan = &issued.plan;
        for (isp, count) in &plan.statistics.reports_by_isp {
            writeln!(text, "{isp:<24}{count:>8} reports")?;
        }
        for (reason, count) in &plan.statistics.refused {
            writeln!(text, "refused: {count:>6}  {} ({})", reason.word(), reason.explanation())?;
        }
        for delivered in &issued.bundles {
            writeln!(text, "{}  and .zip, {} files", delivered.folder.display(), delivered.files)?;
        }
        if plan.statistics.left_for_next_issue > 0 {
            writeln!(text, "{} more are eligible: issue again", plan.statistics.left_for_next_issue)?;
        }
        if !plan.withdrawals_due.is_empty() {
            writeln!(
                text,
                "withdraw: peers of {} observations reported earlier have since answered a control visit",
                plan.withdrawals_due.len()
            )?;
        }
        let is_empty = plan.cirs.is_empty();
        if is_empty {
            writeln!(text, "nothing to report")?;
            if self.close && issued.bundles.is_empty() {
                writeln!(text, "the shard was not closed, because nothing was issued; 'affiant log close' closes it")?;
            }
        }
        let json = issued.to_json();
        Ok(if is_empty { Answer::no(text, json) } else { Answer::yes(text, json) })
    }
}

/// Who issues what to where.
pub(crate) struct Order<'a> {
    pub(crate) investigator: &'a str,
    pub(crate) approver: &'a str,
    pub(crate) out: &'a Path,
    pub(crate) close: bool,
}

/// What was issued.
pub(crate) struct Issued {
    pub(crate) plan: Plan,
    pub(crate) bundles: Vec<Delivered>,
}

/// One bundle.
pub(crate) struct Delivered {
    pub(crate) recipient: String,
    pub(crate) folder: PathBuf,
    pub(crate) zip: PathBuf,
    pub(crate) files: usize,
    tagmanifest_sha256: Digest,
}

impl Issued {
    fn to_json(&self) -> Value {
        let plan = &self.plan;
        let refused: BTreeMap<&str, u64> =
            plan.statistics.refused.iter().map(|(reason, count)| (reason.word(), *count)).collect();
        let bundles = self.bundles.iter().map(|bundle| {
            json!({
                "recipient": bundle.recipient, "folder": bundle.folder, "zip": bundle.zip, "files": bundle.files,
                "tagmanifest_sha256": bundle.tagmanifest_sha256,
            })
        });
        json!({
            "reports": plan.cirs.len(),
            "reports_by_isp": plan.statistics.reports_by_isp,
            "refused": refused,
            "sessions": plan.statistics.sessions,
            "past_target": plan.statistics.past_target,
            "left_for_next_issue": plan.statistics.left_for_next_issue,
            "withdrawals_due": plan.withdrawals_due,
            "bundles": bundles.collect::<Vec<_>>(),
        })
    }
}

/// Plans, logs the decision and writes the bundles; a dry run only plans.
pub(crate) fn issue(station: &Station, tables: &Loaded, order: &Order<'_>, dry_run: bool) -> Result<Issued> {
    let mut ledger = station.ledger()?;
    let case = Case::open(station)?;
    let index = queries::catch_up(station, &case.reader)?;
    let input = case.input(tables, profile(station), clock::utc(), order.investigator, order.approver);
    let spinner = progress::spinner("reading the log");
    let plan = casework::plan::plan(queries::through_index(&index, &case.reader), &input)?;
    spinner.finish_and_clear();
    let nothing = plan.cirs.is_empty() && plan.withholds.is_empty();
    if dry_run || nothing {
        return Ok(Issued { plan, bundles: Vec::new() });
    }
    check_free(&plan, order.out)?;
    // Asked before anything is decided: an issue that witnesses do not see would make bundles that nobody believes.
    if case.reader.anchor().quorum > 0 {
        let collected = witnesses::checkpoint(station, &mut ledger)?;
        if !collected.has_quorum() {
            bail!("nothing is issued and nothing decided: {}", witnesses::describe(&collected).trim_end().replace('\n', "; "));
        }
    }
    let book = station.book()?;
    for withhold in &plan.withholds {
        station.decide_in(&mut ledger, &book, order.approver, &Control::Withhold(withhold.clone()))?;
    }
    let acked = station.decide_in(&mut ledger, &book, order.approver, &Control::Issue(plan.issue.clone()))?;
    if order.close {
        ledger.close(&station.keys().root()?)?;
    }
    witnesses::checkpoint(station, &mut ledger)?;
    let written = write_bundles(station, &case, acked.index, &plan, tables, order.out);
    let bundles = written.with_context(|| {
        let index = acked.index;
        format!("the issue is logged (entry {index}), but its bundles are not all written; mend the cause and run 'affiant issue --again {index}'")
    })?;
    Ok(Issued { plan, bundles })
}

/// Writes the bundles of an issue that is in the log, from the log as it was when the issue was planned.
fn issue_again(station: &Station, tables: &Loaded, index: u64, out: &Path) -> Result<Issued> {
    let case = Case::open(station)?;
    let book = station.book()?;
    let Some(logged) = book.issues.iter().find(|issue| issue.index == index) else {
        let known: Vec<String> = book.issues.iter().map(|issue| issue.index.to_string()).collect();
        bail!(
            "entry {index} is not an issue note; those in the log: {}",
            if known.is_empty() { "none".into() } else { known.join(", ") }
        );
    };
    let covered = witnesses::believed(&case.reader)?.last_key_value().map_or(0, |(size, _)| *size);
    if covered <= index {
        witnesses::checkpoint(station, &mut station.ledger()?)?;
    }
    // Its withholdings stand just before it, one after the other, and carry its time.
    let mut planned_at = index;
    for withhold in book.withholds.iter().rev().filter(|withhold| withhold.index < index) {
        if withhold.index + 1 == planned_at && withhold.says.at == logged.says.at {
            planned_at = withhold.index;
        }
    }
    let input = case.input(tables, &logged.says.profile, logged.says.at, &logged.says.investigator, &logged.by);
    let taken = usize::try_from(planned_at)?;
    let plan = casework::plan::plan(queries::entries(&case.reader).take(taken), &input)?;
    if plan.issue != logged.says {
        bail!(
            "the issue in entry {index} cannot be derived again with these tables and this version; it was made by another release or with other tables"
        );
    }
    check_free(&plan, out)?;
    let bundles = write_bundles(station, &case, index, &plan, tables, out)?;
    Ok(Issued { plan, bundles })
}

fn check_free(plan: &Plan, out: &Path) -> Result<()> {
    for recipient in bundle::recipients(&plan.cirs) {
        if out.join(&recipient).exists() {
            bail!("{} is already there; choose another --out", out.join(&recipient).display());
        }
    }
    Ok(())
}

/// The rules by which a station's reports are issued: a laboratory's are never under a real profile.
fn profile(station: &Station) -> &'static str {
    if station.config.laboratory.is_some() { LABORATORY_PROFILE } else { PROFILE }
}

/// The log that is reported on, and the calendar.
struct Case {
    reader: Reader,
    origin: String,
    holidays: Holidays,
    estimates: BTreeMap<String, u64>,
}

impl Case {
    fn open(station: &Station) -> Result<Self> {
        let reader = station.reader()?;
        let origin = reader.anchor().origin().to_string();
        let holidays = Holidays::parse(SHIPPED).map_err(|fault| anyhow::anyhow!("the holiday table is refused: {fault}"))?;
        Ok(Self { reader, origin, holidays, estimates: BTreeMap::new() })
    }

    fn input<'a>(
        &'a self,
        tables: &'a Loaded,
        profile: &'a str,
        issued_at: Utc,
        investigator: &'a str,
        approver: &'a str,
    ) -> PlanInput<'a> {
        PlanInput {
            origin: &self.origin,
            issued_at,
            investigator,
            approver,
            profile,
            register: &tables.register,
            holidays: &self.holidays,
            estimates: &self.estimates,
        }
    }
}

fn write_bundles(station: &Station, case: &Case, issue: u64, plan: &Plan, tables: &Loaded, out: &Path) -> Result<Vec<Delivered>> {
    let (reader, origin) = (&case.reader, case.origin.as_str());
    let log = || -> Box<dyn Iterator<Item = Result<Entry, BoxError>>> { queries::entries(reader) };
    let report_input =
        ReportInput { origin, until: issue + 1, register: &tables.register, tables: &tables.infos, holidays: &case.holidays };
    let document = process_report(&report_input, &log)?;
    let report = render_report(&document, &format!("{origin}/{issue}"), plan.issue.at)?;
    let table_file = |info: &TableInfo| TableFile { bytes: tables.bytes.get(&info.sha256).cloned(), info: info.clone() };
    let files: Vec<TableFile> = tables.infos.iter().map(table_file).collect();
    let checkpoints = witnesses::believed(&case.reader)?;
    if checkpoints.last_key_value().is_none_or(|(size, _)| *size <= issue) {
        bail!("no checkpoint that covers it has its quorum of witnesses, so no verifier would believe a bundle");
    }
    // A dossier's working files may be gone; the bundle misses them only if a report rests on it.
    let mut dossiers = BTreeMap::new();
    for dossier in &station.book()?.dossiers {
        let note = dossier.note.note_sha256;
        if let Ok(blocks) = fs::read(station.dossier_dir(note).join("blocks.sha256")) {
            dossiers.insert(note, blocks);
        }
    }
    let anchor = reader.anchor().to_string();
    let transcripts = |digest| reader.transcript(digest).map_err(BoxError::from);
    let recipients = bundle::recipients(&plan.cirs);
    let bar = progress::bar(recipients.len() as u64, "writing bundles");
    let mut delivered = Vec::new();
    for recipient in recipients {
        let input = BundleInput {
            origin,
            issue,
            recipient: &recipient,
            cirs: &plan.cirs,
            register: &tables.register,
            tables: &files,
            anchor: &anchor,
            checkpoints: &checkpoints,
            dossiers: &dossiers,
            process_report: &report,
        };
        let mut delivery = Delivery::start(out, &recipient)?;
        let summary = bundle::write_bundle(&input, &log, &transcripts, &mut |path, bytes| {
            delivery.write(path, bytes).map_err(BoxError::from)
        })?;
        let (folder, zip) = delivery.finish()?;
        delivered.push(Delivered {
            recipient,
            folder,
            zip,
            files: summary.files,
            tagmanifest_sha256: summary.tagmanifest_sha256,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(delivered)
}

/// The process report as JSON, HTML and, unless left out of the build, PDF.
fn render_report(document: &Document, ident: &str, at: Utc) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::from([
        ("json".to_string(), report::json(document).into_bytes()),
        ("html".to_string(), report::html(document).into_bytes()),
    ]);
    if cfg!(feature = "pdf") {
        files.extend(pdf(document, ident, at)?);
    }
    Ok(files)
}

#[cfg(feature = "pdf")]
fn pdf(document: &Document, ident: &str, at: Utc) -> Result<Option<(String, Vec<u8>)>> {
    let (year, month, day) = at.date().civil();
    let second = at.since_ms(at.date().start()) / 1000;
    let part = |value: i64| u8::try_from(value).context("a part of a time of day is below 60");
    let timestamp = report::CivilTime {
        year: u16::try_from(year)?,
        month: u8::try_from(month)?,
        day: u8::try_from(day)?,
        hour: part(second / 3600)?,
        minute: part(second / 60 % 60)?,
        second: part(second % 60)?,
    };
    let options = report::PdfOptions { ident: ident.into(), timestamp, attachments: Vec::new() };
    Ok(Some(("pdf".into(), report::pdf(document, options)?)))
}

#[cfg(not(feature = "pdf"))]
fn pdf(_: &Document, _: &str, _: Utc) -> Result<Option<(String, Vec<u8>)>> {
    Ok(None)
}
