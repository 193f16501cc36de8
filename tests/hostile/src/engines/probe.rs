//! One contact with a peer that does what it likes: in any order, cut anywhere, plain or covered, dialled or dialling.
//!
//! The peer here knows the torrent, so that a script reaches every phase in a few bytes; what it is told is read with
//! the decoder, and what the contact leaves behind is sealed and checked as a verifier would.

mod contact;
mod record;

use evidence::{Direction, Grade};
use swarm::probe::{Aim, Limits, Why};
use wire::handshake::{Handshake, LENGTH};
use wire::message::{Decoder, Message};

use crate::Seed;
use crate::peers::handshake::greeting;
use crate::peers::messages::frame;
use crate::peers::{extension, pex};
use crate::scene;
use crate::script::{Script, chunk};
use contact::{Contact, Way};

pub(crate) fn run(data: &[u8]) {
    play_all(data);
}

/// Plays a script to its end: the grade that the peer came to, unless it never came as far as a contact.
fn play_all(data: &[u8]) -> Option<Grade> {
    let mut script = Script::new(data);
    let head = script.byte();
    let way = Way {
        direction: if head & 1 == 0 { Direction::Outgoing } else { Direction::Incoming },
        is_covered: head & 2 != 0,
        aim: if head & 4 == 0 { Aim::Probe } else { Aim::Control },
        has_content: head & 8 == 0,
        knows_pieces: head & 16 == 0,
        limits: if head & 32 == 0 { Limits::default() } else { tight() },
        cipher: head >> 6,
    };
    let mut contact = Contact::begin(&way, &mut script)?;
    while !script.is_over() && !contact.is_over() {
        play(&mut contact, &mut script);
    }
    Some(contact.end())
}

/// One thing that a peer does.
fn play(contact: &mut Contact<'_>, script: &mut Script<'_>) {
    match script.byte() % 20 {
        0 => contact.say(script.chunk()),
        1 => {
            let id = script.byte();
            contact.say(&frame(id, script.chunk()));
        }
        2 => greet(contact, script),
        3 => contact.wait(u64::from(script.short()) * 10),
        4 => contact.answer(|_| {}),
        5 => {
            let (at, with) = (usize::from(script.short()), script.byte());
            contact.answer(|block| {
                if let Some(byte) = block.get_mut(at) {
                    *byte ^= with;
                }
            });
        }
        6 => contact.answer(|block| block.truncate(script.short().into())),
        7 => contact.reject(),
        8 => contact.close(match script.byte() % 6 {
            0 => Why::EndOfStream,
            1 => Why::Reset,
            2 => Why::Refused,
            3 => Why::Unreachable,
            4 => Why::TimedOut,
            _ => Why::Local("out of descriptors".into()),
        }),
        9 => contact.stop(),
        10 => contact.set_step(script.byte()),
        11 => contact.say(&frame(14, b"")),
        12 => contact.say(&frame(1, b"")),
        13 => contact.say(&frame(0, b"")),
        14 => contact.say(&frame(4, &u32::from(script.byte()).to_be_bytes())),
        15 => contact.say(&frame(17, &u32::from(script.byte()).to_be_bytes())),
        16 => {
            let id = script.byte() % 8;
            contact.say(&frame(20, &[&[id], script.chunk()].concat()));
        }
        17 => contact.say_uncovered(script.chunk()),
        18 => contact.say(&frame(5, script.chunk())),
        _ => contact.wake(),
    }
}

/// The peer's handshake, honest or not.
fn greet(contact: &mut Contact<'_>, script: &mut Script<'_>) {
    let kind = script.byte();
    let peer_id = match kind & 7 {
        0 => *b"-TR3000-abcdefghijkl",
        1 => script.array(),
        2 => contact.mirrored(),
        3 => scene::identity().peer_id(&swarm::Seed::new([77; 32])).0,
        _ => *b"-qB4520-abcdefghijkl",
    };
    let mut handshake = greeting(peer_id);
    if kind & 8 != 0 {
        handshake[20..28].copy_from_slice(&script.array::<8>());
    }
    if kind & 16 != 0 {
        handshake[28..48].copy_from_slice(&script.array::<20>());
    }
    let end = if kind & 32 == 0 { LENGTH } else { usize::from(script.byte()).min(LENGTH) };
    contact.say(&handshake[..end]);
}

/// Limits that a script can meet.
fn tight() -> Limits {
    Limits {
        bytes_max: 40_000,
        messages_max: 30,
        unknown_max: 2,
        unsolicited_max: 1,
        choke_changes_max: 4,
        rejects_max: 2,
        blocks: 3,
        transcript: swarm::transcript::Policy { records_max: 12 },
        ..Limits::default()
    }
}

/// Checks everything that was said on one connection, after its cover was taken off. The number of messages.
pub(crate) fn said(sent: &[u8]) -> usize {
    if sent.is_empty() {
        return 0;
    }
    let ours = Handshake::parse(sent).expect("what we say first is a handshake").expect("and whole");
    assert_eq!(ours.encode(), sent[..LENGTH]);
    let (mut rest, mut messages) = (&sent[LENGTH..], 0);
    while !rest.is_empty() {
        let (message, taken) = Decoder::default().decode(rest).expect("what we say can be read").expect("and whole");
        match message {
            Message::KeepAlive | Message::HaveNone | Message::Interested | Message::NotInterested | Message::Reject(_) => {}
            Message::Request(block) | Message::Cancel(block) => assert!(block.length <= evidence::challenge::BLOCK_BYTES),
            Message::Bitfield(payload) => assert!(payload.iter().all(|byte| *byte == 0), "a piece was claimed"),
            Message::Extended { .. } | Message::HashRequest(_) => {}
            Message::Piece { .. } | Message::Have(_) | Message::Unchoke | Message::HaveAll => {
                panic!("a monitor says no such thing: {message:?}")
            }
            other => panic!("a monitor has no reason to say {other:?}"),
        }
        messages += 1;
        rest = &rest[taken..];
    }
    messages
}

pub(crate) fn seeds() -> Vec<Seed> {
    let message = |id: u8, payload: &[u8]| [&[1, id][..], &chunk(payload)].concat();
    let extended = |id: u8, payload: &[u8]| [&[16, id][..], &chunk(payload)].concat();
    let requests = message(6, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0]).repeat(70);
    let parts = |parts: &[&[u8]]| parts.concat();
    let served: &[u8] = &[2, 4, 11, 12, 4, 4, 4, 4];
    let named = [
        ("served", parts(&[&[0], served])),
        ("served-with-everything", parts(&[&[0, 2, 4], &extended(0, extension::EVERY_FIELD), &[11, 12, 4, 4, 4]])),
        ("served-in-single-bytes", parts(&[&[0, 10, 0], served])),
        ("served-under-rc4", parts(&[&[0x42], served])),
        ("served-under-mse-plain", parts(&[&[2], served])),
        ("called-and-served", parts(&[&[1], served])),
        ("called-under-mse", vec![3, 11, 12, 4, 4, 4]),
        ("called-under-rc4", vec![0x43, 11, 12, 4, 4, 4]),
        ("called-in-two-parts", parts(&[&[0x83, 0], &chunk(b"-qB4520-abcdefghijkl"), &[11, 12, 4, 4, 4]])),
        ("control-silent", vec![4, 3, 0xff, 0xff]),
        ("control-echo", vec![4, 2, 4]),
        ("control-echo-cut", vec![4, 2, 36, 50, 8, 0]),
        ("wrong-block", vec![0, 2, 4, 11, 12, 5, 0, 9, 1, 5, 0, 9, 1]),
        ("short-block", vec![0, 2, 4, 11, 12, 6, 0, 9, 6, 0, 9]),
        ("late-answer", vec![0, 2, 4, 11, 12, 3, 0xbb, 0x80, 4, 4, 4]),
        ("rejected", vec![0, 2, 4, 11, 12, 7, 7, 7, 7]),
        ("allowed-fast", vec![0, 2, 4, 11, 15, 3, 4, 15, 5, 4]),
        ("choked-for-long", vec![0, 2, 0, 11, 3, 0xff, 0xff]),
        ("on-and-off", parts(&[&[32, 2, 4, 11], &[12, 13].repeat(9)])),
        ("requests-of-us", parts(&[&[0, 2, 4], &requests, &[11, 12, 4, 4]])),
        ("other-torrent", parts(&[&[0, 2, 20], &[8; 20]])),
        ("mirrored", vec![0, 2, 2]),
        ("ourselves", vec![0, 2, 3]),
        (
            "peers-and-haves",
            parts(&[&[0, 2, 4], &extended(0, extension::EVERY_FIELD), &extended(1, pex::BOTH_FAMILIES), &[14, 1, 14, 2]]),
        ),
        ("bitfield", parts(&[&[0, 2, 4, 18], &chunk(&[0xff, 0x80]), &[12, 4, 4]])),
        ("bitfield-pieces-unknown", parts(&[&[24, 2, 4, 18], &chunk(&[0xff, 0x80]), &[12, 3, 0x10, 0]])),
        ("unasked-blocks", parts(&[&[32, 2, 4], &message(7, &[0; 40]).repeat(4)])),
        ("refused", vec![0, 8, 2]),
        ("page", parts(&[&[0, 0], &chunk(b"HTTP/1.1 400 Bad Request\r\n\r\n")])),
        ("page-under-mse", parts(&[&[2, 17], &chunk(&[0x48; 700]), &[8, 0]])),
        ("stopped", vec![0, 2, 4, 11, 12, 9]),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that never gets anywhere would check nothing.
    #[test]
    fn seeds_come_as_far_as_their_names_say() {
        for (name, bytes) in seeds() {
            let grade = play_all(&bytes);
            let is_served = name.starts_with("served") || name.starts_with("called") || name == "allowed-fast";
            assert_eq!(
                grade == Some(Grade::Served),
                is_served || name == "bitfield" || name == "requests-of-us",
                "{name}: {grade:?}"
            );
        }
    }
}
