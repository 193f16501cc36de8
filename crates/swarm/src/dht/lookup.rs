//! One look-up in one family: which node to ask next, and when all who matter have answered.
//!
//! Several paths start from different nodes of our table. A node is asked once, on one path, and whom it names counts
//! for that path alone; so a liar can lead his own path astray and no other. First every path goes on until the closest
//! node that it has heard of is settled. Then the paths are joined, and every node is asked that stands among the
//! closest ones: of all nodes; apart from these, of nodes whose id fits their address, so that inventions cannot push
//! those out whose place is not freely chosen; and, apart from both, of nodes so close to the target that chance would
//! hardly put one there. Those who were invented for the target are mostly among the latter, and hide nobody.
//! If still more nodes are named near the target than chance allows, all of the space is asked where the closest ones
//! should be, those first whom several others name. Then, and if many queries fail, twice as many of the closest are
//! asked.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use evidence::Mono;
use wire::krpc::{Node, NodeId};

use super::candidate::{Candidate, Key, Referrer, Reputation, State};
use super::id::{Distance, IdCheck};
use super::limits::{CLOSEST, Caps, Limits};
use super::record::{Ending, Settled};

/// Our own routing table as a referrer.
const TABLE: Referrer = 0;

/// Whom a query of a look-up asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A node whose id was named.
    Known(Key),
    /// A configured address, whatever its id.
    Entry(SocketAddr),
}

/// What the look-up wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask this node, on this path.
    Ask(Place, u8),
    /// Nothing until an answer or a silence.
    Wait,
    /// It is over.
    Done(Ending),
}

#[derive(Debug)]
pub(super) struct Lookup {
    target: NodeId,
    limits: Limits,
    caps: Caps,
    ends: Mono,
    candidates: BTreeMap<Key, Candidate>,
    reputations: Vec<Reputation>,
    paths: Vec<Path>,
    entries: VecDeque<SocketAddr>,
    entries_open: u32,
    /// The upper bits of the distance within which one node is expected, if that is known.
    spacing: Option<u128>,
    asked: u32,
    repeated: u32,
    answered: u32,
    excluded: u32,
    /// Silences, errors, other ids, and answers that name nodes which may not be contacted.
    setbacks: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Path {
    asked: u32,
}

/// The closest candidates of a kind, by what is known of them.
#[derive(Debug, Default)]
struct Window {
    /// Not asked yet.
    heard: Vec<Key>,
    /// Asked, and not slow.
    open: usize,
    /// Silent once, and worth another query.
    silent: Vec<Key>,
    answered: Vec<Key>,
}

impl Lookup {
    pub(super) fn new(target: NodeId, limits: Limits, caps: Caps, network_size: Option<u64>, now: Mono) -> Self {
        Self {
            target,
            limits,
            caps,
            ends: now.plus_ms(limits.look_up_ms),
            candidates: BTreeMap::new(),
            reputations: vec![Reputation::default()],
            paths: vec![Path::default(); usize::from(limits.paths.clamp(1, 8))],
            entries: VecDeque::new(),
            entries_open: 0,
            spacing: network_size.map(|size| u128::MAX / u128::from(size.max(1))),
            asked: 0,
            repeated: 0,
            answered: 0,
            excluded: 0,
            setbacks: 0,
        }
    }

    /// Deals the nodes of our table to the paths, the closest first.
    pub(super) fn start(&mut self, nodes: &[(Node, IdCheck)]) {
        for (at, (node, check)) in nodes.iter().enumerate() {
            // There are at most eight paths.
            self.name(node, *check, (at % self.paths.len()) as u8, TABLE, 0);
        }
    }

    /// Adds an address whose id is not known.
    pub(super) fn start_at(&mut self, address: SocketAddr) {
        self.entries.push_back(address);
    }

    fn name(&mut self, node: &Node, check: IdCheck, path: u8, referrer: Referrer, steps: u32) {
        let key = (Distance::between(&node.id, &self.target), node.address);
        if !self.candidates.contains_key(&key) && self.candidates.len() >= self.limits.candidates_max && !self.make_room(&key) {
            return;
        }
        self.candidates.entry(key).or_insert_with(|| Candidate::new(node, check, steps)).named(path, referrer);
    }

    /// Forgets the farthest node that was never asked, if `newcomer` is closer.
    fn make_room(&mut self, newcomer: &Key) -> bool {
        let heard = self.candidates.iter().rev().find(|(_, candidate)| matches!(candidate.state, State::Heard));
        match heard.map(|(key, _)| *key) {
            Some(farthest) if farthest > *newcomer => self.candidates.remove(&farthest).is_some(),
            _ => false,
        }
    }

    /// What to do next. An [`Step::Ask`] that is carried out is confirmed with [`Self::asked`].
    pub(super) fn next(&self, now: Mono) -> Step {
        if now >= self.ends {
            return Step::Done(Ending::Bounded);
        }
        let is_spent = self.asked >= self.limits.queries_max;
        if !is_spent
            && self.entries_open == 0
            && self.has_room_for_entry()
            && let Some(address) = self.entries.front()
        {
            return Step::Ask(Place::Entry(*address), self.idlest(u8::MAX));
        }
        let mut is_walking = self.entries_open > 0;
        // Half of the queries are kept for when the paths are joined.
        let share = self.limits.queries_max / (2 * self.paths.len() as u32);
        for path in self.paths_by_work() {
            let window = self.window(1, None, |key, candidate| candidate.is_on(path) && self.is_plausible(key));
            is_walking |= window.open > 0;
            if let (Some(key), false) = (window.heard.first(), is_spent || self.paths[usize::from(path)].asked >= share) {
                return Step::Ask(Place::Known(*key), path);
            }
        }
        if is_walking {
            return Step::Wait;
        }
        self.next_of_all(is_spent)
    }

    fn next_of_all(&self, is_spent: bool) -> Step {
        let windows = self.windows();
        let open = windows.iter().map(|window| window.open).max().unwrap_or(0);
        let first = |of: fn(&Window) -> &Vec<Key>| windows.iter().find_map(|window| of(window).first().copied());
        let is_repeating = self.repeated < self.limits.repeats_max;
        match (first(|window| &window.heard), first(|window| &window.silent)) {
            (Some(_), _) if is_spent => Step::Done(Ending::Bounded),
            (Some(_), _) if open >= self.paths.len() => Step::Wait,
            (Some(key), _) => self.ask_at_last(key),
            _ if self.has_open() => Step::Wait,
            (None, Some(key)) if is_repeating && !is_spent => self.ask_at_last(key),
            _ if self.answered == 0 => Step::Done(Ending::Silence),
            _ => Step::Done(Ending::Complete),
        }
    }

    /// The closest of those whose id fits their address, of all, and of those closer than is likely.
    fn windows(&self) -> [Window; 3] {
        let radius = self.crowded_radius();
        let is_wary = self.setbacks * 4 >= self.asked || self.is_crowded();
        let count = if is_wary { 2 * CLOSEST } else { CLOSEST };
        let mut all = self.window(count, radius, |key, _| self.is_plausible(key));
        if radius.is_some() {
            all.heard.sort_by_key(|key| self.candidates.get(key).map(Candidate::doubt));
        }
        let matching = self.window(count, None, |_, candidate| candidate.check == IdCheck::Matches);
        let unlikely = self.window(CLOSEST, None, |key, _| !self.is_plausible(key));
        [matching, all, unlikely]
    }

    fn ask_at_last(&self, key: Key) -> Step {
        let paths = self.candidates.get(&key).map_or(u8::MAX, |candidate| candidate.paths);
        Step::Ask(Place::Known(key), self.idlest(paths))
    }

    /// The closest candidates of a kind: as many as could still be among the `count` closest that answer, and all of
    /// them within `radius`.
    fn window(&self, count: usize, radius: Option<u128>, is_of_kind: impl Fn(&Key, &Candidate) -> bool) -> Window {
        let mut window = Window::default();
        let mut networks = BTreeMap::new();
        let mut taken = 0;
        for (key, candidate) in self.candidates.iter().filter(|(key, candidate)| is_of_kind(key, candidate)) {
            if taken >= count && radius.is_none_or(|radius| key.0.high() > radius) {
                break;
            }
            let in_network: &mut usize = networks.entry(self.caps.network(key.1.ip())).or_default();
            if *in_network >= self.caps.per_look_up {
                continue;
            }
            match &candidate.state {
                State::Heard if self.is_credible(candidate) => window.heard.push(*key),
                State::Asked { slow: false } => window.open += 1,
                State::Answered { .. } => window.answered.push(*key),
                State::Silent if self.is_worth_repeating(candidate) => {
                    window.silent.push(*key);
                    continue;
                }
                _ => continue,
            }
            *in_network += 1;
            taken += 1;
        }
        window
    }

    /// Where more nodes are named near the target than chance allows, the distance within which the closest ones are
    /// expected. Three times as many as are due are no accident: it happens once in 100,000 look-ups.
    fn crowded_radius(&self) -> Option<u128> {
        let radius = self.spacing?.saturating_mul(CLOSEST as u128);
        let near = self.candidates.iter().take_while(|(key, _)| key.0.high() <= radius);
        let named = near.filter(|(key, candidate)| self.is_plausible(key) && !matches!(candidate.state, State::Failed));
        (named.take(3 * CLOSEST).count() == 3 * CLOSEST).then_some(radius)
    }

    /// Whether a node may well stand where this one says it does: in the space nearer the target, an eighth of a node
    /// is expected. Should our measure be wrong eightfold, there is one, and it is asked with the unlikely ones.
    fn is_plausible(&self, key: &Key) -> bool {
        self.spacing.is_none_or(|spacing| key.0.high() >= spacing / 8)
    }

    fn is_credible(&self, candidate: &Candidate) -> bool {
        let mut reputations = candidate.referrers.iter().filter_map(|referrer| self.reputations.get(usize::from(*referrer)));
        candidate.referrers.contains(&TABLE) || reputations.any(|reputation| reputation.is_credible(self.limits.credit))
    }

    fn is_worth_repeating(&self, candidate: &Candidate) -> bool {
        let mut reputations = candidate.referrers.iter().filter_map(|referrer| self.reputations.get(usize::from(*referrer)));
        candidate.referrers.contains(&TABLE) || candidate.paths.count_ones() > 1 || reputations.any(Reputation::is_proven)
    }

    /// Configured addresses only help who knows too few nodes.
    fn has_room_for_entry(&self) -> bool {
        self.candidates.values().filter(|candidate| !matches!(candidate.state, State::Failed)).count() < CLOSEST
    }

    fn has_open(&self) -> bool {
        self.entries_open > 0 || self.candidates.values().any(|candidate| matches!(candidate.state, State::Asked { .. }))
    }

    fn paths_by_work(&self) -> Vec<u8> {
        let mut paths: Vec<u8> = (0..self.paths.len() as u8).collect();
        paths.sort_by_key(|path| self.paths[usize::from(*path)].asked);
        paths
    }

    fn idlest(&self, mask: u8) -> u8 {
        self.paths_by_work().into_iter().find(|path| mask & 1 << path != 0).unwrap_or(0)
    }

    /// The query that [`Self::next`] wanted has been sent.
    pub(super) fn asked(&mut self, place: Place, path: u8) {
        self.asked += 1;
        self.paths[usize::from(path)].asked += 1;
        match place {
            Place::Entry(_) => {
                self.entries.pop_front();
                self.entries_open += 1;
            }
            Place::Known(key) => {
                if let Some(candidate) = self.candidates.get_mut(&key) {
                    self.repeated += u32::from(candidate.tries > 0);
                    candidate.tries += 1;
                    candidate.state = State::Asked { slow: false };
                }
            }
        }
    }

    /// Somebody takes long to answer.
    pub(super) fn slow(&mut self, place: Place) {
        if let Place::Known(key) = place
            && let Some(Candidate { state: State::Asked { slow }, .. }) = self.candidates.get_mut(&key)
        {
            *slow = true;
        }
    }

    /// Somebody answered, with the id under which we asked, and names `nodes`, and others that may not be contacted.
    pub(super) fn answered(&mut self, place: Place, path: u8, token: Option<Vec<u8>>, nodes: &[(Node, IdCheck)], excluded: u32) {
        self.answered += 1;
        self.excluded += excluded;
        self.setbacks += u32::from(excluded > 0);
        match place {
            Place::Entry(_) => self.entries_open -= 1,
            Place::Known(key) => {
                if let Some(candidate) = self.candidates.get_mut(&key) {
                    candidate.state = State::Answered { token };
                    let referrers = candidate.referrers.clone();
                    self.judge(&referrers, true);
                }
            }
        }
        // At most one for each query, of which there are few.
        let referrer = self.reputations.len() as Referrer;
        self.reputations.push(Reputation::default());
        let steps = self.steps(place) + 1;
        for (node, check) in nodes.iter().take(self.limits.nodes_per_answer) {
            self.name(node, *check, path, referrer, steps);
        }
    }

    /// Somebody was silent.
    pub(super) fn silent(&mut self, place: Place) {
        self.setbacks += 1;
        let Place::Known(key) = place else {
            self.entries_open -= 1;
            return;
        };
        let Some(candidate) = self.candidates.get_mut(&key) else { return };
        if candidate.tries > 1 {
            candidate.state = State::Failed;
            return;
        }
        candidate.state = State::Silent;
        let referrers = candidate.referrers.clone();
        self.judge(&referrers, false);
    }

    /// Somebody answered with an error or as somebody else.
    pub(super) fn failed(&mut self, place: Place) {
        self.setbacks += 1;
        match place {
            Place::Entry(_) => self.entries_open -= 1,
            Place::Known(key) => {
                if let Some(candidate) = self.candidates.get_mut(&key) {
                    candidate.state = State::Failed;
                    let referrers = candidate.referrers.clone();
                    self.judge(&referrers, false);
                }
            }
        }
    }

    /// We will not ask somebody, for reasons of our own.
    pub(super) fn barred(&mut self, place: Place) {
        match place {
            Place::Entry(_) => {
                self.entries.pop_front();
            }
            Place::Known(key) => {
                if let Some(candidate) = self.candidates.get_mut(&key) {
                    candidate.state = State::Failed;
                }
            }
        }
    }

    fn steps(&self, place: Place) -> u32 {
        match place {
            Place::Known(key) => self.candidates.get(&key).map_or(0, |candidate| candidate.steps),
            Place::Entry(_) => 0,
        }
    }

    fn judge(&mut self, referrers: &[Referrer], answered: bool) {
        for referrer in referrers {
            if let Some(reputation) = self.reputations.get_mut(usize::from(*referrer)) {
                reputation.count(answered);
            }
        }
    }

    /// The closest nodes that answered: of all, of those whose id fits their address, and of those closer than is likely.
    pub(super) fn closest(&self) -> Vec<Settled> {
        let mut keys: Vec<_> = self.windows().into_iter().flat_map(|window| window.answered).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter_map(|key| self.settled(&key)).collect()
    }

    fn settled(&self, key: &Key) -> Option<Settled> {
        let candidate = self.candidates.get(key)?;
        Some(Settled {
            node: Node { id: candidate.id, address: key.1 },
            check: candidate.check,
            shared_bits: key.0.shared_bits(),
            paths: candidate.paths.count_ones(),
        })
    }

    /// What a node gave us to repeat in an announce.
    pub(super) fn token(&self, node: &Node) -> Option<&[u8]> {
        let key = (Distance::between(&node.id, &self.target), node.address);
        match &self.candidates.get(&key)?.state {
            State::Answered { token } => token.as_deref(),
            _ => None,
        }
    }

    pub(super) fn id_of(&self, place: Place) -> Option<NodeId> {
        match place {
            Place::Known(key) => self.candidates.get(&key).map(|candidate| candidate.id),
            Place::Entry(_) => None,
        }
    }

    pub(super) fn target(&self) -> &NodeId {
        &self.target
    }

    /// Whether more nodes are named near the target than chance allows, or three at its very centre.
    pub(super) fn is_crowded(&self) -> bool {
        let is_central = self.candidates.keys().nth(2).is_some_and(|key| !self.is_plausible(key));
        is_central || self.crowded_radius().is_some()
    }

    /// Nodes named that the scope does not let us contact.
    pub(super) fn excluded(&self) -> u32 {
        self.excluded
    }

    /// Nodes that nobody credible named, and that were left aside.
    pub(super) fn left_aside(&self) -> usize {
        let candidates = self.candidates.values();
        candidates.filter(|candidate| matches!(candidate.state, State::Heard) && !self.is_credible(candidate)).count()
    }

    /// Queries sent, of these repeated; and answers.
    pub(super) fn work(&self) -> (u32, u32, u32) {
        (self.asked, self.repeated, self.answered)
    }
}
