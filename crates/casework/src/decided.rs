//! What earlier notes of the shard decided: which observations were reported, and which withheld.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Digest, sha256};

use crate::{
    casefile::{CaseFile, fault, shard},
    eligibility::Reason,
    fault::Fault,
    sessions::{Session, sessions},
};

/// Decisions that are in the log already.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// Indices of observations that some issue reported, and to whom.
    pub reported: BTreeMap<u64, String>,
    /// Indices of observations that some note withheld, with the latest reason.
    pub withheld: BTreeMap<u64, String>,
}

impl Decided {
    /// Decisions below `until`.
    ///
    /// An issue note lists reports by identifier, and the identifier names the session's first entry. The rest of
    /// the session is derived again from the entries that were in the log when the note was.
    pub fn read(origin: &str, case: &CaseFile, until: u64) -> Result<Self, Fault> {
        let mut decided = Self::default();
        for logged in case.withholds.iter().filter(|logged| logged.index < until) {
            for withheld in &logged.note.withheld {
                decided.withheld.insert(withheld.index, withheld.reason.clone());
            }
        }
        for logged in case.issues.iter().filter(|logged| logged.index < until && !logged.note.reports.is_empty()) {
            let stem = uin_stem(origin)?;
            let mut recipients: BTreeMap<u64, &str> = BTreeMap::new();
            for report in &logged.note.reports {
                let first = first_index(&report.uin).filter(|_| report.uin.starts_with(&stem));
                let first = first.ok_or_else(|| fault(logged.index, "the issue names a report that is not of this log"))?;
                recipients.insert(first, &report.isp);
            }
            for session in sessions(case, logged.index).sessions {
                // An observation that was logged between the plan and its note may have moved the session's start.
                let isp = session.served(case).find_map(|served| recipients.get(&served.index));
                let Some(isp) = isp else { continue };
                decided.reported.extend(session.served(case).map(|served| (served.index, (*isp).to_string())));
            }
        }
        Ok(decided)
    }

    /// Whether any observation of the session was reported.
    pub fn has_reported(&self, session: &Session, case: &CaseFile) -> bool {
        session.served(case).any(|served| self.reported.contains_key(&served.index))
    }

    /// Whether a note withheld the observation for a reason that time cannot mend.
    pub fn is_withheld_for_good(&self, index: u64) -> bool {
        self.withheld.get(&index).is_some_and(|reason| Reason::from_word(reason).is_none_or(Reason::is_final))
    }

    /// Observations that were reported although a later control visit found their peer to answer anything: each
    /// report on them must be withdrawn.
    pub fn echoed(&self, case: &CaseFile) -> BTreeSet<u64> {
        let unusable = sessions(case, case.size).unusable;
        let echoes = unusable.into_iter().filter(|(_, reason)| *reason == Reason::Echo);
        echoes.map(|(position, _)| case.served[position].index).filter(|index| self.reported.contains_key(index)).collect()
    }
}

/// The index of the session's first observation, with which its report's identifier ends.
pub(crate) fn first_index(uin: &str) -> Option<u64> {
    uin.rsplit('-').next()?.parse().ok()
}

/// The unique identifier of the report on a session (cir.md).
pub fn uin(origin: &str, session: &Session, case: &CaseFile) -> Result<String, Fault> {
    Ok(format!("{}{}", uin_stem(origin)?, session.first(case).index))
}

/// What every identifier of a shard begins with.
fn uin_stem(origin: &str) -> Result<String, Fault> {
    let (_, month) = shard(origin)?;
    let log: Digest = sha256(origin.as_bytes());
    Ok(format!("{month}-{}-", &log.to_string()[..8]))
}
