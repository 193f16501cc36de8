//! Bencode (BEP 3): a borrowed tree that remembers the exact bytes of every value, and an encoder that can only
//! write canonical bytes.
//!
//! Integers are `i64` without leading zeros and without `-0`; string lengths have no leading zeros; a dictionary has
//! no duplicate key. [`Strictness`] says whether unsorted keys are refused as well.

mod encode;
mod parse;
#[cfg(test)]
mod tests;
mod value;

pub use encode::Item;
pub use parse::{parse, parse_prefix};
pub use value::{Dict, Entry, Kind, Value};

use crate::fault::{Fault, rules};

/// Bytes that are not the bencode we accept.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of bencode, and our limits on it.
    pub enum Rule {
        Truncated "bencode-truncated" "the bencoded value ends too early",
        Trailing "bencode-trailing" "there are bytes after the bencoded value",
        UnknownType "bencode-type" "a bencoded value must begin with i, l, d or a digit",
        IntForm "bencode-int-form" "a bencoded integer must be digits with an optional minus sign, then e",
        IntLeadingZero "bencode-int-zero" "a bencoded integer must not have leading zeros or be -0",
        IntRange "bencode-int-range" "a bencoded integer must fit 64 bits with a sign",
        LengthForm "bencode-length-form" "a string length must be digits without leading zeros, then a colon",
        KeyType "bencode-key-type" "a dictionary key must be a string",
        KeyOrder "bencode-key-order" "dictionary keys must be sorted",
        KeyDuplicate "bencode-key-duplicate" "a dictionary key must not occur twice",
        TooLong "bencode-too-long" "the bencoded input is longer than the limit",
        TooDeep "bencode-too-deep" "lists and dictionaries are nested deeper than the limit",
        TooMany "bencode-too-many" "there are more bencoded values than the limit",
    }
}

/// What is asked of dictionaries and integers beyond being readable in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Keys are sorted and unique and integers fit `i64`: the only form a value may have.
    Strict,
    /// As peers and trackers really write: unsorted keys are tolerated, duplicates are not, and a canonical integer
    /// beyond `i64` becomes [`Kind::Wide`] instead of spoiling everything around it.
    Peer,
}

/// Bounds on one parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest input, in bytes.
    pub bytes_max: usize,
    /// Deepest nesting of lists and dictionaries. The parser recurses once per level, so keep it small.
    pub depth_max: u8,
    /// Most values and keys together, which bounds the memory of the tree.
    pub items_max: usize,
    /// What is asked of dictionaries and integers.
    pub strictness: Strictness,
}

impl Limits {
    /// For one message of a peer: small, shallow, and tolerant of unsorted keys.
    pub const PEER: Self = Self { bytes_max: 128 << 10, depth_max: 8, items_max: 4_096, strictness: Strictness::Peer };
}
