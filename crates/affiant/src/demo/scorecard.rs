//! What was reported, against what is true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
};

use anyhow::{Context, Result};
use evidence::{Cir, Grade};
use index::Filter;
use serde_json::{Value, json};
use swarmlab::truth::Confusion;

use super::{laboratory::Laboratory, tamper::Tampering};
use crate::{args::Place, queries, station::Station};

pub struct Scorecard {
    /// Reported addresses against real sharers in the ISPs that are reported to.
    confusion: Confusion,
    /// Sharers outside those ISPs: proved, and rightly not reported.
    proved_unreported: usize,
    /// Real sharers without a verified block.
    unproved: Vec<SocketAddr>,
    /// Peers in the network that is never reported, but were.
    reported_outside: usize,
    reports_by_isp: BTreeMap<String, u64>,
    /// Peers by ISP and highest grade.
    grades: BTreeMap<String, BTreeMap<Grade, u64>>,
    pieces_sent: u64,
    verdicts: Vec<(String, bool, String)>,
    fsck_clean: bool,
}

impl Scorecard {
    pub fn new(laboratory: &Laboratory, station: &Place, bundles: &Path) -> Result<Self> {
        let truth = laboratory.truth();
        let reports = read_reports(&bundles.join("audit/data/cirs"))?;
        let reported: BTreeSet<SocketAddr> = reports.iter().map(|cir| cir.peer.address).collect();
        let mut reports_by_isp = BTreeMap::new();
        for cir in &reports {
            *reports_by_isp.entry(cir.isp.id.clone()).or_default() += 1;
        }
        let station = Station::open(station)?;
        let index = queries::catch_up(&station, &station.reader()?)?;
        let probes = Filter { control: Some(false), ..Filter::default() };
        let mut best: BTreeMap<SocketAddr, (String, Grade)> = BTreeMap::new();
        for row in index.observations(&probes) {
            let row = row?;
            let entry = best.entry(row.peer).or_insert((row.isp.unwrap_or_default(), row.grade));
            entry.1 = entry.1.max(row.grade);
        }
        let mut grades: BTreeMap<String, BTreeMap<Grade, u64>> = BTreeMap::new();
        for (isp, grade) in best.values() {
            *grades.entry(isp.clone()).or_default().entry(*grade).or_default() += 1;
        }
        let is_proved = |peer: &SocketAddr| best.get(peer).is_some_and(|(_, grade)| *grade == Grade::Served);
        let outside: Vec<SocketAddr> = truth.sharers().filter(|peer| laboratory.is_mobile(peer.ip())).collect();
        // Sharers that no report may name count as reported for the matrix, so that it shows errors alone.
        let expected_outside = outside.iter().copied().filter(is_proved);
        Ok(Self {
            confusion: truth.confusion(reported.iter().copied().chain(expected_outside)),
            proved_unreported: outside.iter().filter(|peer| is_proved(peer) && !reported.contains(peer)).count(),
            unproved: truth.sharers().filter(|peer| !is_proved(peer)).collect(),
            reported_outside: reported.iter().filter(|peer| laboratory.is_mobile(peer.ip())).count(),
            reports_by_isp,
            grades,
            pieces_sent: laboratory.pieces_received(),
            verdicts: Vec::new(),
            fsck_clean: false,
        })
    }

    pub fn take_verdict(&mut self, place: &str, verdict: &Value) {
        let is_valid = verdict["valid"] == true && verdict["state"] == "complete";
        self.verdicts.push((
            format!("verify {}", file_name(place)),
            is_valid,
            if is_valid { "valid, complete".into() } else { failed_steps(verdict) },
        ));
    }

    pub fn take_tampered(&mut self, tampering: Tampering, verdict: &Value) {
        let is_caught = verdict["valid"] == false;
        self.verdicts.push((format!("{} (manifests rewritten)", tampering.words()), is_caught, failed_steps(verdict)));
    }

    pub fn take_fsck(&mut self, fsck: &Value) {
        self.fsck_clean = fsck["clean"] == true;
    }

    pub fn is_as_expected(&self) -> bool {
        let confusion = &self.confusion;
        confusion.false_positive == 0
            && confusion.false_negative == 0
            && confusion.true_positive > 0
            && self.unproved.is_empty()
            && self.reported_outside == 0
            && self.pieces_sent == 0
            && self.fsck_clean
            && self.verdicts.iter().all(|(_, is_expected, _)| *is_expected)
    }

    pub fn table(&self) -> String {
        let mut text = String::new();
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\npeers by ISP and highest grade")?;
        write!(text, "  {:<16}", "")?;
        for grade in Grade::ALL {
            write!(text, "{:>12}", grade.word())?;
        }
        writeln!(text, "{:>12}", "reports")?;
        for (isp, grades) in &self.grades {
            write!(text, "  {:<16}", if isp.is_empty() { "(none)" } else { isp })?;
            for grade in Grade::ALL {
                write!(text, "{:>12}", grades.get(&grade).copied().unwrap_or(0))?;
            }
            writeln!(text, "{:>12}", self.reports_by_isp.get(isp).copied().unwrap_or(0))?;
        }
        let confusion = &self.confusion;
        writeln!(text, "\nagainst the truth            named    not named")?;
        writeln!(text, "  really shares         {:>10}{:>13}", confusion.true_positive, confusion.false_negative)?;
        writeln!(text, "  does not              {:>10}{:>13}", confusion.false_positive, confusion.true_negative)?;
        writeln!(
            text,
            "  ({} of the sharers are in a mobile network: proved, and not reported under these rules)",
            self.proved_unreported
        )?;
        writeln!(text, "\n  by what the peer does      named    not named")?;
        for (behaviour, tally) in &confusion.by_behaviour {
            writeln!(text, "  {behaviour:<22}{:>10}{:>13}", tally.reported, tally.unreported)?;
        }
        writeln!(text, "\ncontent sent by the monitor: {} messages", self.pieces_sent)?;
        writeln!(text, "log fsck: {}\n", if self.fsck_clean { "clean" } else { "FAULTS" })?;
        for (what, is_expected, said) in &self.verdicts {
            writeln!(text, "  {} {what}: {said}", if *is_expected { "ok  " } else { "BAD " })?;
        }
        for missed in self.unproved.iter().take(5) {
            writeln!(text, "  BAD  a sharer without a verified block: {missed}")?;
        }
        for wrong in confusion.wrong.iter().take(5) {
            writeln!(text, "  BAD  wrongly reported: {wrong}")?;
        }
        for missed in confusion.missed.iter().take(5) {
            writeln!(text, "  BAD  a sharer not reported: {missed}")?;
        }
        writeln!(text, "\n{}", if self.is_as_expected() { "everything as expected" } else { "NOT AS EXPECTED" })
    }

    pub fn to_json(&self) -> Value {
        let confusion = &self.confusion;
        let behaviours: BTreeMap<&str, Value> = confusion
            .by_behaviour
            .iter()
            .map(|(behaviour, tally)| (behaviour.name(), json!({ "named": tally.reported, "not_named": tally.unreported })))
            .collect();
        json!({
            "as_expected": self.is_as_expected(),
            "true_positive": confusion.true_positive,
            "false_positive": confusion.false_positive,
            "false_negative": confusion.false_negative,
            "true_negative": confusion.true_negative,
            "proved_unreported": self.proved_unreported,
            "unproved": self.unproved.len(),
            "by_behaviour": behaviours,
            "reports_by_isp": self.reports_by_isp,
            "pieces_sent": self.pieces_sent,
            "fsck_clean": self.fsck_clean,
            "verdicts": self.verdicts.iter().map(|(what, ok, said)| json!({ "what": what, "as_expected": ok, "said": said })).collect::<Vec<_>>(),
        })
    }
}

fn read_reports(folder: &Path) -> Result<Vec<Cir>> {
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path().join("cir.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        reports.push(serde_json::from_str(&text).with_context(|| format!("{} is not a report", path.display()))?);
    }
    Ok(reports)
}

fn failed_steps(verdict: &Value) -> String {
    let steps = verdict["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed: Vec<String> = steps
        .iter()
        .filter(|step| step["result"] == "fail")
        .map(|step| format!("{} {}", step["number"].as_str().unwrap_or_default(), step["name"].as_str().unwrap_or_default()))
        .collect();
    if failed.is_empty() { "no step failed".into() } else { format!("fails at {}", failed.join("; ")) }
}

fn file_name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}
