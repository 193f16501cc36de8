//! Which client a simulated peer says it is: again a pure function of its address.

use std::net::SocketAddr;

use wire::handshake::Reserved;
use wire::peer_id::{Family, PeerId};

use crate::behaviour::{Behaviour, Mix};
use crate::chance;

/// The client that a peer plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persona {
    /// The family that its peer id claims.
    pub family: Family,
    /// What it calls itself.
    pub peer_id: PeerId,
    /// `v` of its extension handshake. WebTorrent sends none.
    pub client: Option<&'static str>,
    /// Whether it speaks the Fast Extension, BEP 6.
    pub fast: bool,
    /// How many pieces it offers while choking.
    pub allowed_fast: usize,
}

/// What is known of a family from running it; see `probe.md`.
struct Cast {
    family: Family,
    prefix: &'static [u8],
    client: Option<&'static str>,
    fast: bool,
    allowed_fast: usize,
}

const CASTS: [Cast; 8] = [
    Cast { family: Family::QBittorrent, prefix: b"-qB4520-", client: Some("qBittorrent/4.5.2"), fast: true, allowed_fast: 5 },
    Cast { family: Family::Deluge, prefix: b"-DE203s-", client: Some("Deluge/2.0.3"), fast: true, allowed_fast: 5 },
    Cast {
        family: Family::LibtorrentRasterbar,
        prefix: b"-LT2110-",
        client: Some("libtorrent/2.1.1.0"),
        fast: true,
        allowed_fast: 5,
    },
    Cast { family: Family::Aria2, prefix: b"A2-1-36-0-", client: Some("aria2/1.36.0"), fast: true, allowed_fast: 10 },
    Cast { family: Family::Transmission, prefix: b"-TR3000-", client: Some("Transmission 3.00"), fast: true, allowed_fast: 0 },
    Cast { family: Family::WebTorrent, prefix: b"-WW0208-", client: None, fast: true, allowed_fast: 0 },
    Cast { family: Family::MicroTorrent, prefix: b"-UT3550-", client: Some("\u{b5}Torrent 3.5.5"), fast: true, allowed_fast: 0 },
    Cast { family: Family::RTorrent, prefix: b"-lt0D80-", client: Some("libTorrent 0.13.8"), fast: false, allowed_fast: 0 },
];

/// How many of [`CASTS`], from the first on, offer pieces while choking.
const OFFERING: usize = 4;

impl Persona {
    /// What the peer at this address plays. One that serves nothing but allowed-fast pieces plays a client that has them.
    #[must_use]
    pub fn of(address: SocketAddr, mix: &Mix) -> Self {
        let choice = match Behaviour::of(address, mix) {
            Behaviour::AllowedFastOnly | Behaviour::Suggester | Behaviour::Tacit => OFFERING,
            _ => CASTS.len(),
        };
        let random = chance::bytes(mix.seed(), "persona", address.ip());
        let cast = &CASTS[usize::from(random[31]) % choice];
        let mut id = [0; 20];
        for (at, place) in id.iter_mut().enumerate() {
            // What follows the prefix is letters and digits, as clients of most families have it.
            *place = *cast.prefix.get(at).unwrap_or(&b"0123456789abcdefghijklmnopqrstuv"[usize::from(random[at]) % 32]);
        }
        Self { family: cast.family, peer_id: PeerId(id), client: cast.client, fast: cast.fast, allowed_fast: cast.allowed_fast }
    }

    /// The reserved bytes of its handshake.
    #[must_use]
    pub fn reserved(&self) -> Reserved {
        let reserved = Reserved::default().with_extension();
        if self.fast { reserved.with_fast() } else { reserved }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn address(host: u8) -> SocketAddr {
        SocketAddr::from(([127, 64, 3, host], 6_881))
    }

    #[test]
    fn peer_ids_claim_the_family_and_are_all_different() {
        let mut families = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for host in 0..=255 {
            let persona = Persona::of(address(host), &Mix::demo());
            assert_eq!(persona.peer_id.claim().family, persona.family);
            assert!(ids.insert(persona.peer_id));
            families.insert(persona.family);
        }
        assert_eq!(families.len(), CASTS.len());
    }

    #[test]
    fn who_serves_only_allowed_fast_pieces_can() {
        let mix = Mix::only(Behaviour::AllowedFastOnly);
        assert!((0..=255).map(|host| Persona::of(address(host), &mix)).all(|persona| persona.fast && persona.allowed_fast > 0));
    }
}
