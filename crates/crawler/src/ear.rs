//! Where what peers say of others is handed on, while their contacts last.

use std::net::SocketAddr;

use swarm::probe::Hearsay;
use tokio::sync::mpsc;

/// Somebody named others.
pub(crate) struct Rumour {
    pub(crate) target: usize,
    pub(crate) teller: SocketAddr,
    pub(crate) hearsay: Box<Hearsay>,
}

/// Rumours that wait to be looked at. A contact that finds no room waits for it, and the conductor never waits for one.
pub(crate) const RUMOURS_MAX: usize = 256;

/// One contact's way to hand on what it hears.
pub(crate) struct Ear {
    pub(crate) target: usize,
    pub(crate) into: mpsc::Sender<Rumour>,
}

impl Ear {
    pub(crate) async fn hear(&self, teller: SocketAddr, hearsay: Box<Hearsay>) {
        // Once nobody listens any more the run is over, and nobody will be contacted.
        let _ = self.into.send(Rumour { target: self.target, teller, hearsay }).await;
    }
}
