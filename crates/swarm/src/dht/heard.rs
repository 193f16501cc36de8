//! Whom the answers of one look-up have named so far.
//!
//! The closest nodes keep much the same list, so most answers of a look-up name nobody new. Such an answer is counted,
//! and need not be logged: everybody on it is on a list of the same look-up already.

use core::net::SocketAddr;
use std::collections::BTreeSet;

use super::record::Hearsay;

/// The peers that one look-up has named. It holds no more than all its answers can: each is one datagram.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    peers: BTreeSet<SocketAddr>,
    naming: u32,
    named: u32,
}

impl Heard {
    /// Counts an answer. Returns whether it names anybody whom no answer has named before.
    pub fn take(&mut self, hearsay: &Hearsay) -> bool {
        let before = self.peers.len();
        self.peers.extend(&hearsay.peers);
        self.naming += 1;
        self.named = self.named.saturating_add(u32::try_from(hearsay.peers.len()).unwrap_or(u32::MAX));
        self.peers.len() > before
    }

    /// Answers that named peers.
    pub fn naming(&self) -> u32 {
        self.naming
    }

    /// Addresses named, repeats included.
    pub fn named(&self) -> u32 {
        self.named
    }

    /// Distinct addresses named.
    pub fn distinct(&self) -> u32 {
        u32::try_from(self.peers.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use evidence::{InfoHashV1, Stamp, Utc};
    use wire::krpc::{Node, NodeId};

    use super::super::{IdCheck, SearchId};
    use super::*;

    fn answer(peers: &[u8]) -> Hearsay {
        let at = |host: &u8| SocketAddr::from(([198, 51, 100, *host], 6_881));
        Hearsay {
            search: SearchId(1),
            info_hash: InfoHashV1::from([1; 20]),
            at: Stamp { mono_us: 0, utc: Utc::from_ms(0) },
            node: Node { id: NodeId([2; 20]), address: at(&200) },
            check: IdCheck::Matches,
            is_whom_we_asked: true,
            shared_bits: 9,
            path: 0,
            datagram: vec![],
            sha256: evidence::sha256(b""),
            peers: peers.iter().map(at).collect(),
            dropped: 0,
        }
    }

    #[test]
    fn only_an_answer_with_somebody_new_is_worth_a_list() {
        let mut heard = Heard::default();
        for (peers, is_new) in [(&[1, 2][..], true), (&[2, 1], false), (&[2, 3], true), (&[1, 2, 3, 3], false), (&[4], true)] {
            assert_eq!(heard.take(&answer(peers)), is_new, "{peers:?}");
        }
        assert_eq!((heard.naming(), heard.named(), heard.distinct()), (5, 11, 4));
    }
}
