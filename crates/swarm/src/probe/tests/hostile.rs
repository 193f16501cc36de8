//! Peers that would fill our evidence or use up our time.

use super::*;

/// Panics if a transcript has 64 bytes of the film in a row.
pub(super) fn assert_no_content(transcript: &[u8]) {
    static ROWS: std::sync::LazyLock<std::collections::BTreeSet<Vec<u8>>> = std::sync::LazyLock::new(|| {
        let film = synthetic::bytes((PIECE_BYTES * PIECES) as usize);
        film.windows(64).map(<[u8]>::to_vec).collect()
    });
    let rows = &*ROWS;
    assert!(transcript.windows(64).all(|row| !rows.contains(row)), "content is in the transcript");
}

#[test]
fn a_peer_cannot_put_content_into_a_transcript_by_any_message() {
    let film = synthetic::bytes((PIECE_BYTES * PIECES) as usize);
    let stuffing = &film[..4_000];
    let greet = |peer: &mut Script<'_>| peer.says(&greeting(true, QBITTORRENT));
    for id in 0..=255u8 {
        // Whole, cut off, and as long as such a message may be.
        for bytes in
            [frame(id, stuffing), frame(id, stuffing)[..3_000].to_vec(), frame(id, &stuffing[..12]), frame(id, &stuffing[..48])]
        {
            let visit = check(|peer| {
                greet(peer);
                peer.says(&bytes);
            });
            assert_no_content(&visit.transcript.unwrap());
        }
    }
    for bytes in [stuffing.to_vec(), [&greeting(true, QBITTORRENT)[..40], stuffing].concat(), [&[0xff; 4], stuffing].concat()] {
        let visit = check(|peer| peer.says(&bytes));
        assert_no_content(&visit.transcript.unwrap());
        let visit = check(|peer| {
            greet(peer);
            peer.says(&bytes);
        });
        assert_no_content(&visit.transcript.unwrap());
    }
    // Neither by a block that nobody asked for, nor by one that is cut off.
    let visit = check(|peer| {
        greet(peer);
        peer.says(&[ALL, UNCHOKE].concat());
        let asked = peer.requests()[0];
        peer.says(&block(Block { piece: (asked.piece + 1) % PIECES, ..asked }));
        peer.says(&block(asked)[..9_000]);
    });
    assert_no_content(&visit.transcript.unwrap());
}

#[test]
fn a_question_is_looked_for_only_when_there_is_news() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(ALL);
        let looks = peer.probe.looks();
        let chatter =
            [&[0; 4][..], &frame(id::INTERESTED, &[]), &frame(id::NOT_INTERESTED, &[]), &numbers(id::HAVE, &[2]), CHOKE].concat();
        (0..200).for_each(|_| peer.says(&chatter));
        assert_eq!(peer.probe.looks(), looks, "nothing has changed");
        peer.says(&numbers(id::ALLOWED_FAST, &[4]));
        assert_eq!(peer.requests().len(), 1);
    });
    assert!(matches!(visit.outcome, Outcome::NoBlock { .. }));
}

#[test]
fn a_peer_that_requests_everything_is_refused_a_bounded_number_of_times() {
    let request = numbers(id::REQUEST, &[1, 0, BLOCK_BYTES]);
    let ask = |fast: bool| {
        let (content, identity) = (film(), ours());
        let mut peer = Script::new(target(Some(&content), &identity), Limits::default()).connected();
        peer.says(&greeting(fast, QBITTORRENT));
        (0..1_000).for_each(|_| peer.says(&request));
        let sent = peer.sent.clone();
        harmless(&sent);
        messages(&sent, true).iter().filter(|message| matches!(message, Message::Reject(_))).count()
    };
    assert_eq!((ask(true), ask(false)), (64, 0));
}

#[test]
fn a_long_silence_is_kept_alive_and_every_contact_ends() {
    let (content, identity) = (film(), ours());
    let mut peer = Script::new(target(Some(&content), &identity), Limits::default()).connected();
    peer.says(&greeting(true, TRANSMISSION));
    peer.says(ALL);
    peer.wait(125_000);
    let sent = peer.sent.clone();
    assert_eq!(messages(&sent, true).iter().filter(|message| matches!(message, Message::KeepAlive)).count(), 1);
    // A peer that keeps us busy for ever is left when the contact has lasted long enough.
    let mut peer = Script::new(target(Some(&content), &identity), Limits { answer_ms: 200_000, ..Limits::default() }).connected();
    peer.says(&greeting(true, QBITTORRENT));
    peer.says(&[ALL, UNCHOKE].concat());
    for _ in 0..400 {
        peer.wait(1_000);
        peer.says(&[0; 4]);
    }
    let visit = peer.visit.expect("the contact has ended");
    assert!(visit.times.ended.mono_us <= 240_000_000);
}
