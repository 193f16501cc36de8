//! Messages out of a stream, under every limit by number of pieces, however the stream is cut.

use wire::bitfield::Bitfield;
use wire::message::{Decoder, Limits, Message, Outgoing};

use crate::Seed;
use crate::script::Script;

/// The most that one message of the default limits takes, and room for what follows it.
const HELD_MAX: usize = 512 << 10;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let piece_count = script.short();
    let step = usize::from(script.byte()).max(1);
    let limits = Limits::default();
    let limits = if piece_count == 0 { limits } else { limits.for_pieces(piece_count.into()) };
    let stream = script.rest();

    let whole = read(&Decoder::new(limits), stream, stream.len().max(1), piece_count.into());
    let cut = read(&Decoder::new(limits), stream, step, piece_count.into());
    assert_eq!(whole, cut, "how a stream is cut changes nothing");
}

/// The messages as text, and the refusal that ended them.
fn read(decoder: &Decoder, stream: &[u8], step: usize, piece_count: u32) -> Vec<String> {
    let (mut held, mut seen) = (Vec::new(), Vec::new());
    for part in stream.chunks(step) {
        held.extend_from_slice(part);
        loop {
            match decoder.decode(&held) {
                Ok(Some((message, taken))) => {
                    assert!((4..=held.len()).contains(&taken), "a message takes its prefix, and no more than is there");
                    check(&message, &held[..taken], piece_count);
                    seen.push(format!("{message:?}"));
                    held.drain(..taken);
                }
                Ok(None) => break,
                Err(fault) => {
                    seen.push(format!("{fault:?}"));
                    return seen;
                }
            }
        }
        assert!(held.len() < HELD_MAX, "{} bytes are held back for one message", held.len());
    }
    seen
}

fn check(message: &Message<'_>, bytes: &[u8], piece_count: u32) {
    let again = match *message {
        Message::KeepAlive => Outgoing::KeepAlive,
        Message::Interested => Outgoing::Interested,
        Message::NotInterested => Outgoing::NotInterested,
        Message::Request(block) => Outgoing::Request(block),
        Message::Cancel(block) => Outgoing::Cancel(block),
        Message::Reject(block) => Outgoing::Reject(block),
        Message::HaveNone => Outgoing::HaveNone,
        Message::HashRequest(range) => Outgoing::HashRequest(range),
        Message::Bitfield(payload) => return check_bitfield(payload, piece_count),
        Message::Extended { id, payload } => {
            assert_eq!((bytes[5], &bytes[6..]), (id, payload), "an extended message is what follows its number");
            return;
        }
        _ => return,
    };
    assert_eq!(again.encode(), bytes, "a message that we could say has one encoding");
}

fn check_bitfield(payload: &[u8], piece_count: u32) {
    let Ok(bitfield) = Bitfield::parse(payload, piece_count) else { return };
    assert_eq!(bitfield.as_bytes(), payload);
    assert_eq!(bitfield.pieces().count(), bitfield.count() as usize);
    assert!(bitfield.pieces().all(|piece| piece < piece_count && bitfield.get(piece)));
    assert_eq!(bitfield.is_full(), bitfield == Bitfield::full(piece_count));
    assert!(bitfield.is_superset_of(&Bitfield::empty(piece_count)));
}

pub(crate) fn seeds() -> Vec<Seed> {
    let all: Vec<u8> = [
        &b"\0\0\0\0"[..],
        &frame(0, b""),
        &frame(1, b""),
        &frame(2, b""),
        &frame(3, b""),
        &frame(4, &[0, 0, 0, 7]),
        &frame(5, &[0xff, 0x80]),
        &frame(6, &[0; 12]),
        &frame(7, b"\0\0\0\x01\0\0\x40\0block"),
        &frame(8, &[1; 12]),
        &frame(9, &[0x1a, 0xe1]),
        &frame(13, &[0, 0, 0, 2]),
        &frame(14, b""),
        &frame(15, b""),
        &frame(16, &[2; 12]),
        &frame(17, &[0, 0, 0, 3]),
        &frame(20, b"\0d1:md6:ut_pexi1eee"),
        &frame(21, &[5; 48]),
        &frame(22, &[6; 80]),
        &frame(23, &[7; 48]),
        &frame(99, b"unknown"),
    ]
    .concat();
    let of = |piece_count: u16, step: u8, stream: &[u8]| [&piece_count.to_be_bytes()[..], &[step], stream].concat();
    let named = [
        ("every-type", of(9, 7, &all)),
        ("byte-by-byte", of(9, 1, &all)),
        ("pieces-unknown", of(0, 255, &all)),
        ("bitfield-too-long", of(9, 3, &frame(5, &[0xff; 3]))),
        ("bitfield-spare-bit", of(9, 3, &frame(5, &[0xff, 0xff]))),
        ("length-of-four-gigabytes", of(9, 2, b"\xff\xff\xff\xff\x07")),
        ("block-too-long", of(9, 4, b"\0\0\x40\x0a\x07\0\0\0\0")),
        ("choke-with-payload", of(9, 4, &frame(0, b"x"))),
        ("hashes-cut", of(9, 4, &frame(22, &[6; 50]))),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// A message with its length in front.
pub(crate) fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 1).to_be_bytes()[..], &[id], payload].concat()
}
