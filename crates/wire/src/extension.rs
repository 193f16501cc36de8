//! The handshake of the extension protocol. BEP 10.
//!
//! A peer's handshake is one bencoded dictionary. A field of the wrong type or range is set aside in
//! [`ExtensionHandshake::odd`] with its bytes, and spoils nothing else.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bencode::{self, Item, Value};
use crate::fault::{Fault, rules};

/// The name under which metadata exchange is offered. BEP 9.
pub const UT_METADATA: &[u8] = b"ut_metadata";

/// The name under which introductions are offered. BEP 55.
pub const UT_HOLEPUNCH: &[u8] = b"ut_holepunch";

/// The name under which peer exchange is offered. BEP 11.
pub const UT_PEX: &[u8] = b"ut_pex";

/// The name under which claims to pieces can be taken back. BEP 54.
pub const LT_DONTHAVE: &[u8] = b"lt_donthave";

/// Bytes that are not an extension handshake.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of the extension handshake.
    pub enum Rule {
        [Bencode(bencode::Rule)]
        NotADict "extension-not-a-dict" "an extension handshake must be a dictionary",
        TooManyNames "extension-too-many-names" "an extension handshake offers more extensions than the limit",
    }
}

/// Most extensions one peer may offer. The chattiest client offers about a dozen.
const NAMES_MAX: usize = 128;

/// What a peer says of itself in the extension protocol. All of it is a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionHandshake<'a> {
    /// `m`: the extensions it speaks and the number it wants each addressed by. 0 takes an offer back.
    pub messages: BTreeMap<&'a [u8], u8>,
    /// `v`: its software, in its own words, not necessarily UTF-8.
    pub client: Option<&'a [u8]>,
    /// `p`: the port it listens on.
    pub port: Option<u16>,
    /// `yourip`: the address it sees us at.
    pub yourip: Option<IpAddr>,
    /// `ipv4`: an address it says it has.
    pub ipv4: Option<Ipv4Addr>,
    /// `ipv6`: an address it says it has.
    pub ipv6: Option<Ipv6Addr>,
    /// `reqq`: how many requests it queues.
    pub request_queue: Option<i64>,
    /// `metadata_size`: length of the info dictionary in bytes. BEP 9.
    pub metadata_size: Option<u32>,
    /// `upload_only`: it wants no content. BEP 21.
    pub upload_only: Option<bool>,
    /// Known fields of a wrong type or range, by key, with their bytes. An odd entry of `m` is listed as `m` and
    /// its name.
    pub odd: Vec<OddField<'a>>,
    /// Fields we do not know, by key, with their bytes.
    pub unknown: Vec<(&'a [u8], &'a [u8])>,
    /// The dictionary's bytes.
    pub raw: &'a [u8],
    /// What came after the dictionary; empty from any client we know.
    pub trailing: &'a [u8],
}

/// A field that is not what its key promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddField<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// The extension's name, for an entry of `m`.
    pub name: Option<&'a [u8]>,
    /// Its bencoded value.
    pub raw: &'a [u8],
}

impl<'a> ExtensionHandshake<'a> {
    /// Reads the payload of an extended message with number 0.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Error> {
        let value = bencode::parse_prefix(payload, &bencode::Limits::PEER)?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        let raw = value.raw();
        let mut read = Self { raw, trailing: &payload[raw.len()..], ..Self::default() };
        for entry in dict.entries() {
            let understood = match entry.key {
                b"m" => read.read_messages(&entry.value)?,
                b"v" => fill(&mut read.client, entry.value.as_bytes()),
                b"p" => fill(&mut read.port, number(&entry.value)),
                b"yourip" => fill(&mut read.yourip, entry.value.as_bytes().and_then(address)),
                b"ipv4" => fill(&mut read.ipv4, octets(&entry.value).map(Ipv4Addr::from_octets)),
                b"ipv6" => fill(&mut read.ipv6, octets(&entry.value).map(Ipv6Addr::from_octets)),
                b"reqq" => fill(&mut read.request_queue, entry.value.as_int().filter(|count| *count >= 0)),
                b"metadata_size" => fill(&mut read.metadata_size, number(&entry.value)),
                b"upload_only" => fill(&mut read.upload_only, entry.value.as_int().map(|flag| flag != 0)),
                _ => {
                    read.unknown.push((entry.key, entry.value.raw()));
                    true
                }
            };
            if !understood {
                read.odd.push(OddField { key: entry.key, name: None, raw: entry.value.raw() });
            }
        }
        Ok(read)
    }

    /// The number by which the peer wants this extension addressed, unless it does not offer it.
    pub fn message_id(&self, name: &[u8]) -> Option<u8> {
        self.messages.get(name).copied().filter(|id| *id != 0)
    }

    fn read_messages(&mut self, value: &Value<'a>) -> Result<bool, Error> {
        let Some(names) = value.as_dict() else { return Ok(false) };
        if names.entries().len() > NAMES_MAX {
            return Err(Fault::at(value.offset(), Rule::TooManyNames));
        }
        for entry in names.entries() {
            match number(&entry.value) {
                Some(id) => {
                    self.messages.insert(entry.key, id);
                }
                None => self.odd.push(OddField { key: b"m", name: Some(entry.key), raw: entry.value.raw() }),
            }
        }
        Ok(true)
    }
}

/// Our own extension handshake. It says what we can receive, and has no field for anything we might give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnHandshake<'a> {
    /// `v`: who we are, honestly, with a way to reach us.
    pub client: &'a str,
    /// The number by which we want to be told that a piece is no longer there.
    pub lt_donthave: Option<u8>,
    /// The number by which we want to be told that we are introduced to somebody.
    pub ut_holepunch: Option<u8>,
    /// The number we want metadata blocks addressed by.
    pub ut_metadata: Option<u8>,
    /// The number we want peer lists addressed by.
    pub ut_pex: Option<u8>,
    /// `p`: the port we listen on.
    pub port: Option<u16>,
    /// `yourip`: the address we see the peer at.
    pub yourip: Option<IpAddr>,
}

impl OwnHandshake<'_> {
    /// The bencoded dictionary.
    pub fn payload(&self) -> Vec<u8> {
        let offers = [
            ("lt_donthave", self.lt_donthave),
            ("ut_holepunch", self.ut_holepunch),
            ("ut_metadata", self.ut_metadata),
            ("ut_pex", self.ut_pex),
        ];
        let messages = offers.into_iter().filter_map(|(name, id)| Some((name, Item::Int(id?.into()))));
        let yourip = self.yourip.map(|address| match address {
            IpAddr::V4(four) => Item::from(&four.octets()[..]),
            IpAddr::V6(six) => Item::from(&six.octets()[..]),
        });
        let fields = [
            ("m", Some(dict(messages))),
            ("v", Some(Item::from(self.client))),
            ("p", self.port.map(|port| Item::Int(port.into()))),
            ("yourip", yourip),
        ];
        dict(fields.into_iter().filter_map(|(key, item)| Some((key, item?)))).encode()
    }
}

fn dict<'k>(entries: impl Iterator<Item = (&'k str, Item)>) -> Item {
    Item::Dict(entries.map(|(key, item)| (key.as_bytes().to_vec(), item)).collect())
}

fn fill<T>(field: &mut Option<T>, read: Option<T>) -> bool {
    *field = read;
    field.is_some()
}

fn number<T: TryFrom<i64>>(value: &Value<'_>) -> Option<T> {
    value.as_int().and_then(|int| T::try_from(int).ok())
}

fn octets<const N: usize>(value: &Value<'_>) -> Option<[u8; N]> {
    value.as_bytes()?.try_into().ok()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
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

    #[test]
    fn reads_what_a_client_sends() {
        let payload = b"d1:ei1e4:ipv44:\xc0\x00\x02\x0112:complete_agoi5e1:md11:ut_metadatai3e6:ut_pexi1e7:ut_holei0ee\
            13:metadata_sizei31235e1:pi51413e4:reqqi512e11:upload_onlyi1e1:v17:Transmission 3.006:yourip4:\xcb\x00\x71\x07e";
        let read = ExtensionHandshake::parse(payload).unwrap();
        assert_eq!(read.message_id(UT_METADATA), Some(3));
        assert_eq!(read.message_id(UT_PEX), Some(1));
        assert_eq!(read.message_id(b"ut_hole"), None);
        assert_eq!(read.messages.get(b"ut_hole".as_slice()), Some(&0));
        assert_eq!(read.client, Some(&b"Transmission 3.00"[..]));
        assert_eq!(read.port, Some(51413));
        assert_eq!(read.request_queue, Some(512));
        assert_eq!(read.metadata_size, Some(31235));
        assert_eq!(read.upload_only, Some(true));
        assert_eq!(read.ipv4, Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(read.yourip, Some(Ipv4Addr::new(203, 0, 113, 7).into()));
        assert_eq!(read.unknown, [(&b"complete_ago"[..], &b"i5e"[..]), (b"e", b"i1e")]);
        assert!(read.odd.is_empty() && read.trailing.is_empty());
        assert_eq!(read.raw, payload);
    }

    #[test]
    fn one_odd_field_spoils_nothing_else() {
        let payload = b"d1:md6:ut_pexi256e11:ut_metadatai2ee1:pi65536e4:reqqi5000000000e1:v3:\xff\x00z\
            6:yourip5:abcde13:metadata_sizei-1e4:ipv4i7e11:upload_onlyi99999999999999999999eeEXTRA";
        let read = ExtensionHandshake::parse(payload).unwrap();
        assert_eq!(read.message_id(UT_METADATA), Some(2));
        assert_eq!(read.request_queue, Some(5_000_000_000));
        assert_eq!(read.client, Some(&b"\xff\x00z"[..]));
        let odd: Vec<_> = read.odd.iter().map(|field| (field.key, field.name, field.raw)).collect();
        assert_eq!(
            odd,
            [
                (&b"ipv4"[..], None, &b"i7e"[..]),
                (b"m", Some(&b"ut_pex"[..]), b"i256e"),
                (b"metadata_size", None, b"i-1e"),
                (b"p", None, b"i65536e"),
                (b"upload_only", None, b"i99999999999999999999e"),
                (b"yourip", None, b"5:abcde"),
            ]
        );
        assert_eq!(read.trailing, b"EXTRA");
    }

    #[test]
    fn refuses_what_is_no_dictionary() {
        assert_eq!(ExtensionHandshake::parse(b"le"), Err(Fault::at(0, Rule::NotADict)));
        let truncated = Rule::Bencode(bencode::Rule::Truncated);
        assert_eq!(ExtensionHandshake::parse(b""), Err(Fault::at(0, truncated)));
        assert_eq!(ExtensionHandshake::parse(b"d1:v").unwrap_err().rule, truncated);
        assert_eq!(truncated.name(), "bencode-truncated");
        let names: Vec<u8> = (100..300).flat_map(|name| alloc::format!("3:{name}i1e").into_bytes()).collect();
        let payload = [b"d1:md", &names[..], b"ee"].concat();
        assert_eq!(ExtensionHandshake::parse(&payload), Err(Fault::at(4, Rule::TooManyNames)));
    }

    #[test]
    fn ours_says_what_we_receive_and_nothing_else() {
        let ours = OwnHandshake {
            client: "affiant/0.1",
            lt_donthave: Some(7),
            ut_holepunch: Some(4),
            ut_metadata: Some(1),
            ut_pex: Some(2),
            port: Some(6881),
            yourip: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
        };
        let due = b"d1:md11:lt_donthavei7e12:ut_holepunchi4e11:ut_metadatai1e6:ut_pexi2ee1:pi6881e1:v11:affiant/0.16:yourip4:\xc0\x00\x02\x01e";
        assert_eq!(ours.payload(), due);
        let read = ExtensionHandshake::parse(due).unwrap();
        assert_eq!(read.message_id(LT_DONTHAVE), Some(7));
        assert_eq!((read.message_id(UT_PEX), read.port, read.request_queue), (Some(2), Some(6881), None));
        assert!(read.odd.is_empty() && read.unknown.is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, text in "d(1:m|1:v|1:p|6:yourip|4:reqq|[ilde0-9:-]{0,4}){0,9}e") {
            let _ = ExtensionHandshake::parse(&bytes);
            let _ = ExtensionHandshake::parse(text.as_bytes());
        }
    }
}
