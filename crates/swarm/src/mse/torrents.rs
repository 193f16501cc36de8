//! The torrents a responder answers for, found by the hash that an initiator names.

use std::collections::BTreeMap;

use evidence::InfoHashV1;

use super::cipher::{Sha1Digest, torrent_digest};

/// The torrents a responder answers for. An initiator never names one in the open: it sends HASH("req2", SKEY), covered.
#[derive(Clone, Debug, Default)]
pub struct Torrents(BTreeMap<Sha1Digest, InfoHashV1>);

impl Torrents {
    /// Answers for one more: its version 1 info-hash, or the truncated one of version 2. A hybrid torrent needs both.
    pub fn insert(&mut self, info_hash: InfoHashV1) {
        self.0.insert(torrent_digest(info_hash.as_bytes()), info_hash);
    }

    /// Answers for one less.
    pub fn remove(&mut self, info_hash: &InfoHashV1) {
        self.0.remove(&torrent_digest(info_hash.as_bytes()));
    }

    pub(super) fn find(&self, digest: &Sha1Digest) -> Option<InfoHashV1> {
        self.0.get(digest).copied()
    }
}

impl FromIterator<InfoHashV1> for Torrents {
    fn from_iter<I: IntoIterator<Item = InfoHashV1>>(info_hashes: I) -> Self {
        let mut torrents = Self::default();
        info_hashes.into_iter().for_each(|info_hash| torrents.insert(info_hash));
        torrents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torrents_come_and_go() {
        let (one, other) = (InfoHashV1::from([1; 20]), InfoHashV1::from([2; 20]));
        let mut torrents: Torrents = [one].into_iter().collect();
        torrents.insert(other);
        assert_eq!(torrents.find(&torrent_digest(&[1; 20])), Some(one));
        torrents.remove(&one);
        assert_eq!(torrents.find(&torrent_digest(&[1; 20])), None);
        assert_eq!(torrents.find(&torrent_digest(&[2; 20])), Some(other));
    }
}
