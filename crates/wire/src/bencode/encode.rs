//! The encoder. A value built from [`Item`] has one encoding, because a dictionary's keys are sorted and unique by type.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

/// An owned value to be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Item>),
    /// A dictionary.
    Dict(BTreeMap<Vec<u8>, Item>),
}

impl Item {
    /// A dictionary of these entries. A key given twice keeps its last value.
    pub fn dict<const N: usize>(entries: [(&str, Item); N]) -> Self {
        Self::Dict(entries.into_iter().map(|(key, item)| (key.as_bytes().to_vec(), item)).collect())
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the canonical bytes to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => {
                out.push(b'i');
                out.extend_from_slice(int.to_string().as_bytes());
                out.push(b'e');
            }
            Self::Bytes(bytes) => put_bytes(bytes, out),
            Self::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.encode_into(out));
                out.push(b'e');
            }
            Self::Dict(entries) => {
                out.push(b'd');
                for (key, item) in entries {
                    put_bytes(key, out);
                    item.encode_into(out);
                }
                out.push(b'e');
            }
        }
    }
}

impl From<i64> for Item {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Item {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<Item>> for Item {
    fn from(items: Vec<Item>) -> Self {
        Self::List(items)
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
}
