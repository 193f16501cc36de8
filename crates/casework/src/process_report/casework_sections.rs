//! The sections that count what was mandated, found, decided and issued.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{
    Utc,
    document::{Align, Axis, Block, Chart, Table},
    dossier::Origin,
};

use super::{
    Facts,
    figures::{counts, grouped, height, plain},
};
use crate::{calendar::uk_day, deadlines::deadlines, decided::first_index, eligibility::Reason, fault::Fault};

impl Facts<'_> {
    /// Section 1.
    pub(super) fn ownership(&self) -> Vec<Block> {
        let mut table = Table::new(
            "Mandates, in the order logged",
            [
                ("Entry", Align::End),
                ("Mandate", Align::Start),
                ("Owner", Align::Start),
                ("Agent", Align::Start),
                ("Work", Align::Start),
                ("Nature", Align::Start),
                ("Torrents", Align::End),
                ("In force", Align::Start),
                ("Authority", Align::Start),
            ],
        );
        for logged in &self.case.mandates {
            let note = &logged.note;
            table = table.row([
                logged.index.to_string(),
                note.id.clone(),
                note.owner.name.clone(),
                note.agent.as_ref().map_or("none".into(), |agent| agent.name.clone()),
                note.work.title.clone(),
                note.work.nature.words().into(),
                note.targets.len().to_string(),
                format!("{} to {}", note.from, note.to),
                format!(
                    "{}, {} to {}, SHA-256 {}",
                    note.authority.reference, note.authority.from, note.authority.to, note.authority.document_sha256
                ),
            ]);
        }
        vec![
            Block::paragraph(
                "Nothing is watched without a mandate in the log. A report names the mandate and the document behind it.",
            ),
            Block::Table(table),
        ]
    }

    /// Section 2.
    pub(super) fn consent(&self) -> Vec<Block> {
        let seeds: BTreeSet<_> = self.case.mandates.iter().flat_map(|logged| &logged.note.owner_seeds).collect();
        let excluded = self.statistics.contacts.by_exclusion.get("owners-seed").copied().unwrap_or(0);
        vec![
            Block::paragraph(
                "By logging a mandate the owner, or the agent on the owner's behalf, states that the work is not offered in this way by \
                 consent. Addresses that a mandate names as the owner's own seeds or decoys are not contacted, and a session of such an \
                 address is refused.",
            ),
            plain(
                "",
                [
                    ("Addresses named as the owner's own", seeds.len() as u64),
                    ("Contacts not made for that reason", excluded),
                    ("Observations refused for that reason", self.withheld_for(Reason::OwnersSeed)),
                ],
            ),
        ]
    }

    /// Section 3.
    pub(super) fn content(&self) -> Vec<Block> {
        let mut table = Table::new(
            "Dossiers, in the order logged",
            [
                ("Entry", Align::End),
                ("Torrent", Align::Start),
                ("Files", Align::End),
                ("Bytes", Align::End),
                ("Reference copy", Align::Start),
                ("Blocks unfit as proof", Align::End),
                ("Approved by", Align::Start),
            ],
        );
        for logged in &self.case.dossiers {
            let note = &logged.note;
            let approvals = self.case.approvals.iter().filter(|approval| approval.dossier_note_sha256 == logged.sha256);
            let reviewers: Vec<String> =
                approvals.map(|approval| format!("{} (entry {})", approval.holder, approval.index)).collect();
            table = table.row([
                logged.index.to_string(),
                note.target.to_string(),
                note.files.len().to_string(),
                grouped(note.total_bytes),
                match note.origin {
                    Origin::LocalCopy => "a lawful copy already held".into(),
                    Origin::Download => "a download with upload disabled".into(),
                },
                grouped(note.unfit_blocks.len() as u64),
                if reviewers.is_empty() { "nobody".into() } else { reviewers.join("; ") },
            ]);
        }
        vec![
            Block::paragraph(
                "A dossier is built from a copy whose every piece matched the torrent's hashes. Two people look at the content and approve \
                 the dossier before any observation that rests on it. What a peer sends is compared block by block with SHA-256 digests of \
                 that copy; blocks that are constant, repeated or padding are not asked for as proof.",
            ),
            Block::Table(table),
            Block::paragraph(
                "A block counts only if all of its bytes lie inside a file that the dossier assigns to a mandated work. By mistake the comparison can succeed only if two different blocks have one SHA-256 digest.",
            ),
        ]
    }

    /// Section 7.
    pub(super) fn audit_trail(&self) -> Vec<Block> {
        vec![
            Block::paragraph(
                "Every record is sealed in a line whose SHA-256 is signed by the worker that made it and appended to a Merkle tree (RFC 6962). \
                 Checkpoints of the tree are signed; decisions are notes in the same log, each signed by the person who decided. The bundle \
                 holds every leaf, so that what is withheld from a recipient is visible to all.",
            ),
            plain(
                "",
                [
                    ("Entries", self.statistics.entries),
                    ("Control notes", self.statistics.notes),
                    ("Records erased, with a note that says why", self.case.erased.len() as u64),
                    ("Mandates", self.case.mandates.len() as u64),
                    ("Dossiers", self.case.dossiers.len() as u64),
                    ("Approvals", self.case.approvals.len() as u64),
                    ("Withhold notes", self.case.withholds.len() as u64),
                    ("Issue notes", self.case.issues.len() as u64),
                ],
            ),
            Block::paragraph(
                "Whether outside witnesses have cosigned the checkpoints is stated by the trust anchor's quorum and by the checkpoints in the bundle: a verifier reports it.",
            ),
        ]
    }

    /// Section 8.
    pub(super) fn quality(&self) -> Vec<Block> {
        let due = self.decided.echoed(&self.case).len() as u64;
        vec![
            Block::paragraph(
                "Issuing needs an approver other than the investigator; the software refuses one person in both roles.",
            ),
            plain(
                "",
                [("Reported observations whose peer has since answered a control visit: their reports are to be withdrawn", due)],
            ),
            Block::pending(
                "The confirmation test (a swarm with ground truth, run with the binary and configuration in use) does not exist yet, so no error rate of the whole procedure is stated.",
            ),
            Block::pending("Incidents, withdrawals and change control are not recorded in the log yet."),
        ]
    }

    /// Section 9.
    pub(super) fn data_protection(&self) -> Vec<Block> {
        let mut bases: BTreeMap<&str, u64> = BTreeMap::new();
        for basis in self.case.erased.values() {
            *bases.entry(basis).or_default() += 1;
        }
        let reported = self.decided.reported.len() as u64;
        vec![
            Block::paragraph(
                "Leaves hold no address and no time. An ISP receives the records of its own reported sessions and no others; the auditor \
                 receives all. Erasing a record destroys its line and its blind, after which nobody can test a guess at it.",
            ),
            plain(
                "",
                [
                    ("Observations of grade 'served'", self.case.served.len() as u64),
                    ("Of these, reported", reported),
                    ("Of these, withheld from the ISP", self.withheld().len() as u64),
                ],
            ),
            counts("Erasures by basis", "Basis", bases),
            Block::pending("Retention periods are not enforced by the software yet."),
        ]
    }

    /// Section 10.
    pub(super) fn generation(&self) -> Result<Vec<Block>, Fault> {
        let mut table = Table::new(
            "Issues",
            [
                ("Entry", Align::End),
                ("Issued at", Align::Start),
                ("Investigator", Align::Start),
                ("Approver", Align::Start),
                ("Rules", Align::Start),
                ("Reports", Align::End),
            ],
        );
        for logged in &self.case.issues {
            let note = &logged.note;
            table = table.row([
                logged.index.to_string(),
                note.at.to_string(),
                note.investigator.clone(),
                logged.holder.clone(),
                note.profile.clone(),
                grouped(note.reports.len() as u64),
            ]);
        }
        let dates = self.dates()?;
        let withheld = self.withheld();
        let reasons = Reason::ALL.iter().filter_map(|reason| {
            let count = withheld.values().filter(|word| word.as_str() == reason.word()).count() as u64;
            (count > 0).then(|| (format!("{}: {}", reason.word(), reason.explanation()), count))
        });
        let other = withheld.values().filter(|word| Reason::from_word(word).is_none()).count() as u64;
        Ok(vec![
            Block::paragraph(
                "A report is issued only if every condition of evidence-schema/cir.md holds; each refusal is logged with its reason before the issue.",
            ),
            Block::Table(table),
            counts("Observations withheld, by reason", "Reason", reasons),
            plain(
                "",
                [
                    ("Withheld for a reason unknown to this version", other),
                    ("Reports issued by the target of ten working days", dates.on_target),
                    ("Reports issued after the target and within the month", dates.after_target),
                    ("Reports issued after the month, which must not happen", dates.after_month),
                    ("Reports whose first record has been erased since, so that their dates cannot be derived", dates.erased),
                    ("Observations lost to the month's end", self.withheld_for(Reason::Late)),
                ],
            ),
            Block::paragraph(format!(
                "Holidays: table of {}; source: {}.",
                self.input.holidays.dated(),
                self.input.holidays.source()
            )),
        ])
    }

    /// Section 11.
    pub(super) fn review(&self) -> Vec<Block> {
        vec![Block::pending(
            "No independent review is recorded in the log yet. Anybody can check the bundle: data/README.txt and evidence-schema/verify.md say how.",
        )]
    }

    /// Section 12.
    pub(super) fn limits(&self) -> Vec<Block> {
        vec![Block::bullets([
            "A report shows a connection between two addresses and ports, and not who used it or who holds the line.",
            "Behind a carrier's address translation only address, port, transport and time together name a subscriber, and only if the carrier keeps such records.",
            "An address may be shared by a household, guests, a hotspot or a relay. A control visit finds peers that answer for any torrent, not relays that behave like ordinary ones.",
            "Only blocks that were received are counted. That a peer claims more is recorded as a claim and reported nowhere.",
            "That a block received is the content is known by its digest, which the monitor compares with those of a reference copy. The digests of the copy are in the auditor's bundle alone, where a verifier compares them again; the copy itself, and that it was what the reviewers saw, rests on their approvals.",
            "The tables of prefixes say who announces an address, which is not always who serves it.",
            "The name of the client is what the peer claims.",
            "Times are the monitor's; their error is bounded as section 6 states and is not known for laboratory runs.",
        ])]
    }

    /// Section 13.
    pub(super) fn versions(&self) -> Vec<Block> {
        let mut table = Table::new(
            "Runs",
            [
                ("Run", Align::Start),
                ("Version", Align::Start),
                ("Laboratory", Align::Start),
                ("Started", Align::Start),
                ("Ended", Align::Start),
                ("Torrents", Align::End),
                ("Tables", Align::End),
                ("Release SHA-256", Align::Start),
                ("Configuration SHA-256", Align::Start),
            ],
        );
        let moment = |at: Option<Utc>| at.map_or("not recorded".to_string(), |at| at.to_string());
        for (id, run) in &self.statistics.runs {
            let digest =
                |digest: Option<evidence::Digest>| digest.map_or("not recorded".to_string(), |digest| digest.to_string());
            table = table.row([
                id.to_string(),
                run.version.clone(),
                if run.laboratory { "yes" } else { "no" }.into(),
                moment(run.started),
                run.ended.as_ref().map_or("not recorded".into(), |(at, reason)| format!("{at}, {reason}")),
                run.targets.len().to_string(),
                run.tables.len().to_string(),
                digest(run.release),
                digest(run.config),
            ]);
        }
        vec![
            Block::Table(table),
            Block::figures(
                "",
                [
                    ("Casework", format!("affiant {}", env!("CARGO_PKG_VERSION")), ""),
                    ("ISP register SHA-256", self.input.register.sha256().to_string(), ""),
                ],
            ),
            Block::pending(
                "Releases are not reproducibly built or signed yet: a digest identifies a program and does not say where it came from.",
            ),
        ]
    }

    /// Section 14.
    pub(super) fn volumes(&self) -> Vec<Block> {
        let mut by_isp: BTreeMap<&str, u64> = BTreeMap::new();
        for report in self.case.issues.iter().flat_map(|logged| &logged.note.reports) {
            *by_isp.entry(&report.isp).or_default() += 1;
        }
        let total: u64 = by_isp.values().sum();
        vec![
            plain(
                "",
                [
                    ("Reports issued", total),
                    ("ISPs that received reports", by_isp.len() as u64),
                    ("Issues", self.case.issues.len() as u64),
                ],
            ),
            Block::Chart(Chart::bars(
                "Reports by ISP",
                Axis::new("Reports", ""),
                by_isp.iter().map(|(isp, count)| (*isp, height(*count))),
            )),
            counts("Reports by ISP", "ISP", by_isp.iter().map(|(isp, count)| (*isp, *count))),
            Block::pending(
                "Estimates for ISP and period are part of the configuration and not of the log yet; what was refused for them stands in section 10.",
            ),
        ]
    }

    /// Section 15.
    pub(super) fn rejections(&self) -> Vec<Block> {
        vec![Block::pending("Answers of ISPs, rejections and appeals are not recorded in the log yet.")]
    }

    /// Every observation that a note withheld and no issue reported, with the latest reason.
    fn withheld(&self) -> BTreeMap<u64, &String> {
        let withheld = self.decided.withheld.iter().filter(|(index, _)| !self.decided.reported.contains_key(index));
        withheld.map(|(index, reason)| (*index, reason)).collect()
    }

    fn withheld_for(&self, reason: Reason) -> u64 {
        self.withheld().values().filter(|word| word.as_str() == reason.word()).count() as u64
    }

    /// How the reports' times of issue compare with their deadlines. A report's identifier ends with the index of
    /// its session's first observation, whose first work block is the session's start.
    fn dates(&self) -> Result<Dates, Fault> {
        let mut dates = Dates::default();
        for logged in &self.case.issues {
            for report in &logged.note.reports {
                let first = first_index(&report.uin)
                    .and_then(|index| self.case.served.binary_search_by_key(&index, |served| served.index).ok());
                let Some(first) = first.map(|position| &self.case.served[position]) else {
                    dates.erased += 1;
                    continue;
                };
                let due = deadlines(first.first, self.input.holidays)?;
                let day = uk_day(logged.note.at);
                *if day <= due.target {
                    &mut dates.on_target
                } else if day <= due.last {
                    &mut dates.after_target
                } else {
                    &mut dates.after_month
                } += 1;
            }
        }
        Ok(dates)
    }
}

#[derive(Default)]
struct Dates {
    on_target: u64,
    after_target: u64,
    after_month: u64,
    erased: u64,
}
