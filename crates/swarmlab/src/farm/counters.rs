//! What the farm saw, by address.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use wire::infohash::InfoHashV1;
use wire::message::Block;

/// What happened at one address, or at all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections accepted.
    pub connects: u64,
    /// Connections made by the peer itself.
    pub dials: u64,
    /// Complete handshakes received that named a torrent of the farm.
    pub handshakes: u64,
    /// Complete handshakes received that named another one: control visits, for example.
    pub foreign_handshakes: u64,
    /// Connections given up because the other side broke the protocol.
    pub malformed: u64,
    /// `interested` received.
    pub interested: u64,
    /// `request` received.
    pub requests: u64,
    /// Requests outside the torrent or longer than 128 KiB.
    pub invalid_requests: u64,
    /// Requests turned down or passed over: choked, or a piece not had.
    pub refused_requests: u64,
    /// Blocks sent, good or bad.
    pub blocks_served: u64,
    /// Requests for a block of the info dictionary received.
    pub metadata_requests: u64,
    /// `piece` received. A monitor sends none, so this must stay 0.
    pub pieces_received: u64,
    /// `have`, `have all`, or a bitfield with a set bit received. Must stay 0 too.
    pub claims_received: u64,
    /// `unchoke` received. Must stay 0 too.
    pub unchokes_received: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        let Self {
            connects,
            dials,
            handshakes,
            foreign_handshakes,
            malformed,
            interested,
            requests,
            invalid_requests,
            refused_requests,
            blocks_served,
            metadata_requests,
            pieces_received,
            claims_received,
            unchokes_received,
            bytes_received,
            bytes_sent,
        } = other;
        self.connects += connects;
        self.dials += dials;
        self.handshakes += handshakes;
        self.foreign_handshakes += foreign_handshakes;
        self.malformed += malformed;
        self.interested += interested;
        self.requests += requests;
        self.invalid_requests += invalid_requests;
        self.refused_requests += refused_requests;
        self.blocks_served += blocks_served;
        self.metadata_requests += metadata_requests;
        self.pieces_received += pieces_received;
        self.claims_received += claims_received;
        self.unchokes_received += unchokes_received;
        self.bytes_received += bytes_received;
        self.bytes_sent += bytes_sent;
    }
}

/// A block that was sent, as the farm's own record against which a monitor's is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The peer of the farm.
    pub by: SocketAddr,
    /// Who received it.
    pub to: SocketAddr,
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// Which block.
    pub block: Block,
    /// Whether the bytes were the torrent's.
    pub genuine: bool,
    /// When it was handed to the kernel.
    pub at: SystemTime,
}

/// What the farm saw until now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By address, those at which something happened.
    pub by_address: BTreeMap<IpAddr, Counts>,
    /// All together.
    pub total: Counts,
    /// Accepting failed this often, for want of descriptors for example: the farm is then the limit.
    pub failed_accepts: u64,
    /// Connections from or to an address that is not on loopback, hung up on.
    pub outside_connects: u64,
}

impl Report {
    /// What happened at one address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Counts {
        self.by_address.get(&address).copied().unwrap_or_default()
    }

    /// Whether nobody sent content, claimed to have any, or gave leave to request some.
    #[must_use]
    pub const fn nothing_was_offered(&self) -> bool {
        self.total.pieces_received == 0 && self.total.claims_received == 0 && self.total.unchokes_received == 0
    }
}

/// The counts of one address. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Mutex<Counts>>);

impl Counter {
    pub(super) fn add(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut locked(&self.0));
    }
}

/// The counts of all addresses.
#[derive(Debug, Default)]
pub(super) struct Counters {
    by_address: Mutex<HashMap<IpAddr, Counter>>,
    served: Mutex<Vec<Served>>,
    failed_accepts: Mutex<u64>,
    outside_connects: Mutex<u64>,
}

impl Counters {
    pub(super) fn of(&self, address: IpAddr) -> Counter {
        locked(&self.by_address).entry(address).or_default().clone()
    }

    pub(super) fn accept_failed(&self) {
        *locked(&self.failed_accepts) += 1;
    }

    pub(super) fn outside_connect(&self) {
        *locked(&self.outside_connects) += 1;
    }

    /// Keeps the record unless there are already `most`.
    pub(super) fn served(&self, served: Served, most: usize) {
        let mut log = locked(&self.served);
        if log.len() < most {
            log.push(served);
        }
    }

    pub(super) fn served_log(&self) -> Vec<Served> {
        locked(&self.served).clone()
    }

    pub(super) fn report(&self) -> Report {
        let mut report = Report {
            failed_accepts: *locked(&self.failed_accepts),
            outside_connects: *locked(&self.outside_connects),
            ..Report::default()
        };
        for (address, counter) in locked(&self.by_address).iter() {
            let counts = *locked(&counter.0);
            report.total.add(&counts);
            report.by_address.insert(*address, counts);
        }
        report
    }
}

/// A counter is right after every change, so one that a panicking thread held is still good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
