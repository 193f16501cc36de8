//! Packets we send.

use alloc::vec::Vec;

use super::Action;
use crate::infohash::InfoHashV1;
use crate::peer_id::PeerId;
use crate::tracker_http::Event;

/// Most torrents in one scrape. BEP 15.
pub const SCRAPE_MAX: usize = 74;

const PROTOCOL_ID: u64 = 0x0417_2710_1980;

/// What we tell a tracker. BEP 15.
///
/// As over HTTP there is no field for content uploaded, which is always zero, nor for an address of our own, which
/// the tracker takes from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnounceRequest<'a> {
    /// What the tracker's answer to [`connect`] said.
    pub connection_id: u64,
    /// Unpredictable, and used once.
    pub transaction_id: u32,
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// What we call ourselves in this torrent.
    pub peer_id: PeerId,
    /// Content received from peers since `started`, in bytes.
    pub downloaded: u64,
    /// Content not yet had, in bytes. More than zero, or we would be announcing a seed.
    pub left: u64,
    /// Why we announce, if not only because time has passed.
    pub event: Option<Event>,
    /// What identifies us when our address changes.
    pub key: u32,
    /// How many peers we would like, or the tracker's default.
    pub numwant: Option<u32>,
    /// The port we listen on.
    pub port: u16,
    /// Path and query of the tracker's URL, which some trackers need to know whom they answer. BEP 41. Empty for none.
    pub url_data: &'a str,
}

/// Asks for a connection id. `transaction_id` is unpredictable and used once.
pub fn connect(transaction_id: u32) -> [u8; 16] {
    let mut packet = [0; 16];
    packet[..8].copy_from_slice(&PROTOCOL_ID.to_be_bytes());
    packet[8..12].copy_from_slice(&Action::Connect.number().to_be_bytes());
    packet[12..].copy_from_slice(&transaction_id.to_be_bytes());
    packet
}

/// Asks for the counts of torrents: the first [`SCRAPE_MAX`] of these.
pub fn scrape(connection_id: u64, transaction_id: u32, info_hashes: &[InfoHashV1]) -> Vec<u8> {
    let mut packet = header(connection_id, Action::Scrape, transaction_id);
    for hash in info_hashes.iter().take(SCRAPE_MAX) {
        packet.extend_from_slice(&hash.0);
    }
    packet
}

impl AnnounceRequest<'_> {
    /// The packet: 98 bytes, and the URL data.
    pub fn encode(&self) -> Vec<u8> {
        let mut packet = header(self.connection_id, Action::Announce, self.transaction_id);
        packet.extend_from_slice(&self.info_hash.0);
        packet.extend_from_slice(&self.peer_id.0);
        packet.extend_from_slice(&self.downloaded.to_be_bytes());
        packet.extend_from_slice(&self.left.to_be_bytes());
        let uploaded = 0u64;
        packet.extend_from_slice(&uploaded.to_be_bytes());
        let event: u32 = match self.event {
            None => 0,
            Some(Event::Started) => 2,
            Some(Event::Stopped) => 3,
        };
        packet.extend_from_slice(&event.to_be_bytes());
        let own_address = 0u32;
        packet.extend_from_slice(&own_address.to_be_bytes());
        packet.extend_from_slice(&self.key.to_be_bytes());
        // All ones is -1, the tracker's default.
        packet.extend_from_slice(&self.numwant.unwrap_or(u32::MAX).to_be_bytes());
        packet.extend_from_slice(&self.port.to_be_bytes());
        for part in self.url_data.as_bytes().chunks(255) {
            packet.extend_from_slice(&[2, part.len() as u8]);
            packet.extend_from_slice(part);
        }
        packet
    }
}

fn header(connection_id: u64, action: Action, transaction_id: u32) -> Vec<u8> {
    let mut packet = connection_id.to_be_bytes().to_vec();
    packet.extend_from_slice(&action.number().to_be_bytes());
    packet.extend_from_slice(&transaction_id.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: AnnounceRequest<'_> = AnnounceRequest {
        connection_id: 0x0102_0304_0506_0708,
        transaction_id: 0x0a0b_0c0d,
        info_hash: InfoHashV1([0x11; 20]),
        peer_id: PeerId([0x22; 20]),
        downloaded: 0x4000,
        left: 0x1_0000_0000,
        event: Some(Event::Started),
        key: 0xdead_beef,
        numwant: None,
        port: 6881,
        url_data: "",
    };

    #[test]
    fn connect_is_sixteen_bytes() {
        assert_eq!(connect(0x0a0b_0c0d), [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 10, 11, 12, 13]);
    }

    #[test]
    fn announce_has_every_field_in_its_place() {
        let packet = REQUEST.encode();
        let due = [
            &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 10, 11, 12, 13][..],
            &[0x11; 20],
            &[0x22; 20],
            &[0, 0, 0, 0, 0, 0, 0x40, 0],
            &[0, 0, 0, 1, 0, 0, 0, 0],
            &[0; 8],
            &[0, 0, 0, 2],
            &[0; 4],
            &[0xde, 0xad, 0xbe, 0xef],
            &[0xff; 4],
            &[0x1a, 0xe1],
        ];
        assert_eq!(packet, due.concat());
        assert_eq!(packet.len(), 98);
        let stopped = AnnounceRequest { event: Some(Event::Stopped), numwant: Some(0), ..REQUEST }.encode();
        assert_eq!((stopped[83], &stopped[92..96]), (3, &[0; 4][..]));
        assert_eq!(AnnounceRequest { event: None, ..REQUEST }.encode()[83], 0);
    }

    #[test]
    fn url_data_follows_in_parts() {
        let packet = AnnounceRequest { url_data: "/announce?k=1", ..REQUEST }.encode();
        assert_eq!(&packet[98..], b"\x02\x0d/announce?k=1");
        let long = "x".repeat(300);
        let packet = AnnounceRequest { url_data: &long, ..REQUEST }.encode();
        assert_eq!((packet[98], packet[99], packet[355], packet[356]), (2, 255, 2, 45));
        assert_eq!(packet.len(), 98 + 300 + 4);
    }

    #[test]
    fn scrape_lists_at_most_what_fits() {
        let packet = scrape(1, 2, &[InfoHashV1([0x11; 20]), InfoHashV1([0x33; 20])]);
        let due = [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2][..], &[0x11; 20], &[0x33; 20]];
        assert_eq!(packet, due.concat());
        assert_eq!(scrape(1, 2, &[InfoHashV1([0; 20]); 100]).len(), 16 + 20 * SCRAPE_MAX);
    }
}
