//! What we call ourselves: one honest name, and a fresh peer id for each contact.

use core::net::IpAddr;

use wire::peer_id::PeerId;

use crate::chance::Seed;
use crate::vantage::Vantages;

/// Who the monitor says it is.
#[derive(Clone, Debug)]
pub struct Identity {
    client: String,
    port: Port,
    secret: Seed,
}

/// Where we listen.
#[derive(Clone, Debug)]
enum Port {
    Everywhere(Option<u16>),
    At(Vantages),
}

impl Identity {
    /// `client` is sent as `v` of the extension handshake, e.g. `affiant/0.1.0 (+https://monitor.example/)`; `port` is
    /// where we listen; `secret` lets us recognise our own peer ids and nobody else.
    pub fn new(client: impl Into<String>, port: Option<u16>, secret: Seed) -> Self {
        Self { client: client.into(), port: Port::Everywhere(port), secret: secret.split("own-peer-ids", &[]) }
    }

    /// With the ports at which each of our addresses is called.
    #[must_use]
    pub fn with_vantages(self, vantages: Vantages) -> Self {
        Self { port: Port::At(vantages), ..self }
    }

    /// The client string.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The port at which whoever sees us at this address of ours can call us.
    pub fn port_at(&self, ours: Option<IpAddr>) -> Option<u16> {
        match &self.port {
            Port::Everywhere(port) => *port,
            Port::At(vantages) => vantages.port_at(ours?),
        }
    }

    /// A peer id: `-AF0100-`, six bytes of chance, and six that only we could have put behind them. Peers see a
    /// different one each time, as one id at two addresses makes some clients drop a connection.
    pub fn peer_id(&self, contact: &Seed) -> PeerId {
        let mut random = [0; 12];
        random[..6].copy_from_slice(&contact.split("peer-id", &[]).bytes()[..6]);
        let nonce = random[..6].to_vec();
        random[6..].copy_from_slice(&self.proof(&nonce));
        PeerId::azureus(*b"AF", *b"0100", random)
    }

    /// Whether we made this peer id in this run, for whatever contact.
    pub fn is_own(&self, id: &PeerId) -> bool {
        id.0.starts_with(b"-AF0100-") && self.proof(&id.0[8..14]) == id.0[14..]
    }

    fn proof(&self, nonce: &[u8]) -> [u8; 6] {
        let mut proof = [0; 6];
        proof.copy_from_slice(&self.secret.split("peer-id", nonce).bytes()[..6]);
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_ids_differ_and_only_we_know_them() {
        let ours = Identity::new("affiant", None, Seed::new([1; 32]));
        let one = ours.peer_id(&Seed::new([2; 32]));
        let two = ours.peer_id(&Seed::new([3; 32]));
        assert_ne!(one, two);
        assert!(ours.is_own(&one) && ours.is_own(&two));
        let others = Identity::new("affiant", None, Seed::new([4; 32]));
        assert!(!ours.is_own(&others.peer_id(&Seed::new([2; 32]))));
        assert!(!ours.is_own(&PeerId(*b"-TR3000-abcdefghijkl")));
        assert_eq!(one.claim().family, wire::peer_id::Family::Affiant);
    }
}
