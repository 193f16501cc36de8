//! The Fast Extension (BEP 6).

use evidence::Chooser;

use super::*;

fn ours_by_the_rule() -> Vec<u32> {
    wire::allowed_fast::set("198.51.100.9".parse().unwrap(), wire::infohash::InfoHashV1(HASH), PIECES, 10)
}

/// A peer that chokes and offers nothing, up to where it is asked unbidden.
fn choking<'a, 'b>(peer: &'a mut Script<'b>) -> Vec<Block> {
    peer.says(&greeting(true, TRANSMISSION));
    peer.says(ALL);
    peer.wait(2_900);
    assert_eq!(peer.requests(), [], "it may yet offer some");
    peer.wait(200);
    peer.requests()
}

#[test]
fn a_peer_that_chokes_and_offers_nothing_is_asked_for_what_the_rule_gives() {
    let visit = check(|peer| {
        let [one, other] = choking(peer)[..] else { panic!("two of them") };
        assert!(one.piece != other.piece && [one, other].iter().all(|asked| ours_by_the_rule().contains(&asked.piece)));
        peer.says(&block(other));
        peer.says(&block(one));
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 2, pieces: 2 });
    assert!(visit.challenges.iter().all(|challenge| challenge.choked && challenge.chosen_by == Chooser::Rule));
}

#[test]
fn what_was_asked_unbidden_is_owed_no_answer() {
    let silent = check(|peer| {
        choking(peer);
    });
    assert_eq!((silent.grade, silent.outcome), (Grade::Claimed, Outcome::Choked { for_ms: 130_000 }));
    let rejecting = check(|peer| {
        for asked in choking(peer) {
            peer.says(&numbers(id::REJECT, &[asked.piece, asked.begin, asked.length]));
        }
        assert_eq!(peer.requests(), [], "once is enough");
    });
    assert_eq!(rejecting.outcome, Outcome::Choked { for_ms: 130_000 }, "it rejected nothing that it had offered");
    assert!(rejecting.challenges.iter().all(|challenge| challenge.verification == Verification::Rejected));
    // What it lets us ask later is asked as ever, though the others are still open.
    let late = check(|peer| {
        choking(peer);
        peer.says(UNCHOKE);
        while let [asked] = peer.requests()[..] {
            peer.says(&block(asked));
        }
    });
    assert_eq!(late.outcome, Outcome::Served { blocks: 2, pieces: 2 });
    let wrong = check(|peer| {
        for asked in choking(peer) {
            let mut bytes = block(asked);
            bytes[500] ^= 1;
            peer.says(&bytes);
        }
    });
    assert_eq!(wrong.outcome, Outcome::BadBlock { blocks: 2 }, "what it sends all the same must be right");
}

#[test]
fn nothing_is_asked_unbidden_of_who_offered_some_lets_us_ask_or_speaks_no_fast_extension() {
    for (fast, more) in [(true, numbers(id::ALLOWED_FAST, &[PIECES + 1])), (false, vec![])] {
        let visit = check(|peer| {
            peer.says(&greeting(fast, QBITTORRENT));
            peer.says(&frame(id::BITFIELD, &[0xff, 0x80]));
            peer.says(&more);
            peer.wait(10_000);
            assert_eq!(peer.requests(), []);
        });
        assert!(matches!(visit.outcome, Outcome::Choked { .. }));
    }
}

#[test]
fn a_suggestion_decides_nothing() {
    let asked = |suggested: &[u32]| {
        let mut first = None;
        check(|peer| {
            peer.says(&greeting(true, QBITTORRENT));
            suggested.iter().for_each(|piece| peer.says(&numbers(id::SUGGEST, &[*piece])));
            peer.says(&[ALL, UNCHOKE].concat());
            first = peer.requests().first().copied();
        });
        first.unwrap()
    };
    let unmoved = asked(&[]);
    assert!((0..PIECES).all(|piece| asked(&[piece]) == unmoved));
}

#[test]
fn the_rules_of_the_extension_are_kept() {
    let ended = |said: Vec<u8>| {
        let visit = check(|peer| {
            peer.says(&greeting(false, QBITTORRENT));
            peer.says(&said);
        });
        match visit.outcome {
            Outcome::Garbage { rule, .. } => rule,
            other => panic!("{other:?}"),
        }
    };
    let none = frame(id::HAVE_NONE, &[]);
    for message in [ALL.to_vec(), none.clone(), numbers(id::SUGGEST, &[1]), numbers(id::ALLOWED_FAST, &[1])] {
        assert_eq!(ended(message), "fast-not-offered");
    }
}

#[test]
fn the_last_word_on_what_it_has_counts() {
    // aria2 says it twice.
    let none = frame(id::HAVE_NONE, &[]);
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[&none, ALL, UNCHOKE].concat());
        while let [asked] = peer.requests()[..] {
            peer.says(&block(asked));
        }
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 2, pieces: 2 });
    assert_eq!((visit.claim.unwrap().by, visit.claim.unwrap().pieces), (ClaimForm::HaveAll, PIECES));
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, &none, UNCHOKE].concat());
        assert_eq!(peer.requests(), []);
    });
    assert!(matches!(visit.outcome, Outcome::NothingClaimed { .. }), "{:?}", visit.outcome);
}

#[test]
fn whoever_takes_back_whatever_it_is_asked_is_left_with_nothing_claimed() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        while let [asked] = peer.requests()[..] {
            peer.says(&frame(id::EXTENDED, &[&[7][..], &asked.piece.to_be_bytes()].concat()));
        }
    });
    assert!(matches!(visit.outcome, Outcome::NothingClaimed { after_ms: ..1_000 }), "{:?}", visit.outcome);
    assert_eq!((visit.grade, visit.challenges.len()), (Grade::Claimed, 3));
}
