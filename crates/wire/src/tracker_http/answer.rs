//! Answers of trackers.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{Error, Rule};
use crate::Fault;
use crate::bencode::{self, Dict, Strictness, Value};
use crate::compact;
use crate::infohash::InfoHashV1;
use crate::peer_id::PeerId;

/// Bounds on what is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body, in bytes.
    pub bytes_max: usize,
    /// Most peers in one announce answer, and most torrents in one scrape answer.
    pub items_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 2 << 20, items_max: 10_000 }
    }
}

/// What a tracker says to an announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnounceAnswer {
    /// It refuses.
    Failure {
        /// Why, in its own words, not necessarily UTF-8.
        reason: Vec<u8>,
        /// When to come back, in minutes; `None` inside for never. BEP 31.
        retry_in_min: Option<Option<u32>>,
    },
    /// It answers.
    Peers(Announce),
}

/// A tracker's list of peers. All of it is hearsay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announce {
    /// When to announce again, in seconds.
    pub interval_s: Option<u32>,
    /// When to announce again at the earliest, in seconds.
    pub min_interval_s: Option<u32>,
    /// A warning in its own words, not necessarily UTF-8.
    pub warning: Option<Vec<u8>>,
    /// Seeds, as counted by the tracker.
    pub complete: Option<u64>,
    /// Other peers, as counted by the tracker.
    pub incomplete: Option<u64>,
    /// Completions, as counted by the tracker.
    pub downloaded: Option<u64>,
    /// What to repeat in the next announce.
    pub tracker_id: Option<Vec<u8>>,
    /// The address it sees us at.
    pub external_ip: Option<IpAddr>,
    /// The peers, in the order of `peers` and then `peers6`. Ports may be 0.
    pub peers: Vec<TrackerPeer>,
    /// Peers that were named by something that is no IP address, which we do not look up.
    pub named_peers: usize,
    /// Keys whose values are not what they should be, and were left out above.
    pub odd: Vec<&'static str>,
}

/// One peer that a tracker names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerPeer {
    /// Its address.
    pub address: SocketAddr,
    /// Its peer id, where the list is not compact.
    pub peer_id: Option<PeerId>,
}

/// What a tracker says to a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScrapeAnswer {
    /// It refuses, in its own words.
    Failure {
        /// Why, not necessarily UTF-8.
        reason: Vec<u8>,
    },
    /// It answers.
    Counts(Scrape),
}

/// A tracker's counts by torrent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrape {
    /// The counts by info-hash.
    pub files: BTreeMap<InfoHashV1, ScrapeCounts>,
    /// When to scrape again at the earliest, in seconds.
    pub min_request_interval_s: Option<u32>,
    /// Keys whose values are not what they should be, and were left out above. A key may be listed several times.
    pub odd: Vec<&'static str>,
}

/// What a tracker counts for a torrent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrapeCounts {
    /// Seeds.
    pub complete: Option<u64>,
    /// Completions.
    pub downloaded: Option<u64>,
    /// Other peers.
    pub incomplete: Option<u64>,
}

impl AnnounceAnswer {
    /// Reads the body of an announce answer.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        let value = bencode::parse(body, &limits.bencode())?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        if let Some(reason) = failure(dict)? {
            return Ok(Self::Failure { reason, retry_in_min: retry_in(dict) });
        }
        if !["peers", "peers6", "interval"].iter().any(|key| dict.get(key.as_bytes()).is_some()) {
            return Err(Fault::at(0, Rule::Empty));
        }
        let mut fields = Fields { dict, odd: Vec::new() };
        let mut announce = Announce {
            interval_s: fields.read("interval", number),
            min_interval_s: fields.read("min interval", number),
            warning: fields.read("warning message", owned),
            complete: fields.read("complete", number),
            incomplete: fields.read("incomplete", number),
            downloaded: fields.read("downloaded", number),
            tracker_id: fields.read("tracker id", owned),
            external_ip: fields.read("external ip", |value| packed_address(value.as_bytes()?)),
            odd: fields.odd,
            ..Announce::default()
        };
        if let Some(peers) = dict.get(b"peers") {
            announce.read_peers(peers, limits)?;
        }
        if let Some(peers) = dict.get(b"peers6") {
            let packed = peers.as_bytes().and_then(compact::v6).ok_or(Fault::at(peers.offset(), Rule::Peers))?;
            announce.add_packed(packed, peers.offset(), limits)?;
        }
        Ok(Self::Peers(announce))
    }
}

impl Announce {
    fn read_peers(&mut self, peers: &Value<'_>, limits: &Limits) -> Result<(), Error> {
        if let Some(bytes) = peers.as_bytes() {
            let packed = compact::v4(bytes).ok_or(Fault::at(peers.offset(), Rule::Peers))?;
            return self.add_packed(packed, peers.offset(), limits);
        }
        let list = peers.as_list().ok_or(Fault::at(peers.offset(), Rule::Peers))?;
        if list.len() > limits.items_max {
            return Err(Fault::at(peers.offset(), Rule::TooMany));
        }
        for value in list {
            let peer = value.as_dict().and_then(|dict| {
                let port = u16::try_from(dict.get(b"port")?.as_int()?).ok()?;
                Some((dict.get(b"ip")?.as_bytes()?, port, dict.get(b"peer id").and_then(|id| id.as_bytes())))
            });
            let (ip, port, id) = peer.ok_or(Fault::at(value.offset(), Rule::Peer))?;
            match core::str::from_utf8(ip).ok().and_then(|text| text.parse::<IpAddr>().ok()) {
                Some(ip) => self.peers.push(TrackerPeer {
                    address: SocketAddr::new(ip, port),
                    peer_id: id.and_then(|id| id.try_into().ok()).map(PeerId),
                }),
                None => self.named_peers += 1,
            }
        }
        Ok(())
    }

    fn add_packed(
        &mut self,
        packed: impl ExactSizeIterator<Item = SocketAddr>,
        offset: usize,
        limits: &Limits,
    ) -> Result<(), Error> {
        if packed.len() + self.peers.len() > limits.items_max {
            return Err(Fault::at(offset, Rule::TooMany));
        }
        self.peers.extend(packed.map(|address| TrackerPeer { address, peer_id: None }));
        Ok(())
    }
}

impl ScrapeAnswer {
    /// Reads the body of a scrape answer.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        let value = bencode::parse(body, &limits.bencode())?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        if let Some(reason) = failure(dict)? {
            return Ok(Self::Failure { reason });
        }
        let files = dict.get(b"files").and_then(|files| files.as_dict()).ok_or(Fault::at(0, Rule::Files))?;
        if files.entries().len() > limits.items_max {
            return Err(Fault::at(0, Rule::TooMany));
        }
        let mut scrape = Scrape::default();
        for entry in files.entries() {
            let culprit = Fault::at(entry.offset, Rule::Files);
            let hash = InfoHashV1(entry.key.try_into().map_err(|_| culprit)?);
            let counts = entry.value.as_dict().ok_or(culprit)?;
            let mut fields = Fields { dict: counts, odd: Vec::new() };
            let counts = ScrapeCounts {
                complete: fields.read("complete", number),
                downloaded: fields.read("downloaded", number),
                incomplete: fields.read("incomplete", number),
            };
            scrape.odd.append(&mut fields.odd);
            scrape.files.insert(hash, counts);
        }
        if let Some(flags) = dict.get(b"flags").and_then(|flags| flags.as_dict()) {
            let mut fields = Fields { dict: flags, odd: Vec::new() };
            scrape.min_request_interval_s = fields.read("min_request_interval", number);
            scrape.odd.append(&mut fields.odd);
        }
        Ok(Self::Counts(scrape))
    }
}

impl Limits {
    fn bencode(&self) -> bencode::Limits {
        bencode::Limits {
            bytes_max: self.bytes_max,
            depth_max: 8,
            // A peer's dictionary is seven values and keys; the rest of an answer is a few dozen.
            items_max: self.items_max.saturating_mul(8).saturating_add(256),
            strictness: Strictness::Peer,
        }
    }
}

fn failure(dict: &Dict<'_>) -> Result<Option<Vec<u8>>, Error> {
    match dict.get(b"failure reason") {
        None => Ok(None),
        Some(value) => {
            let reason = value.as_bytes().ok_or(Fault::at(value.offset(), Rule::Reason))?;
            Ok(Some(reason.to_vec()))
        }
    }
}

fn retry_in(dict: &Dict<'_>) -> Option<Option<u32>> {
    let value = dict.get(b"retry in")?;
    if value.as_bytes() == Some(b"never") {
        return Some(None);
    }
    value.as_int().and_then(|minutes| u32::try_from(minutes).ok()).map(Some)
}

/// Reads single fields and remembers which of them were odd.
struct Fields<'d, 'a> {
    dict: &'d Dict<'a>,
    odd: Vec<&'static str>,
}

impl<'d, 'a> Fields<'d, 'a> {
    fn read<T>(&mut self, key: &'static str, read: fn(&'d Value<'a>) -> Option<T>) -> Option<T> {
        let field = read(self.dict.get(key.as_bytes())?);
        if field.is_none() {
            self.odd.push(key);
        }
        field
    }
}

fn number<T: TryFrom<i64>>(value: &Value<'_>) -> Option<T> {
    value.as_int().and_then(|int| T::try_from(int).ok())
}

fn owned(value: &Value<'_>) -> Option<Vec<u8>> {
    value.as_bytes().map(<[u8]>::to_vec)
}

fn packed_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn announce(body: &[u8]) -> Result<AnnounceAnswer, Error> {
        AnnounceAnswer::parse(body, &Limits::default())
    }

    fn peers(body: &[u8]) -> Announce {
        match announce(body) {
            Ok(AnnounceAnswer::Peers(announce)) => announce,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_compact_answer_of_both_families() {
        let body = b"d8:completei5e10:downloadedi50e11:external ip4:\xcb\x00\x71\x0710:incompletei3e8:intervali1800e\
            12:min intervali60e5:peers12:\xc0\x00\x02\x01\x1a\xe1\xc6\x33\x64\x02\x00\x00\
            6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x1a\xe110:tracker id3:abc15:warning message2:hme";
        let answer = peers(body);
        let addresses: Vec<_> = answer.peers.iter().map(|peer| alloc::format!("{}", peer.address)).collect();
        assert_eq!(addresses, ["192.0.2.1:6881", "198.51.100.2:0", "[2001:db8::9]:6881"]);
        assert_eq!((answer.interval_s, answer.min_interval_s), (Some(1800), Some(60)));
        assert_eq!((answer.complete, answer.incomplete, answer.downloaded), (Some(5), Some(3), Some(50)));
        assert_eq!(answer.external_ip, Some("203.0.113.7".parse().unwrap()));
        assert_eq!((answer.tracker_id.unwrap(), answer.warning.unwrap()), (b"abc".to_vec(), b"hm".to_vec()));
    }

    #[test]
    fn reads_a_list_of_dictionaries_even_unsorted() {
        let body = b"d5:peersld4:porti6881e2:ip9:192.0.2.17:peer id20:-TR3000-abcdefghijkled2:ip11:2001:db8::14:porti1ee\
            d2:ip12:peer.example4:porti1eee8:intervali60ee";
        let answer = peers(body);
        assert_eq!(answer.peers[0].address, "192.0.2.1:6881".parse().unwrap());
        assert_eq!(answer.peers[0].peer_id, Some(PeerId(*b"-TR3000-abcdefghijkl")));
        assert_eq!(answer.peers[1].address, "[2001:db8::1]:1".parse().unwrap());
        assert_eq!(answer.named_peers, 1);
    }

    #[test]
    fn reads_a_refusal() {
        let failure = |retry_in_min| AnnounceAnswer::Failure { reason: b"no".to_vec(), retry_in_min };
        assert_eq!(announce(b"d14:failure reason2:noe"), Ok(failure(None)));
        assert_eq!(announce(b"d14:failure reason2:no8:retry ini5ee"), Ok(failure(Some(Some(5)))));
        assert_eq!(announce(b"d14:failure reason2:no8:retry in5:nevere"), Ok(failure(Some(None))));
        // A refusal is one whatever stands beside it.
        assert_eq!(announce(b"d14:failure reason2:no5:peers5:abcdee"), Ok(failure(None)));
    }

    #[test]
    fn refuses_bad_answers() {
        let cases: &[(&[u8], Rule)] = &[
            (b"", Rule::Bencode(bencode::Rule::Truncated)),
            (b"<html>", Rule::Bencode(bencode::Rule::UnknownType)),
            (b"le", Rule::NotADict),
            (b"de", Rule::Empty),
            (b"d14:failure reasoni5ee", Rule::Reason),
            (b"d5:peers5:abcdee", Rule::Peers),
            (b"d5:peersi5ee", Rule::Peers),
            (b"d6:peers617:abcdefghijklmnopqe", Rule::Peers),
            (b"d5:peersli5eee", Rule::Peer),
            (b"d5:peersld2:ip9:192.0.2.1eee", Rule::Peer),
            (b"d5:peersld2:ip9:192.0.2.14:porti65536eeee", Rule::Peer),
            (b"d5:peers0:5:peers0:e", Rule::Bencode(bencode::Rule::KeyDuplicate)),
        ];
        for (body, rule) in cases {
            assert_eq!(announce(body).unwrap_err().rule, *rule, "{:?}", body.escape_ascii());
        }
    }

    #[test]
    fn an_odd_field_spoils_no_peer() {
        let body = b"d8:completei-1e10:downloadedle11:external ip3:abc10:incompletei7e8:interval2:3012:min intervali\
            99999999999e5:peers6:\xc0\x00\x02\x01\x1a\xe110:tracker idi5ee";
        let answer = peers(body);
        assert_eq!((answer.peers.len(), answer.incomplete, answer.interval_s), (1, Some(7), None));
        let odd = ["interval", "min interval", "complete", "downloaded", "tracker id", "external ip"];
        assert_eq!(answer.odd, odd);
        let body = b"d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei-5e10:incompletei2eeee";
        let Ok(ScrapeAnswer::Counts(scrape)) = ScrapeAnswer::parse(body, &Limits::default()) else { panic!() };
        let counts = ScrapeCounts { incomplete: Some(2), ..ScrapeCounts::default() };
        assert_eq!((scrape.files[&InfoHashV1([b'a'; 20])], &scrape.odd[..]), (counts, &["complete"][..]));
    }

    #[test]
    fn limits_hold() {
        let limits = Limits { items_max: 2, bytes_max: 100 };
        let refused = |body: &[u8]| AnnounceAnswer::parse(body, &limits).unwrap_err().rule;
        assert_eq!(refused(&[b"d5:peers18:".as_slice(), &[1; 18], b"e"].concat()), Rule::TooMany);
        let both = [b"d5:peers12:".as_slice(), &[1; 12], b"6:peers618:", &[1; 18], b"e"].concat();
        assert_eq!(refused(&both), Rule::TooMany);
        assert_eq!(refused(b"d5:peersldededeee"), Rule::TooMany);
        assert_eq!(refused(&[b'd'; 101]), Rule::Bencode(bencode::Rule::TooLong));
    }

    #[test]
    fn reads_a_scrape() {
        let body = b"d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei5e10:downloadedi50e10:incompletei10eee\
            5:flagsd20:min_request_intervali900eee";
        let Ok(ScrapeAnswer::Counts(scrape)) = ScrapeAnswer::parse(body, &Limits::default()) else { panic!() };
        let counts = ScrapeCounts { complete: Some(5), downloaded: Some(50), incomplete: Some(10) };
        assert_eq!(scrape.files, BTreeMap::from([(InfoHashV1([b'a'; 20]), counts)]));
        assert_eq!(scrape.min_request_interval_s, Some(900));
        let refusal = ScrapeAnswer::parse(b"d14:failure reason2:noe", &Limits::default());
        assert_eq!(refusal, Ok(ScrapeAnswer::Failure { reason: b"no".to_vec() }));
    }

    #[test]
    fn refuses_bad_scrapes() {
        let cases: &[(&[u8], Rule)] = &[
            (b"le", Rule::NotADict),
            (b"de", Rule::Files),
            (b"d5:filesi5ee", Rule::Files),
            (b"d5:filesd3:abcdeee", Rule::Files),
            (b"d5:filesd20:aaaaaaaaaaaaaaaaaaaai5eee", Rule::Files),
        ];
        for (body, rule) in cases {
            let got = ScrapeAnswer::parse(body, &Limits::default()).unwrap_err().rule;
            assert_eq!(got, *rule, "{:?}", body.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, text in "d(5:peers|8:interval|6:peers6|[ilde0-9:-]{0,5}){0,9}e") {
            for body in [&bytes[..], text.as_bytes()] {
                let _ = announce(body);
                let _ = ScrapeAnswer::parse(body, &Limits::default());
            }
        }
    }
}
