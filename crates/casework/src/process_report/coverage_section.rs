//! Section 16: who was heard of, who was tried and by which means, who was missed, and how many there may have been.

use evidence::{
    Direction, Grade, TargetIds, Utc,
    document::{Align, Axis, Block, Chart, Table},
};

use super::{
    Facts,
    figures::{counts, grouped, height, share},
};
use crate::coverage::{Coverage, Estimate, Funnel, Means, RECAPTURES_MIN, Span, TargetFigures, Unreached};

/// A table of more hours than this is one of days.
const MOST_HOURS: usize = 48;

/// Hours of a day, where hours are summed up.
const DAY: u32 = 24;

/// The columns of a funnel's table.
const STEPS: [&str; 7] = ["Heard of", "Tried", "Reached", "Handshaken", "Claimed", "Served", "Reported"];

impl Facts<'_> {
    /// Section 16.
    pub(super) fn coverage(&self) -> Vec<Block> {
        let coverage = &self.statistics.coverage;
        let total = coverage.total();
        let mut blocks = vec![
            Block::paragraph(
                "What is counted here is an address and port in one torrent, once, however often it was heard of or contacted. It is not \
                 a person and not a subscriber: one person may use several, several people may share one, and a client that starts anew \
                 may have another port. Everything is counted from lists of candidates and observations in the log; \
                 evidence-schema/process-report.md defines each word.",
            ),
            in_short(&total),
            Block::Chart(Chart::funnel(
                "From the addresses and ports heard of to those reported",
                Axis::new("Addresses and ports", ""),
                STEPS.into_iter().zip(steps(&total.funnel)).map(|(step, count)| (step.to_lowercase(), height(count))),
            )),
            Block::paragraph(
                "The miss rate is the share of those heard of that were never reached by any means: no transport connection came about, \
                 whoever dialled, and no caller of the same address named the port as its own. Of those missed some had left or had never \
                 been there, which nobody can see from outside; so the rate bounds from above how many peers that were there were \
                 missed.",
            ),
            reasons(&total),
            Block::Table(by_source(&total)),
        ];
        blocks.extend(overlap(&total).map(Block::Table));
        blocks.extend([Block::Table(by_means(&total)), Block::Table(contacts(&total))]);
        blocks.extend(outcomes(&total).map(Block::Table));
        blocks.push(counts(
            "Addresses and ports heard of that policy forbids, by rule; in no other figure",
            "Rule",
            total.excluded.iter().map(|(rule, count)| (rule, *count)),
        ));
        blocks.push(Block::Table(torrents(coverage)));
        blocks.push(Block::paragraph(format!(
            "How many took part in an hour is estimated from how the kinds of source overlap. Counted are the addresses and ports that \
             sent a handshake for the torrent in that hour; each kind of source is one occasion on which they could be named. The \
             estimate is Chao's (1989), which for two kinds is Chapman's form of Lincoln and Petersen's, with a 95 % interval by Chao \
             (1987). It assumes that nobody came or went within the hour. Sources are not independent: clients announce to trackers \
             and to the DHT alike, and some are likelier to be named than others. Either makes the estimate too low and never too high, so \
             it says 'at least', and the upper end of the interval holds only if sources were independent. Peers that \
             nobody can reach are not in it. With fewer than {RECAPTURES_MIN} named by exactly two kinds nothing is estimated."
        )));
        for target in coverage.targets() {
            blocks.extend(over_time(coverage, target));
        }
        blocks.push(Block::pending(
            "How many peers that are there are missed can be measured only in a swarm with ground truth, by the confirmation test, which \
             does not exist yet.",
        ));
        blocks
    }
}

fn steps(funnel: &Funnel) -> [u64; 7] {
    let Funnel { heard, tried, reached, handshaken, claimed, served, reported } = *funnel;
    [heard, tried, reached, handshaken, claimed, served, reported]
}

fn in_short(total: &TargetFigures) -> Block {
    let missed = &total.missed;
    let excluded: u64 = total.excluded.values().sum();
    Block::figures(
        "In short",
        [
            ("Heard of, and free to be contacted", grouped(missed.heard), ""),
            ("Reached", grouped(total.funnel.reached), ""),
            ("Not reached, but a caller of the same address named the port as its own", grouped(missed.only_claimed), ""),
            ("Missed: never reached by any means", grouped(missed.missed), ""),
            ("Miss rate: missed of heard of, with a 95 % Wilson interval", share(missed.missed, missed.heard), ""),
            ("Heard of and forbidden by policy, in none of these", grouped(excluded), ""),
            ("Addresses and ports that called us", grouped(total.callers.tried), ""),
            ("Of these, sent a handshake for the torrent", grouped(total.callers.handshaken), ""),
            ("Of these, served", grouped(total.callers.served), ""),
        ],
    )
}

fn reasons(total: &TargetFigures) -> Block {
    let missed = &total.missed.reasons;
    let rows = Unreached::ALL.iter().filter_map(|reason| missed.get(reason).map(|count| (reason.words(), *count)));
    counts("Missed, by the most telling of what their probes came to", "Reason", rows)
}

fn funnel_table(caption: &str, what: &str, last: &str) -> Table {
    let columns = [(what, Align::Start)].into_iter().chain(STEPS.map(|step| (step, Align::End)));
    Table::new(caption, columns.chain([(last, Align::End)]))
}

fn row(name: &str, cells: impl IntoIterator<Item = u64>) -> Vec<String> {
    std::iter::once(name.to_string()).chain(cells.into_iter().map(grouped)).collect()
}

fn by_source(total: &TargetFigures) -> Table {
    let mut table = funnel_table(
        "From heard of to reported, by kind of source; who was named by several is in the row of each",
        "Source",
        "By it alone",
    );
    for (source, found) in &total.by_source {
        table = table.row(row(source, steps(&found.funnel).into_iter().chain([found.alone])));
    }
    let alone = total.by_source.values().map(|found| found.alone).sum();
    table.row(row("any", steps(&total.funnel).into_iter().chain([alone])))
}

fn overlap(total: &TargetFigures) -> Option<Table> {
    if total.by_source.len() < 2 {
        return None;
    }
    let heads =
        [("Both", Align::Start), ("Named by both", Align::End), ("Of the first", Align::End), ("Of the second", Align::End)];
    let mut table = Table::new("How the kinds of source overlap: addresses and ports, with 95 % Wilson intervals", heads);
    let heard = |source: &str| total.by_source.get(source).map_or(0, |found| found.funnel.heard);
    let names: Vec<&String> = total.by_source.keys().collect();
    for (place, first) in names.iter().enumerate() {
        for second in &names[place + 1..] {
            let both = total.overlap.get(&((*first).clone(), (*second).clone())).copied().unwrap_or(0);
            let (of_first, of_second) = (share(both, heard(first)), share(both, heard(second)));
            table = table.row([format!("{first} and {second}"), grouped(both), of_first, of_second]);
        }
    }
    Some(table)
}

fn by_means(total: &TargetFigures) -> Table {
    let columns = [("Means", Align::Start)].into_iter().chain(STEPS[1..].iter().map(|step| (*step, Align::End)));
    let mut table = Table::new(
        "Addresses and ports by the means of contact; who was tried by several is in the row of each",
        columns.chain([("By them alone", Align::End)]),
    );
    for (means, reach) in &total.by_means {
        table = table.row(row(means.words(), steps(&reach.funnel)[1..].iter().copied().chain([reach.alone])));
    }
    table
}

fn contacts(total: &TargetFigures) -> Table {
    let heads = [("Means", Align::Start), ("Contacts", Align::End), ("Connected", Align::End), ("Not connected", Align::End)];
    let mut table = Table::new("Contacts by means; the share not connected with a 95 % Wilson interval", heads);
    for (means, reach) in &total.by_means {
        let missed = share(reach.contacts - reach.connected, reach.contacts);
        table = table.row([means.words().to_string(), grouped(reach.contacts), grouped(reach.connected), missed]);
    }
    table
}

/// One table for each side that dialled, if it did.
fn outcomes(total: &TargetFigures) -> impl Iterator<Item = Table> {
    let sides = [(Direction::Outgoing, "Contacts that we dialled"), (Direction::Incoming, "Contacts of those that called us")];
    sides.into_iter().filter_map(|(side, caption)| {
        let means: Vec<Means> = total.by_means.keys().filter(|means| means.direction == side).copied().collect();
        let heads = [("Outcome", Align::Start)].into_iter().chain(means.iter().map(|means| (means.stream(), Align::End)));
        let mut table = Table::new(format!("{caption}, by outcome and means"), heads.chain([("All", Align::End)]));
        for (outcome, by_means) in &total.outcomes {
            let cells: Vec<u64> = means.iter().map(|means| by_means.get(means).copied().unwrap_or(0)).collect();
            let all: u64 = cells.iter().sum();
            if all > 0 {
                table = table.row(row(outcome, cells.into_iter().chain([all])));
            }
        }
        (!means.is_empty()).then_some(table)
    })
}

fn torrents(coverage: &Coverage) -> Table {
    let mut table = funnel_table("From heard of to reported, by torrent", "Torrent", "Missed");
    for target in coverage.targets() {
        let figures = coverage.of(target);
        table = table.row(row(&target.to_string(), steps(&figures.funnel).into_iter().chain([figures.missed.missed])));
    }
    table
}

fn over_time(coverage: &Coverage, target: TargetIds) -> Vec<Block> {
    let hours = coverage.spans(target, 1);
    let is_by_day = hours.len() > MOST_HOURS;
    let (spans, unit) = if is_by_day { (coverage.spans(target, DAY), "Day (UTC)") } else { (hours, "UTC, month-day") };
    // The year is in the name of the shard.
    let name = |at: Utc, is_by_day: bool| at.to_string()[if is_by_day { 0..10 } else { 5..16 }].replace('T', " ");
    let heads = ["Heard of", "New", "New, missed", "Tried", "Reached", "Handshaken", "Claimed", "Served", "Called us"];
    let mut seen = Table::new(
        format!("Torrent {target}: addresses and ports over time"),
        [(unit, Align::Start)].into_iter().chain(heads.map(|head| (head, Align::End))),
    );
    let mut sizes = Table::new(
        format!(
            "Torrent {target}: how many took part{}",
            if is_by_day { " in the hour of each day in which most did" } else { "" }
        ),
        [
            ("UTC, month-day", Align::Start),
            ("Known to have taken part", Align::End),
            ("Estimate", Align::End),
            ("95 % interval", Align::End),
            ("Known of the estimate", Align::End),
        ],
    );
    for span in &spans {
        let Funnel { tried, reached, handshaken, claimed, served, .. } = span.dialled;
        let cells = [span.heard, span.new, span.new_missed, tried, reached, handshaken, claimed, served, span.called];
        seen = seen.row(row(&name(span.start, is_by_day), cells));
        let (hour, known, estimate) = &span.took_part;
        let [about, interval, part] = match *estimate {
            Estimate::None(without) => ["none".into(), without.words().into(), String::new()],
            Estimate::AtLeast { low, about, high } => [
                format!("at least {}", grouped(about)),
                format!("{} to {}", grouped(low), grouped(high)),
                format!("at most {} %", known.saturating_mul(100).div_ceil(about.max(1))),
            ],
        };
        sizes = sizes.row([name(*hour, false), grouped(*known), about, interval, part]);
    }
    let mut blocks = Vec::new();
    if spans.len() > 2 {
        blocks.push(Block::Chart(chart(target, &spans)));
    }
    blocks.extend([Block::Table(seen), Block::Table(sizes)]);
    blocks
}

fn chart(target: TargetIds, spans: &[Span]) -> Chart {
    let first = spans.first().map_or(Utc::from_ms(0), |span| span.start);
    let line = |count: fn(&Span) -> u64| -> Vec<(i64, i64)> {
        spans.iter().map(|span| (span.start.since_ms(first) / 3_600_000, height(count(span)))).collect()
    };
    let x = Axis::new(format!("Hours since {}", first.to_seconds_text()), "h");
    Chart::lines(format!("Torrent {target}: addresses and ports over time"), x, Axis::new("Addresses and ports", ""))
        .series("heard of", line(|span| span.heard))
        .series("reached", line(|span| span.dialled.reached))
        .series("served", line(|span| span.grades[Grade::Served as usize]))
}
