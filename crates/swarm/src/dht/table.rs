//! The routing table of one family: nodes that have answered us, more of them the closer they are. BEP 5.
//!
//! One bucket for each number of bits shared with our own id, of at most eight nodes. A node is good for a quarter of
//! an hour after an answer, then questionable, and bad after two silences. Nobody enters who has not answered; an id
//! that fits its address (BEP 42) goes before one that does not; networks are capped.

use core::net::SocketAddr;
use std::collections::VecDeque;

use evidence::{Mono, Utc};
use wire::krpc::{Node, NodeId};

use super::id::{Distance, IdCheck};
use super::limits::{CLOSEST, Caps};

/// Silences after which a node is bad.
const SILENCES_MAX: u32 = 2;
const BUCKETS: usize = 160;
/// Fewer known nodes than this say nothing about how many there are.
const MEASURED_MIN: usize = 3 * CLOSEST;

/// A node of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) check: IdCheck,
    /// When it last answered in this run. Nodes of an earlier run have not.
    answered: Option<Mono>,
    /// The same on the wall clock, for the snapshot.
    answered_utc: Utc,
    silences: u32,
}

/// How much is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It answered lately.
    Good,
    /// It has answered once.
    Questionable,
    /// It has been silent too often.
    Bad,
}

#[derive(Debug, Default)]
struct Bucket {
    live: Vec<Entry>,
    /// Who comes next, the latest last.
    spare: VecDeque<Entry>,
    touched: Option<Mono>,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    own: NodeId,
    caps: Caps,
    fresh_ms: u64,
    buckets: Vec<Bucket>,
}

impl Table {
    pub(super) fn new(own: NodeId, caps: Caps, fresh_ms: u64) -> Self {
        Self { own, caps, fresh_ms, buckets: (0..BUCKETS).map(|_| Bucket::default()).collect() }
    }

    pub(super) fn own(&self) -> &NodeId {
        &self.own
    }

    /// Takes in a node that has just answered. Returns a node that should be asked whether it is still there, because
    /// the newcomer waits for its place.
    pub(super) fn answered(&mut self, now: Mono, utc: Utc, node: Node, check: IdCheck) -> Option<Node> {
        self.insert(now, Entry { node, check, answered: Some(now), answered_utc: utc, silences: 0 })
    }

    /// Takes in a node of an earlier run.
    pub(super) fn remembered(&mut self, now: Mono, utc: Utc, node: Node, check: IdCheck) {
        self.insert(now, Entry { node, check, answered: None, answered_utc: utc, silences: 0 });
    }

    fn insert(&mut self, now: Mono, entry: Entry) -> Option<Node> {
        let place = self.place(&entry.node.id)?;
        if let Some(known) = self.buckets[place].live.iter_mut().find(|known| known.node == entry.node) {
            *known = entry;
            self.buckets[place].touched = Some(now);
            return None;
        }
        // One address has one id: a second one is a restart or a lie, and waits until the first one falls silent.
        let is_twin = self.entries().any(|known| known.node.address.ip() == entry.node.address.ip());
        if is_twin || self.is_capped(place, &entry) {
            return None;
        }
        let fresh_ms = self.fresh_ms;
        let bucket = &mut self.buckets[place];
        if bucket.live.len() < CLOSEST {
            bucket.live.push(entry);
            bucket.touched = Some(now);
            return None;
        }
        let worse = |known: &Entry| {
            let standing = known.standing(now, fresh_ms);
            standing == Standing::Bad || known.check > entry.check && entry.answered.is_some()
        };
        if let Some(at) = bucket.live.iter().position(worse) {
            bucket.live[at] = entry;
            bucket.touched = Some(now);
            return None;
        }
        bucket.spare.retain(|known| known.node.address.ip() != entry.node.address.ip());
        if bucket.spare.len() >= CLOSEST {
            bucket.spare.pop_front();
        }
        bucket.spare.push_back(entry);
        let doubtful = bucket.live.iter().filter(|known| known.standing(now, fresh_ms) == Standing::Questionable);
        doubtful.min_by_key(|known| known.answered).map(|known| known.node)
    }

    /// A node did not answer, or answered as somebody else.
    pub(super) fn silent(&mut self, now: Mono, address: SocketAddr) {
        let caps = self.caps;
        for bucket in &mut self.buckets {
            let Some(at) = bucket.live.iter().position(|known| known.node.address == address) else { continue };
            bucket.live[at].silences += 1;
            if bucket.live[at].silences < SILENCES_MAX {
                return;
            }
            // Without anybody to take its place a bad node is kept: the silence may be ours.
            let network = |entry: &Entry| caps.network(entry.node.address.ip());
            let live = &bucket.live;
            let fits = |spare: &Entry| live.iter().filter(|known| network(known) == network(spare)).count() < caps.per_bucket;
            if let Some(next) = bucket.spare.iter().rposition(fits).and_then(|next| bucket.spare.remove(next)) {
                bucket.live[at] = next;
                bucket.touched = Some(now);
            }
            return;
        }
    }

    /// The nodes that are not bad, the closest to `target` first.
    pub(super) fn closest(&self, now: Mono, target: &NodeId, count: usize) -> Vec<Entry> {
        let mut entries: Vec<_> =
            self.entries().filter(|entry| entry.standing(now, self.fresh_ms) != Standing::Bad).copied().collect();
        entries.sort_by_key(|entry| (Distance::between(&entry.node.id, target), entry.node.address));
        entries.truncate(count);
        entries
    }

    /// A bucket in use, or the deepest empty one before it, that nobody has touched for a while: its shared bits.
    pub(super) fn stale_bucket(&self, now: Mono) -> Option<u8> {
        let deepest = self.buckets.iter().rposition(|bucket| !bucket.live.is_empty())?;
        let is_stale = |bucket: &Bucket| bucket.touched.is_none_or(|touched| now.since_ms(touched) >= self.fresh_ms);
        let stale = self.buckets[..=deepest].iter().position(is_stale)?;
        // One of 160, which fits.
        Some(stale as u8)
    }

    /// Nobody need look into this bucket again for a while.
    pub(super) fn touch(&mut self, now: Mono, shared_bits: u8) {
        if let Some(bucket) = self.buckets.get_mut(usize::from(shared_bits)) {
            bucket.touched = Some(now);
        }
    }

    /// How many nodes there are in the DHT, by how far the closest ones are from us; nothing while too few are known.
    pub(super) fn network_size(&self, now: Mono) -> Option<u64> {
        let mut closest = self.closest(now, &self.own, usize::MAX);
        // Around our own id anybody may crowd; whose id fits his address cannot. If they are most, they are the measure.
        let matching = closest.iter().filter(|entry| entry.check == IdCheck::Matches).count();
        if matching >= CLOSEST && matching * 4 >= closest.len() * 3 {
            closest.retain(|entry| entry.check == IdCheck::Matches);
        }
        let last = closest.get(CLOSEST - 1).filter(|_| closest.len() >= MEASURED_MIN)?;
        let reach = Distance::between(&last.node.id, &self.own).high().max(1);
        Some(u64::try_from(u128::MAX / reach * CLOSEST as u128).unwrap_or(u64::MAX))
    }

    pub(super) fn count(&self, now: Mono, standing: Standing) -> usize {
        self.entries().filter(|entry| entry.standing(now, self.fresh_ms) == standing).count()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.buckets.iter().flat_map(|bucket| &bucket.live)
    }

    fn place(&self, id: &NodeId) -> Option<usize> {
        Some(usize::from(Distance::between(id, &self.own).shared_bits())).filter(|place| *place < BUCKETS)
    }

    fn is_capped(&self, place: usize, entry: &Entry) -> bool {
        let network = self.caps.network(entry.node.address.ip());
        let in_network = |known: &&Entry| self.caps.network(known.node.address.ip()) == network;
        self.buckets[place].live.iter().filter(in_network).count() >= self.caps.per_bucket
            || self.entries().filter(in_network).count() >= self.caps.per_table
    }
}

impl Entry {
    pub(super) fn standing(&self, now: Mono, fresh_ms: u64) -> Standing {
        match self.answered {
            _ if self.silences >= SILENCES_MAX => Standing::Bad,
            Some(answered) if now.since_ms(answered) < fresh_ms && self.silences == 0 => Standing::Good,
            _ => Standing::Questionable,
        }
    }

    /// When it last answered, on the wall clock.
    pub(super) fn answered_utc(&self) -> Utc {
        self.answered_utc
    }
}

#[cfg(test)]
mod tests {
    use super::super::id;
    use super::*;
    use crate::Seed;

    const NOW: Mono = Mono::from_us(1);
    const UTC: Utc = Utc::from_ms(0);
    const FRESH_MS: u64 = 1_000;

    fn own() -> NodeId {
        NodeId([0; 20])
    }

    /// A node that shares no bit with us, in a network of its own.
    fn node(n: u8) -> Node {
        Node { id: id::random_in_bucket(&own(), 0, Seed::new([n; 32])), address: SocketAddr::new([127, n, 0, 1].into(), 6_881) }
    }

    fn full(caps: Caps) -> Table {
        let mut table = Table::new(own(), caps, FRESH_MS);
        (0..8).for_each(|n| assert_eq!(table.answered(NOW, UTC, node(n), IdCheck::Exempt), None));
        table
    }

    fn holds(table: &Table, node: Node) -> bool {
        table.entries().any(|entry| entry.node == node)
    }

    #[test]
    fn a_newcomer_waits_until_somebody_is_gone() {
        let mut table = full(Caps::default());
        let later = NOW.plus_ms(FRESH_MS);
        assert_eq!(table.answered(NOW, UTC, node(8), IdCheck::Exempt), None, "all eight are good");
        (1..8).for_each(|n| assert_eq!(table.answered(later, UTC, node(n), IdCheck::Exempt), None));
        assert_eq!(table.answered(later, UTC, node(8), IdCheck::Exempt), Some(node(0)), "one is questionable, and asked");
        assert_eq!((table.count(later, Standing::Good), table.count(later, Standing::Questionable)), (7, 1));
        table.silent(later, node(0).address);
        assert!(holds(&table, node(0)) && !holds(&table, node(8)), "one silence may be anybody's");
        table.silent(later, node(0).address);
        assert!(!holds(&table, node(0)) && holds(&table, node(8)));
    }

    #[test]
    fn without_a_successor_a_bad_node_is_kept_but_not_asked() {
        let mut table = full(Caps::default());
        (0..2).for_each(|_| table.silent(NOW, node(3).address));
        assert!(holds(&table, node(3)));
        assert_eq!(table.closest(NOW, &own(), 100).len(), 7);
        assert_eq!(table.answered(NOW, UTC, node(9), IdCheck::Exempt), None);
        assert!(!holds(&table, node(3)) && holds(&table, node(9)));
    }

    #[test]
    fn an_id_that_fits_goes_before_one_that_does_not() {
        let mut table = Table::new(own(), Caps::default(), FRESH_MS);
        (0..8).for_each(|n| assert_eq!(table.answered(NOW, UTC, node(n), IdCheck::Differs), None));
        table.answered(NOW, UTC, node(8), IdCheck::Differs);
        assert!(!holds(&table, node(8)));
        table.answered(NOW, UTC, node(9), IdCheck::Matches);
        assert!(holds(&table, node(9)));
        assert_eq!(table.entries().count(), CLOSEST);
    }

    #[test]
    fn one_network_gets_few_places_and_one_address_one() {
        let in_network = |host: u8, shared: u8| Node {
            id: id::random_in_bucket(&own(), shared, Seed::new([host; 32])),
            address: SocketAddr::new([127, 0, 0, host].into(), 6_881),
        };
        let mut table = Table::new(own(), Caps::default(), FRESH_MS);
        for host in 0..200 {
            table.answered(NOW, UTC, in_network(host, host % 20), IdCheck::Exempt);
        }
        assert_eq!(table.entries().count(), Caps::default().per_table);
        let mut table = Table::new(own(), Caps::default(), FRESH_MS);
        for host in 0..200 {
            table.answered(NOW, UTC, in_network(host, 0), IdCheck::Exempt);
        }
        assert_eq!(table.entries().count(), Caps::default().per_bucket);
        let mut table = Table::new(own(), Caps::LABORATORY, FRESH_MS);
        for port in 2_000..2_100 {
            let address = SocketAddr::new([127, 0, 0, 1].into(), port);
            let id = id::random_in_bucket(&own(), (port % 20) as u8, Seed::new([port as u8; 32]));
            table.answered(NOW, UTC, Node { id, address }, IdCheck::Exempt);
        }
        assert_eq!(table.entries().count(), 1);
    }

    #[test]
    fn a_bucket_that_nobody_touched_wants_refreshing() {
        let mut table = full(Caps::default());
        assert_eq!(table.stale_bucket(NOW), None);
        assert_eq!(table.stale_bucket(NOW.plus_ms(FRESH_MS)), Some(0));
        table.touch(NOW.plus_ms(FRESH_MS), 0);
        assert_eq!(table.stale_bucket(NOW.plus_ms(FRESH_MS)), None);
        assert_eq!(table.network_size(NOW), None, "eight nodes are no measure");
    }
}
