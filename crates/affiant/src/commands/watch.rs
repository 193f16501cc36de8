//! `affiant watch`

use std::{fmt::Write as _, io::Write as _, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use crawler::{Progress, Summary, Until, stopper};
use evidence::Grade;
use ledger::{Acked, Ledger, Writer};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    answer::Answer,
    args::Affiant,
    clock,
    clock::RunClock,
    descriptors, plan, progress,
    station::Station,
    tables,
    witnesses::{self, Cosigners},
};

/// Watch the swarms of all mandates in force.
///
/// Runs until stopped (Ctrl-C ends cleanly, with everything durable), for a duration, or until idle. Whatever was
/// acknowledged survives a kill or a power cut; the next run goes on from there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  affiant watch\n  affiant watch --for 2h\n  affiant watch --until-idle 30s --for 1h --json")]
pub struct Watch {
    /// Stop after this long: 90s, 30m, 2h, 7d.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Stop once every peer has had its last contact and nothing has happened for this long.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    until_idle: Option<Duration>,
    /// Print `ack INDEX COMMITMENT` on stdout for each record as soon as it is durable. For tests that kill the
    /// program and compare what it had acknowledged with what the log holds.
    #[arg(long, hide = true)]
    print_acks: bool,
}

/// How much of the log may be without a signed checkpoint.
const CHECKPOINT_GAP: Duration = Duration::from_secs(600);

/// The longest run: a shard is a month.
const RUN_DAYS_MAX: u64 = 31;

impl Watch {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let on_ack: OnAck = if self.print_acks { print_ack } else { |_| {} };
        let (summary, size) = run(&station, self.until(), on_ack)?;
        let text = format!("{}\n{size} entries in the log", describe(&summary));
        let counts = &summary.progress;
        let json = json!({
            "reason": summary.reason.word(),
            "entries": size,
            "lists": counts.lists,
            "tracker_failures": counts.tracker_failures,
            "gossip_refused": counts.gossip_refused,
            "look_ups": counts.look_ups,
            "dht_queries": counts.dht_queries,
            "peers": counts.peers,
            "observations": counts.observations,
            "grades": counts.grades.iter().map(|(grade, count)| (grade.word(), count)).collect::<std::collections::BTreeMap<_, _>>(),
            "outcomes": counts.outcomes,
            "verified_bytes": counts.verified_bytes,
            "callers": counts.callers,
            "seen_here": counts.seen_here,
            "seen_elsewhere": counts.seen_elsewhere,
            "sessions_kept_going": counts.kept,
            "continuity_lost": counts.continuity_lost,
        });
        Ok(Answer::yes(text, json))
    }

    fn until(&self) -> Until {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match (self.until_idle, self.duration) {
            (Some(quiet), limit) => Until::Idle { quiet_ms: ms(quiet), at_most_ms: limit.map_or(RUN_DAYS_MAX * 86_400_000, ms) },
            (None, Some(limit)) => Until::Duration(ms(limit)),
            (None, None) => Until::Stopped,
        }
    }
}

/// Reads `90s`, `30m`, `2h` or `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let fault = || format!("'{text}' is not a number followed by s, m, h or d");
    let unit = text.chars().last().ok_or_else(fault)?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| fault())?;
    let seconds = match unit {
        's' => number,
        'm' => number.saturating_mul(60),
        'h' => number.saturating_mul(3_600),
        'd' => number.saturating_mul(86_400),
        _ => return Err(fault()),
    };
    if seconds == 0 || seconds > RUN_DAYS_MAX * 86_400 {
        return Err(format!("'{text}' is not between 1s and {RUN_DAYS_MAX}d"));
    }
    Ok(Duration::from_secs(seconds))
}

/// What is done with each record once it is durable.
type OnAck = fn(&Acked);

/// The line is out before the next record is acknowledged. A reader that closed the pipe has what it wanted.
fn print_ack(acked: &Acked) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "ack {} {}", acked.index, acked.commitment).and_then(|()| stdout.flush());
}

/// Watches until it is time to end; returns what came of it and how many entries the log has.
fn run(station: &Station, until: Until, on_ack: OnAck) -> Result<(Summary, u64)> {
    let open_files = descriptors::raise();
    let book = station.book()?;
    if book.is_closed {
        bail!("the shard is closed and takes no more records");
    }
    let tables = tables::load(&station.config, &station.tables_dir())?;
    let mut plan = plan::watch_plan(station, &book, &tables, until, clock::utc())?;
    // Trackers, the log and the program itself need some descriptors too.
    let most = u32::try_from(open_files.saturating_sub(128)).unwrap_or(u32::MAX).max(16);
    plan.settings.pace.total = plan.settings.pace.total.min(most);
    let ledger = station.ledger()?;
    let cosigners = Cosigners::of(station)?;
    let attributor = tables.attributor;
    let attribute = move |address, at| attributor.attribute(address, at);
    let clock = Arc::new(RunClock::start());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let (summary, ledger) = runtime.block_on(async {
        let (writer, appender) = Writer::start_with(ledger, on_ack)?;
        let (stopper, stop) = stopper();
        tokio::spawn(async move {
            if wait_for_signal().await.is_ok() {
                tracing::info!("asked to stop; ending cleanly");
                stopper.stop();
            }
        });
        let spinner = progress::spinner("asking trackers");
        let watching = crawler::watch(plan, appender, attribute, clock, stop, |counts| spinner.set_message(brief(counts)));
        let summary = with_checkpoints(&writer, &cosigners, watching).await;
        spinner.finish_and_clear();
        // The log is put in order whatever ended the run.
        let ledger = writer.finish().await;
        Ok::<(Summary, Ledger), anyhow::Error>((summary?, ledger?))
    })?;
    let mut ledger = ledger;
    witnesses::checkpoint(station, &mut ledger)?;
    Ok((summary, ledger.size()))
}

/// Runs `watching` to its end and has a checkpoint signed every ten minutes meanwhile, so that nothing logged can be
/// rewritten for longer than that.
async fn with_checkpoints<T>(writer: &Writer, cosigners: &Cosigners, watching: impl Future<Output = T>) -> T {
    let mut every = tokio::time::interval_at(tokio::time::Instant::now() + CHECKPOINT_GAP, CHECKPOINT_GAP);
    // Witnesses are asked aside: the run does not wait for them, and the log even less.
    let mut asked = JoinSet::new();
    tokio::pin!(watching);
    loop {
        tokio::select! {
            ended = &mut watching => return ended,
            _ = every.tick() => match writer.checkpoint().await {
                Ok(signed) => {
                    tracing::info!(size = signed.checkpoint().size(), "checkpoint signed");
                    let cosigners = cosigners.clone();
                    asked.spawn(async move { cosigners.ask(&signed).await });
                }
                // The log takes nothing more, so the run will end with the same fault; nothing acknowledged is lost.
                Err(fault) => tracing::error!(%fault, "no checkpoint could be signed"),
            },
            Some(collected) = asked.join_next(), if !asked.is_empty() => if let Ok(Ok(collected)) = collected
                && let Err(fault) = writer.attach_cosignatures(collected.signed).await
            {
                tracing::warn!(%fault, "cosignatures could not be kept");
            },
        }
    }
}

/// SIGINT from a terminal, SIGTERM from a supervisor.
pub(crate) async fn wait_for_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn brief(counts: &Progress) -> String {
    let served = counts.grades.get(&Grade::Served).copied().unwrap_or(0);
    let (kept, lost) = (counts.kept, counts.continuity_lost);
    let sessions = if kept + lost > 0 { format!(", {kept} sessions kept going, {lost} not") } else { String::new() };
    format!("{} peers named, {} open, {} observations, {served} served{sessions}", counts.peers, counts.open, counts.observations)
}

/// The counts of a run, in words.
pub(crate) fn describe(summary: &Summary) -> String {
    let counts = &summary.progress;
    let mut text = format!("the run ended ({}): {} peers named on {} lists\n", summary.reason.word(), counts.peers, counts.lists);
    if !counts.look_ups.is_empty() {
        let endings: Vec<String> = counts.look_ups.iter().map(|(ending, count)| format!("{count} {ending}")).collect();
        let _ = writeln!(text, "look-ups in the DHT: {}, by {} queries", endings.join(", "), counts.dht_queries);
    }
    for (grade, count) in counts.grades.iter().rev() {
        let _ = writeln!(text, "  {:<12}{count:>8}", grade.word());
    }
    let _ = write!(text, "{} observations, {} content bytes verified, none sent", counts.observations, counts.verified_bytes);
    if counts.seen_elsewhere > 0 {
        let asked = counts.seen_here + counts.seen_elsewhere;
        let _ = write!(
            text,
            "\n{} of {asked} peers that said where they saw the monitor named another address than it recorded: behind a network address translator all do",
            counts.seen_elsewhere
        );
    }
    if counts.continuity_lost > 0 {
        let _ = write!(
            text,
            "\ncontinuity lost for {} sessions: the budgets had no room to visit them in time",
            counts.continuity_lost
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7_200)));
        for bad in ["", "s", "90", "0s", "-1s", "1w", "99d", "é", "1é"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
