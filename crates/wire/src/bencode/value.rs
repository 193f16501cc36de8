//! The parsed tree.

use alloc::vec::Vec;

/// One bencoded value, with the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    pub(super) raw: &'a [u8],
    pub(super) offset: usize,
    pub(super) kind: Kind<'a>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An integer.
    Int(i64),
    /// The digits, with sign, of an integer beyond `i64`. Only where [`super::Strictness::Peer`] was asked for.
    Wide(&'a [u8]),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A list.
    List(Vec<Value<'a>>),
    /// A dictionary.
    Dict(Dict<'a>),
}

/// A dictionary, held in key order whatever the order on the wire was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dict<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) was_sorted: bool,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key's bytes.
    pub key: &'a [u8],
    /// Offset of the key's length prefix in the input.
    pub offset: usize,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Value<'a> {
    /// Exactly the bytes this value was read from, prefix and terminator included.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Offset of [`Self::raw`] in the input, in bytes.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What the value is.
    pub const fn kind(&self) -> &Kind<'a> {
        &self.kind
    }

    /// The integer, if it is one that fits `i64`.
    pub const fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(int) => Some(int),
            _ => None,
        }
    }

    /// The byte string, if it is one.
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        match self.kind {
            Kind::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The byte string as text, if it is one and is UTF-8.
    pub fn as_text(&self) -> Option<&'a str> {
        self.as_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The list's values, if it is one.
    pub fn as_list(&self) -> Option<&[Value<'a>]> {
        match &self.kind {
            Kind::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    pub const fn as_dict(&self) -> Option<&Dict<'a>> {
        match &self.kind {
            Kind::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

impl<'a> Dict<'a> {
    /// The value under `key`.
    pub fn get(&self, key: &[u8]) -> Option<&Value<'a>> {
        let found = self.entries.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
        self.entries.get(found).map(|entry| &entry.value)
    }

    /// The entries in key order.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// Whether the keys were sorted on the wire, as BEP 3 asks.
    pub const fn was_sorted(&self) -> bool {
        self.was_sorted
    }
}
