//! What a peer says of itself, and what it decides about what is asked.

use evidence::Chooser;
use evidence::software::{Disagreement, Family};

use super::*;

/// An extension handshake of these bencoded members.
fn hello(members: &[u8]) -> Vec<u8> {
    frame(id::EXTENDED, &[b"\0d", members, b"e"].concat())
}

/// The claim that a piece is gone, by the number that we gave it.
fn dont_have(piece: u32) -> Vec<u8> {
    frame(id::EXTENDED, &[&[7][..], &piece.to_be_bytes()].concat())
}

#[test]
fn the_extension_handshake_is_taken_down_and_nobody_elses_address() {
    let all = b"4:ipv44:\xc6\x33\x64\x074:ipv616:\x20\x01\x0d\xb8567890123456\
        1:pi51413e4:reqqi500e11:upload_onlyi1e1:v17:Transmission 3.006:yourip4:\xc6\x33\x64\x09";
    let visit = check(|peer| {
        peer.says(&greeting(true, TRANSMISSION));
        peer.says(&hello(all));
        // What is left out later stays as it was, and what is said anew counts.
        peer.says(&hello(b"4:reqqi7e"));
    });
    let said = visit.extension.unwrap();
    assert_eq!(said.client.unwrap().as_bytes(), b"Transmission 3.00");
    assert_eq!((said.listening_port, said.request_queue, said.upload_only), (Some(51_413), Some(7), Some(true)));
    assert_eq!(said.sees_observer, Some(true), "198.51.100.9 is our end of this contact");
    let transcript = visit.transcript.unwrap();
    for address in [&b"\xc6\x33\x64\x07"[..], b"\x20\x01\x0d\xb8"] {
        assert!(!transcript.windows(4).any(|window| window == address), "an address of the peer's elsewhere was kept");
    }
    let software = visit.software.unwrap();
    assert_eq!((software.by_peer_id, software.by_client), (Family::Transmission, Some(Family::Transmission)));
}

/// What a client says as it does: an extension handshake with `v`, and all of its pieces.
fn typical(members: &[u8]) -> Vec<u8> {
    [hello(members), ALL.to_vec()].concat()
}

#[test]
fn who_talks_like_its_client_disagrees_in_nothing() {
    let libtorrent = b"1:md11:lt_donthavei7e11:upload_onlyi3e12:ut_holepunchi4e11:ut_metadatai2ee4:reqqi2000e";
    for (fast, id, members) in [
        (true, QBITTORRENT, [&libtorrent[..], b"1:v17:qBittorrent/4.5.2"].concat()),
        (true, b"-DE203s-abcdefghijkl", [&libtorrent[..], b"1:v29:Deluge/2.0.3 libtorrent/2.0.8"].concat()),
        (true, b"-FW6820-abcdefghijkl", b"1:v14:libtorrent/1.2".to_vec()),
        (true, TRANSMISSION, b"1:md11:ut_metadatai3ee4:reqqi512e1:v17:Transmission 3.00".to_vec()),
        (false, b"-lt0D80-abcdefghijkl", b"4:reqqi2048e1:v17:libTorrent 0.13.8".to_vec()),
        (true, b"A2-1-36-0-abcdefghij", b"1:md11:ut_metadatai9ee1:v12:aria2/1.36.0".to_vec()),
        // Of other versions nothing is known, and of other clients neither.
        (false, b"-TR4060-abcdefghijkl", b"4:reqqi9e1:v18:Transmission 4.0.6".to_vec()),
        (false, b"-ZZ1000-abcdefghijkl", b"1:v3:any".to_vec()),
    ] {
        let visit = check(|peer| {
            peer.says(&greeting(fast, id));
            peer.says(&hello(&members));
            peer.says(if fast { ALL } else { &[0; 4] });
        });
        assert_eq!(visit.software.unwrap().disagreements, [], "{}", id.escape_ascii());
    }
}

#[test]
fn each_difference_from_the_client_is_named() {
    let good = b"1:md11:ut_metadatai3ee4:reqqi512e1:v17:Transmission 3.00";
    let differs = |fast, id, said: &[u8]| {
        check(|peer| {
            peer.says(&greeting(fast, id));
            peer.says(said);
        })
        .software
        .unwrap()
        .disagreements
    };
    let allowed = [typical(good), numbers(id::ALLOWED_FAST, &[1])].concat();
    assert_eq!(differs(true, TRANSMISSION, &allowed), [Disagreement::AllowedFast]);
    assert_eq!(differs(true, TRANSMISSION, &typical(b"4:reqqi512e")), [Disagreement::ClientSaid]);
    assert_eq!(differs(true, QBITTORRENT, &typical(b"1:v17:qBittorrent/4.5.2")), [Disagreement::Extensions]);
    let named = differs(true, TRANSMISSION, &typical(b"4:reqqi512e1:v17:qBittorrent/4.5.2"));
    assert_eq!(named, [Disagreement::Families]);
    assert_eq!(differs(true, TRANSMISSION, &[ALL, &hello(good)].concat()), [Disagreement::FirstMessages]);
    assert_eq!(differs(true, TRANSMISSION, &[&hello(good), UNCHOKE].concat()), [Disagreement::FirstMessages]);
    assert_eq!(differs(true, TRANSMISSION, &typical(b"4:reqqi9e1:v17:Transmission 3.00")), [Disagreement::RequestQueue]);
    assert_eq!(differs(false, TRANSMISSION, &hello(good)), [Disagreement::ReservedBits]);
    let all = [numbers(id::ALLOWED_FAST, &[1]), hello(b"")].concat();
    let due = [Disagreement::AllowedFast, Disagreement::ClientSaid, Disagreement::FirstMessages, Disagreement::RequestQueue];
    assert_eq!(differs(true, TRANSMISSION, &all), due);
}

#[test]
fn what_means_nothing_is_not_taken_down() {
    let long = [b"1:v129:", &[b'c'; 129][..]].concat();
    let odd = [&b"1:pi65536e4:reqqi4294967296e"[..], &long, b"6:yourip4:\xcb\x00\x71\x01"].concat();
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&hello(&odd));
    });
    let said = visit.extension.unwrap();
    assert_eq!((&said.client, said.listening_port, said.request_queue), (&None, None, None));
    assert_eq!(said.sees_observer, Some(false));
    let software = visit.software.unwrap();
    assert_eq!((software.by_peer_id, software.by_client), (Family::Qbittorrent, None));
}

#[test]
fn a_claim_taken_back_is_no_fault() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&frame(id::BITFIELD, &[0b1100_0000, 0]));
        peer.says(UNCHOKE);
        let [first] = peer.requests()[..] else { panic!("asked for one of two") };
        peer.says(&dont_have(first.piece));
        let [second] = peer.requests()[..] else { panic!("asked for the other at once") };
        assert_ne!(first.piece, second.piece);
        // Nobody holds it against the peer that it refuses what it has taken back.
        peer.says(&numbers(id::REJECT, &[first.piece, first.begin, first.length]));
        peer.says(&block(second));
        // Not a claim, and too short a message: nothing follows.
        peer.says(&dont_have(first.piece));
        peer.says(&frame(id::EXTENDED, &[7, 0, 0]));
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 1, pieces: 1 });
    assert_eq!(visit.challenges[0].verification, Verification::Withdrawn);
    let claim = visit.claim.unwrap();
    assert_eq!((claim.pieces, claim.withdrawn, claim.by), (1, 1, ClaimForm::Bitfield));
    // A peer that takes everything back has claimed, has nothing left, and is accused of nothing.
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        (0..PIECES).for_each(|piece| peer.says(&dont_have(piece)));
    });
    assert_eq!(visit.grade, Grade::Claimed);
    assert!(matches!(visit.outcome, Outcome::NothingClaimed { .. }), "{:?}", visit.outcome);
    assert!(!visit.challenges.is_empty());
    assert!(visit.challenges.iter().all(|challenge| challenge.verification == Verification::Withdrawn));
}

#[test]
fn the_record_says_who_decided_what_could_be_asked() {
    let asked = |play: &dyn Fn(&mut Script<'_>)| {
        let visit = check(|peer| {
            peer.says(&greeting(true, QBITTORRENT));
            play(peer);
            let [asked] = peer.requests()[..] else { panic!("one request") };
            peer.says(&block(asked));
        });
        let challenge = &visit.challenges[0];
        (challenge.chosen_by, challenge.among, visit.claim.unwrap().by)
    };
    let full = asked(&|peer| peer.says(&[ALL, UNCHOKE].concat()));
    assert_eq!(full, (Chooser::Monitor, PIECES, ClaimForm::HaveAll));
    // A super-seeder has nothing, it says, and then reveals one piece.
    let none = frame(id::HAVE_NONE, &[]);
    let empty = frame(id::BITFIELD, &[0, 0]);
    for nothing in [&none, &empty, &vec![]] {
        let revealed = asked(&|peer| peer.says(&[nothing, &numbers(id::HAVE, &[5])[..], UNCHOKE].concat()));
        assert_eq!(revealed, (Chooser::Peer, 1, ClaimForm::Have));
    }
    let ours = "198.51.100.9".parse().unwrap();
    let due = wire::allowed_fast::set(ours, wire::infohash::InfoHashV1(HASH), PIECES, 5);
    let computed = asked(&|peer| {
        peer.says(&due.iter().flat_map(|piece| numbers(id::ALLOWED_FAST, &[*piece])).collect::<Vec<_>>());
        peer.says(ALL);
    });
    assert_eq!(computed, (Chooser::Rule, 5, ClaimForm::HaveAll));
    let picked = asked(&|peer| {
        peer.says(&numbers(id::ALLOWED_FAST, &[due[1]]));
        peer.says(ALL);
    });
    assert_eq!(picked, (Chooser::Peer, 1, ClaimForm::HaveAll), "the second of the set before the first is picked by hand");
    let lacks_the_first = 0xff80_u16 & !(0x8000 >> due[0]);
    let computed = asked(&|peer| {
        peer.says(&frame(id::BITFIELD, &lacks_the_first.to_be_bytes()));
        peer.says(&numbers(id::ALLOWED_FAST, &[due[1]]));
    });
    assert_eq!(computed, (Chooser::Rule, 1, ClaimForm::Bitfield));
}
