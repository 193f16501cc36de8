//! Peer exchange: the addresses a peer says it knows. BEP 11. Received only; there is no encoder.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::bencode::{self, Dict};
use crate::compact;
use crate::fault::{Fault, rules};

/// Most peers in one list of one message. BEP 11 asks for at most 50 after the first message, which lists all that a
/// client is connected to: a few hundred at most.
pub const PEERS_MAX: usize = 1_000;

/// Bytes that are not a peer exchange message.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of peer exchange.
    pub enum Rule {
        [Bencode(bencode::Rule)]
        NotADict "pex-not-a-dict" "a peer exchange message must be a dictionary",
        List "pex-list" "a list of peers must be a string of whole addresses",
        TooMany "pex-too-many" "a list of peers is longer than the limit",
    }
}

/// The peers that were named. Hearsay: it says nothing about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PexMessage {
    /// Peers it is connected to, IPv4 first.
    pub added: Vec<PexPeer>,
    /// Peers it is no longer connected to, IPv4 first.
    pub dropped: Vec<SocketAddr>,
}

/// A peer that was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PexPeer {
    /// Its address. The port may be the ephemeral one of an incoming connection.
    pub address: SocketAddr,
    /// What was said of it, or `None` where the flags do not match the list.
    pub flags: Option<PexFlags>,
}

/// What was said of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// It prefers encryption.
    pub const fn prefers_encryption(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// It only uploads.
    pub const fn upload_only(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// It speaks µTP.
    pub const fn utp(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// It speaks `ut_holepunch`.
    pub const fn holepunch(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// The one who names it dialled it, so the port is one it listens on.
    pub const fn reachable(self) -> bool {
        self.0 & 0x10 != 0
    }
}

impl PexMessage {
    /// Reads the payload of an extended message with the number we chose for `ut_pex`.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let value = bencode::parse(payload, &bencode::Limits::PEER)?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        let mut read = Self::default();
        for (list, flags, six) in [(&b"added"[..], &b"added.f"[..], false), (b"added6", b"added6.f", true)] {
            let addresses = addresses(dict, list, six)?;
            let flags = dict.get(flags).and_then(|value| value.as_bytes());
            let flags = flags.filter(|flags| flags.len() == addresses.len());
            read.added.extend(
                addresses
                    .iter()
                    .enumerate()
                    .map(|(at, address)| PexPeer { address: *address, flags: flags.map(|flags| PexFlags(flags[at])) }),
            );
        }
        for (list, six) in [(&b"dropped"[..], false), (b"dropped6", true)] {
            read.dropped.extend(addresses(dict, list, six)?);
        }
        Ok(read)
    }
}

fn addresses(dict: &Dict<'_>, key: &[u8], six: bool) -> Result<Vec<SocketAddr>, Error> {
    let Some(value) = dict.get(key) else { return Ok(Vec::new()) };
    let fault = |rule| Fault::at(value.offset(), rule);
    let bytes = value.as_bytes().ok_or(fault(Rule::List))?;
    let length = if six { compact::V6_LENGTH } else { compact::V4_LENGTH };
    if bytes.len() > PEERS_MAX * length {
        return Err(fault(Rule::TooMany));
    }
    let addresses: Option<Vec<_>> =
        if six { compact::v6(bytes).map(Iterator::collect) } else { compact::v4(bytes).map(Iterator::collect) };
    addresses.ok_or(fault(Rule::List))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_both_families_and_their_flags() {
        let payload = b"d5:added12:\xc0\x00\x02\x01\x1a\xe1\xc6\x33\x64\x02\x00\x507:added.f2:\x10\x036:added6\
            18:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x1a\xe18:added6.f0:7:dropped6:\xcb\x00\x71\x07\x00\x09e";
        let read = PexMessage::parse(payload).unwrap();
        let flags = |peer: &PexPeer| peer.flags.map(|flags| flags.0);
        let added: Vec<_> = read.added.iter().map(|peer| (alloc::format!("{}", peer.address), flags(peer))).collect();
        assert_eq!(
            added,
            [("192.0.2.1:6881".into(), Some(0x10)), ("198.51.100.2:80".into(), Some(0x03)), ("[2001:db8::9]:6881".into(), None),]
        );
        let first = read.added[0].flags.unwrap();
        assert!(first.reachable() && !first.utp() && !first.holepunch());
        let second = read.added[1].flags.unwrap();
        assert!(second.prefers_encryption() && second.upload_only());
        assert_eq!(read.dropped, ["203.0.113.7:9".parse().unwrap()]);
    }

    #[test]
    fn an_empty_message_is_fine() {
        assert_eq!(PexMessage::parse(b"de"), Ok(PexMessage::default()));
    }

    #[test]
    fn refuses_partial_and_endless_lists() {
        assert_eq!(PexMessage::parse(b"le"), Err(Fault::at(0, Rule::NotADict)));
        assert_eq!(PexMessage::parse(b"d5:added5:abcdee"), Err(Fault::at(8, Rule::List)));
        assert_eq!(PexMessage::parse(b"d5:addedi5ee"), Err(Fault::at(8, Rule::List)));
        assert_eq!(PexMessage::parse(b"d7:dropped7:abcdefge"), Err(Fault::at(10, Rule::List)));
        let many = [b"d5:added6006:".as_slice(), &[1; 6_006], b"e"].concat();
        assert_eq!(PexMessage::parse(&many), Err(Fault::at(8, Rule::TooMany)));
        let rule = PexMessage::parse(b"dex").unwrap_err().rule;
        assert_eq!(rule, Rule::Bencode(bencode::Rule::Trailing));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, list in "[a-z]{0,20}", flags in "[a-z]{0,4}") {
            let _ = PexMessage::parse(&bytes);
            let text = alloc::format!("d5:added{}:{list}7:added.f{}:{flags}e", list.len(), flags.len());
            let _ = PexMessage::parse(text.as_bytes());
        }
    }
}
