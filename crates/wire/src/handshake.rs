//! The 68 bytes that open a connection between peers. BEP 3.

use core::fmt;

use crate::fault::{Fault, rules};
use crate::infohash::InfoHashV1;
use crate::peer_id::PeerId;

/// Length of a handshake in bytes.
pub const LENGTH: usize = 68;

const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";

/// Bytes that do not open a BitTorrent connection.
pub type Error = Fault<Rule>;

rules! {
    /// The rule of the handshake.
    pub enum Rule {
        Protocol "handshake-protocol" "a handshake must begin with the byte 19 and the words BitTorrent protocol",
    }
}

/// A handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// What the sender says it supports.
    pub reserved: Reserved,
    /// The torrent: its version 1 info-hash, or the truncated version 2 info-hash.
    pub info_hash: InfoHashV1,
    /// What the sender calls itself.
    pub peer_id: PeerId,
}

impl Handshake {
    /// The 68 bytes.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut out = [0; LENGTH];
        out[..20].copy_from_slice(PROTOCOL);
        out[20..28].copy_from_slice(&self.reserved.0);
        out[28..48].copy_from_slice(&self.info_hash.0);
        out[48..].copy_from_slice(&self.peer_id.0);
        out
    }

    /// Reads the handshake at the start of `input`: `None` while fewer than [`LENGTH`] bytes are there and all of them
    /// fit. Bytes may follow it. A stranger's protocol is refused at its first wrong byte.
    pub fn parse(input: &[u8]) -> Result<Option<Self>, Error> {
        if let Some(offset) = input.iter().zip(PROTOCOL).position(|(got, due)| got != due) {
            return Err(Fault::at(offset, Rule::Protocol));
        }
        let Some(bytes) = input.first_chunk::<LENGTH>() else { return Ok(None) };
        let mut handshake = Self { reserved: Reserved::default(), info_hash: InfoHashV1([0; 20]), peer_id: PeerId([0; 20]) };
        handshake.reserved.0.copy_from_slice(&bytes[20..28]);
        handshake.info_hash.0.copy_from_slice(&bytes[28..48]);
        handshake.peer_id.0.copy_from_slice(&bytes[48..]);
        Ok(Some(handshake))
    }

    /// The info-hash an incomplete handshake already names: the first 48 bytes are enough for it. Some clients send
    /// the rest only after an answer.
    pub fn info_hash_of(input: &[u8]) -> Option<InfoHashV1> {
        let bytes = input.get(28..48)?;
        let mut hash = [0; 20];
        hash.copy_from_slice(bytes);
        Some(InfoHashV1(hash))
    }
}

/// The eight reserved bytes, each bit an offer. Bits we have no name for are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reserved(pub [u8; 8]);

impl Reserved {
    /// Speaks the extension protocol. BEP 10.
    pub const fn extension(self) -> bool {
        self.0[5] & 0x10 != 0
    }

    /// Speaks the Fast Extension. BEP 6.
    pub const fn fast(self) -> bool {
        self.0[7] & 0x04 != 0
    }

    /// Has a DHT node. BEP 5.
    pub const fn dht(self) -> bool {
        self.0[7] & 0x01 != 0
    }

    /// Can be upgraded to version 2 of the torrent. BEP 52.
    pub const fn v2(self) -> bool {
        self.0[7] & 0x10 != 0
    }

    /// With the offer of the extension protocol.
    #[must_use]
    pub const fn with_extension(mut self) -> Self {
        self.0[5] |= 0x10;
        self
    }

    /// With the offer of the Fast Extension.
    #[must_use]
    pub const fn with_fast(mut self) -> Self {
        self.0[7] |= 0x04;
        self
    }

    /// With the note that we have a DHT node.
    #[must_use]
    pub const fn with_dht(mut self) -> Self {
        self.0[7] |= 0x01;
        self
    }

    /// With the offer of version 2. A hybrid torrent's peer may then answer with the version 2 info-hash.
    #[must_use]
    pub const fn with_v2(mut self) -> Self {
        self.0[7] |= 0x10;
        self
    }
}

impl fmt::Debug for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reserved({:016x})", u64::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_offer_is_its_own_bit() {
        let none = Reserved::default();
        assert!(!none.extension() && !none.fast() && !none.dht() && !none.v2());
        assert_eq!(none.with_extension().0, [0, 0, 0, 0, 0, 0x10, 0, 0]);
        assert_eq!(none.with_fast().0, [0, 0, 0, 0, 0, 0, 0, 4]);
        assert_eq!(none.with_dht().0, [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(none.with_v2().0, [0, 0, 0, 0, 0, 0, 0, 0x10]);
        let all = none.with_extension().with_fast().with_dht().with_v2();
        assert!(all.extension() && all.fast() && all.dht() && all.v2());
    }

    #[test]
    fn another_protocol_is_refused_at_its_first_wrong_byte() {
        assert_eq!(Handshake::parse(b"SSH-2.0"), Err(Fault::at(0, Rule::Protocol)));
        assert_eq!(Handshake::parse(b"\x13BitTorrent Protocol"), Err(Fault::at(12, Rule::Protocol)));
        assert_eq!(Handshake::parse(b"\x13BitTor"), Ok(None));
        assert_eq!(Handshake::parse(b""), Ok(None));
    }

    #[test]
    fn the_info_hash_is_known_before_the_peer_id() {
        let handshake = Handshake { reserved: Reserved::default(), info_hash: InfoHashV1([9; 20]), peer_id: PeerId([1; 20]) };
        let bytes = handshake.encode();
        assert_eq!(Handshake::info_hash_of(&bytes[..47]), None);
        assert_eq!(Handshake::info_hash_of(&bytes[..48]), Some(InfoHashV1([9; 20])));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(reserved: [u8; 8], hash: [u8; 20], id: [u8; 20], more: Vec<u8>, cut in 0..LENGTH) {
            let ours = Handshake { reserved: Reserved(reserved), info_hash: InfoHashV1(hash), peer_id: PeerId(id) };
            let mut bytes = ours.encode().to_vec();
            prop_assert_eq!(Handshake::parse(&bytes[..cut]), Ok(None));
            bytes.extend(more);
            prop_assert_eq!(Handshake::parse(&bytes), Ok(Some(ours)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Handshake::parse(&bytes);
            let _ = Handshake::info_hash_of(&bytes);
        }
    }
}
