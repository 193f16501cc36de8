//! Peers that name others, as they should and as they should not.

use std::net::SocketAddr;

use evidence::sha256;
use wire::bencode::Item;

use super::super::gossip::OUR_ID;
use super::*;

/// The peer offers peer exchange, under a number that is not ours.
fn hello(extra: &[u8]) -> Vec<u8> {
    frame(id::EXTENDED, &[b"\0d1:md6:ut_pexi9ee", extra, b"e"].concat())
}

fn payload(added: &[SocketAddr]) -> Vec<u8> {
    let (mut four, mut six) = (vec![], vec![]);
    for address in added {
        let list = if address.is_ipv4() { &mut four } else { &mut six };
        match address.ip() {
            std::net::IpAddr::V4(ip) => list.extend(ip.octets()),
            std::net::IpAddr::V6(ip) => list.extend(ip.octets()),
        }
        list.extend(address.port().to_be_bytes());
    }
    let flags = Item::Bytes(vec![0x10; four.len() / 6]);
    let gone = Item::Bytes(vec![203, 0, 113, 1, 0, 9]);
    Item::dict([("added", Item::Bytes(four)), ("added.f", flags), ("added6", Item::Bytes(six)), ("dropped", gone)]).encode()
}

fn names(added: &[SocketAddr]) -> Vec<u8> {
    frame(id::EXTENDED, &[&[OUR_ID], &payload(added)[..]].concat())
}

fn at(host: u16) -> SocketAddr {
    let [a, b] = host.to_be_bytes();
    SocketAddr::from(([127, 9, a, b], 6881))
}

fn serve(peer: &mut Script<'_>, hello: &[u8]) {
    peer.says(&greeting(true, QBITTORRENT));
    peer.says(hello);
    peer.says(&[ALL, UNCHOKE].concat());
    for _ in 0..2 {
        let [asked] = peer.requests()[..] else { panic!("one request at a time") };
        peer.says(&block(asked));
    }
}

fn ended_ms(visit: &Visit) -> u64 {
    visit.times.ended.mono_us / 1_000
}

#[test]
fn whoever_has_served_is_waited_for_and_its_word_goes_out_before_the_end() {
    let mut said = vec![];
    let visit = check(|peer| {
        serve(peer, &hello(b"1:pi51413e"));
        assert!(peer.visit.is_none(), "it may want to name others");
        peer.wait(3_000);
        let known = [at(1), "[2001:db8::9]:80".parse().unwrap(), at(2)];
        peer.says(&names(&known));
        let [hearsay] = &peer.heard[..] else { panic!("one message") };
        assert_eq!(hearsay.peers.iter().map(|peer| peer.address).collect::<Vec<_>>(), [known[0], known[2], known[1]]);
        assert!(hearsay.peers[0].flags.unwrap().reachable());
        assert_eq!((hearsay.grade, hearsay.passed_over, hearsay.gone), (Grade::Served, 0, 1));
        assert_eq!(hearsay.sha256, sha256(&payload(&known)));
        assert!(!format!("{hearsay:?}").contains("127"), "its words are for no log of ours");
        said = payload(&known);
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 2, pieces: 2 });
    assert!(ended_ms(&visit) < 3_500, "nothing else was waited for");
    // The transcript has the message's digest and nobody's address.
    let transcript = visit.transcript.unwrap();
    let kept = transcript::parse(&transcript).unwrap().into_iter().find_map(|record| match record {
        transcript::Record::Digested { prefix, rest_sha256, .. } if prefix[4..] == [id::EXTENDED, OUR_ID] => {
            Some((prefix.to_vec(), rest_sha256))
        }
        _ => None,
    });
    let (prefix, digest) = kept.unwrap();
    assert_eq!((&prefix[4..], digest), (&[id::EXTENDED, OUR_ID][..], sha256(&said)));
}

#[test]
fn five_seconds_are_enough_and_nobody_waits_for_who_offers_nothing() {
    let silent = check(|peer| serve(peer, &hello(b"")));
    assert!((5_000..5_300).contains(&ended_ms(&silent)), "{}", ended_ms(&silent));
    assert_eq!(silent.outcome, Outcome::Served { blocks: 2, pieces: 2 });
    let plain = check(|peer| serve(peer, &frame(id::EXTENDED, b"\0d1:pi51413ee")));
    assert!(ended_ms(&plain) < 200);
    // An offer may be taken back.
    let back = check(|peer| serve(peer, &[hello(b""), frame(id::EXTENDED, b"\0d1:md6:ut_pexi0eee")].concat()));
    assert!(ended_ms(&back) < 200);
    // Whoever hangs up meanwhile has served all the same.
    let gone = check(|peer| {
        serve(peer, &hello(b""));
        peer.put(Input::Closed(Why::Reset));
    });
    assert_eq!((gone.outcome, gone.grade), (Outcome::Served { blocks: 2, pieces: 2 }, Grade::Served));
}

#[test]
fn one_that_keeps_us_choked_is_heard_too_and_not_waited_for_any_longer() {
    let visit = check(|peer| {
        peer.says(&[greeting(true, QBITTORRENT), hello(b""), ALL.to_vec()].concat());
        peer.says(&names(&[at(1)]));
        assert_eq!(peer.heard[0].grade, Grade::Claimed);
    });
    assert!(matches!(visit.outcome, Outcome::Choked { for_ms: 60_000 }), "{:?}", visit.outcome);
}

#[test]
fn without_content_the_end_waits_as_well() {
    let identity = ours();
    let mut peer = Script::new(target(None, &identity), Limits::default()).connected();
    peer.says(&[greeting(true, QBITTORRENT), hello(b""), ALL.to_vec()].concat());
    peer.wait(4_000);
    assert!(peer.visit.is_none());
    peer.says(&names(&[at(1)]));
    assert_eq!(peer.heard.len(), 1);
    assert_eq!(peer.end().outcome.word(), "nothing-claimed");
}

#[test]
fn we_ourselves_and_whoever_was_named_before_are_passed_over() {
    check(|peer| {
        serve(peer, &hello(b"6:yourip4:\xc6\x33\x64\x63"));
        let ours = ["198.51.100.9:40000", "198.51.100.9:6881", "198.51.100.99:6881"].map(|text| text.parse().unwrap());
        peer.says(&names(&[&ours[..], &[at(1), at(1), at(2)]].concat()));
        let [hearsay] = &peer.heard[..] else { panic!("one message") };
        assert_eq!(hearsay.peers.iter().map(|peer| peer.address).collect::<Vec<_>>(), [at(1), at(2)]);
        assert_eq!(hearsay.passed_over, 4);
    });
}

#[test]
fn a_flood_is_cut_short() {
    let visit = check(|peer| {
        peer.says(&[greeting(true, QBITTORRENT), hello(b""), ALL.to_vec()].concat());
        for round in 0..40u16 {
            let named: Vec<_> = (0..200).map(|host| at(round * 200 + host)).collect();
            peer.says(&names(&named));
            // What comes at once is passed over, as is the ninth and what follows.
            peer.says(&names(&[at(20_000 + round)]));
            peer.wait(5_000);
            if peer.visit.is_some() {
                break;
            }
        }
        assert_eq!(peer.heard.len(), 5, "room for a thousand addresses");
        assert_eq!(peer.heard.iter().map(|hearsay| hearsay.peers.len()).sum::<usize>(), 1_000);
    });
    assert_eq!(visit.outcome.word(), "choked");
    let many = check(|peer| {
        peer.says(&[greeting(true, QBITTORRENT), hello(b""), ALL.to_vec()].concat());
        for round in 0..11 {
            peer.says(&names(&[at(round)]));
            peer.wait(5_000);
        }
        assert_eq!(peer.heard.len(), 8);
    });
    assert_eq!(many.outcome.word(), "choked");
}

#[test]
fn a_malformed_message_spoils_nothing() {
    for bad in [&b"le"[..], b"d5:added5:abcdee", b"d5:addedi5ee", b"", b"d5:added"] {
        let visit = check(|peer| {
            serve(peer, &hello(b""));
            peer.says(&frame(id::EXTENDED, &[&[OUR_ID], bad].concat()));
            assert_eq!(peer.heard, []);
        });
        assert_eq!(visit.outcome, Outcome::Served { blocks: 2, pieces: 2 });
        assert!(ended_ms(&visit) < 300, "it has had its say");
    }
}

#[test]
fn a_private_torrent_offers_nothing_and_hears_nothing() {
    let (content, identity) = (film(), ours());
    let limits = Limits { gossip: super::super::gossip::Limits::NONE, ..Limits::default() };
    let mut peer = Script::new(target(Some(&content), &identity), limits).connected();
    peer.says(&greeting(true, QBITTORRENT));
    let sent = peer.sent.clone();
    let said = messages(&sent, true);
    let Some(Message::Extended { id: 0, payload }) = said.first() else { panic!("{said:?}") };
    assert_eq!(wire::extension::ExtensionHandshake::parse(payload).unwrap().message_id(wire::extension::UT_PEX), None);
    peer.says(&[hello(b""), names(&[at(1)]), [ALL, UNCHOKE].concat()].concat());
    for _ in 0..2 {
        let [asked] = peer.requests()[..] else { panic!("one request at a time") };
        peer.says(&block(asked));
    }
    assert_eq!(peer.heard, []);
    assert!(ended_ms(&peer.end()) < 300, "and waits for nothing");
}
