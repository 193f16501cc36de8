//! Coverage as `affiant status` shows it: the index's rows, counted as the process report counts the log.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context, Result};
use casework::coverage::{Contact, Coverage, Estimate, Funnel, Heard, Means, Span, TargetFigures};
use evidence::{Grade, RunId, TargetIds, Transport};
use index::{Filter, Index, ObservationRow};
use serde_json::{Map, Value, json};

/// Counts what the index holds of one run, or of all; `reported` says whether an issue reported the entry.
pub fn count(index: &Index, run: Option<RunId>, reported: impl Fn(u64) -> bool) -> Result<Coverage> {
    let mut coverage = Coverage::default();
    let mut targets: BTreeMap<String, Option<TargetIds>> = BTreeMap::new();
    let mut target = |text: &str| match targets.get(text) {
        Some(known) => *known,
        None => *targets.entry(text.into()).or_insert(parsed(text)),
    };
    index.sightings(run, |row| {
        if let Some(target) = target(&row.target) {
            coverage.hear(&Heard { target, peer: row.peer, at: row.at, source: &row.source });
        }
    })?;
    let probes = Filter { run, control: Some(false), ..Filter::default() };
    for row in index.observations(&probes) {
        let row = row?;
        let target = target(&row.target).with_context(|| format!("the index names no torrent at entry {}", row.index))?;
        coverage.meet(&Contact {
            target,
            peer: row.peer,
            at: row.began,
            means: means(&row),
            grade: row.grade,
            outcome: &row.outcome,
            rule: row.rule.as_deref(),
            listening_port: row.listening_port,
            is_reported: reported(row.index),
        });
    }
    Ok(coverage)
}

/// The last run that began.
pub fn last_run(index: &Index) -> Result<Option<RunId>> {
    let facts = index.run_facts(None)?;
    Ok(facts.iter().rev().find(|fact| fact.kind == "started").map(|fact| fact.run))
}

/// Reads what [`TargetIds`] writes.
fn parsed(text: &str) -> Option<TargetIds> {
    match text.split_once('/') {
        Some((v1, v2)) => Some(TargetIds { v1: Some(v1.parse().ok()?), v2: Some(v2.parse().ok()?) }),
        None if text.len() == 40 => Some(TargetIds { v1: Some(text.parse().ok()?), v2: None }),
        None => Some(TargetIds { v1: None, v2: Some(text.parse().ok()?) }),
    }
}

fn means(row: &ObservationRow) -> Means {
    let transport = if row.transport == "utp" { Transport::Utp } else { Transport::Tcp };
    Means { direction: row.direction, transport, is_covered: row.is_covered }
}

/// In lines to be read: each torrent's figures and its last hours.
pub fn write(text: &mut String, coverage: &Coverage, hours: usize) -> Result<()> {
    for target in coverage.targets() {
        let TargetFigures { funnel, by_source, by_means, missed, excluded, .. } = coverage.of(target);
        writeln!(text, "coverage of {target}, in addresses and ports")?;
        writeln!(text, "  {}", steps(&funnel).map(|(step, count)| format!("{step} {count}")).join(", "))?;
        let share = missed.missed.saturating_mul(1000).checked_div(missed.heard).unwrap_or(0);
        writeln!(text, "  missed {} of {} heard of ({}.{} %)", missed.missed, missed.heard, share / 10, share % 10)?;
        for (source, found) in &by_source {
            writeln!(
                text,
                "  from {source}: heard of {}, {} of them from nowhere else, reached {}",
                found.funnel.heard, found.alone, found.funnel.reached
            )?;
        }
        for (means, reach) in &by_means {
            writeln!(text, "  {}: {} contacts, {} connected", means.words(), reach.contacts, reach.connected)?;
        }
        for (reason, count) in &missed.reasons {
            writeln!(text, "  missed, {}: {count}", reason.words())?;
        }
        for (rule, count) in &excluded {
            writeln!(text, "  not among these, forbidden by the rule '{rule}': {count}")?;
        }
        let spans = coverage.spans(target, 1);
        let last = &spans[spans.len().saturating_sub(hours)..];
        if !last.is_empty() {
            writeln!(text, "  hour (UTC)        heard of     new   tried reached  served  called  took part")?;
        }
        for span in last {
            let Funnel { tried, reached, served, .. } = span.dialled;
            writeln!(
                text,
                "  {}{:>10}{:>8}{tried:>8}{reached:>8}{served:>8}{:>8}  {}",
                span.start.to_string()[..16].replace('T', " "),
                span.heard,
                span.new,
                span.called,
                took_part(span)
            )?;
        }
    }
    Ok(())
}

fn took_part(span: &Span) -> String {
    let (_, known, estimate) = &span.took_part;
    match estimate {
        Estimate::None(without) => format!("{known} known, no estimate: {}", without.words()),
        Estimate::AtLeast { low, about, high } => format!("{known} known, at least {about} ({low} to {high})"),
    }
}

fn steps(funnel: &Funnel) -> [(&'static str, u64); 7] {
    [
        ("heard", funnel.heard),
        ("tried", funnel.tried),
        ("reached", funnel.reached),
        ("handshaken", funnel.handshaken),
        ("claimed", funnel.claimed),
        ("served", funnel.served),
        ("reported", funnel.reported),
    ]
}

/// For programs.
pub fn to_json(coverage: &Coverage, hours: usize) -> Value {
    let targets = coverage.targets().map(|target| {
        let figures = coverage.of(target);
        let spans = coverage.spans(target, 1);
        let last: Vec<Value> = spans[spans.len().saturating_sub(hours)..].iter().map(hour).collect();
        json!({
            "target": target.to_string(),
            "funnel": funnel(&figures.funnel),
            "by_source": figures.by_source.iter().map(|(source, found)| (source.clone(), json!({
                "funnel": funnel(&found.funnel), "alone": found.alone,
            }))).collect::<Map<String, Value>>(),
            "overlap": figures.overlap.iter().map(|((first, second), both)| json!({
                "first": first, "second": second, "both": both,
            })).collect::<Vec<_>>(),
            "by_means": figures.by_means.iter().map(|(means, reach)| (means.words().to_string(), json!({
                "contacts": reach.contacts, "connected": reach.connected, "funnel": funnel(&reach.funnel), "alone": reach.alone,
            }))).collect::<Map<String, Value>>(),
            "outcomes": outcomes(&figures.outcomes),
            "grades": grades(&figures.grades),
            "callers": funnel(&figures.callers),
            "missed": {
                "of": figures.missed.heard,
                "missed": figures.missed.missed,
                "only_claimed": figures.missed.only_claimed,
                "reasons": figures.missed.reasons.iter().map(|(reason, count)| (reason.word(), *count)).collect::<BTreeMap<_, _>>(),
            },
            "excluded": figures.excluded,
            "hours": last,
        })
    });
    targets.collect()
}

fn funnel(funnel: &Funnel) -> Value {
    steps(funnel).into_iter().map(|(step, count)| (step.to_string(), count.into())).collect::<Map<String, Value>>().into()
}

fn grades(grades: &[u64; 5]) -> Value {
    Grade::ALL
        .into_iter()
        .zip(grades)
        .map(|(grade, count)| (grade.word().to_string(), json!(count)))
        .collect::<Map<_, _>>()
        .into()
}

fn outcomes(outcomes: &BTreeMap<String, BTreeMap<Means, u64>>) -> Value {
    let by_means = |counts: &BTreeMap<Means, u64>| -> BTreeMap<&'static str, u64> {
        counts.iter().map(|(means, count)| (means.words(), *count)).collect()
    };
    outcomes.iter().map(|(outcome, counts)| (outcome.clone(), json!(by_means(counts)))).collect::<Map<_, _>>().into()
}

fn hour(span: &Span) -> Value {
    let (_, known, estimate) = &span.took_part;
    let estimate = match estimate {
        Estimate::None(without) => json!({ "none": without.words() }),
        Estimate::AtLeast { low, about, high } => json!({ "at_least": about, "low": low, "high": high }),
    };
    json!({
        "start": span.start,
        "heard": span.heard,
        "heard_by_source": span.by_source,
        "new": span.new,
        "new_missed": span.new_missed,
        "dialled": funnel(&span.dialled),
        "called": span.called,
        "outcomes": outcomes(&span.outcomes),
        "grades": grades(&span.grades),
        "took_part": { "known": known, "estimate": estimate },
    })
}
