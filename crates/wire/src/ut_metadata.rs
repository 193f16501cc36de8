//! Exchange of the info dictionary between peers. BEP 9.
//!
//! We ask, and refuse to answer: there is no encoder for a data message.

use alloc::vec::Vec;

use crate::bencode::{self, Item};
use crate::fault::{Fault, rules};

/// Length of every metadata block but the last, in bytes.
pub const BLOCK_LENGTH: usize = 16 << 10;

/// Bytes that are not a metadata message.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of metadata exchange.
    pub enum Rule {
        [Bencode(bencode::Rule)]
        NotADict "metadata-not-a-dict" "a metadata message must begin with a dictionary",
        Type "metadata-type" "a metadata message must have an integer msg_type",
        Piece "metadata-piece" "a metadata message must name a piece by a number of 32 bits",
        TotalSize "metadata-total-size" "a metadata block must come with a total size between 1 byte and the limit",
        BlockLength "metadata-block-length" "a metadata block must be 16 KiB long, the last one what is left",
        Trailing "metadata-trailing" "a metadata request or reject must not be followed by bytes",
    }
}

/// A message of `ut_metadata` from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataMessage<'a> {
    /// The peer asks us for a block.
    Request {
        /// Index of the block.
        piece: u32,
    },
    /// The peer sends a block.
    Data {
        /// Index of the block.
        piece: u32,
        /// Length of the whole info dictionary in bytes.
        total_size: u32,
        /// The block.
        block: &'a [u8],
    },
    /// The peer will not send a block.
    Reject {
        /// Index of the block.
        piece: u32,
    },
    /// A type we do not know, which BEP 9 asks to ignore.
    Unknown {
        /// Its number.
        msg_type: i64,
    },
}

impl<'a> MetadataMessage<'a> {
    /// Reads the payload of an extended message with the number we chose for `ut_metadata`. `size_max` is the longest
    /// info dictionary we would assemble, in bytes.
    pub fn parse(payload: &'a [u8], size_max: u32) -> Result<Self, Error> {
        let value = bencode::parse_prefix(payload, &bencode::Limits::PEER)?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        let int = |key: &[u8]| dict.get(key).and_then(|value| value.as_int());
        let msg_type = int(b"msg_type").ok_or(Fault::at(0, Rule::Type))?;
        let rest = &payload[value.raw().len()..];
        if !matches!(msg_type, 0..=2) {
            return Ok(Self::Unknown { msg_type });
        }
        let piece = int(b"piece").and_then(|piece| u32::try_from(piece).ok());
        let piece = piece.ok_or(Fault::at(0, Rule::Piece))?;
        if msg_type != 1 {
            return match rest {
                [] if msg_type == 0 => Ok(Self::Request { piece }),
                [] => Ok(Self::Reject { piece }),
                _ => Err(Fault::at(value.raw().len(), Rule::Trailing)),
            };
        }
        let total_size = int(b"total_size").and_then(|size| u32::try_from(size).ok());
        let total_size = total_size.filter(|size| (1..=size_max).contains(size));
        let total_size = total_size.ok_or(Fault::at(0, Rule::TotalSize))?;
        if block_length(total_size, piece) != Some(rest.len()) {
            return Err(Fault::at(value.raw().len(), Rule::BlockLength));
        }
        Ok(Self::Data { piece, total_size, block: rest })
    }
}

/// Number of blocks of an info dictionary of `total_size` bytes.
pub const fn block_count(total_size: u32) -> u32 {
    total_size.div_ceil(BLOCK_LENGTH as u32)
}

/// Length in bytes of block `piece`, or `None` if there is no such block.
pub fn block_length(total_size: u32, piece: u32) -> Option<usize> {
    let start = u64::from(piece) * BLOCK_LENGTH as u64;
    let left = u64::from(total_size).checked_sub(start).filter(|left| *left > 0)?;
    Some(left.min(BLOCK_LENGTH as u64) as usize)
}

pub(crate) fn request(piece: u32) -> Vec<u8> {
    message(0, piece)
}

pub(crate) fn reject(piece: u32) -> Vec<u8> {
    message(2, piece)
}

fn message(msg_type: i64, piece: u32) -> Vec<u8> {
    Item::dict([("msg_type", Item::Int(msg_type)), ("piece", Item::Int(piece.into()))]).encode()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE_MAX: u32 = 1 << 20;

    #[test]
    fn reads_each_type() {
        let cases: &[(&[u8], MetadataMessage<'_>)] = &[
            (b"d8:msg_typei0e5:piecei7ee", MetadataMessage::Request { piece: 7 }),
            (b"d8:msg_typei2e5:piecei7ee", MetadataMessage::Reject { piece: 7 }),
            (b"d8:msg_typei9ee", MetadataMessage::Unknown { msg_type: 9 }),
            (
                b"d8:msg_typei1e5:piecei0e10:total_sizei5eehello",
                MetadataMessage::Data { piece: 0, total_size: 5, block: b"hello" },
            ),
        ];
        for (payload, due) in cases {
            assert_eq!(MetadataMessage::parse(payload, SIZE_MAX), Ok(*due));
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_block() {
        let cases: &[(&[u8], Rule)] = &[
            (b"i0e", Rule::NotADict),
            (b"d5:piecei0ee", Rule::Type),
            (b"d8:msg_type1:0e", Rule::Type),
            (b"d8:msg_typei0ee", Rule::Piece),
            (b"d8:msg_typei0e5:piecei-1ee", Rule::Piece),
            (b"d8:msg_typei0e5:piecei4294967296ee", Rule::Piece),
            (b"d8:msg_typei0e5:piecei0eex", Rule::Trailing),
            (b"d8:msg_typei2e5:piecei0eex", Rule::Trailing),
            (b"d8:msg_typei1e5:piecei0eehello", Rule::TotalSize),
            (b"d8:msg_typei1e5:piecei0e10:total_sizei0ee", Rule::TotalSize),
            (b"d8:msg_typei1e5:piecei0e10:total_sizei1048577eehello", Rule::TotalSize),
            (b"d8:msg_typei1e5:piecei0e10:total_sizei5eehell", Rule::BlockLength),
            (b"d8:msg_typei1e5:piecei0e10:total_sizei5eehello!", Rule::BlockLength),
            (b"d8:msg_typei1e5:piecei1e10:total_sizei5eehello", Rule::BlockLength),
            (b"d8:msg_typei1e5:piecei0e10:total_sizei20000eehello", Rule::BlockLength),
        ];
        for (payload, rule) in cases {
            let got = MetadataMessage::parse(payload, SIZE_MAX).unwrap_err().rule;
            assert_eq!(got, *rule, "{:?}", payload.escape_ascii());
        }
    }

    #[test]
    fn blocks_cover_the_dictionary() {
        assert_eq!(block_count(1), 1);
        assert_eq!(block_count(16_384), 1);
        assert_eq!(block_count(16_385), 2);
        assert_eq!(block_length(16_385, 0), Some(16_384));
        assert_eq!(block_length(16_385, 1), Some(1));
        assert_eq!(block_length(16_385, 2), None);
        assert_eq!(block_length(16_384, 1), None);
        assert_eq!(block_length(u32::MAX, u32::MAX), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, text in "d8:msg_typei[0-3]e5:piecei[0-9]{1,2}e10:total_sizei[0-9]{1,6}ee[a-z]{0,9}") {
            let _ = MetadataMessage::parse(&bytes, SIZE_MAX);
            let _ = MetadataMessage::parse(text.as_bytes(), SIZE_MAX);
        }
    }
}
