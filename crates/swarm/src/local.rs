//! What is called out on our own network (BEP 14): whom we hear, and what we say if we are told to say anything.
//!
//! Anybody on the network can send a datagram with any source address, so what one address may add is bounded, as is
//! what all may. Only the torrents given here are of interest; what else the neighbours share is none of our business
//! and leaves no trace.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use evidence::{Digest, InfoHashV1, Mono, endpoint, sha256};
use wire::local::Announcement;

use crate::chance::Seed;
use crate::convert::{evidence_hash, wire_hash};

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams read of one address in a minute. Clients send one for each torrent every five minutes, aria2 and
    /// librqbit every minute.
    pub per_minute: u32,
    /// Ports that one address may name for one torrent.
    pub per_address: u32,
    /// Peers taken in all, which bounds what is remembered too.
    pub total: usize,
    /// Gap between two announcements of ours for one torrent, in milliseconds. BEP 14 allows one a minute.
    pub announce_ms: u64,
    /// Gap between any two of our datagrams, in milliseconds.
    pub gap_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_minute: 60, per_address: 8, total: 10_000, announce_ms: 300_000, gap_ms: 100 }
    }
}

/// A neighbour says that it has one of our torrents. Hearsay, though it speaks of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Which torrent, by its number.
    pub target: usize,
    /// The hash that named it.
    pub info_hash: InfoHashV1,
    /// Where it says it listens.
    pub peer: SocketAddr,
    /// Where the datagram came from.
    pub from: SocketAddr,
    /// SHA-256 of the datagram.
    pub sha256: Digest,
}

impl core::fmt::Debug for Neighbour {
    /// Without addresses, so that none gets into a log of ours.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Neighbour(target {})", self.target)
    }
}

/// The neighbourhood of one run.
#[derive(Debug)]
pub struct Local {
    limits: Limits,
    torrents: BTreeMap<InfoHashV1, usize>,
    /// What we know our own announcements by, which come back to us.
    cookie: String,
    known: BTreeSet<(usize, SocketAddr)>,
    ports: BTreeMap<(usize, IpAddr), u32>,
    minute: Mono,
    said: BTreeMap<IpAddr, u32>,
    /// When each torrent is announced next, where anything is announced.
    due: Option<BTreeSet<(Mono, InfoHashV1)>>,
    free_at: Mono,
}

/// Addresses counted in one minute. Beyond them nobody new is read until the next.
const SPEAKERS_MAX: usize = 1_000;

impl Local {
    /// Listens for these torrents, of which each has a number, and announces them if `announces`. No private one (BEP 27)
    /// may be among them.
    pub fn new(torrents: BTreeMap<InfoHashV1, usize>, announces: bool, limits: Limits, seed: &Seed, now: Mono) -> Self {
        let [a, b, c, d, ..] = *seed.split("local-cookie", &[]).bytes();
        let due = announces.then(|| torrents.keys().map(|torrent| (now, *torrent)).collect());
        Self {
            limits,
            torrents,
            cookie: format!("{:08x}", u32::from_be_bytes([a, b, c, d])),
            known: BTreeSet::new(),
            ports: BTreeMap::new(),
            minute: now,
            said: BTreeMap::new(),
            due,
            free_at: now,
        }
    }

    /// A datagram arrived. Whoever is new in it is returned.
    pub fn handle_datagram(&mut self, now: Mono, from: SocketAddr, datagram: &[u8]) -> Vec<Neighbour> {
        let from = endpoint::canonical(from);
        if !self.may_speak(now, from.ip()) {
            return Vec::new();
        }
        let Ok(said) = Announcement::parse(datagram) else { return Vec::new() };
        if said.cookie == Some(&self.cookie) {
            return Vec::new();
        }
        let peer = SocketAddr::new(from.ip(), said.port);
        let mut neighbours = Vec::new();
        for hash in said.info_hashes {
            let info_hash = evidence_hash(hash);
            let Some(target) = self.torrents.get(&info_hash).copied() else { continue };
            if self.takes(target, peer) {
                neighbours.push(Neighbour { target, info_hash, peer, from, sha256: sha256(datagram) });
            }
        }
        neighbours
    }

    /// A torrent whose announcement is due.
    pub fn poll_due(&mut self, now: Mono) -> Option<InfoHashV1> {
        let due = self.due.as_mut()?;
        let (at, torrent) = *due.first()?;
        if now < at.max(self.free_at) {
            return None;
        }
        due.pop_first();
        due.insert((now.plus_ms(self.limits.announce_ms), torrent));
        self.free_at = now.plus_ms(self.limits.gap_ms);
        Some(torrent)
    }

    /// What is said of it to the group of a family, by an address of ours that listens on `port`.
    pub fn announcement(&self, torrent: InfoHashV1, port: u16, is_v6: bool) -> Vec<u8> {
        Announcement { port, info_hashes: vec![wire_hash(torrent)], cookie: Some(&self.cookie) }.encode(is_v6)
    }

    /// When an announcement is due next.
    pub fn next_due(&self) -> Option<Mono> {
        self.due.as_ref()?.first().map(|(at, _)| (*at).max(self.free_at))
    }

    /// Says nothing more of a torrent and hears nothing of it: its mandates are no longer in force.
    pub fn forget(&mut self, target: usize) {
        self.torrents.retain(|_, number| *number != target);
        let torrents = &self.torrents;
        self.due.iter_mut().for_each(|due| due.retain(|(_, torrent)| torrents.contains_key(torrent)));
    }

    fn may_speak(&mut self, now: Mono, address: IpAddr) -> bool {
        if now >= self.minute.plus_ms(60_000) {
            self.minute = now;
            self.said.clear();
        }
        if self.said.len() >= SPEAKERS_MAX && !self.said.contains_key(&address) {
            return false;
        }
        let count = self.said.entry(address).or_default();
        *count += 1;
        *count <= self.limits.per_minute
    }

    fn takes(&mut self, target: usize, peer: SocketAddr) -> bool {
        if self.known.len() >= self.limits.total || self.known.contains(&(target, peer)) {
            return false;
        }
        let ports = self.ports.entry((target, peer.ip())).or_default();
        let is_taken = *ports < self.limits.per_address;
        if is_taken {
            *ports += 1;
            self.known.insert((target, peer));
        }
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [u8; 20] = [7; 20];

    fn local(announces: bool) -> Local {
        let torrents = [OURS, [8; 20]].map(InfoHashV1::from).into_iter().zip(0..);
        Local::new(torrents.collect(), announces, Limits::default(), &Seed::new([1; 32]), at(0))
    }

    fn at(ms: u64) -> Mono {
        Mono::from_us(ms * 1_000)
    }

    fn says(hash: [u8; 20], port: u16, cookie: Option<&str>) -> Vec<u8> {
        Announcement { port, info_hashes: vec![wire::infohash::InfoHashV1(hash)], cookie }.encode(false)
    }

    fn from(host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], 6_771))
    }

    #[test]
    fn a_neighbour_with_one_of_our_torrents_is_heard_once() {
        let mut local = local(false);
        let datagram = says(OURS, 6_881, Some("x"));
        let heard = local.handle_datagram(at(1), from(1), &datagram);
        let peer = SocketAddr::from(([192, 0, 2, 1], 6_881));
        assert_eq!(
            heard,
            [Neighbour { target: 0, info_hash: InfoHashV1::from(OURS), peer, from: from(1), sha256: sha256(&datagram) }]
        );
        assert!(!format!("{heard:?}").contains("192"));
        assert_eq!(local.handle_datagram(at(2), from(1), &datagram), []);
        assert_eq!(local.handle_datagram(at(3), from(1), &says([9; 20], 6_881, None)), [], "not ours");
        assert_eq!(local.handle_datagram(at(4), from(1), b"M-SEARCH * HTTP/1.1\r\n\r\n"), []);
        assert_eq!(
            local.handle_datagram(at(5), "[::ffff:192.0.2.2]:1".parse().unwrap(), &datagram)[0].peer.ip().to_string(),
            "192.0.2.2"
        );
    }

    #[test]
    fn our_own_word_is_not_heard() {
        let mut local = local(true);
        let torrent = local.poll_due(at(0)).unwrap();
        let ours = [false, true].map(|is_v6| local.announcement(torrent, 6_881, is_v6));
        let said = Announcement::parse(&ours[1]).unwrap();
        assert_eq!((said.port, said.cookie.is_some(), said.info_hashes.len()), (6_881, true, 1));
        assert!(ours.iter().all(|ours| local.handle_datagram(at(1), from(1), ours).is_empty()));
    }

    #[test]
    fn nobody_may_say_much() {
        let mut local = local(false);
        let heard = |local: &mut Local, ms, ports: core::ops::Range<u16>| {
            ports.flat_map(|port| local.handle_datagram(at(ms), from(1), &says(OURS, port, None))).count()
        };
        assert_eq!(heard(&mut local, 0, 1_000..1_100), 8, "so many ports of one address");
        assert_eq!(heard(&mut local, 60_000, 2_000..2_100), 0);
        // Sixty datagrams of one address a minute, whatever is in them.
        let mut local = self::local(false);
        (0..60).for_each(|_| assert_eq!(local.handle_datagram(at(0), from(1), b"noise"), []));
        assert_eq!(heard(&mut local, 59_999, 1_000..1_001), 0);
        assert_eq!(heard(&mut local, 60_000, 1_000..1_001), 1);
        let limits = Limits { total: 3, ..Limits::default() };
        let mut local = Local::new([(InfoHashV1::from(OURS), 0)].into(), false, limits, &Seed::new([1; 32]), at(0));
        let count = (1..=9).flat_map(|host| local.handle_datagram(at(0), from(host), &says(OURS, 6_881, None))).count();
        assert_eq!(count, 3);
    }

    #[test]
    fn each_torrent_is_announced_every_five_minutes_and_only_if_wished() {
        assert_eq!((local(false).poll_due(at(0)), local(false).next_due()), (None, None));
        let mut local = local(true);
        let mut sent = vec![];
        for ms in (0..600_000).step_by(50) {
            sent.extend(local.poll_due(at(ms)).map(|torrent| (ms, torrent.as_bytes()[0])));
        }
        assert_eq!(sent, [(0, 7), (100, 8), (300_000, 7), (300_100, 8)]);
        local.forget(0);
        let later = (600..1_600).filter_map(|s| local.poll_due(at(s * 1_000)));
        let named: Vec<u8> = later.map(|torrent| torrent.as_bytes()[0]).collect();
        assert_eq!(named, [8; 4]);
        assert_eq!(local.handle_datagram(at(1_700_000), from(1), &says(OURS, 6_881, None)), []);
    }
}
