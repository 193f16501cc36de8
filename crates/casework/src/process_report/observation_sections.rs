//! The sections that count what the monitor did and saw.

use evidence::{
    Class, Grade,
    document::{Align, Axis, Block, Chart, Table},
    run::{LookUpEnding, NodeFamily},
};

use super::{
    Facts,
    figures::{counts, grouped, height, plain},
};
use crate::eligibility::CLOCK_TOLERANCE_MS;

/// A plot of more points shows nothing more.
const MOST_POINTS: usize = 400;

impl Facts<'_> {
    /// Section 4.
    pub(super) fn collection(&self) -> Vec<Block> {
        let statistics = &self.statistics;
        let contacts = &statistics.contacts;
        let mut lists = Table::new(
            "Lists of addresses, logged before any address in them is contacted",
            [
                ("Source", Align::Start),
                ("Lists", Align::End),
                ("Addresses named", Align::End),
                ("Dropped beyond the limit", Align::End),
            ],
        );
        for (source, list) in &statistics.lists {
            lists = lists.row([source.word().to_string(), grouped(list.lists), grouped(list.named), grouped(list.dropped)]);
        }
        let grades = Grade::ALL.map(|grade| (grade.word(), contacts.by_grade.get(&grade).copied().unwrap_or(0)));
        vec![
            Block::paragraph(
                "Addresses are taken from the lists of the sources in the first table, and from peers that dial the monitor. Each is \
                 hearsay until the monitor itself has exchanged bytes with it. A contact asks for a few blocks of the torrent and \
                 compares what comes back with a reference copy; its grade says how far it came, and only the grade 'served' can be \
                 reported.",
            ),
            Block::Table(lists),
            self.look_ups(),
            counts("Questions to trackers", "Result", statistics.announces.iter().map(|(word, count)| (*word, *count))),
            plain(
                "",
                [
                    ("Trackers", statistics.trackers.len() as u64),
                    ("Scrapes", statistics.scrapes),
                    ("Probes", contacts.probes),
                    ("Probes that peers opened", contacts.incoming),
                ],
            ),
            counts("Probes by grade", "Grade", grades),
            counts("Probes by outcome", "Outcome", contacts.by_outcome.iter().map(|(word, count)| (*word, *count))),
            counts(
                "Probes by the source of the address",
                "Source",
                contacts.by_source.iter().map(|(word, count)| (*word, *count)),
            ),
            counts("Addresses not contacted, by rule", "Rule", contacts.by_exclusion.iter().map(|(word, count)| (*word, *count))),
            counts("Blocks asked for", "What came back", contacts.challenges.iter().map(|(word, count)| (*word, *count))),
            counts(
                "Blocks asked for, by what their pieces were drawn from",
                "Drawn from",
                contacts.choosers.iter().map(|(word, count)| (*word, *count)),
            ),
            counts(
                "Control visits with an info-hash that does not exist",
                "Outcome",
                contacts.controls.iter().map(|(word, count)| (*word, *count)),
            ),
            counts(
                "Contacts that asked for introductions (BEP 55)",
                "Outcome",
                contacts.rendezvous.iter().map(|(word, count)| (*word, *count)),
            ),
            Block::figures(
                "Volume",
                [
                    ("Probes of peers that were told to dial the monitor too", grouped(contacts.introduced), "contacts"),
                    ("Bytes received", grouped(contacts.bytes_in), "bytes"),
                    ("Bytes sent: requests and handshakes", grouped(contacts.bytes_out), "bytes"),
                    ("Content verified", grouped(contacts.verified_bytes), "bytes"),
                    ("Content sent", grouped(contacts.piece_bytes_out), "bytes"),
                ],
            ),
            Block::paragraph(
                "The program holds no code that can encode a piece of content for sending; the count above is measured at the socket and must be 0.",
            ),
            Block::Chart(Chart::bars(
                "Addresses and ports in each torrent by the highest grade reached",
                Axis::new("Addresses and ports", ""),
                Grade::ALL
                    .into_iter()
                    .zip(statistics.coverage.total().grades)
                    .map(|(grade, count)| (grade.word(), height(count))),
            )),
        ]
    }

    /// Look-ups in the DHT, a row for each of its two networks.
    fn look_ups(&self) -> Block {
        let mut table = Table::new(
            "Look-ups in the distributed hash table (DHT)",
            [
                ("Nodes", Align::Start),
                ("Complete", Align::End),
                ("Bounded", Align::End),
                ("Nobody answered", Align::End),
                ("Cut short", Align::End),
                ("Queries", Align::End),
                ("Answers", Align::End),
                ("Addresses named", Align::End),
                ("Crowded", Align::End),
                ("Announced ourselves", Align::End),
            ],
        );
        for (family, look_ups) in &self.statistics.look_ups {
            let name = match family {
                NodeFamily::Ipv4 => "IPv4",
                NodeFamily::Ipv6 => "IPv6",
            };
            let endings = [LookUpEnding::Complete, LookUpEnding::Bounded, LookUpEnding::Silence, LookUpEnding::Cancelled];
            let [complete, bounded, silence, cancelled] =
                endings.map(|ending| grouped(look_ups.by_ending.get(&ending).copied().unwrap_or(0)));
            table = table.row([
                name.into(),
                complete,
                bounded,
                silence,
                cancelled,
                grouped(look_ups.asked),
                grouped(look_ups.answered),
                grouped(look_ups.named),
                grouped(look_ups.crowded),
                grouped(look_ups.announced),
            ]);
        }
        Block::Table(table)
    }

    /// Section 5.
    pub(super) fn addresses(&self) -> Vec<Block> {
        let contacts = &self.statistics.contacts;
        let classes = [Class::Fixed, Class::Mobile, Class::NotQualifying, Class::Ambiguous, Class::Unknown].map(|class| {
            let word = match class {
                Class::Fixed => "fixed line, qualifying",
                Class::Mobile => "mobile",
                Class::NotQualifying => "not qualifying",
                Class::Ambiguous => "ambiguous: the tables disagree",
                Class::Unknown => "unknown: no table covers it",
            };
            (word, contacts.by_class.get(&class).copied().unwrap_or(0))
        });
        let mut tables = Table::new(
            "Dated tables, in the order consulted",
            [
                ("Name", Align::Start),
                ("Kind", Align::Start),
                ("Built", Align::Start),
                ("Probes it attributed", Align::End),
                ("SHA-256", Align::Start),
            ],
        );
        for info in self.input.tables {
            let used = contacts.tables.get(&info.sha256).copied().unwrap_or(0);
            tables = tables.row([
                info.name.clone(),
                info.kind.word().into(),
                info.built.to_string(),
                grouped(used),
                info.sha256.to_string(),
            ]);
        }
        let missing =
            contacts.tables.keys().filter(|digest| self.input.tables.iter().all(|info| info.sha256 != **digest)).count();
        let recalled = self.input.register.entries().iter().filter(|entry| entry.source.contains("recall")).count();
        vec![
            Block::paragraph(
                "The address and port are those of the connection over which the content came, as the operating system reports them; a \
                 port that a tracker, the distributed hash table or another peer named is never reported. Attribution uses the tables in \
                 force on the day of the observation. Where two tables disagree, or one gives a prefix two origins, nothing is reported.",
            ),
            counts("Probes by the class of the address", "Class", classes),
            Block::Table(tables),
            plain(
                "",
                [
                    ("Tables that observations name and that were not handed to this report", missing as u64),
                    ("Entries of the ISP register", self.input.register.entries().len() as u64),
                    ("Entries whose facts are marked 'recall' and await confirmation", recalled as u64),
                    ("Probes whose peer saw the monitor at the address recorded, as it says", contacts.seen_here),
                    ("Probes whose peer saw it at another address, as it says", contacts.seen_elsewhere),
                ],
            ),
            Block::pending(
                "The accuracy of attribution has not been measured against answers of ISPs: no answer is recorded yet.",
            ),
        ]
    }

    /// Section 6.
    pub(super) fn time(&self) -> Vec<Block> {
        let (clock, contacts) = (&self.statistics.clock, &self.statistics.contacts);
        let largest = clock.largest_ms.map_or("not known".into(), |ms| grouped(u64::from(ms)));
        let sources: Vec<&str> = clock.sources.iter().map(String::as_str).collect();
        let mut blocks = vec![
            Block::paragraph(
                "Each record carries the wall clock and a counter that never goes back. The clock's error is the bound that the kernel's \
                 time discipline vouches for at that moment. A report needs a known bound within the tolerance for every observation; \
                 laboratory runs are excepted and say so.",
            ),
            Block::figures(
                "Readings of the clock",
                [
                    ("Readings", grouped(clock.readings), ""),
                    ("Readings of a disciplined clock", grouped(clock.synchronised), ""),
                    ("Readings without a bound", grouped(clock.without_bound), ""),
                    ("Largest bound", largest, "ms"),
                    ("Tolerance", CLOCK_TOLERANCE_MS.to_string(), "ms"),
                    ("Readings beyond the tolerance", grouped(clock.beyond_tolerance), ""),
                    ("Probes without a known bound", grouped(contacts.without_clock), ""),
                    ("Probes beyond the tolerance", grouped(contacts.beyond_clock), ""),
                ],
            ),
            Block::paragraph(format!(
                "Sources of the readings: {}.",
                if sources.is_empty() { "none".into() } else { sources.join(", ") }
            )),
        ];
        if let Some((first, _)) = clock.errors.first() {
            let points =
                bucketed(clock.errors.iter().map(|(at, error)| (at.since_ms(*first) / 1000, i64::from(*error))).collect());
            let x = Axis::new(format!("Time since {first}"), "s");
            let y = Axis::new("Bound on the error", "ms").tick(i64::from(CLOCK_TOLERANCE_MS), "tolerance");
            blocks.push(Block::Chart(Chart::lines("Bound on the clock's error over the period", x, y).series("bound", points)));
        }
        blocks.push(Block::pending("Checkpoints are not timestamped by outside authorities (RFC 3161) yet."));
        blocks
    }
}

/// The largest value of each of at most [`MOST_POINTS`] equal spans, so that no peak is lost.
fn bucketed(points: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let per_bucket = points.len().div_ceil(MOST_POINTS).max(1);
    points.chunks(per_bucket).filter_map(|chunk| Some((chunk[0].0, chunk.iter().map(|(_, value)| *value).max()?))).collect()
}
