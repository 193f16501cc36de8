//! What a peer with content says: `piece`, `have`, `bitfield`, `have all`, `unchoke` and their kin. BEP 3 and 6.
//!
//! The only encoder of these in the workspace. [`wire::message::Outgoing`] has none of them, so that a monitor cannot
//! claim or send content.

use wire::bitfield::Bitfield;
use wire::message::{Block, id};

/// A block of content.
#[must_use]
pub fn piece(piece: u32, begin: u32, block: &[u8]) -> Vec<u8> {
    framed(id::PIECE, &[&piece.to_be_bytes(), &begin.to_be_bytes(), block])
}

/// The claim to have a piece.
#[must_use]
pub fn have(piece: u32) -> Vec<u8> {
    framed(id::HAVE, &[&piece.to_be_bytes()])
}

/// The claim to have these pieces.
#[must_use]
pub fn bitfield(pieces: &Bitfield) -> Vec<u8> {
    framed(id::BITFIELD, &[pieces.as_bytes()])
}

/// The claim to have every piece. BEP 6.
#[must_use]
pub fn have_all() -> Vec<u8> {
    framed(id::HAVE_ALL, &[])
}

/// Leave to request blocks.
#[must_use]
pub fn unchoke() -> Vec<u8> {
    framed(id::UNCHOKE, &[])
}

/// That leave taken back.
#[must_use]
pub fn choke() -> Vec<u8> {
    framed(id::CHOKE, &[])
}

/// Leave to request blocks of this piece even while choked. BEP 6.
#[must_use]
pub fn allowed_fast(piece: u32) -> Vec<u8> {
    framed(id::ALLOWED_FAST, &[&piece.to_be_bytes()])
}

/// The wish that this piece be asked for. BEP 6.
#[must_use]
pub fn suggest(piece: u32) -> Vec<u8> {
    framed(id::SUGGEST, &[&piece.to_be_bytes()])
}

/// A request that will not be answered. BEP 6.
#[must_use]
pub fn reject(block: Block) -> Vec<u8> {
    framed(id::REJECT, &[&block.piece.to_be_bytes(), &block.begin.to_be_bytes(), &block.length.to_be_bytes()])
}

/// A message of any number, for peers that misbehave.
#[must_use]
pub fn raw(id: u8, payload: &[u8]) -> Vec<u8> {
    framed(id, &[payload])
}

fn framed(id: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut frame = Vec::with_capacity(4 + length);
    // The longest part is a bitfield or a block, far below four gigabytes.
    frame.extend_from_slice(&(length as u32).to_be_bytes());
    frame.push(id);
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

#[cfg(test)]
mod tests {
    use wire::message::{Decoder, Message};

    use super::*;

    #[test]
    fn the_decoder_reads_every_frame() {
        let block = Block { piece: 1, begin: 16_384, length: 5 };
        let pieces = Bitfield::full(9);
        let frames = [
            (piece(1, 16_384, b"bytes"), Message::Piece { piece: 1, begin: 16_384, block: b"bytes" }),
            (have(3), Message::Have(3)),
            (bitfield(&pieces), Message::Bitfield(&[0xff, 0x80])),
            (have_all(), Message::HaveAll),
            (unchoke(), Message::Unchoke),
            (choke(), Message::Choke),
            (allowed_fast(4), Message::AllowedFast(4)),
            (suggest(5), Message::Suggest(5)),
            (reject(block), Message::Reject(block)),
            (raw(99, b"?"), Message::Unknown { id: 99, payload: b"?" }),
        ];
        for (frame, message) in frames {
            assert_eq!(Decoder::default().decode(&frame), Ok(Some((message, frame.len()))));
        }
    }
}
