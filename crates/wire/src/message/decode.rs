//! Reading messages from a receive buffer.

use super::{Block, Error, HashRange, Message, Rule, id};
use crate::Fault;

/// Length of the prefix that tells a message's length.
const PREFIX: usize = 4;
const BLOCK_HEADER: usize = 8;
const HASH_HEADER: usize = 48;

/// Bounds on messages by type, in bytes of what follows the type number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A bitfield. Where the number of pieces is known, an eighth of it, rounded up, is the right limit.
    pub bitfield_max: usize,
    /// The block in a piece message, its header not counted.
    pub block_max: usize,
    /// An extended message, its own number included.
    pub extended_max: usize,
    /// The hashes in a hashes message, its header not counted.
    pub hashes_max: usize,
    /// A message of a type we do not know.
    pub unknown_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Three million pieces, as many as the metainfo limit allows.
            bitfield_max: 420 << 10,
            // Nobody asks for more than 16 KiB at once, we least of all.
            block_max: 16 << 10,
            // A metadata block is 16 KiB and its header; exchanges of peers are smaller.
            extended_max: 64 << 10,
            // 512 hashes are the most that may be asked for at once, and the proof is at most one more a layer.
            hashes_max: (512 + 64) * 32,
            unknown_max: 4 << 10,
        }
    }
}

impl Limits {
    /// These limits for a torrent whose number of pieces is known.
    #[must_use]
    pub const fn for_pieces(mut self, piece_count: u32) -> Self {
        self.bitfield_max = piece_count.div_ceil(8) as usize;
        self
    }

    /// The longest frame any type may have, type number included.
    fn frame_max(&self) -> usize {
        let types = [
            self.bitfield_max,
            self.block_max.saturating_add(BLOCK_HEADER),
            self.extended_max,
            self.hashes_max.saturating_add(HASH_HEADER),
            self.unknown_max,
            HASH_HEADER,
        ];
        types.into_iter().max().unwrap_or(0).saturating_add(1)
    }
}

/// Cuts messages out of a receive buffer. It holds limits and no state: the caller owns the buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoder {
    /// The bounds on what is accepted.
    pub limits: Limits,
}

impl Decoder {
    /// A decoder with these limits.
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Reads the message at the start of `input`: the message and how many bytes it took, or `None` while it is
    /// incomplete. A message that breaks a rule is refused as soon as its length and type are there, so a caller
    /// never buffers more than the limits allow.
    pub fn decode<'a>(&self, input: &'a [u8]) -> Result<Option<(Message<'a>, usize)>, Error> {
        let Some(prefix) = input.first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix) as usize;
        if length == 0 {
            return Ok(Some((Message::KeepAlive, PREFIX)));
        }
        if length > self.limits.frame_max() {
            return Err(Fault::at(0, Rule::TooLong));
        }
        let Some(&id) = input.get(PREFIX) else { return Ok(None) };
        self.check_length(id, length - 1).map_err(|rule| Fault::at(0, rule))?;
        let end = PREFIX + length;
        let Some(payload) = input.get(PREFIX + 1..end) else { return Ok(None) };
        // The lengths were checked, so a payload that does not fit its type here is our own mistake; it is still
        // answered as a fault of length, never with a panic.
        let message = read(id, payload).ok_or(Fault::at(0, Rule::WrongLength))?;
        Ok(Some((message, end)))
    }

    fn check_length(&self, id: u8, length: usize) -> Result<(), Rule> {
        let exactly = |due: usize| if length == due { Ok(()) } else { Err(Rule::WrongLength) };
        let between = |least: usize, most: usize, rule: Rule| match length {
            _ if length < least => Err(Rule::WrongLength),
            _ if length > most => Err(rule),
            _ => Ok(()),
        };
        let limits = &self.limits;
        match id {
            id::CHOKE | id::UNCHOKE | id::INTERESTED | id::NOT_INTERESTED | id::HAVE_ALL | id::HAVE_NONE => exactly(0),
            id::HAVE | id::SUGGEST | id::ALLOWED_FAST => exactly(4),
            id::REQUEST | id::CANCEL | id::REJECT => exactly(12),
            id::PORT => exactly(2),
            id::HASH_REQUEST | id::HASH_REJECT => exactly(HASH_HEADER),
            id::BITFIELD => between(0, limits.bitfield_max, Rule::BitfieldTooLong),
            id::PIECE => between(BLOCK_HEADER, limits.block_max.saturating_add(BLOCK_HEADER), Rule::BlockTooLong),
            id::EXTENDED => between(1, limits.extended_max, Rule::ExtendedTooLong),
            id::HASHES if length >= HASH_HEADER && !(length - HASH_HEADER).is_multiple_of(32) => Err(Rule::HashesLength),
            id::HASHES => between(HASH_HEADER, limits.hashes_max.saturating_add(HASH_HEADER), Rule::HashesTooLong),
            _ => between(0, limits.unknown_max, Rule::UnknownTooLong),
        }
    }
}

fn read(id: u8, payload: &[u8]) -> Option<Message<'_>> {
    Some(match id {
        id::CHOKE => Message::Choke,
        id::UNCHOKE => Message::Unchoke,
        id::INTERESTED => Message::Interested,
        id::NOT_INTERESTED => Message::NotInterested,
        id::HAVE => Message::Have(u32_at(payload, 0)?),
        id::BITFIELD => Message::Bitfield(payload),
        id::REQUEST => Message::Request(block(payload)?),
        id::PIECE => {
            Message::Piece { piece: u32_at(payload, 0)?, begin: u32_at(payload, 4)?, block: payload.get(BLOCK_HEADER..)? }
        }
        id::CANCEL => Message::Cancel(block(payload)?),
        id::PORT => Message::Port(u16::from_be_bytes(*payload.first_chunk()?)),
        id::SUGGEST => Message::Suggest(u32_at(payload, 0)?),
        id::HAVE_ALL => Message::HaveAll,
        id::HAVE_NONE => Message::HaveNone,
        id::REJECT => Message::Reject(block(payload)?),
        id::ALLOWED_FAST => Message::AllowedFast(u32_at(payload, 0)?),
        id::EXTENDED => {
            let (id, payload) = payload.split_first()?;
            Message::Extended { id: *id, payload }
        }
        id::HASH_REQUEST => Message::HashRequest(hash_range(payload)?),
        id::HASHES => Message::Hashes { range: hash_range(payload)?, hashes: payload.get(HASH_HEADER..)? },
        id::HASH_REJECT => Message::HashReject(hash_range(payload)?),
        _ => Message::Unknown { id, payload },
    })
}

fn block(payload: &[u8]) -> Option<Block> {
    Some(Block { piece: u32_at(payload, 0)?, begin: u32_at(payload, 4)?, length: u32_at(payload, 8)? })
}

fn hash_range(payload: &[u8]) -> Option<HashRange> {
    Some(HashRange {
        pieces_root: *payload.first_chunk()?,
        base_layer: u32_at(payload, 32)?,
        index: u32_at(payload, 36)?,
        length: u32_at(payload, 40)?,
        proof_layers: u32_at(payload, 44)?,
    })
}

fn u32_at(payload: &[u8], at: usize) -> Option<u32> {
    payload.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
