//! What is sent, and when: a queue of those who want to ask, and the budgets that let them.

use core::net::SocketAddr;

use evidence::{InfoHashV1, Mono, Now};
use wire::krpc::{self, Ask, Node, Query, Want};

use super::{Dht, PARKED_MS, PINGS_MAX, Timer};
use crate::convert::wire_hash;
use crate::dht::exchange::{Errand, Open};
use crate::dht::limits::CLOSEST;
use crate::dht::lookup::{Place, Step};
use crate::dht::record::{Ending, Event, SearchId};
use crate::dht::{Aim, Family, Output};
use crate::pace::Throttled;

/// Announces of one look-up: the closest nodes of all, and those whose id fits their address.
const ANNOUNCES_MAX: usize = 2 * CLOSEST;

/// Somebody who waits for his turn to ask.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    Search(SearchId),
    Ping(Node),
    Announce { search: SearchId, node: Node, info_hash: InfoHashV1, token: Vec<u8> },
}

/// Whether others may have their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Stop,
}

/// What the budgets say to one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Now,
    /// Not before this moment, but others may.
    At(Mono),
    /// Nobody may for now.
    Nobody,
    /// Not within the patience of a look-up.
    Never,
}

impl Dht {
    pub(super) fn enqueue(&mut self, search: SearchId) {
        if let Some(found) = self.searches.get_mut(&search).filter(|found| !found.is_queued) {
            found.is_queued = true;
            self.queue.push_back(Turn::Search(search));
        }
    }

    pub(super) fn enqueue_ping(&mut self, node: Node) {
        if self.pings_waiting < PINGS_MAX && self.scope.check(node.address).is_ok() {
            self.pings_waiting += 1;
            self.queue.push_back(Turn::Ping(node));
        }
    }

    /// Takes back those whose moment has come.
    pub(super) fn unpark(&mut self, now: Mono) {
        while let Some(entry) = self.parked.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Turn::Search(search) => self.enqueue(search),
                turn => self.queue.push_back(turn),
            }
        }
    }

    fn park(&mut self, until: Mono, turn: Turn) {
        self.parked_ever += 1;
        self.parked.insert((until, self.parked_ever), turn);
    }

    /// Gives everybody in the queue a turn, until the budget of queries is spent.
    pub(super) fn drain_queue(&mut self, now: Now) {
        while let Some(turn) = self.queue.pop_front() {
            let flow = match turn {
                Turn::Search(search) => self.advance(now, search),
                turn => self.send_turn(now, turn),
            };
            if flow == Flow::Stop {
                break;
            }
        }
    }

    fn advance(&mut self, now: Now, search: SearchId) -> Flow {
        loop {
            let Some(found) = self.searches.get_mut(&search) else { return Flow::Next };
            found.is_queued = false;
            let (place, path) = match found.lookup.next(now.mono) {
                Step::Ask(place, path) => (place, path),
                Step::Wait => return Flow::Next,
                Step::Done(ending) => {
                    self.finish(now, search, ending);
                    return Flow::Next;
                }
            };
            let to = match place {
                Place::Known((_, address)) | Place::Entry(address) => address,
            };
            let is_sampling = self.sampled.get(&to).is_none_or(|until| *until <= now.mono);
            let (ask, family) = (found.ask(is_sampling), found.family);
            match self.admit(now, to) {
                Admission::Now => {
                    self.send(now, to, ask, self.want(family), Errand::Search { search, place, path });
                    self.change_lookup(search, |lookup| lookup.asked(place, path));
                }
                Admission::At(until) => {
                    self.park(until, Turn::Search(search));
                    return Flow::Next;
                }
                Admission::Nobody => {
                    if let Some(found) = self.searches.get_mut(&search) {
                        found.is_queued = true;
                    }
                    self.queue.push_front(Turn::Search(search));
                    return Flow::Stop;
                }
                Admission::Never => self.change_lookup(search, |lookup| lookup.barred(place)),
            }
        }
    }

    /// Sends a ping or an announce.
    fn send_turn(&mut self, now: Now, turn: Turn) -> Flow {
        let (Turn::Ping(node) | Turn::Announce { node, .. }) = turn else { return Flow::Next };
        let admission = self.admit(now, node.address);
        match admission {
            Admission::Nobody => {
                self.queue.push_front(turn);
                return Flow::Stop;
            }
            Admission::At(until) => {
                self.park(until, turn);
                return Flow::Next;
            }
            Admission::Now | Admission::Never => {}
        }
        match turn {
            Turn::Ping(_) => {
                self.pings_waiting -= 1;
                if admission == Admission::Now {
                    self.send(now, node.address, Ask::Ping, None, Errand::Ping { node });
                }
            }
            Turn::Announce { search, info_hash, token, .. } => {
                match (admission, self.config.announce[Family::of(node.address) as usize]) {
                    (Admission::Now, Some(port)) => {
                        let ask = Ask::AnnouncePeer { info_hash: wire_hash(info_hash), port: Some(port.get()), token: &token };
                        self.send(now, node.address, ask, None, Errand::Announce { search, node });
                    }
                    _ => self.event(Event::Announced { search, node, answer: None }),
                }
            }
            Turn::Search(_) => {}
        }
        Flow::Next
    }

    fn admit(&mut self, now: Now, to: SocketAddr) -> Admission {
        match self.pace.admit(now.mono, to) {
            Ok(()) => Admission::Now,
            Err(Throttled::Total) => Admission::Nobody,
            Err(Throttled::Rate(until)) => {
                self.timers.set(Timer::Pace, until);
                Admission::Nobody
            }
            Err(Throttled::Address | Throttled::Network) => Admission::At(now.mono.plus_ms(PARKED_MS)),
            Err(Throttled::Hour(until) | Throttled::BackOff(until)) => {
                if until <= now.mono.plus_ms(self.config.limits.patience_ms) { Admission::At(until) } else { Admission::Never }
            }
        }
    }

    fn send(&mut self, now: Now, to: SocketAddr, ask: Ask<'_>, want: Option<Want>, errand: Errand) {
        let Some(id) = self.own_id(Family::of(to)) else { return };
        let limits = &self.config.limits;
        let (slow_at, silent_at) = (now.mono.plus_ms(limits.slow_ms), now.mono.plus_ms(limits.answer_ms));
        let transaction = self.exchanges.begin(Open { to, errand }, slow_at, silent_at, &mut self.chance);
        let datagram = krpc::encode_query(&transaction, &Query { id, ask, want }, self.config.read_only);
        self.outbox.push_back(Output::Send { to, datagram });
    }

    /// Nodes of the other family are asked for only while its table is nearly empty: they fill a third of a packet.
    fn want(&self, family: Family) -> Option<Want> {
        let is_wanted =
            |other: Family| self.table(other).is_some_and(|table| other == family || table.entries().count() < CLOSEST);
        let want = Want { v4: is_wanted(Family::V4), v6: is_wanted(Family::V6) };
        (want.v4 && want.v6).then_some(want)
    }

    pub(super) fn finish(&mut self, now: Now, search: SearchId, ending: Ending) {
        let Some(found) = self.searches.remove(&search) else { return };
        let mut report = found.report(now, ending);
        if let (Aim::Announce(info_hash), Ending::Complete | Ending::Bounded) = (found.aim, ending) {
            for settled in report.closest.iter().take(ANNOUNCES_MAX) {
                if let Some(token) = found.lookup.token(&settled.node) {
                    let turn = Turn::Announce { search, node: settled.node, info_hash, token: token.to_vec() };
                    self.queue.push_back(turn);
                    report.announces += 1;
                }
            }
        }
        self.event(Event::Finished(Box::new(report)));
    }
}
