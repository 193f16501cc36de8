//! The garbage that junk peers talk.

use std::net::IpAddr;

use crate::torrent::Stream;
use crate::{chance, extension, piece};

/// One kind of garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nonsense {
    /// Another protocol's greeting instead of the handshake.
    OtherProtocol,
    /// Random bytes instead of the handshake.
    Noise,
    /// Random bytes after the handshake.
    NoiseAfterwards,
    /// After the handshake, a message that announces four gigabytes.
    EndlessMessage,
    /// After the handshake, an extension handshake nested tens of thousands deep.
    DeepBencode,
    /// After the handshake, a `have` of three bytes.
    WrongLength,
    /// After the handshake, a bitfield for hundreds of thousands of pieces, whatever the torrent has.
    LongBitfield,
}

impl Nonsense {
    const ALL: [Self; 7] = [
        Self::OtherProtocol,
        Self::Noise,
        Self::NoiseAfterwards,
        Self::EndlessMessage,
        Self::DeepBencode,
        Self::WrongLength,
        Self::LongBitfield,
    ];

    /// The kind that the junk peer at this address talks.
    pub(super) fn of(address: IpAddr, seed: u64) -> Self {
        Self::ALL[(chance::number(seed, "nonsense", address) % Self::ALL.len() as u64) as usize]
    }

    /// Whether it takes the place of the handshake.
    pub(super) const fn replaces_handshake(self) -> bool {
        matches!(self, Self::OtherProtocol | Self::Noise)
    }

    /// The garbage.
    pub(super) fn bytes(self, address: IpAddr) -> Vec<u8> {
        match self {
            Self::OtherProtocol => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(),
            Self::Noise | Self::NoiseAfterwards => {
                let mut noise = vec![0; 4_096];
                Stream::new(chance::number(0, "noise", address)).read(0, &mut noise);
                // Neither a handshake's first byte nor a length that anybody accepts.
                noise[0] = 0xff;
                noise
            }
            Self::EndlessMessage => [&[0xff; 4][..], &[7], &[0; 1_024]].concat(),
            Self::DeepBencode => extension::extended(0, &[&b"d1:m"[..], &b"l".repeat(60_000)].concat()),
            Self::WrongLength => piece::raw(wire::message::id::HAVE, &[0; 3]),
            Self::LongBitfield => piece::raw(wire::message::id::BITFIELD, &[0xff; 100_000]),
        }
    }
}
