//! Which pieces a peer says it has.

use alloc::vec;
use alloc::vec::Vec;

use crate::fault::{Fault, rules};

/// Bytes that are not a bitfield for this torrent.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of bitfields. BEP 3.
    pub enum Rule {
        Length "bitfield-length" "a bitfield must have one bit for every piece, rounded up to whole bytes",
        SpareBit "bitfield-spare-bit" "the spare bits at the end of a bitfield must be zero",
    }
}

/// A set of pieces of one torrent.
///
/// It holds what others claim. There is no way to send one: see [`crate::message::Outgoing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitfield {
    bits: Vec<u8>,
    piece_count: u32,
}

impl Bitfield {
    /// Reads the payload of a bitfield message for a torrent of `piece_count` pieces.
    pub fn parse(payload: &[u8], piece_count: u32) -> Result<Self, Error> {
        if payload.len() != piece_count.div_ceil(8) as usize {
            return Err(Fault::at(payload.len(), Rule::Length));
        }
        match payload.last() {
            Some(last) if last & spare_mask(piece_count) != 0 => Err(Fault::at(payload.len() - 1, Rule::SpareBit)),
            _ => Ok(Self { bits: payload.to_vec(), piece_count }),
        }
    }

    /// No piece: a peer that has said nothing yet, or have none.
    pub fn empty(piece_count: u32) -> Self {
        Self { bits: vec![0; piece_count.div_ceil(8) as usize], piece_count }
    }

    /// Every piece: a peer that said have all.
    pub fn full(piece_count: u32) -> Self {
        let mut bits = vec![0xff; piece_count.div_ceil(8) as usize];
        if let Some(last) = bits.last_mut() {
            *last &= !spare_mask(piece_count);
        }
        Self { bits, piece_count }
    }

    /// Number of pieces of the torrent.
    pub const fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Whether this piece is in the set. A piece the torrent does not have never is.
    pub fn get(&self, piece: u32) -> bool {
        piece < self.piece_count && self.bits[(piece / 8) as usize] & bit(piece) != 0
    }

    /// Adds a piece, as a have message does. False if the torrent has no such piece.
    pub fn insert(&mut self, piece: u32) -> bool {
        if piece >= self.piece_count {
            return false;
        }
        self.bits[(piece / 8) as usize] |= bit(piece);
        true
    }

    /// Takes a piece out again, as an `lt_donthave` message does (BEP 54). False if it was not in the set.
    pub fn remove(&mut self, piece: u32) -> bool {
        let was_there = self.get(piece);
        if was_there {
            self.bits[(piece / 8) as usize] &= !bit(piece);
        }
        was_there
    }

    /// Number of pieces in the set.
    pub fn count(&self) -> u32 {
        self.bits.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether every piece of the torrent is in the set.
    pub fn is_full(&self) -> bool {
        self.count() == self.piece_count
    }

    /// Whether no piece is in the set.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|byte| *byte == 0)
    }

    /// Whether every piece of `other` is in this set too. Sets of different torrents are never related.
    pub fn is_superset_of(&self, other: &Self) -> bool {
        self.piece_count == other.piece_count && self.bits.iter().zip(&other.bits).all(|(ours, theirs)| theirs & !ours == 0)
    }

    /// The pieces in the set, ascending.
    pub fn pieces(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.piece_count).filter(|piece| self.get(*piece))
    }

    /// The bytes as a peer would have sent them, for the record.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bits
    }
}

/// The bit of a piece in its byte: the highest bit is the first piece.
const fn bit(piece: u32) -> u8 {
    0x80 >> (piece % 8)
}

/// The bits of the last byte that stand for no piece.
const fn spare_mask(piece_count: u32) -> u8 {
    match piece_count % 8 {
        0 => 0,
        used => 0xff >> used,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_highest_bit_is_the_first_piece() {
        let field = Bitfield::parse(&[0b1000_0001, 0b1000_0000], 9).unwrap();
        assert_eq!(field.pieces().collect::<Vec<_>>(), [0, 7, 8]);
        assert_eq!(field.count(), 3);
        assert!(field.get(8) && !field.get(1) && !field.get(9) && !field.get(u32::MAX));
    }

    #[test]
    fn refuses_wrong_length_and_spare_bits() {
        assert_eq!(Bitfield::parse(&[], 1), Err(Fault::at(0, Rule::Length)));
        assert_eq!(Bitfield::parse(&[0, 0], 8), Err(Fault::at(2, Rule::Length)));
        assert_eq!(Bitfield::parse(&[0xff, 0xc0], 9), Err(Fault::at(1, Rule::SpareBit)));
        assert_eq!(Bitfield::parse(&[0xff, 0x01], 15), Err(Fault::at(1, Rule::SpareBit)));
        assert!(Bitfield::parse(&[0xff, 0xff], 16).is_ok());
        assert!(Bitfield::parse(&[], 0).is_ok());
    }

    #[test]
    fn full_and_empty() {
        for count in [0, 1, 7, 8, 9, 1_313] {
            let full = Bitfield::full(count);
            assert!(full.is_full());
            assert_eq!(Bitfield::parse(full.as_bytes(), count), Ok(full));
            assert!(Bitfield::empty(count).is_empty());
        }
        assert!(!Bitfield::empty(3).is_full());
    }

    #[test]
    fn grows_and_compares() {
        let mut field = Bitfield::empty(10);
        let before = field.clone();
        assert!(field.insert(9) && !field.insert(10));
        assert!(field.insert(3) && field.remove(3) && !field.remove(3) && !field.remove(10));
        assert!(field.is_superset_of(&before) && !before.is_superset_of(&field));
        assert!(!Bitfield::full(11).is_superset_of(&field));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..20), count in 0u32..170, piece: u32) {
            if let Ok(mut field) = Bitfield::parse(&bytes, count) {
                prop_assert_eq!(field.pieces().count() as u32, field.count());
                field.get(piece);
                prop_assert_eq!(field.insert(piece), field.get(piece));
            }
        }
    }
}
