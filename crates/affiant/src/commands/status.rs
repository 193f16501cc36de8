//! `affiant status`

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Result;
use casework::{
    casefile::CaseFile,
    deadlines::{Holidays, SHIPPED, deadlines},
    decided::Decided,
    sessions::sessions,
};
use clap::Args;
use evidence::{
    Content, Date, Numbered, Opening, Tag,
    run::{Fact, RunFact},
};
use index::{Counted, Filter};
use serde_json::{Value, json};

use crate::{answer::Answer, args::Affiant, clock, coverage, plan, queries, station::Station, witnesses};

/// What was seen and what was missed, what can be issued, what falls due.
///
/// Coverage counts addresses and ports, which are not people, in each torrent and hour: who was heard of and from where, tried by
/// which means, reached, missed and why, and how many took part at least. The process report has the same figures.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  affiant status\n  affiant status --hours 24\n  affiant status --last-run --json")]
pub struct Status {
    /// How many of the last hours with any record are shown of each torrent.
    #[arg(long, value_name = "HOURS", default_value_t = 3)]
    hours: usize,
    /// Coverage of the last run alone.
    #[arg(long)]
    last_run: bool,
}

impl Status {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let reader = station.reader()?;
        let origin = reader.anchor().origin().to_string();
        let book = station.book()?;
        let index = queries::catch_up(&station, &reader)?;
        let now = clock::utc();
        let mut text = String::new();

        writeln!(
            text,
            "log        {origin}, {} entries, {}",
            index.next_index()?,
            if book.is_closed { "closed" } else { "open" }
        )?;
        let checkpoint = reader.latest_checkpoint()?;
        let size = checkpoint.as_ref().map_or(0, |signed| signed.checkpoint().size());
        writeln!(text, "checkpoint covers {size} entries")?;
        let vouched = witnesses::of_checkpoint(reader.anchor(), checkpoint.as_ref())?;
        writeln!(text, "witnesses  {vouched}")?;
        let in_force: Vec<&str> =
            book.mandates.iter().filter(|mandate| mandate.says.in_force(now)).map(|mandate| mandate.says.id.as_str()).collect();
        writeln!(text, "mandates   {} in force of {}", in_force.len(), book.mandates.len())?;
        let approved = book.dossiers.iter().filter(|dossier| dossier.is_approved()).count();
        writeln!(text, "dossiers   {approved} approved of {}", book.dossiers.len())?;

        let private: Vec<String> = plan::private_targets(&station, &book, now).iter().map(ToString::to_string).collect();
        for target in &private {
            writeln!(text, "private    {target}: its own trackers alone name its peers (BEP 27)")?;
        }

        let probes = Filter { control: Some(false), ..Filter::default() };
        let mut json = json!({
            "log": origin, "entries": index.next_index()?, "closed": book.is_closed, "checkpoint_size": size,
            "witnesses": vouched.to_json(),
            "private_targets": private,
            "mandates_in_force": in_force, "dossiers_approved": approved,
        });
        for (name, by) in
            [("grade", Counted::Grade), ("outcome", Counted::Outcome), ("source", Counted::Source), ("isp", Counted::Isp)]
        {
            let counts = index.counts(by, &probes)?;
            if !counts.is_empty() {
                writeln!(text, "probes by {name}")?;
            }
            for (value, count) in &counts {
                writeln!(text, "  {value:<24}{count:>10}")?;
            }
            let counts: BTreeMap<String, u64> = counts.into_iter().collect();
            json[format!("probes_by_{name}")] = json!(counts);
        }

        let mut look_ups = LookUps::default();
        let entries = queries::through_index(&index, &reader)
            .inspect(|entry| entry.iter().for_each(|entry| look_ups.count(&entry.content)));
        let case = CaseFile::read(&origin, entries)?;
        look_ups.write(&mut text)?;
        json["look_ups"] = look_ups.to_json();
        let decided = Decided::read(&origin, &case, case.size)?;
        let due = due(&case, &decided, now.date())?;
        due.write(&mut text)?;
        json["due"] = due.to_json();

        let run = if self.last_run { coverage::last_run(&index)? } else { None };
        let coverage = coverage::count(&index, run, |index| decided.reported.contains_key(&index))?;
        coverage::write(&mut text, &coverage, self.hours)?;
        json["coverage"] = coverage::to_json(&coverage, self.hours);
        Ok(Answer::yes(text, json))
    }
}

/// Look-ups in the DHT, by how they ended.
#[derive(Default)]
struct LookUps {
    by_ending: BTreeMap<&'static str, u64>,
    queries: u64,
}

impl LookUps {
    fn count(&mut self, content: &Content) {
        let Content::Opening(line) = content else { return };
        let Ok(opening) = Opening::parse(line) else { return };
        if opening.tag == Tag::Run
            && let Ok(Numbered { body: RunFact { fact: Fact::LookedUp { ending, asked, .. }, .. }, .. }) = opening.decode()
        {
            *self.by_ending.entry(ending.word()).or_default() += 1;
            self.queries += u64::from(asked);
        }
    }

    fn write(&self, text: &mut String) -> Result<()> {
        if !self.by_ending.is_empty() {
            writeln!(text, "look-ups in the DHT, by {} queries", self.queries)?;
        }
        for (ending, count) in &self.by_ending {
            writeln!(text, "  {ending:<24}{count:>10}")?;
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        json!({ "by_ending": self.by_ending, "queries": self.queries })
    }
}

/// Sessions that no issue has decided yet, by the last day on which they can be reported.
struct Due {
    by_last_day: BTreeMap<Date, u64>,
    lost: u64,
    /// Refused for good, whatever the day.
    refused: u64,
    reported: u64,
}

fn due(case: &CaseFile, decided: &Decided, today: Date) -> Result<Due> {
    let holidays = Holidays::parse(SHIPPED).map_err(|fault| anyhow::anyhow!("the holiday table is refused: {fault}"))?;
    let mut due = Due { by_last_day: BTreeMap::new(), lost: 0, refused: 0, reported: 0 };
    for session in &sessions(case, case.size).sessions {
        let last = deadlines(session.start, &holidays).map_err(|fault| anyhow::anyhow!("{fault}"))?.last;
        if decided.has_reported(session, case) {
            due.reported += 1;
        } else if session.observations.iter().any(|position| decided.is_withheld_for_good(case.served[*position].index)) {
            due.refused += 1;
        } else if last < today {
            due.lost += 1;
        } else {
            *due.by_last_day.entry(last).or_default() += 1;
        }
    }
    Ok(due)
}

impl Due {
    fn write(&self, text: &mut String) -> Result<()> {
        writeln!(text, "sessions   {} reported, {} refused, {} lost to the deadline", self.reported, self.refused, self.lost)?;
        for (day, count) in &self.by_last_day {
            writeln!(text, "  {count} can be reported until {day}")?;
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let days: BTreeMap<String, u64> = self.by_last_day.iter().map(|(day, count)| (day.to_string(), *count)).collect();
        json!({ "reported": self.reported, "refused": self.refused, "lost": self.lost, "by_last_day": days })
    }
}
