//! Our packets read by another implementation of BEP 15, and its packets read by ours.

use alloc::vec::Vec;
use core::num::NonZeroU16;

use aquatic_udp_protocol as aquatic;
use proptest::prelude::*;

use super::{Action, AddressFamily, AnnounceRequest, Answer, Expected, SCRAPE_MAX, connect, scrape};
use crate::infohash::InfoHashV1;
use crate::peer_id::PeerId;
use crate::tracker_http::Event;

fn read(packet: &[u8]) -> aquatic::Request {
    aquatic::Request::parse_bytes(packet, SCRAPE_MAX as u8).expect("the oracle reads what we write")
}

fn written(answer: aquatic::Response) -> Vec<u8> {
    let mut packet = Vec::new();
    answer.write_bytes(&mut packet).expect("writing to memory");
    packet
}

proptest! {
    #[test]
    fn the_oracle_reads_our_announce(
        connection in any::<i64>(), transaction in any::<i32>(), hash: [u8; 20], id: [u8; 20], downloaded in 0..i64::MAX,
        left in 0..i64::MAX, event in 0..3, key: i32, numwant in prop::option::of(0..i32::MAX), port in 1u16.., url in "[a-z/]{0,20}",
    ) {
        let event = [None, Some(Event::Started), Some(Event::Stopped)][event as usize];
        let packet = AnnounceRequest {
            connection_id: connection as u64,
            transaction_id: transaction as u32,
            info_hash: InfoHashV1(hash),
            peer_id: PeerId(id),
            downloaded: downloaded as u64,
            left: left as u64,
            event,
            key: key as u32,
            numwant: numwant.map(|peers| peers as u32),
            port,
            url_data: &url,
        }
        .encode();
        let aquatic::Request::Announce(request) = read(&packet) else { panic!("not an announce") };
        prop_assert_eq!(request.connection_id.0.get(), connection);
        prop_assert_eq!(request.transaction_id.0.get(), transaction);
        prop_assert_eq!((request.info_hash.0, request.peer_id.0), (hash, id));
        prop_assert_eq!((request.bytes_downloaded.0.get(), request.bytes_left.0.get()), (downloaded, left));
        prop_assert_eq!(request.bytes_uploaded.0.get(), 0);
        prop_assert_eq!(request.ip_address.0, [0; 4]);
        prop_assert_eq!(request.key.0.get(), key);
        prop_assert_eq!(request.peers_wanted.0.get(), numwant.unwrap_or(-1));
        prop_assert_eq!(request.port.0.get(), port);
        let due = match event {
            None => aquatic::AnnounceEvent::None,
            Some(Event::Started) => aquatic::AnnounceEvent::Started,
            Some(Event::Stopped) => aquatic::AnnounceEvent::Stopped,
        };
        prop_assert_eq!(aquatic::AnnounceEvent::from(request.event), due);
    }

    #[test]
    fn the_oracle_reads_our_connect_and_scrape(connection in any::<i64>(), transaction in any::<i32>(), hashes in prop::collection::vec(any::<[u8; 20]>(), 1..9)) {
        let aquatic::Request::Connect(request) = read(&connect(transaction as u32)) else { panic!("not a connect") };
        prop_assert_eq!(request.transaction_id.0.get(), transaction);
        let ours: Vec<_> = hashes.iter().copied().map(InfoHashV1).collect();
        let packet = scrape(connection as u64, transaction as u32, &ours);
        let aquatic::Request::Scrape(request) = read(&packet) else { panic!("not a scrape") };
        prop_assert_eq!(request.connection_id.0.get(), connection);
        let theirs: Vec<_> = request.info_hashes.iter().map(|hash| hash.0).collect();
        prop_assert_eq!(theirs, hashes);
    }

    #[test]
    fn we_read_the_oracles_announce(interval in 0..i32::MAX, leechers in 0..i32::MAX, seeders in 0..i32::MAX, ports in prop::collection::vec(1u16.., 0..20)) {
        let peers = ports.iter().map(|port| aquatic::ResponsePeer {
            ip_address: aquatic::Ipv4AddrBytes([192, 0, 2, 7]),
            port: aquatic::Port::new(NonZeroU16::new(*port).expect("from one")),
        });
        let packet = written(aquatic::Response::AnnounceIpv4(aquatic::AnnounceResponse {
            fixed: aquatic::AnnounceResponseFixedData {
                transaction_id: aquatic::TransactionId::new(7),
                announce_interval: aquatic::AnnounceInterval::new(interval),
                leechers: aquatic::NumberOfPeers::new(leechers),
                seeders: aquatic::NumberOfPeers::new(seeders),
            },
            peers: peers.collect(),
        }));
        let expected = Expected { action: Action::Announce, transaction_id: 7, family: AddressFamily::V4, torrents: 0 };
        let Ok(Answer::Announce(answer)) = Answer::parse(&packet, &expected) else { panic!("not an announce") };
        prop_assert_eq!((answer.interval_s, answer.incomplete, answer.complete), (interval as u32, leechers as u32, seeders as u32));
        let due: Vec<_> = ports.iter().map(|port| core::net::SocketAddr::from(([192, 0, 2, 7], *port))).collect();
        prop_assert_eq!(answer.peers, due);
    }
}
