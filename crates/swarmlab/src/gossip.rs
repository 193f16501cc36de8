//! What simulated peers say of others to whoever offers peer exchange (BEP 11), truly or not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::extension;

/// Who says what. Nobody says anything unless set.
#[derive(Clone, Debug, Default)]
pub struct Gossip {
    /// What those say who are not named below.
    pub others: Option<Word>,
    /// What the peers at these addresses say.
    pub by_host: BTreeMap<IpAddr, Word>,
}

/// What one peer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It knows these: at most 50 of each family, in one message.
    Names(Vec<SocketAddr>),
    /// It names all of these, true or not, in messages as long as can be, one right after the other.
    Floods(Vec<SocketAddr>),
    /// It sends this as the payload of a message.
    Babbles(Vec<u8>),
}

/// Most addresses in one message of a flood: more are refused by any careful reader.
const FLOOD_MAX: usize = 1_000;

impl Gossip {
    /// All peers say the same.
    #[must_use]
    pub fn of_everybody(word: Word) -> Self {
        Self { others: Some(word), by_host: BTreeMap::new() }
    }

    /// What the peer at this address says, if anything.
    #[must_use]
    pub fn of(&self, host: IpAddr) -> Option<&Word> {
        self.by_host.get(&host).or(self.others.as_ref())
    }
}

impl Word {
    /// The messages, under the number by which the receiver wants them addressed.
    #[must_use]
    pub fn encode(&self, id: u8) -> Vec<u8> {
        match self {
            Self::Names(known) => extension::peers(id, known),
            Self::Floods(named) => {
                let payloads = named.chunks(FLOOD_MAX).map(extension::peer_list);
                payloads.flat_map(|payload| extension::extended(id, &payload)).collect()
            }
            Self::Babbles(payload) => extension::extended(id, payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::message::{Decoder, Message};
    use wire::pex::PexMessage;

    use super::*;

    fn read(mut bytes: &[u8]) -> Vec<Option<usize>> {
        let mut counts = vec![];
        while let Some((message, used)) = Decoder::default().decode(bytes).unwrap() {
            let Message::Extended { id: 9, payload } = message else { panic!("{message:?}") };
            counts.push(PexMessage::parse(payload).ok().map(|message| message.added.len()));
            bytes = &bytes[used..];
        }
        counts
    }

    #[test]
    fn each_says_its_own() {
        let known: Vec<SocketAddr> = (1..=2_500u16).map(|port| SocketAddr::from(([127, 0, 0, 9], port))).collect();
        let host = IpAddr::from([127, 0, 0, 1]);
        let mut gossip = Gossip::of_everybody(Word::Names(known.clone()));
        gossip.by_host.insert(host, Word::Floods(known));
        let said = |host| read(&gossip.of(host).unwrap().encode(9));
        assert_eq!(said(IpAddr::from([127, 0, 0, 2])), [Some(50)]);
        assert_eq!(said(host), [Some(1_000), Some(1_000), Some(500)]);
        assert_eq!(read(&Word::Babbles(b"d5:added5:abcdee".to_vec()).encode(9)), [None]);
        assert_eq!(Gossip::default().of(host), None);
    }
}
