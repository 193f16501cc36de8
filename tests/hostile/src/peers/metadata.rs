//! Blocks of an info dictionary, and refusals of them. BEP 9.

use wire::message::{Decoder, Message, Outgoing};
use wire::ut_metadata::{BLOCK_LENGTH, MetadataMessage, block_count, block_length};

use crate::script::Script;
use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let size_max = script.word();
    let payload = script.rest();
    match MetadataMessage::parse(payload, size_max) {
        Ok(MetadataMessage::Request { piece }) => check_ours(&Outgoing::MetadataRequest { id: 3, piece }),
        Ok(MetadataMessage::Reject { piece }) => check_ours(&Outgoing::MetadataReject { id: 3, piece }),
        Ok(MetadataMessage::Data { piece, total_size, block }) => {
            assert!((1..=size_max).contains(&total_size));
            assert!(piece < block_count(total_size), "a block that there is");
            assert_eq!(block_length(total_size, piece), Some(block.len()));
            assert!((1..=BLOCK_LENGTH).contains(&block.len()) && payload.ends_with(block));
        }
        Ok(MetadataMessage::Unknown { msg_type }) => assert!(!(0..=2).contains(&msg_type)),
        Err(fault) => assert!(fault.offset <= payload.len(), "a fault lies within the input: {fault}"),
    }
}

/// What we would say ourselves is read as what it is.
fn check_ours(message: &Outgoing<'_>) {
    let bytes = message.encode();
    let read = Decoder::default().decode(&bytes);
    let Ok(Some((Message::Extended { id: 3, payload }, _))) = read else { panic!("what we write can be read: {read:?}") };
    let read = MetadataMessage::parse(payload, 0).expect("what we write can be read");
    let is_same = match (message, read) {
        (Outgoing::MetadataRequest { piece, .. }, MetadataMessage::Request { piece: read }) => *piece == read,
        (Outgoing::MetadataReject { piece, .. }, MetadataMessage::Reject { piece: read }) => *piece == read,
        _ => false,
    };
    assert!(is_same, "{message:?} was read as {read:?}");
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("request", b"\0\0\xff\xffd8:msg_typei0e5:piecei7ee"),
        ("data", b"\0\0\xff\xffd8:msg_typei1e5:piecei0e10:total_sizei5eehello"),
        ("reject", b"\0\0\xff\xffd8:msg_typei2e5:piecei7ee"),
        ("unknown-type", b"\0\0\xff\xffd8:msg_typei9ee"),
        ("size-beyond-the-limit", b"\0\0\0\x04d8:msg_typei1e5:piecei0e10:total_sizei5eehello"),
        ("block-too-short", b"\0\0\xff\xffd8:msg_typei1e5:piecei0e10:total_sizei6eehello"),
        ("no-such-block", b"\0\0\xff\xffd8:msg_typei1e5:piecei4294967295e10:total_sizei5eehello"),
        ("request-with-bytes", b"\0\0\xff\xffd8:msg_typei0e5:piecei0eex"),
        ("piece-beyond-32-bits", b"\0\0\xff\xffd8:msg_typei0e5:piecei4294967296ee"),
        ("largest-size", b"\xff\xff\xff\xffd8:msg_typei1e5:piecei262143e10:total_sizei4294967295ee"),
    ])
}
