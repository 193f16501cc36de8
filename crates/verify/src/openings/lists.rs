//! Step 7.10: the lists that addresses came from, packed because there may be millions of addresses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use evidence::{Digest, Exclusion, Observation, Outcome, candidates::Candidates};

/// Lists of candidates by commitment.
#[derive(Debug, Default)]
pub(super) struct Lists {
    by_commitment: BTreeMap<Digest, List>,
    /// Commitments of openings that were erased: a list may be among them.
    erased: BTreeSet<Digest>,
}

#[derive(Debug)]
struct List {
    /// 6 bytes an address if all are IPv4, else 18.
    packed: Box<[u8]>,
    short: bool,
    /// How many addresses it named and does not hold.
    dropped: u32,
}

impl Lists {
    /// Notes what was erased: an observation may name a list whose opening is gone.
    pub(super) fn forgive(&mut self, erased: impl Iterator<Item = Digest>) {
        self.erased.extend(erased);
    }

    /// Keeps a list that was logged.
    pub(super) fn insert(&mut self, commitment: Digest, candidates: &Candidates) {
        let short = candidates.peers.iter().all(SocketAddr::is_ipv4);
        let packed = candidates.peers.iter().flat_map(|peer| pack(*peer, short)).collect();
        self.by_commitment.insert(commitment, List { packed, short, dropped: candidates.dropped });
    }

    /// The addresses that a list kept, packed as in 18 bytes.
    pub(super) fn kept(&self, commitment: Digest) -> impl Iterator<Item = [u8; 18]> {
        self.by_commitment.get(&commitment).into_iter().flat_map(|list| {
            list.packed.chunks_exact(if list.short { 6 } else { 18 }).map(|packed| match packed {
                [a, b, c, d, high, low] => wide(SocketAddr::from(([*a, *b, *c, *d], u16::from_be_bytes([*high, *low])))),
                whole => whole.try_into().unwrap_or_default(),
            })
        })
    }

    /// Why an observation does not come from a list logged before it, or nothing.
    pub(super) fn fault(&self, observation: &Observation) -> Option<String> {
        let found = observation.found.as_ref()?;
        let Some(list) = self.by_commitment.get(&found.list) else {
            let is_erased = self.erased.contains(&found.list);
            return (!is_erased).then(|| format!("no list {} was logged before", found.list));
        };
        let width = if list.short { 6 } else { 18 };
        let kept = list.packed.len() / width;
        let position = usize::try_from(found.index).unwrap_or(usize::MAX);
        if position >= kept {
            // Addresses beyond what the monitor takes are counted, not kept; they are recorded as excluded.
            let too_long = observation.outcome == Outcome::Excluded { rule: Exclusion::ListTooLong };
            let counted = position - kept < usize::try_from(list.dropped).unwrap_or(usize::MAX);
            return (!too_long || !counted).then(|| format!("list {} has no address at {position}", found.list));
        }
        let same =
            list.packed.get(position * width..(position + 1) * width) == Some(pack(observation.peer, list.short).as_slice());
        (!same).then(|| format!("list {} names another address at {position}", found.list))
    }
}

/// An address and port in 18 bytes.
pub(super) fn wide(peer: SocketAddr) -> [u8; 18] {
    pack(peer, false).try_into().unwrap_or_default()
}

fn pack(peer: SocketAddr, short: bool) -> Vec<u8> {
    let mut packed = match peer.ip() {
        IpAddr::V4(v4) if short => v4.octets().to_vec(),
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    packed.extend(peer.port().to_be_bytes());
    packed
}
