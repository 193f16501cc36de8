//! What is made of the secret: the hashes on the wire, and the two streams of RC4.

use core::fmt;

use rc4::{KeyInit as _, Rc4, StreamCipher as _};
use sha1::{Digest as _, Sha1};

use super::Role;
use super::exchange::KEY_LENGTH;

pub(super) type Sha1Digest = [u8; 20];

/// The first bytes of RC4 give its key away, so they are thrown away.
const DISCARDED: usize = 1_024;

/// The secret S of one connection.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) [u8; KEY_LENGTH]);

impl Secret {
    /// HASH("req1", S), which ends the initiator's pad.
    pub(super) fn sync(&self) -> Sha1Digest {
        hash(&[b"req1", &self.0])
    }

    /// HASH("req2", SKEY) xor HASH("req3", S); given either of the first two, the other.
    pub(super) fn cover(&self, torrent: Sha1Digest) -> Sha1Digest {
        let mut covered = hash(&[b"req3", &self.0]);
        covered.iter_mut().zip(torrent).for_each(|(byte, other)| *byte ^= other);
        covered
    }

    /// What `sender` sends is under this stream.
    pub(super) fn stream_from(&self, sender: Role, skey: &[u8; 20]) -> Stream {
        let name: &[u8; 4] = match sender {
            Role::Initiator => b"keyA",
            Role::Responder => b"keyB",
        };
        Stream::new(&hash(&[name, &self.0, skey]))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// HASH("req2", SKEY): the torrent, before it is covered.
pub(super) fn torrent_digest(skey: &[u8; 20]) -> Sha1Digest {
    hash(&[b"req2", skey])
}

fn hash(parts: &[&[u8]]) -> Sha1Digest {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// One direction's RC4.
pub(super) struct Stream(Rc4);

impl Stream {
    fn new(key: &Sha1Digest) -> Self {
        let mut stream = Self(Rc4::new_from_slice(key).expect("RC4 takes keys of 1 to 256 bytes, and this has 20"));
        stream.apply(&mut [0; DISCARDED]);
        stream
    }

    /// Covers or uncovers the stream's next bytes.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        self.0.apply_keystream(bytes);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_1024_bytes_are_thrown_away() {
        // RFC 6229: key 0102…10 of 128 bits, the key stream at offsets 1,024 and 1,040. `Stream` takes 20 bytes.
        let key: Vec<u8> = (1..=16).collect();
        let mut stream = Stream(Rc4::new_from_slice(&key).unwrap());
        stream.apply(&mut [0; DISCARDED]);
        let mut bytes = [0; 4];
        stream.apply(&mut bytes);
        assert_eq!(bytes, [0xbd, 0xf0, 0x32, 0x4e]);
    }

    #[test]
    fn covering_twice_uncovers() {
        let secret = Secret([7; KEY_LENGTH]);
        assert_eq!(secret.cover(secret.cover([3; 20])), [3; 20]);
        assert_ne!(secret.cover([3; 20]), [3; 20]);
    }
}
