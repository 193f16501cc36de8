//! Whether a session may be reported: every condition of cir.md, each refusal with its reason.

use std::{collections::BTreeSet, fmt};

use evidence::{Class, Dossier, Mandate, Utc, cir::Deadlines};

use crate::{
    calendar::uk_day,
    casefile::{CaseFile, Logged, Served, Verified, person},
    deadlines::{Holidays, deadlines},
    decided::Decided,
    fault::Fault,
    register::{Entry, Register},
    sessions::Session,
};

/// A report's clock error is at most this.
pub const CLOCK_TOLERANCE_MS: u32 = 40;
/// A shorter block could be guessed by somebody who has not got the content.
pub const SHORTEST_BLOCK_BYTES: u32 = 1_024;
/// The rules under which a laboratory's reports are made: they are nobody's notices.
pub const LABORATORY_PROFILE: &str = "laboratory/1";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $explanation:literal;)*) => {
        /// Why a *served* observation is not reported. Closed: there is no other reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them, in the order in which they are tested.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in a withhold note.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What it means, for readers of the process report.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => $explanation,)*
                }
            }
        }
    };
}

reasons! {
    /// No verified block lies inside a mandated work.
    NoMandatedWork = "no-mandated-work", "no verified block lies wholly inside a mandated work";
    /// Something wrong was sent in the contact.
    UncleanContact = "unclean-contact", "the contact's outcome is not `served`: something wrong was sent in it as well";
    /// The wall clock was set back in the contact.
    ClockWentBack = "clock-went-back", "the wall clock went back between the first and the last verified block";
    /// A control visit was answered.
    Echo = "echo", "the address and port also answered for an info-hash that does not exist; if the peer dialled, any port of the address";
    /// It was reported already.
    Duplicate = "duplicate", "an earlier issue reported an observation of the same session";
    /// No control visit has cleared the session yet.
    NoControlVisit = "no-control-visit", "no control visit about an observation of the session has cleared the address and port yet";
    /// The same client on another connection.
    Repetition = "repetition", "the peer dialled, and another session of the same address, torrent and peer id lies within 30 minutes";
    /// A laboratory's observations under real rules, or the other way round.
    Laboratory = "laboratory", "the session is a laboratory's and the rules of the issue are not, or the other way round";
    /// The session is still going on at the time of issue.
    NotEnded = "not-ended", "the session ended after the time of issue";
    /// Content was sent.
    ContentSent = "content-sent", "the record says that content was sent, which must never happen";
    /// The tables name several origins.
    Ambiguous = "attribution-ambiguous", "the dated tables name more than one network for the address";
    /// The tables name no origin.
    Unattributed = "attribution-unknown", "no dated table covers the address";
    /// A mobile network.
    Mobile = "mobile", "the address belongs to a mobile network";
    /// Not a qualifying fixed-line service.
    NotQualifying = "not-qualifying", "the address is outside the qualifying fixed-line services of the register";
    /// The ISP cannot be named.
    UnknownIsp = "unknown-isp", "the register in use has no entry for the ISP on the day of the session";
    /// The clock's error was not known.
    ClockUnknown = "clock-unknown", "the clock's error was not known";
    /// The clock's error was too large.
    ClockError = "clock-error", "the clock's error was above the tolerance";
    /// No mandate.
    NoMandate = "no-mandate", "no mandate for the torrent and work was logged before the session's first observation";
    /// The mandate was not in force.
    MandateNotInForce = "mandate-not-in-force", "the mandate or its authority was not in force for the whole session";
    /// The peer is the owner's.
    OwnersSeed = "owners-seed", "the mandate names the address as the owner's own seed or decoy";
    /// No dossier.
    NoDossier = "no-dossier", "no dossier of the torrent was logged before the session's first observation";
    /// Observations rest on another dossier.
    OtherDossier = "other-dossier", "the session's observations do not all rest on one dossier of the torrent";
    /// Fewer than two people approved the dossier in time.
    NotApproved = "dossier-not-approved", "fewer than two people had approved the dossier before the session's first observation";
    /// The record and the dossier contradict each other.
    OtherContent = "other-content", "a verified block does not lie wholly in the work that the record names, is shorter than 1,024 bytes, or is unfit as proof by the dossier";
    /// The hard deadline has passed.
    Late = "late", "the month within which the report must be sent is over";
    /// The ISP's estimate is exhausted.
    OverEstimate = "over-estimate", "the number of reports estimated for the ISP and period is exhausted";
}

impl Reason {
    /// Whether no later plan can mend it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::NoControlVisit | Self::Laboratory | Self::NotEnded | Self::OverEstimate)
    }

    /// The reason of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.word() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a report of an eligible session is made from.
#[derive(Debug, Clone)]
pub struct Eligible<'a> {
    /// The ISP's entry on the day of the session.
    pub isp: &'a Entry,
    /// The mandates that cover it, in the order logged. All are of one owner, agent and authority.
    pub mandates: Vec<&'a Logged<Mandate>>,
    /// The dossier.
    pub dossier: &'a Logged<Dossier>,
    /// When the report must be sent.
    pub deadlines: Deadlines,
    /// The bound on the clock's error; absent only in a laboratory.
    pub error_ms: Option<u32>,
}

/// Against what sessions are judged.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What the log holds.
    pub case: &'a CaseFile,
    /// What earlier notes decided.
    pub decided: &'a Decided,
    /// The ISP register.
    pub register: &'a Register,
    /// The holidays.
    pub holidays: &'a Holidays,
    /// When the reports are issued.
    pub issued_at: Utc,
    /// The rules, as reports name them.
    pub profile: &'a str,
}

impl<'a> Rules<'a> {
    /// Judges one session. The outer error stops the plan; the inner one refuses the session.
    pub fn judge(&self, session: &Session) -> Result<Result<Eligible<'a>, Reason>, Fault> {
        let deadlines = deadlines(session.start, self.holidays)?;
        Ok(self.conditions(session, deadlines))
    }

    fn conditions(&self, session: &Session, deadlines: Deadlines) -> Result<Eligible<'a>, Reason> {
        if self.decided.has_reported(session, self.case) {
            return Err(Reason::Duplicate);
        }
        if !session.is_cleared(self.case) {
            return Err(Reason::NoControlVisit);
        }
        if session.is_repetition {
            return Err(Reason::Repetition);
        }
        if session.first(self.case).laboratory != (self.profile == LABORATORY_PROFILE) {
            return Err(Reason::Laboratory);
        }
        if self.issued_at < session.end {
            return Err(Reason::NotEnded);
        }
        if session.served(self.case).any(|served| served.piece_bytes_out != 0) {
            return Err(Reason::ContentSent);
        }
        let isp = self.recipient(session.first(self.case), session)?;
        let error_ms = self.clock(session)?;
        let mandates = self.mandates(session)?;
        let peer = session.key.peer.ip();
        if mandates.iter().any(|logged| logged.note.owner_seeds.iter().any(|seed| seed.to_canonical() == peer)) {
            return Err(Reason::OwnersSeed);
        }
        let dossier = self.dossier(session)?;
        if !session.work_blocks(self.case).all(|block| is_in_its_work(&dossier.note, block)) {
            return Err(Reason::OtherContent);
        }
        if uk_day(self.issued_at) > deadlines.last {
            return Err(Reason::Late);
        }
        Ok(Eligible { isp, mandates, dossier, deadlines, error_ms })
    }

    fn recipient(&self, first: &Served, session: &Session) -> Result<&'a Entry, Reason> {
        match first.attribution.class {
            Class::Fixed => {}
            Class::Mobile => return Err(Reason::Mobile),
            Class::NotQualifying => return Err(Reason::NotQualifying),
            Class::Ambiguous => return Err(Reason::Ambiguous),
            Class::Unknown => return Err(Reason::Unattributed),
        }
        let id = first.attribution.isp.as_deref().ok_or(Reason::UnknownIsp)?;
        let asn = first.attribution.asn.ok_or(Reason::Unattributed)?;
        let standing = self.register.standing(asn, session.key.peer.ip(), session.start.date());
        standing.map(|standing| standing.entry).filter(|entry| entry.id == id).ok_or(Reason::UnknownIsp)
    }

    fn clock(&self, session: &Session) -> Result<Option<u32>, Reason> {
        let mut largest = Some(0);
        for served in session.served(self.case) {
            match served.error_ms {
                Some(error_ms) if error_ms > CLOCK_TOLERANCE_MS => return Err(Reason::ClockError),
                Some(error_ms) => largest = largest.map(|largest: u32| largest.max(error_ms)),
                None if served.laboratory => largest = None,
                None => return Err(Reason::ClockUnknown),
            }
        }
        Ok(largest)
    }

    fn mandates(&self, session: &Session) -> Result<Vec<&'a Logged<Mandate>>, Reason> {
        let before = session.lowest_index(self.case);
        let named = |id: &str| session.work_blocks(self.case).any(|block| block.work.as_deref() == Some(id));
        // A hybrid torrent is one torrent, by whichever of its info-hashes the owner named it.
        let names_torrent = |mandate: &Mandate| mandate.targets.iter().any(|target| target.overlaps(&session.key.target));
        let logged: Vec<&Logged<Mandate>> = self
            .case
            .mandates
            .iter()
            .filter(|logged| logged.index < before && names_torrent(&logged.note) && named(&logged.note.id))
            .filter(|logged| session.served(self.case).all(|served| served.mandates_sha256.contains(&logged.sha256)))
            .collect();
        if logged.is_empty() {
            return Err(Reason::NoMandate);
        }
        let in_force = |mandate: &Mandate| mandate.in_force(session.start) && mandate.in_force(session.end);
        let mut covering: Vec<_> = logged.into_iter().filter(|logged| in_force(&logged.note)).collect();
        let principal = covering.first().copied().ok_or(Reason::MandateNotInForce)?;
        // One report speaks for one owner; works of another owner in the same torrent are not listed.
        covering.retain(|logged| {
            let (one, other) = (&principal.note, &logged.note);
            one.owner == other.owner && one.agent == other.agent && one.authority == other.authority
        });
        Ok(covering)
    }

    fn dossier(&self, session: &Session) -> Result<&'a Logged<Dossier>, Reason> {
        let before = session.lowest_index(self.case);
        let named = session.first(self.case).dossier_sha256;
        let logged = self.case.dossiers.iter().find(|logged| Some(logged.sha256) == named);
        let logged = logged.filter(|logged| logged.index < before).ok_or(Reason::NoDossier)?;
        let is_theirs = session.served(self.case).all(|served| served.dossier_sha256 == named);
        if !is_theirs || logged.note.target != session.key.target {
            return Err(Reason::OtherDossier);
        }
        let approvals = self
            .case
            .approvals
            .iter()
            .filter(|approval| approval.index < before && approval.dossier_note_sha256 == logged.sha256);
        let holders: BTreeSet<String> = approvals.map(|approval| person(&approval.holder)).collect();
        if holders.len() < 2 { Err(Reason::NotApproved) } else { Ok(logged) }
    }
}

/// Whether the dossier agrees with the record on the work that a block belongs to. The crawler asked the same
/// before it requested the block; nothing is reported on its word alone.
fn is_in_its_work(dossier: &Dossier, block: &Verified) -> bool {
    let Some(work) = &block.work else { return true };
    let Some(place) = dossier.block_at(block.piece, block.offset, block.length) else { return false };
    block.length >= SHORTEST_BLOCK_BYTES
        && dossier.work_of(&place) == Some(work)
        && dossier.unfit_blocks.binary_search(&place.number).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page and the code list the same reasons, in the same order, in the same words.
    #[test]
    fn reasons_are_those_of_the_schema() {
        let page = include_str!("../../../evidence-schema/process-report.md");
        let (_, reasons) = page.split_once("## Reasons for withholding\n").unwrap();
        let (_, table) = reasons.split_once("| word | meaning |\n|---|---|\n").unwrap();
        let rows: Vec<&str> = table.lines().collect();
        let expected: Vec<String> = Reason::ALL
            .iter()
            .map(|reason| {
                format!("| `{}`{} | {} |", reason.word(), if reason.is_final() { "" } else { " *" }, reason.explanation())
            })
            .collect();
        assert_eq!(rows, expected);
        assert!(Reason::ALL.iter().all(|reason| Reason::from_word(reason.word()) == Some(*reason)));
    }
}
