//! What sessions say of one another: the same client on another connection, and the same peer seen once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use evidence::{Direction, PeerId, TargetIds, Utc};

use super::{GAP_MS, Session, SessionKey};
use crate::casefile::CaseFile;

/// Sessions whose starts are further apart say nothing of one another.
const CORROBORATES_WITHIN_MS: i64 = 86_400_000;

/// Marks repetitions and what is corroborated.
pub(super) fn mark(sessions: &mut [Session], case: &CaseFile) {
    mark_repetitions(sessions, case);
    mark_corroborated(sessions, case);
}

/// A session of one client, as its other sessions see it.
struct Kin {
    start: Utc,
    first_index: u64,
    end: Utc,
    position: usize,
    is_dialled: bool,
}

fn mark_repetitions(sessions: &mut [Session], case: &CaseFile) {
    let mut clients: BTreeMap<(IpAddr, TargetIds, PeerId), Vec<Kin>> = BTreeMap::new();
    for (position, session) in sessions.iter().enumerate() {
        let ids: BTreeSet<PeerId> = session.served(case).filter_map(|served| served.peer_id).collect();
        for id in ids {
            clients.entry((session.key.peer.ip(), session.key.target, id)).or_default().push(Kin {
                start: session.start,
                first_index: session.first(case).index,
                end: session.end,
                position,
                is_dialled: session.is_dialled(case),
            });
        }
    }
    for mut kin in clients.into_values() {
        kin.sort_by_key(|one| (one.start, one.first_index));
        // One that comes earlier is near enough if it ended late enough.
        let mut latest_end: Option<Utc> = None;
        for one in &kin {
            if latest_end.is_some_and(|end| one.start.since_ms(end) <= GAP_MS) && has_dialled_us(&sessions[one.position], case) {
                sessions[one.position].is_repetition = true;
            }
            latest_end = latest_end.max(Some(one.end));
        }
        // One that comes later counts only if we dialled it; the next such one is the nearest.
        let mut next_dialled: Option<Utc> = None;
        for one in kin.iter().rev() {
            if next_dialled.is_some_and(|start| start.since_ms(one.end) <= GAP_MS)
                && has_dialled_us(&sessions[one.position], case)
            {
                sessions[one.position].is_repetition = true;
            }
            if one.is_dialled {
                next_dialled = Some(one.start);
            }
        }
    }
}

fn has_dialled_us(session: &Session, case: &CaseFile) -> bool {
    session.served(case).any(|served| served.direction == Direction::Incoming)
}

fn mark_corroborated(sessions: &mut [Session], case: &CaseFile) {
    type Client = (SessionKey, [u8; 8]);
    let mut clients: BTreeMap<Client, Vec<(Utc, usize)>> = BTreeMap::new();
    for (position, session) in sessions.iter_mut().enumerate() {
        let first = session.first(case);
        let vantage = first.observer.ip();
        let has_two_vantages = session.served(case).any(|served| served.observer.ip() != vantage);
        session.is_corroborated = has_two_vantages;
        if let Some(client) = first.client_prefix() {
            clients.entry((session.key, client)).or_default().push((session.start, position));
        }
    }
    for mut starts in clients.into_values() {
        starts.sort_unstable();
        for pair in starts.windows(2) {
            let [(earlier, one), (later, other)] = *pair else { continue };
            if later.since_ms(earlier) <= CORROBORATES_WITHIN_MS {
                sessions[one].is_corroborated = true;
                sessions[other].is_corroborated = true;
            }
        }
    }
}
