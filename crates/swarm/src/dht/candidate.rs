//! A node that a look-up has heard of.

use core::net::SocketAddr;

use wire::krpc::{Node, NodeId};

use super::id::{Distance, IdCheck};

/// Where a candidate stands in a look-up: by distance, and by address, since a liar may name somebody's id with
/// another address.
pub(super) type Key = (Distance, SocketAddr);

/// Somebody's answer in this look-up, as an index. The first one stands for our own routing table.
pub(super) type Referrer = u16;

/// How many referrers are remembered for a candidate.
const REFERRERS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: NodeId,
    pub(super) check: IdCheck,
    /// The paths on which it was named, a bit each.
    pub(super) paths: u8,
    pub(super) referrers: Vec<Referrer>,
    /// How far from our own table it was first named.
    pub(super) steps: u32,
    /// Queries sent to it.
    pub(super) tries: u32,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// It was named.
    Heard,
    /// It was asked. A slow one no longer holds the others up.
    Asked { slow: bool },
    /// It was silent, and may be asked again.
    Silent,
    /// It answered with the id under which it was named.
    Answered { token: Option<Vec<u8>> },
    /// It will not be asked again: silent, an error, another id, or no place in our budget.
    Failed,
}

impl Candidate {
    pub(super) fn new(node: &Node, check: IdCheck, steps: u32) -> Self {
        Self { id: node.id, check, paths: 0, referrers: Vec::new(), steps, tries: 0, state: State::Heard }
    }

    pub(super) fn named(&mut self, path: u8, referrer: Referrer) {
        self.paths |= 1 << path;
        if self.referrers.len() < REFERRERS_MAX && !self.referrers.contains(&referrer) {
            self.referrers.push(referrer);
        }
    }

    /// The less of it the sooner it is asked, where too many are named: liars who all invent others are each named
    /// once, and lead farther and farther away from the nodes that we knew.
    pub(super) fn doubt(&self) -> (core::cmp::Reverse<usize>, u32) {
        (core::cmp::Reverse(self.referrers.len()), self.steps)
    }

    pub(super) fn is_on(&self, path: u8) -> bool {
        self.paths & 1 << path != 0
    }
}

/// How the nodes turned out that somebody named.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reputation {
    answered: u32,
    failed: u32,
}

impl Reputation {
    pub(super) fn count(&mut self, answered: bool) {
        let count = if answered { &mut self.answered } else { &mut self.failed };
        *count += 1;
    }

    /// Whether his other nodes are still worth a query.
    pub(super) fn is_credible(&self, credit: u32) -> bool {
        self.failed < self.answered + credit
    }

    /// Whether anybody whom he named has answered.
    pub(super) fn is_proven(&self) -> bool {
        self.answered > 0
    }
}
