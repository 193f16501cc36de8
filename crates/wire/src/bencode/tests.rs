use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;

const STRICT: Limits = Limits { bytes_max: 4_096, depth_max: 4, items_max: 64, strictness: Strictness::Strict };
const PEER: Limits = Limits { strictness: Strictness::Peer, ..STRICT };

#[test]
fn reads_each_kind_with_its_span() {
    let input = b"d1:ai-42e1:bl2:xye4:infod3:keyi0eee";
    let value = parse(input, &STRICT).unwrap();
    let dict = value.as_dict().unwrap();
    assert!(dict.was_sorted());
    assert_eq!(dict.get(b"a").unwrap().as_int(), Some(-42));
    assert_eq!(dict.get(b"b").unwrap().as_list().unwrap()[0].as_text(), Some("xy"));
    let info = dict.get(b"info").unwrap();
    assert_eq!(info.raw(), b"d3:keyi0ee");
    assert_eq!(&input[info.offset()..info.offset() + info.raw().len()], info.raw());
    assert_eq!(dict.get(b"c"), None);
}

#[test]
fn refuses_bad_bytes_naming_rule_and_offset() {
    let cases: &[(&[u8], usize, Rule)] = &[
        (b"", 0, Rule::Truncated),
        (b"i", 1, Rule::Truncated),
        (b"i1", 2, Rule::Truncated),
        (b"ie", 1, Rule::IntForm),
        (b"i-e", 2, Rule::IntForm),
        (b"i--1e", 2, Rule::IntForm),
        (b"i+1e", 1, Rule::IntForm),
        (b"i1.5e", 2, Rule::IntForm),
        (b"i 1e", 1, Rule::IntForm),
        (b"i01e", 0, Rule::IntLeadingZero),
        (b"i00e", 0, Rule::IntLeadingZero),
        (b"i-0e", 0, Rule::IntLeadingZero),
        (b"i-01e", 0, Rule::IntLeadingZero),
        (b"i9223372036854775808e", 0, Rule::IntRange),
        (b"i-9223372036854775809e", 0, Rule::IntRange),
        (b"5:abc", 0, Rule::Truncated),
        (b"99999999999999999999999:a", 0, Rule::Truncated),
        (b"18446744073709551615:a", 0, Rule::Truncated),
        (b"01:a", 0, Rule::LengthForm),
        (b"00:", 0, Rule::LengthForm),
        (b"1a:b", 1, Rule::LengthForm),
        (b"-1:a", 0, Rule::UnknownType),
        (b"x", 0, Rule::UnknownType),
        (b"e", 0, Rule::UnknownType),
        (b"l", 1, Rule::Truncated),
        (b"li1e", 4, Rule::Truncated),
        (b"d1:a", 4, Rule::Truncated),
        (b"d1:ae", 4, Rule::UnknownType),
        (b"di1ei2ee", 1, Rule::KeyType),
        (b"d1:bi1e1:ai1ee", 7, Rule::KeyOrder),
        (b"d1:ai1e1:ai1ee", 7, Rule::KeyDuplicate),
        (b"i1ei2e", 3, Rule::Trailing),
        (b"1:a\n", 3, Rule::Trailing),
        (b"llllleeeee", 4, Rule::TooDeep),
    ];
    for (input, offset, rule) in cases {
        assert_eq!(parse(input, &STRICT), Err(Fault::at(*offset, *rule)), "{:?}", input.escape_ascii());
    }
}

#[test]
fn a_peer_may_send_unsorted_keys_but_no_duplicate() {
    let value = parse(b"d1:bi1e1:ai2ee", &PEER).unwrap();
    let dict = value.as_dict().unwrap();
    assert!(!dict.was_sorted());
    assert_eq!(dict.get(b"a").unwrap().as_int(), Some(2));
    assert_eq!(dict.get(b"b").unwrap().as_int(), Some(1));
    let twice = parse(b"d1:bi1e1:ai2e1:bi3ee", &PEER);
    assert_eq!(twice, Err(Fault::at(13, Rule::KeyDuplicate)));
}

/// librqbit-bencode panics on this in debug builds and wraps in release builds.
#[test]
fn a_request_queue_of_five_thousand_million_is_only_a_number() {
    let value = parse(b"d4:reqqi5000000000ee", &PEER).unwrap();
    assert_eq!(value.as_dict().unwrap().get(b"reqq").unwrap().as_int(), Some(5_000_000_000));
}

#[test]
fn a_peers_integer_beyond_64_bits_is_kept_as_digits() {
    let value = parse(b"d4:reqqi18446744073709551615e1:vi-99999999999999999999ee", &PEER).unwrap();
    let dict = value.as_dict().unwrap();
    assert_eq!(dict.get(b"reqq").unwrap().kind(), &Kind::Wide(b"18446744073709551615"));
    assert_eq!(dict.get(b"v").unwrap().kind(), &Kind::Wide(b"-99999999999999999999"));
    let long = [b"i".as_slice(), &[b'9'; 41], b"e"].concat();
    assert_eq!(parse(&long, &PEER), Err(Fault::at(0, Rule::IntRange)));
}

#[test]
fn bounds_length_and_count() {
    assert_eq!(parse(&[b'i'; 5_000], &STRICT), Err(Fault::at(4_096, Rule::TooLong)));
    let many = [b"l".as_slice(), &b"i0e".repeat(64), b"e"].concat();
    assert_eq!(parse(&many, &STRICT).unwrap_err().rule, Rule::TooMany);
    let keys = [b"d".as_slice(), b"1:a0:1:b0:", b"e"].concat();
    let few = Limits { items_max: 4, ..STRICT };
    assert_eq!(parse(&keys, &few).unwrap_err().rule, Rule::TooMany);
}

#[test]
fn a_prefix_leaves_the_rest() {
    let value = parse_prefix(b"d1:ai1eeREST", &PEER).unwrap();
    assert_eq!(value.raw(), b"d1:ai1ee");
}

#[test]
fn a_fault_reads_as_a_sentence() {
    let fault = parse(b"i01e", &STRICT).unwrap_err();
    let text = alloc::format!("{fault}");
    assert_eq!(text, "a bencoded integer must not have leading zeros or be -0 (at byte 0)");
    assert_eq!(fault.rule.name(), "bencode-int-zero");
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![any::<i64>().prop_map(Item::Int), prop::collection::vec(any::<u8>(), 0..8).prop_map(Item::Bytes)];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::collection::vec(any::<u8>(), 0..4);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Item::List),
            prop::collection::btree_map(key, inner, 0..4).prop_map(Item::Dict)
        ]
    })
}

fn owned(value: &Value<'_>) -> Item {
    match value.kind() {
        Kind::Int(int) => Item::Int(*int),
        Kind::Wide(_) => unreachable!("the generator makes no wide integer"),
        Kind::Bytes(bytes) => Item::Bytes(bytes.to_vec()),
        Kind::List(list) => Item::List(list.iter().map(owned).collect()),
        Kind::Dict(dict) => Item::Dict(dict.entries().iter().map(|entry| (entry.key.to_vec(), owned(&entry.value))).collect()),
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(item in item()) {
        let bytes = item.encode();
        let limits = Limits { items_max: 1_000, ..STRICT };
        let value = parse(&bytes, &limits).unwrap();
        prop_assert_eq!(owned(&value), item);
        prop_assert_eq!(value.raw(), &bytes[..]);
    }

    #[test]
    fn whatever_is_accepted_strictly_has_one_encoding(bytes in "[ilde0-9:a-]{0,40}") {
        if let Ok(value) = parse(bytes.as_bytes(), &STRICT) {
            prop_assert_eq!(owned(&value).encode(), bytes.as_bytes());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ilde0-9:-]{0,60}") {
        for input in [&bytes, &Vec::from(text)] {
            let _ = parse(input, &STRICT);
            let _ = parse_prefix(input, &PEER);
        }
    }
}
