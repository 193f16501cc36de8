//! What to report and what to withhold: the plan that an approver signs.
//!
//! The same log and input give the same plan. Nothing is changed here: the caller appends the withhold note (if it
//! withholds anything), then the issue note, and then writes the bundles.

use std::collections::BTreeMap;

use evidence::{
    Cir, Digest, Entry, Part, Utc,
    control::{Issue, Issued, Withheld, Withhold},
};

use crate::{
    casefile::{CaseFile, person},
    cirs::{cir_sha256, report},
    deadlines::Holidays,
    decided::Decided,
    eligibility::{Eligible, Reason, Rules},
    fault::{BoxError, Fault},
    register::Register,
    sessions::{Session, sessions},
};

/// Most reports of one issue, and most observations of one withholding: their notes stay below 1 MiB.
pub const MAX_PER_NOTE: usize = 4_000;

/// Who issues what, when and by which rules.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// The log's origin: `<name>/<YYYY-MM>`.
    pub origin: &'a str,
    /// When the reports are issued.
    pub issued_at: Utc,
    /// Who launched the job, and holds an analyst key too.
    pub investigator: &'a str,
    /// Who approves and signs; another person, who holds an analyst key.
    pub approver: &'a str,
    /// The rules, e.g. `uk-draft-2012/1`.
    pub profile: &'a str,
    /// The ISP register.
    pub register: &'a Register,
    /// The holidays.
    pub holidays: &'a Holidays,
    /// How many more reports each ISP may be sent in the period; an ISP that is not listed has no limit.
    pub estimates: &'a BTreeMap<String, u64>,
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The reports, in order of UIN.
    pub cirs: Vec<Cir>,
    /// *Served* observations that are not reported and that no earlier note explains, in notes of bounded size.
    /// Log them first.
    pub withholds: Vec<Withhold>,
    /// The issue. Log it after the withholdings, signed by the approver.
    pub issue: Issue,
    /// Every refusal of this plan: the session or the single observation, and why.
    pub refusals: Vec<Refusal>,
    /// Counts.
    pub statistics: PlanStatistics,
    /// Indices of observations that were reported earlier and whose peer has answered a control visit since: the
    /// reports on them must be withdrawn.
    pub withdrawals_due: Vec<u64>,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Indices of the observations.
    pub indices: Vec<u64>,
    /// Why.
    pub reason: Reason,
}

/// Counts of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanStatistics {
    /// Probes of grade *served* in the shard.
    pub served: u64,
    /// Sessions that they make up, those of earlier issues included.
    pub sessions: u64,
    /// Sessions that earlier notes decided.
    pub decided_earlier: u64,
    /// Reports.
    pub reports: u64,
    /// Reports by ISP.
    pub reports_by_isp: BTreeMap<String, u64>,
    /// Refused sessions and single observations by reason.
    pub refused: BTreeMap<Reason, u64>,
    /// Reports whose target date has passed at the time of issue.
    pub past_target: u64,
    /// Eligible sessions beyond what one issue note holds. They are not withheld: plan again after this issue.
    pub left_for_next_issue: u64,
}

/// Plans an issue of everything that the log holds and that no earlier note decided.
pub fn plan(log: impl IntoIterator<Item = Result<Entry, BoxError>>, input: &PlanInput<'_>) -> Result<Plan, Fault> {
    check_people(input)?;
    plan_of(&CaseFile::read(input.origin, log)?, input)
}

/// The same from what was gathered already.
pub fn plan_of(case: &CaseFile, input: &PlanInput<'_>) -> Result<Plan, Fault> {
    check_people(input)?;
    // Reports name both as the log writes them.
    let approver = case.analyst(input.approver).ok_or_else(|| Fault::Approver(input.approver.into()))?;
    let investigator = case.analyst(input.investigator).ok_or_else(|| Fault::Investigator(input.investigator.into()))?;
    let input = &PlanInput { approver, investigator, ..input.clone() };
    let decided = Decided::read(input.origin, case, case.size)?;
    let found = sessions(case, case.size);
    let PlanInput { register, holidays, issued_at, profile, .. } = *input;
    let rules = Rules { case, decided: &decided, register, holidays, issued_at, profile };
    let mut planner =
        Planner { input, case, decided: &decided, cirs: Vec::new(), refusals: Vec::new(), statistics: PlanStatistics::default() };
    planner.statistics.served = case.served.len() as u64;
    planner.statistics.sessions = found.sessions.len() as u64;

    for (position, reason) in &found.unusable {
        planner.refuse(&[*position], *reason);
    }
    let mut eligible: Vec<(&Session, Eligible<'_>)> = Vec::new();
    for session in &found.sessions {
        if planner.is_decided(session) {
            planner.statistics.decided_earlier += 1;
            continue;
        }
        match rules.judge(session)? {
            Ok(fit) => eligible.push((session, fit)),
            Err(reason) => planner.refuse(&session.observations, reason),
        }
    }
    // Where an estimate runs out, what falls due first is reported.
    eligible.sort_by_key(|(session, fit)| (fit.deadlines.last, session.start, session.lowest_index(case)));
    for (session, fit) in eligible {
        planner.report(session, &fit)?;
    }
    planner.finish()
}

fn check_people(input: &PlanInput<'_>) -> Result<(), Fault> {
    if person(input.investigator) == person(input.approver) { Err(Fault::SamePerson(input.approver.into())) } else { Ok(()) }
}

struct Planner<'a> {
    input: &'a PlanInput<'a>,
    case: &'a CaseFile,
    decided: &'a Decided,
    cirs: Vec<Cir>,
    refusals: Vec<Refusal>,
    statistics: PlanStatistics,
}

impl Planner<'_> {
    /// Whether earlier notes leave nothing to decide: every observation was reported, or withheld for good.
    fn is_decided(&self, session: &Session) -> bool {
        session
            .served(self.case)
            .all(|served| self.decided.reported.contains_key(&served.index) || self.decided.is_withheld_for_good(served.index))
    }

    fn refuse(&mut self, positions: &[usize], reason: Reason) {
        let indices = positions.iter().map(|position| self.case.served[*position].index);
        let new: Vec<u64> = indices
            .filter(|index| !self.decided.reported.contains_key(index) && !self.decided.is_withheld_for_good(*index))
            .collect();
        if !new.is_empty() {
            *self.statistics.refused.entry(reason).or_default() += 1;
            self.refusals.push(Refusal { indices: new, reason });
        }
    }

    fn report(&mut self, session: &Session, fit: &Eligible<'_>) -> Result<(), Fault> {
        let sent = self.statistics.reports_by_isp.get(&fit.isp.id).copied().unwrap_or(0);
        if self.input.estimates.get(&fit.isp.id).is_some_and(|left| sent >= *left) {
            self.refuse(&session.observations, Reason::OverEstimate);
            return Ok(());
        }
        if self.cirs.len() == MAX_PER_NOTE {
            self.statistics.left_for_next_issue += 1;
            return Ok(());
        }
        self.cirs.push(report(self.input, self.case, session, fit)?);
        self.statistics.reports += 1;
        *self.statistics.reports_by_isp.entry(fit.isp.id.clone()).or_default() += 1;
        self.statistics.past_target += u64::from(crate::calendar::uk_day(self.input.issued_at) > fit.deadlines.target);
        Ok(())
    }

    fn finish(mut self) -> Result<Plan, Fault> {
        self.cirs.sort_by(|one, other| one.uin.cmp(&other.uin));
        self.refusals.sort_by(|one, other| one.indices.cmp(&other.indices));
        let reports = self
            .cirs
            .iter()
            .map(|cir| Ok(Issued { cir_sha256: cir_sha256(cir)?, isp: cir.isp.id.clone(), uin: cir.uin.clone() }))
            .collect::<Result<_, Fault>>()?;
        let issue = Issue {
            at: self.input.issued_at,
            investigator: self.input.investigator.into(),
            profile: self.input.profile.into(),
            tables_sha256: self.tables(),
            reports,
        };
        let at = self.input.issued_at;
        let withholds = self.withheld().chunks(MAX_PER_NOTE).map(|part| Withhold { at, withheld: part.to_vec() }).collect();
        let withdrawals_due = self.decided.echoed(self.case).into_iter().collect();
        Ok(Plan { cirs: self.cirs, withholds, issue, refusals: self.refusals, statistics: self.statistics, withdrawals_due })
    }

    /// What an ISP would be owed and is not reported. What an earlier note withheld is not withheld again.
    fn withheld(&self) -> Vec<Withheld> {
        let owed = |index: u64| {
            let position = self.case.served.binary_search_by_key(&index, |served| served.index);
            position.is_ok_and(|position| matches!(self.case.served[position].part, Part::As(_)))
        };
        let mut withheld: Vec<Withheld> = self
            .refusals
            .iter()
            .flat_map(|refusal| refusal.indices.iter().map(|index| (*index, refusal.reason)))
            .filter(|(index, reason)| owed(*index) && self.decided.withheld.get(index).is_none_or(|word| word != reason.word()))
            .map(|(index, reason)| Withheld { index, reason: reason.word().into() })
            .collect();
        withheld.sort_by_key(|withheld| withheld.index);
        withheld
    }

    /// The tables that the reports name, in the order first named, and the register in use.
    fn tables(&self) -> Vec<Digest> {
        let mut tables: Vec<Digest> = Vec::new();
        let named = self.cirs.iter().flat_map(|cir| cir.attribution.tables.iter().copied());
        for table in named.chain([self.input.register.sha256()]) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests;
