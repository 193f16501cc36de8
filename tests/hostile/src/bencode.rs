//! Bencode, which everything else is written in. BEP 3.

use bt_bencode::Value as Other;
use bt_bencode::value::Number;
use wire::bencode::{Error, Item, Kind, Limits, Strictness, Value, parse, parse_prefix};

use crate::{Seed, seeds as named};

/// The limits of a small value, so that every one of them is met.
const STRICT: Limits = Limits { bytes_max: 4_096, depth_max: 16, items_max: 256, strictness: Strictness::Strict };
const PEER: Limits = Limits { strictness: Strictness::Peer, ..STRICT };

pub(crate) fn run(data: &[u8]) {
    let strict = parse(data, &STRICT);
    let peer = parse(data, &PEER);
    match &strict {
        Ok(value) => {
            let item = check_tree(value, data).expect("a strict value has an item");
            assert_eq!(item.encode(), data, "a strict value has one encoding");
            assert_eq!(peer.as_ref().map(Value::raw), Ok(data), "what is strict is fit for a peer");
            match bt_bencode::from_slice::<Other>(data) {
                Ok(other) => check_same(value, &other),
                Err(fault) => assert!(has_least(&item), "the other reader refuses what is strict: {fault}"),
            }
        }
        Err(fault) => {
            check_offset(fault, data);
            if let Ok(other) = bt_bencode::from_slice::<Other>(data)
                && bt_bencode::to_vec(&other).is_ok_and(|again| again == data)
            {
                assert!(is_beyond_limits(fault), "'{}' is canonical, and was refused: {fault}", data.escape_ascii());
            }
        }
    }
    match &peer {
        Ok(value) => {
            let item = check_tree(value, data);
            if item.is_some_and(|item| item.encode() == data) {
                assert!(strict.is_ok(), "a value in its one encoding is strict");
            }
        }
        Err(fault) => check_offset(fault, data),
    }
    match parse_prefix(data, &PEER) {
        Ok(value) => {
            assert!(data.starts_with(value.raw()));
            assert!(parse(value.raw(), &PEER).is_ok(), "a prefix that was read can be read alone");
        }
        Err(fault) => check_offset(&fault, data),
    }
}

/// Walks the whole tree. The value as an item, unless an integer is too wide for one.
pub(crate) fn check_tree(value: &Value<'_>, input: &[u8]) -> Option<Item> {
    let end = value.offset() + value.raw().len();
    assert_eq!(&input[value.offset()..end], value.raw(), "a value's bytes stand where it says");
    Some(match value.kind() {
        Kind::Int(int) => Item::Int(*int),
        Kind::Wide(digits) => {
            assert!(std::str::from_utf8(digits).is_ok_and(|digits| digits.parse::<i64>().is_err()), "a wide integer is wide");
            return None;
        }
        Kind::Bytes(bytes) => Item::Bytes(bytes.to_vec()),
        Kind::List(list) => Item::List(list.iter().map(|value| check_tree(value, input)).collect::<Option<_>>()?),
        Kind::Dict(dict) => {
            let entries = dict.entries();
            assert!(entries.is_sorted_by(|one, other| one.key < other.key), "keys are held in order, and once");
            assert!(entries.iter().all(|entry| dict.get(entry.key) == Some(&entry.value)), "every key is found");
            let items = entries.iter().map(|entry| Some((entry.key.to_vec(), check_tree(&entry.value, input)?)));
            Item::Dict(items.collect::<Option<_>>()?)
        }
    })
}

fn check_same(ours: &Value<'_>, other: &Other) {
    let is_same = match (ours.kind(), other) {
        (Kind::Int(int), Other::Int(Number::Signed(other))) => int == other,
        (Kind::Int(int), Other::Int(Number::Unsigned(other))) => u64::try_from(*int) == Ok(*other),
        (Kind::Bytes(bytes), Other::ByteStr(other)) => **bytes == **other,
        (Kind::List(list), Other::List(other)) => {
            list.iter().zip(other).for_each(|(ours, other)| check_same(ours, other));
            list.len() == other.len()
        }
        (Kind::Dict(dict), Other::Dict(other)) => {
            for (entry, (key, value)) in dict.entries().iter().zip(other) {
                assert_eq!(*entry.key, **key, "both readers find the same keys");
                check_same(&entry.value, value);
            }
            dict.entries().len() == other.len()
        }
        _ => false,
    };
    assert!(is_same, "both readers find the same value: {ours:?}, {other:?}");
}

/// Whether the least integer of 64 bits is in it, which the other reader (0.8) takes for none.
fn has_least(item: &Item) -> bool {
    match item {
        Item::Int(int) => *int == i64::MIN,
        Item::Bytes(_) => false,
        Item::List(items) => items.iter().any(has_least),
        Item::Dict(entries) => entries.values().any(has_least),
    }
}

fn check_offset(fault: &Error, data: &[u8]) {
    assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}");
}

/// Whether a value that is well-formed was refused for its size.
fn is_beyond_limits(fault: &Error) -> bool {
    use wire::bencode::Rule;
    matches!(fault.rule, Rule::TooLong | Rule::TooDeep | Rule::TooMany | Rule::IntRange)
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("integer", b"i-42e"),
        ("least-integer", b"i-9223372036854775808e"),
        ("wide-integer", b"i9223372036854775808e"),
        ("string", b"4:spam"),
        ("empty", b"0:"),
        ("list", b"l4:spami7elee"),
        ("dictionary", b"d3:bar4:spam3:fooi42ee"),
        ("unsorted", b"d3:fooi42e3:bar4:spame"),
        ("twice", b"d1:ai1e1:ai2ee"),
        ("nested", b"d1:ad1:bd1:cllleeeeee"),
        ("deep", b"llllllllllllllllllllleeeeeeeeeeeeeeeeeeeee"),
        ("leading-zero", b"i042e"),
        ("long-length", b"99999999999999999999:x"),
        ("trailing", b"i1ei2e"),
    ])
}
