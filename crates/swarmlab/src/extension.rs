//! What a peer with metadata and acquaintances says in the extension protocol. BEP 9, 10 and 11.

use std::net::{IpAddr, SocketAddr};

use wire::bencode::Item;
use wire::message::id;
use wire::ut_metadata;

use crate::piece::raw;

/// The number we want `ut_pex` messages addressed by.
pub const UT_PEX_ID: u8 = 1;

/// The number we want `ut_metadata` messages addressed by.
pub const UT_METADATA_ID: u8 = 2;

/// Most peers of one family in a message. BEP 11.
const PEX_MAX: usize = 50;

/// An extension handshake.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a> {
    /// `v`: the software's name, unless the client leaves it out.
    pub client: Option<&'a str>,
    /// `p`: the port it listens on.
    pub port: u16,
    /// `yourip`: where it sees the other side.
    pub yourip: IpAddr,
    /// `metadata_size`, if it offers metadata.
    pub metadata_size: Option<usize>,
    /// Whether it has something to say of others.
    pub pex: bool,
    /// `upload_only`: it wants nothing. BEP 21.
    pub upload_only: bool,
}

impl Hello<'_> {
    /// The message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut messages = Item::dict([("ut_metadata", Item::Int(UT_METADATA_ID.into()))]);
        if let Item::Dict(entries) = &mut messages
            && self.pex
        {
            entries.insert(b"ut_pex".to_vec(), Item::Int(UT_PEX_ID.into()));
        }
        let yourip = match self.yourip {
            IpAddr::V4(four) => Item::from(&four.octets()[..]),
            IpAddr::V6(six) => Item::from(&six.octets()[..]),
        };
        let mut hello =
            Item::dict([("m", messages), ("p", Item::Int(self.port.into())), ("reqq", Item::Int(250)), ("yourip", yourip)]);
        if let Item::Dict(entries) = &mut hello {
            if let Some(client) = self.client {
                entries.insert(b"v".to_vec(), client.into());
            }
            if let Some(size) = self.metadata_size.and_then(|size| i64::try_from(size).ok()) {
                entries.insert(b"metadata_size".to_vec(), Item::Int(size));
            }
            if self.upload_only {
                entries.insert(b"upload_only".to_vec(), Item::Int(1));
            }
        }
        extended(0, &hello.encode())
    }
}

/// A block of the info dictionary, or a refusal where there is no such block. `id` is what the receiver asked for.
#[must_use]
pub fn metadata(id: u8, info: &[u8], index: u32) -> Vec<u8> {
    let total = u32::try_from(info.len()).unwrap_or(u32::MAX);
    let block = ut_metadata::block_length(total, index).and_then(|length| {
        let start = index as usize * ut_metadata::BLOCK_LENGTH;
        info.get(start..start + length)
    });
    let kind = if block.is_some() { 1 } else { 2 };
    let mut header = Item::dict([("msg_type", Item::Int(kind)), ("piece", Item::Int(index.into()))]);
    if let (Item::Dict(entries), Some(_)) = (&mut header, block) {
        entries.insert(b"total_size".to_vec(), Item::Int(total.into()));
    }
    let mut payload = header.encode();
    payload.extend_from_slice(block.unwrap_or_default());
    extended(id, &payload)
}

/// A list of acquaintances: the first 50 of each family. `id` is what the receiver asked for.
#[must_use]
pub fn peers(id: u8, added: &[SocketAddr]) -> Vec<u8> {
    let of_family = |is_six: bool| added.iter().copied().filter(move |address| address.is_ipv6() == is_six).take(PEX_MAX);
    let added: Vec<SocketAddr> = of_family(false).chain(of_family(true)).collect();
    extended(id, &peer_list(&added))
}

/// The payload of a list of acquaintances, however long.
pub(crate) fn peer_list(added: &[SocketAddr]) -> Vec<u8> {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for address in added {
        match address {
            SocketAddr::V4(v4) => {
                four.extend_from_slice(&v4.ip().octets());
                four.extend_from_slice(&v4.port().to_be_bytes());
            }
            SocketAddr::V6(v6) => {
                six.extend_from_slice(&v6.ip().octets());
                six.extend_from_slice(&v6.port().to_be_bytes());
            }
        }
    }
    let flags = |bytes: usize, each: usize| Item::Bytes(vec![0; bytes / each]);
    let list = Item::dict([
        ("added.f", flags(four.len(), 6)),
        ("added6.f", flags(six.len(), 18)),
        ("added", Item::Bytes(four)),
        ("added6", Item::Bytes(six)),
        ("dropped", Item::Bytes(Vec::new())),
    ]);
    list.encode()
}

/// Any extended message.
#[must_use]
pub fn extended(extended_id: u8, payload: &[u8]) -> Vec<u8> {
    raw(id::EXTENDED, &[&[extended_id], payload].concat())
}

#[cfg(test)]
mod tests {
    use wire::extension::ExtensionHandshake;
    use wire::message::{Decoder, Message};
    use wire::pex::PexMessage;
    use wire::ut_metadata::MetadataMessage;

    use super::*;

    fn payload(frame: &[u8], due: u8) -> &[u8] {
        match Decoder::default().decode(frame) {
            Ok(Some((Message::Extended { id, payload }, used))) if id == due && used == frame.len() => payload,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_parsers_read_every_message() {
        let yourip = IpAddr::from([127, 0, 0, 9]);
        let hello =
            Hello { client: Some("lab 1"), port: 6_881, yourip, metadata_size: Some(40_000), pex: true, upload_only: true };
        let frame = hello.encode();
        let read = ExtensionHandshake::parse(payload(&frame, 0)).unwrap();
        assert_eq!((read.client, read.port, read.yourip), (Some(&b"lab 1"[..]), Some(6_881), Some(yourip)));
        assert_eq!((read.metadata_size, read.upload_only), (Some(40_000), Some(true)));
        assert_eq!((read.message_id(b"ut_pex"), read.message_id(b"ut_metadata")), (Some(1), Some(2)));
        assert!(read.odd.is_empty() && read.trailing.is_empty());

        let info: Vec<u8> = (0..40_000u32).map(|at| at as u8).collect();
        let frame = metadata(7, &info, 2);
        let due = MetadataMessage::Data { piece: 2, total_size: 40_000, block: &info[32_768..] };
        assert_eq!(MetadataMessage::parse(payload(&frame, 7), 1 << 20), Ok(due));
        let frame = metadata(7, &info, 3);
        assert_eq!(MetadataMessage::parse(payload(&frame, 7), 1 << 20), Ok(MetadataMessage::Reject { piece: 3 }));

        let known: Vec<SocketAddr> = (1..=60).map(|host| SocketAddr::from(([127, 0, 0, host], 6_881))).collect();
        let frame = peers(3, &known);
        let read = PexMessage::parse(payload(&frame, 3)).unwrap();
        assert_eq!(read.added.iter().map(|peer| peer.address).collect::<Vec<_>>(), known[..50]);
    }
}
