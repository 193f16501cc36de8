//! The layer between a fetch and the wire: nothing, or Message Stream Encryption that we begin.

use evidence::InfoHashV1;

use super::{Fault, Fetch};
use crate::chance::Seed;
use crate::mse::{Initiator, Offer, Output, Session};
use crate::probe::Why;

/// What lies between.
#[derive(Debug)]
pub(super) enum Cover {
    /// Nothing.
    None,
    /// An MSE handshake of ours, once connected.
    Due { names: InfoHashV1, seed: Seed },
    /// One that is under way.
    Shaking(Box<Initiator>),
    /// One that has been agreed on.
    Session(Box<Session>),
}

impl Fetch<'_> {
    /// The transport is there: our handshake goes out, under cover where that is wished.
    pub(super) fn open(&mut self) {
        let handshake = self.ours.encode();
        match core::mem::replace(&mut self.cover, Cover::None) {
            Cover::Due { names, seed } => match Initiator::new(names, Offer::Both, &handshake, seed) {
                Ok(initiator) => {
                    self.cover = Cover::Shaking(Box::new(initiator));
                    self.shake();
                }
                // A BitTorrent handshake is far shorter than the longest payload.
                Err(fault) => self.fail(Fault::NotMet(Why::Local(fault.to_string()))),
            },
            cover => {
                self.cover = cover;
                self.outbox.push_back(handshake.to_vec());
            }
        }
    }

    /// Bytes arrived from the wire.
    pub(super) fn uncover(&mut self, bytes: &[u8]) {
        match &mut self.cover {
            Cover::Shaking(initiator) => {
                initiator.handle_input(bytes);
                self.shake();
            }
            Cover::Session(session) => {
                let mut bytes = bytes.to_vec();
                session.decrypt(&mut bytes);
                self.on_stream(&bytes);
            }
            Cover::None | Cover::Due { .. } => self.on_stream(bytes),
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, mut bytes: Vec<u8>) {
        if let Cover::Session(session) = &mut self.cover {
            session.encrypt(&mut bytes);
        }
        self.outbox.push_back(bytes);
    }

    fn shake(&mut self) {
        while let Cover::Shaking(initiator) = &mut self.cover {
            match initiator.poll_output() {
                Output::Send(bytes) => self.outbox.push_back(bytes),
                Output::Wait => return,
                Output::Done(mut session) => {
                    let payload = session.take_payload();
                    self.cover = Cover::Session(session);
                    self.on_stream(&payload);
                }
                Output::Failed(_) => return self.fail(Fault::Handshake),
            }
        }
    }
}
