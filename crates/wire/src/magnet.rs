//! Magnet links. BEP 9, and `btmh` of BEP 52.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use crate::fault::{Fault, rules};
use crate::infohash::{self, InfoHashV1, InfoHashV2};
use crate::tracker_url::{self, TrackerUrl, split_port};

/// Longest magnet link that is accepted, in bytes.
pub const LENGTH_MAX: usize = 64 << 10;

/// Most parameters in one link.
pub const PARAMETERS_MAX: usize = 512;

/// Text that is not a magnet link we accept.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of magnet links.
    pub enum Rule {
        [InfoHash(infohash::Rule)]
        Scheme "magnet-scheme" "a magnet link must begin with magnet:?",
        TooLong "magnet-too-long" "the magnet link is longer than the limit",
        TooMany "magnet-too-many" "the magnet link has more parameters than the limit",
        Character "magnet-character" "a magnet link must be printable ASCII; other characters are written with percent signs",
        Percent "magnet-percent" "a percent sign must be followed by two hexadecimal digits",
        NotUtf8 "magnet-utf8" "a value of the magnet link is not UTF-8",
        NoValue "magnet-no-value" "a parameter of a magnet link must have the form key=value",
        NoTopic "magnet-no-topic" "a magnet link must have an exact topic: xt=urn:btih: or xt=urn:btmh:",
        TwoTopics "magnet-two-topics" "a magnet link must not name two torrents",
        TwoNames "magnet-two-names" "a magnet link must not have two display names",
        Multihash "magnet-multihash" "the topic urn:btmh: must be a SHA-256 multihash, 1220 and 64 hexadecimal digits",
        Peer "magnet-peer" "x.pe must be host:port, with an IPv6 address in brackets",
    }
}

/// A magnet link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Magnet {
    /// The version 1 info-hash.
    pub v1: Option<InfoHashV1>,
    /// The version 2 info-hash.
    pub v2: Option<InfoHashV2>,
    /// `dn`, a name that nothing verifies. Show it through [`Self::shown_name`].
    pub display_name: Option<String>,
    /// `tr`, in order.
    pub trackers: Vec<TrackerUrl>,
    /// `tr` that we do not speak or that break a rule, as decoded.
    pub refused_trackers: Vec<(String, tracker_url::Error)>,
    /// `x.pe`, peers the link names. Hearsay.
    pub peers: Vec<PeerHint>,
    /// Every other parameter, as decoded: `ws`, `so`, `xl`, `as` and the like, and topics that are not BitTorrent's.
    pub others: Vec<(String, String)>,
}

/// A peer that a link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerHint {
    /// By address.
    Address(SocketAddr),
    /// By a name that would have to be looked up.
    Name {
        /// The host's name.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Magnet {
    /// Reads a magnet link.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LENGTH_MAX {
            return Err(Fault::at(LENGTH_MAX, Rule::TooLong));
        }
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(Fault::at(at, Rule::Character));
        }
        let head = text.get(..SCHEME.len()).filter(|head| head.eq_ignore_ascii_case(SCHEME));
        head.ok_or(Fault::at(0, Rule::Scheme))?;
        let mut magnet = Self::default();
        let mut offset = SCHEME.len();
        for (count, parameter) in text[SCHEME.len()..].split('&').enumerate() {
            if count >= PARAMETERS_MAX {
                return Err(Fault::at(offset, Rule::TooMany));
            }
            if !parameter.is_empty() {
                magnet.read(parameter, offset)?;
            }
            offset += parameter.len() + 1;
        }
        match (magnet.v1, magnet.v2) {
            (None, None) => Err(Fault::at(0, Rule::NoTopic)),
            _ => Ok(magnet),
        }
    }

    /// The 20 bytes that trackers, the DHT and peers know the torrent by: the version 1 info-hash and the truncated
    /// version 2 info-hash, as far as the link names them.
    pub fn wire_hashes(&self) -> impl Iterator<Item = InfoHashV1> + use<> {
        self.v1.into_iter().chain(self.v2.map(|hash| hash.truncated()))
    }

    /// The display name with everything taken out that a terminal or a page might obey.
    pub fn shown_name(&self) -> Option<String> {
        let name = self.display_name.as_deref()?;
        Some(crate::metainfo::Name::new(name.as_bytes(), None).sanitised())
    }

    fn read(&mut self, parameter: &str, offset: usize) -> Result<(), Error> {
        let (key, value) = parameter.split_once('=').ok_or(Fault::at(offset, Rule::NoValue))?;
        let value_at = offset + key.len() + 1;
        // Several of a kind may be numbered: xt.1, tr.2.
        let (kind, number) = key.split_once('.').unwrap_or((key, ""));
        let kind = if number.bytes().all(|byte| byte.is_ascii_digit()) { kind } else { key };
        match kind.to_ascii_lowercase().as_str() {
            "xt" => self.read_topic(decode(value, value_at, false)?, value_at),
            // A form's plus sign is a space in names only; in a tracker's query it may be meant as written.
            "dn" if self.display_name.is_some() => Err(Fault::at(offset, Rule::TwoNames)),
            "dn" => {
                self.display_name = Some(decode(value, value_at, true)?);
                Ok(())
            }
            "tr" => {
                let url = decode(value, value_at, false)?;
                match TrackerUrl::parse(&url) {
                    Ok(url) => self.trackers.push(url),
                    Err(fault) => self.refused_trackers.push((url, fault)),
                }
                Ok(())
            }
            "x.pe" => {
                let peer = decode(value, value_at, false)?;
                self.peers.push(peer_hint(&peer).ok_or(Fault::at(value_at, Rule::Peer))?);
                Ok(())
            }
            _ => {
                self.others.push((String::from(key), decode(value, value_at, false)?));
                Ok(())
            }
        }
    }

    fn read_topic(&mut self, topic: String, offset: usize) -> Result<(), Error> {
        let lower = topic.to_ascii_lowercase();
        if let Some(hash) = lower.strip_prefix("urn:btih:") {
            let hash = match hash.len() {
                32 => InfoHashV1::from_base32(hash),
                _ => InfoHashV1::from_hex_of_any_case(hash),
            };
            return set_once(&mut self.v1, within(hash, offset + "urn:btih:".len())?, offset);
        }
        if let Some(multihash) = lower.strip_prefix("urn:btmh:") {
            let hash = multihash.strip_prefix("1220").filter(|hash| hash.len() == 64);
            let hash = hash.ok_or(Fault::at(offset, Rule::Multihash))?;
            let hash = within(InfoHashV2::from_hex_of_any_case(hash), offset + "urn:btmh:1220".len())?;
            return set_once(&mut self.v2, hash, offset);
        }
        self.others.push((String::from("xt"), topic));
        Ok(())
    }
}

const SCHEME: &str = "magnet:?";

fn within<T>(read: Result<T, infohash::Error>, offset: usize) -> Result<T, Error> {
    read.map_err(|fault| Fault::at(offset + fault.offset, Rule::InfoHash(fault.rule)))
}

fn set_once<T: PartialEq>(field: &mut Option<T>, value: T, offset: usize) -> Result<(), Error> {
    match field {
        Some(before) if *before != value => Err(Fault::at(offset, Rule::TwoTopics)),
        _ => {
            *field = Some(value);
            Ok(())
        }
    }
}

fn peer_hint(text: &str) -> Option<PeerHint> {
    let (host, port) = split_port(text)?;
    let port = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let address: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
    Some(match address {
        Ok(address) => PeerHint::Address(SocketAddr::new(address, port)),
        Err(_) => PeerHint::Name { host: String::from(host), port },
    })
}

fn decode(text: &str, offset: usize, plus_is_space: bool) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let culprit = Fault::at(offset + text.len() - rest.len() - 1, Rule::Percent);
                let [high, low, after @ ..] = rest else { return Err(culprit) };
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(culprit) };
                bytes.push((high * 16 + low) as u8);
                rest = after;
            }
            b'+' if plus_is_space => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault::at(offset, Rule::NotUtf8))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    fn refused(text: &str) -> Error {
        Magnet::parse(text).unwrap_err()
    }

    #[test]
    fn reads_a_full_link() {
        let text = format!(
            "magnet:?xt=urn:btih:{HEX}&dn=A+film%20%28caf%C3%A9%29&tr=udp%3A%2F%2Ftracker.example%3A6969&tr.1=http://b.example/a?x=1%2B1+2\
             &tr=wss%3A%2F%2Fc.example&x.pe=192.0.2.1:6881&x.pe=[2001:db8::1]:6881&x.pe=peer.example:1&ws=http%3A%2F%2Fw.example&xt=urn:sha1:ABC&&"
        );
        let magnet = Magnet::parse(&text).unwrap();
        assert_eq!(magnet.v1, Some(InfoHashV1::of_info(b"abc")));
        assert_eq!(magnet.v2, None);
        assert_eq!(magnet.display_name.as_deref(), Some("A film (café)"));
        let trackers: Vec<_> = magnet.trackers.iter().map(TrackerUrl::as_str).collect();
        assert_eq!(trackers, ["udp://tracker.example:6969", "http://b.example/a?x=1+1+2"]);
        assert_eq!(magnet.refused_trackers[0].0, "wss://c.example");
        assert_eq!(
            magnet.peers,
            [
                PeerHint::Address("192.0.2.1:6881".parse().unwrap()),
                PeerHint::Address("[2001:db8::1]:6881".parse().unwrap()),
                PeerHint::Name { host: "peer.example".into(), port: 1 },
            ]
        );
        let others: Vec<_> = magnet.others.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(others, [("ws", "http://w.example"), ("xt", "urn:sha1:ABC")]);
    }

    #[test]
    fn reads_every_form_of_topic() {
        let base32 = "VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5";
        for hash in [HEX, &HEX.to_uppercase(), base32, &base32.to_lowercase()] {
            let magnet = Magnet::parse(&format!("MAGNET:?XT=urn:BTIH:{hash}")).unwrap();
            assert_eq!(magnet.wire_hashes().collect::<Vec<_>>(), [InfoHashV1::of_info(b"abc")]);
        }
        let v2 = InfoHashV2::of_info(b"abc");
        let hybrid = Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&xt=urn:btmh:1220{v2}")).unwrap();
        assert_eq!((hybrid.v1, hybrid.v2), (Some(InfoHashV1::of_info(b"abc")), Some(v2)));
        let alone = Magnet::parse(&format!("magnet:?xt.1=urn%3Abtmh%3A1220{v2}")).unwrap();
        assert_eq!((alone.v1, alone.v2), (None, Some(v2)));
        assert_eq!(hybrid.wire_hashes().collect::<Vec<_>>(), [InfoHashV1::of_info(b"abc"), v2.truncated()]);
        assert_eq!(alone.wire_hashes().collect::<Vec<_>>(), [v2.truncated()]);
    }

    #[test]
    fn refuses_bad_links() {
        let good = format!("magnet:?xt=urn:btih:{HEX}");
        let cases = [
            (String::new(), 0, Rule::Scheme),
            ("http://example/".into(), 0, Rule::Scheme),
            ("magnet:xt=urn:btih:".into(), 0, Rule::Scheme),
            ("magnet:?".into(), 0, Rule::NoTopic),
            ("magnet:?dn=x".into(), 0, Rule::NoTopic),
            ("magnet:?xt=urn:sha1:abc".into(), 0, Rule::NoTopic),
            ("magnet:?xt".into(), 8, Rule::NoValue),
            (format!("{good}0"), 61, Rule::InfoHash(infohash::Rule::Length)),
            (good.replace('e', "g"), 0, Rule::Scheme),
            (good.replace("a9", "z9"), 20, Rule::InfoHash(infohash::Rule::Digit)),
            ("magnet:?xt=urn:btih:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE1".into(), 51, Rule::InfoHash(infohash::Rule::Base32)),
            ("magnet:?xt=urn:btmh:1220abc".into(), 11, Rule::Multihash),
            (format!("magnet:?xt=urn:btmh:1114{HEX}"), 11, Rule::Multihash),
            (format!("{good}&xt=urn:btih:{}", HEX.replace('a', "b")), 64, Rule::TwoTopics),
            (format!("{good}&dn=a&dn=b"), 66, Rule::TwoNames),
            (format!("{good}&dn=%"), 64, Rule::Percent),
            (format!("{good}&dn=%4"), 64, Rule::Percent),
            (format!("{good}&dn=ab%zz"), 66, Rule::Percent),
            (format!("{good}&dn=%+1"), 64, Rule::Percent),
            (format!("{good}&dn=%ff"), 64, Rule::NotUtf8),
            (format!("{good}&dn=caf\u{e9}"), 67, Rule::Character),
            (format!("{good}&dn=a b"), 65, Rule::Character),
            (format!("{good}&x.pe=192.0.2.1"), 66, Rule::Peer),
            (format!("{good}&x.pe=192.0.2.1:0"), 66, Rule::Peer),
            (format!("{good}&x.pe=192.0.2.1:+1"), 66, Rule::Peer),
            (format!("{good}&x.pe=2001:db8::1:6881"), 66, Rule::Peer),
            (format!("{good}{}", "&tr=a".repeat(PARAMETERS_MAX)), 60 + 511 * 5 + 1, Rule::TooMany),
            (format!("{good}&dn={}", "x".repeat(LENGTH_MAX)), LENGTH_MAX, Rule::TooLong),
        ];
        for (text, offset, rule) in cases {
            assert_eq!(refused(&text), Fault::at(offset, rule), "{}", &text[..text.len().min(120)]);
        }
    }

    #[test]
    fn the_same_topic_twice_is_one_torrent() {
        assert!(Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&xt=urn:btih:{HEX}")).is_ok());
    }

    #[test]
    fn a_name_is_shown_without_controls() {
        let magnet = Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&dn=a%1B%5B31mb%0A")).unwrap();
        assert_eq!(magnet.shown_name().as_deref(), Some("a_[31mb_"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,60}", like in "magnet:\\?(xt=urn:btih:[a-f0-9]{40}|dn=[%a-f0-9+]{0,6}|x.pe=[\\[\\]:0-9.]{0,9}|tr=%[0-9a-g]{2}|&){0,8}") {
            let _ = Magnet::parse(&text);
            let _ = Magnet::parse(&like);
        }
    }
}
