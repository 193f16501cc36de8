use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;
use crate::extension::OwnHandshake;

fn framed(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 1).to_be_bytes().to_vec();
    bytes.push(id);
    bytes.extend_from_slice(payload);
    bytes
}

const RANGE: HashRange = HashRange { pieces_root: [5; 32], base_layer: 1, index: 2, length: 3, proof_layers: 4 };

fn range_bytes() -> Vec<u8> {
    [&[5; 32][..], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]].concat()
}

#[test]
fn reads_every_type() {
    let block = Block { piece: 1, begin: 0x4000, length: 0x4000 };
    let block_bytes = [0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 0x40, 0];
    let hashes = [range_bytes(), [6; 64].to_vec()].concat();
    let cases: Vec<(u8, &[u8], Message<'_>)> = Vec::from([
        (0, &[][..], Message::Choke),
        (1, &[], Message::Unchoke),
        (2, &[], Message::Interested),
        (3, &[], Message::NotInterested),
        (4, &[0, 0, 1, 0], Message::Have(256)),
        (5, &[0xf0], Message::Bitfield(&[0xf0])),
        (6, &block_bytes, Message::Request(block)),
        (7, b"\0\0\0\x01\0\0\x40\0abc", Message::Piece { piece: 1, begin: 0x4000, block: b"abc" }),
        (8, &block_bytes, Message::Cancel(block)),
        (9, &[0x1a, 0xe1], Message::Port(6881)),
        (13, &[0, 0, 0, 9], Message::Suggest(9)),
        (14, &[], Message::HaveAll),
        (15, &[], Message::HaveNone),
        (16, &block_bytes, Message::Reject(block)),
        (17, &[0, 0, 0, 9], Message::AllowedFast(9)),
        (20, b"\x03d4:x", Message::Extended { id: 3, payload: b"d4:x" }),
        (99, b"what", Message::Unknown { id: 99, payload: b"what" }),
    ]);
    let range = range_bytes();
    let more = [
        (21, &range[..], Message::HashRequest(RANGE)),
        (22, &hashes[..], Message::Hashes { range: RANGE, hashes: &[6; 64] }),
        (23, &range[..], Message::HashReject(RANGE)),
    ];
    for (id, payload, due) in cases.into_iter().chain(more) {
        let bytes = framed(id, payload);
        assert_eq!(Decoder::default().decode(&bytes), Ok(Some((due, bytes.len()))), "type {id}");
        for cut in 0..bytes.len() {
            assert_eq!(Decoder::default().decode(&bytes[..cut]), Ok(None), "type {id} cut at {cut}");
        }
    }
    assert_eq!(Decoder::default().decode(&[0; 5]), Ok(Some((Message::KeepAlive, 4))));
}

#[test]
fn refuses_wrong_lengths_as_soon_as_they_are_seen() {
    let limits = Limits { bitfield_max: 4, block_max: 16, extended_max: 8, hashes_max: 64, unknown_max: 2 };
    let cases: &[(u8, u32, Rule)] = &[
        (0, 2, Rule::WrongLength),
        (1, 5, Rule::WrongLength),
        (4, 4, Rule::WrongLength),
        (4, 6, Rule::WrongLength),
        (5, 6, Rule::BitfieldTooLong),
        (6, 12, Rule::WrongLength),
        (6, 14, Rule::WrongLength),
        (7, 8, Rule::WrongLength),
        (7, 26, Rule::BlockTooLong),
        (9, 5, Rule::WrongLength),
        (14, 2, Rule::WrongLength),
        (20, 1, Rule::WrongLength),
        (20, 10, Rule::ExtendedTooLong),
        (21, 48, Rule::WrongLength),
        (22, 48, Rule::WrongLength),
        (22, 50, Rule::HashesLength),
        (22, 49 + 96, Rule::TooLong),
        (23, 50, Rule::WrongLength),
        (10, 4, Rule::UnknownTooLong),
        (255, 4, Rule::UnknownTooLong),
        (0, u32::MAX, Rule::TooLong),
        // The first four bytes of an HTTP answer, a TLS record and an SSH banner, read as a length.
        (b'/', u32::from_be_bytes(*b"HTTP"), Rule::TooLong),
        (3, u32::from_be_bytes([0x16, 3, 1, 2]), Rule::TooLong),
    ];
    for (id, length, rule) in cases {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.push(*id);
        assert_eq!(Decoder::new(limits).decode(&bytes), Err(Fault::at(0, *rule)), "type {id} length {length}");
    }
    let wide = Limits { unknown_max: 4_096, ..limits };
    let mut bytes = (49u32 + 96).to_be_bytes().to_vec();
    bytes.push(22);
    assert_eq!(Decoder::new(wide).decode(&bytes), Err(Fault::at(0, Rule::HashesTooLong)));
}

#[test]
fn a_known_piece_count_bounds_the_bitfield() {
    let decoder = Decoder::new(Limits::default().for_pieces(9));
    assert!(decoder.decode(&framed(id::BITFIELD, &[0; 2])).is_ok());
    assert_eq!(decoder.decode(&framed(id::BITFIELD, &[0; 3])).unwrap_err().rule, Rule::BitfieldTooLong);
}

#[test]
fn what_we_say_is_exactly_these_bytes() {
    let block = Block { piece: 1, begin: 0x4000, length: 0x4000 };
    let block_bytes = [0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 0x40, 0];
    let cases: Vec<(Outgoing<'_>, Vec<u8>)> = Vec::from([
        (Outgoing::KeepAlive, Vec::from([0; 4])),
        (Outgoing::Interested, framed(2, &[])),
        (Outgoing::NotInterested, framed(3, &[])),
        (Outgoing::Request(block), framed(6, &block_bytes)),
        (Outgoing::Cancel(block), framed(8, &block_bytes)),
        (Outgoing::HaveNone, framed(15, &[])),
        (Outgoing::EmptyBitfield { piece_count: 17 }, framed(5, &[0; 3])),
        (Outgoing::EmptyBitfield { piece_count: 16 }, framed(5, &[0; 2])),
        (Outgoing::Reject(block), framed(16, &block_bytes)),
        (Outgoing::MetadataRequest { id: 3, piece: 2 }, framed(20, b"\x03d8:msg_typei0e5:piecei2ee")),
        (Outgoing::MetadataReject { id: 3, piece: 2 }, framed(20, b"\x03d8:msg_typei2e5:piecei2ee")),
        (
            Outgoing::Rendezvous { id: 4, target: "192.0.2.7:6881".parse().unwrap() },
            framed(20, &[4, 0, 0, 192, 0, 2, 7, 0x1a, 0xe1]),
        ),
        (Outgoing::HashRequest(RANGE), framed(21, &range_bytes())),
        (Outgoing::HashReject(RANGE), framed(23, &range_bytes())),
    ]);
    for (outgoing, due) in cases {
        assert_eq!(outgoing.encode(), due, "{outgoing:?}");
    }
}

fn block() -> impl Strategy<Value = Block> {
    any::<(u32, u32, u32)>().prop_map(|(piece, begin, length)| Block { piece, begin, length })
}

fn outgoing() -> impl Strategy<Value = Outgoing<'static>> {
    let range = any::<([u8; 32], u32, u32, u32, u32)>().prop_map(|(pieces_root, base_layer, index, length, proof)| HashRange {
        pieces_root,
        base_layer,
        index,
        length,
        proof_layers: proof,
    });
    let ours = any::<(Option<u8>, Option<u8>, Option<u16>)>().prop_map(|(ut_metadata, ut_pex, port)| OwnHandshake {
        ut_holepunch: ut_pex,
        client: "affiant/0.1",
        lt_donthave: ut_pex,
        ut_metadata,
        ut_pex,
        port,
        yourip: None,
    });
    prop_oneof![
        Just(Outgoing::KeepAlive),
        Just(Outgoing::Interested),
        Just(Outgoing::NotInterested),
        Just(Outgoing::HaveNone),
        block().prop_map(Outgoing::Request),
        block().prop_map(Outgoing::Cancel),
        block().prop_map(Outgoing::Reject),
        (0..100_000u32).prop_map(|piece_count| Outgoing::EmptyBitfield { piece_count }),
        ours.prop_map(Outgoing::ExtensionHandshake),
        any::<(u8, u32)>().prop_map(|(id, piece)| Outgoing::MetadataRequest { id, piece }),
        any::<(u8, u32)>().prop_map(|(id, piece)| Outgoing::MetadataReject { id, piece }),
        any::<(u8, [u8; 16], u16)>().prop_map(|(id, six, port)| Outgoing::Rendezvous { id, target: (six, port).into() }),
        range.clone().prop_map(Outgoing::HashRequest),
        range.prop_map(Outgoing::HashReject),
    ]
}

proptest! {
    /// The promise of this crate, seen from the receiving side: nothing that can be said is content or a claim to it.
    #[test]
    fn nothing_we_can_say_is_content_or_a_claim_to_have_any(outgoing in outgoing()) {
        let bytes = outgoing.encode();
        let (message, used) = Decoder::default().decode(&bytes).unwrap().unwrap();
        prop_assert_eq!(used, bytes.len());
        match message {
            Message::KeepAlive | Message::Interested | Message::NotInterested | Message::Request(_)
            | Message::Cancel(_) | Message::HaveNone | Message::Reject(_) | Message::HashRequest(_)
            | Message::HashReject(_) => {}
            Message::Bitfield(bits) => prop_assert!(bits.iter().all(|byte| *byte == 0)),
            Message::Extended { payload, .. } => {
                // One dictionary and nothing after it, so no metadata block rides along; or the wish to be introduced,
                // which is a type of 0, a family and an address.
                let is_wish = matches!(payload, [0, 0, ..] if payload.len() == 8) || matches!(payload, [0, 1, ..] if payload.len() == 20);
                prop_assert!(is_wish || crate::bencode::parse(payload, &crate::bencode::Limits::PEER).is_ok());
            }
            said => prop_assert!(false, "we said {said:?}"),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), id: u8, length in 0u32..300) {
        let _ = Decoder::default().decode(&bytes);
        let mut framed = length.to_be_bytes().to_vec();
        framed.push(id);
        framed.extend_from_slice(&bytes);
        if let Ok(Some((_, used))) = Decoder::default().decode(&framed) {
            prop_assert!(used <= framed.len() && used >= 4);
        }
    }
}
