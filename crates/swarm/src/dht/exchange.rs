//! Queries that await an answer.
//!
//! A transaction is four unforeseeable bytes (some programs answer no other length), and only the address that was
//! asked can answer it; so a stranger who cannot see our traffic has one chance in four thousand million a try.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use evidence::Mono;
use wire::krpc::Node;

use super::lookup::Place;
use super::record::SearchId;
use crate::chance::Chance;

pub(super) type Transaction = [u8; 4];

/// Why a query was sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// For a look-up.
    Search { search: SearchId, place: Place, path: u8 },
    /// To see whether a node is there.
    Ping { node: Node },
    /// To announce ourselves.
    Announce { search: SearchId, node: Node },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) to: SocketAddr,
    pub(super) errand: Errand,
}

/// Why the engine would wake up about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The answer takes long, and others need not wait for it.
    Slow,
    /// The answer will not come.
    Silent,
}

#[derive(Debug, Default)]
pub(super) struct Exchanges {
    open: BTreeMap<Transaction, (Open, [Mono; 2])>,
    due: BTreeSet<(Mono, Due, Transaction)>,
}

impl Exchanges {
    /// Notes a query, and says what to call it.
    pub(super) fn begin(&mut self, open: Open, slow_at: Mono, silent_at: Mono, chance: &mut Chance) -> Transaction {
        let transaction = loop {
            // Below 2^32, which fits.
            let transaction = (chance.below(1 << 32) as u32).to_be_bytes();
            if !self.open.contains_key(&transaction) {
                break transaction;
            }
        };
        self.open.insert(transaction, (open, [slow_at, silent_at]));
        self.due.insert((slow_at, Due::Slow, transaction));
        self.due.insert((silent_at, Due::Silent, transaction));
        transaction
    }

    /// The query that an answer from this address ends.
    pub(super) fn end(&mut self, transaction: &[u8], from: SocketAddr) -> Option<Open> {
        let transaction = transaction.try_into().ok()?;
        self.open.get(&transaction).filter(|(open, _)| open.to == from)?;
        self.remove(transaction)
    }

    fn remove(&mut self, transaction: Transaction) -> Option<Open> {
        let (open, [slow_at, silent_at]) = self.open.remove(&transaction)?;
        self.due.remove(&(slow_at, Due::Slow, transaction));
        self.due.remove(&(silent_at, Due::Silent, transaction));
        Some(open)
    }

    /// The next query that has waited for so long, the earliest first. After [`Due::Silent`] it is forgotten.
    pub(super) fn expired(&mut self, now: Mono) -> Option<(Due, Open)> {
        let (_, due, transaction) = *self.due.first().filter(|(at, ..)| *at <= now)?;
        self.due.pop_first();
        match due {
            Due::Slow => self.open.get(&transaction).map(|(open, _)| (due, *open)),
            Due::Silent => self.remove(transaction).map(|open| (due, open)),
        }
    }

    pub(super) fn next(&self) -> Option<Mono> {
        self.due.first().map(|(at, ..)| *at)
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}
