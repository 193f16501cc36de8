//! The layer between the engine and the wire.

use evidence::{Encryption, InfoHashV1, MseSecret, Now};

use super::super::veil::{Accepted, Veil};
use super::Probe;
use crate::chance::Seed;
use crate::mse::{Initiator, Offer, Output, Session};

/// What lies between the engine and the wire.
#[derive(Debug)]
pub(super) enum Cover {
    /// Nothing.
    None,
    /// An MSE handshake of ours, once connected.
    Due { names: InfoHashV1, seed: Seed },
    /// A caller's MSE handshake, to be recorded once connected.
    Accepted(Box<Accepted>),
    /// An MSE handshake of ours that is under way, and how many of its messages are sent.
    Shaking { initiator: Box<Initiator>, sent: u32 },
    /// A finished MSE handshake.
    Session(Box<Session>),
}

impl Cover {
    pub(super) fn new(veil: Veil, seed: Seed) -> Self {
        match veil {
            Veil::Plain => Self::None,
            Veil::Mse(names) => Self::Due { names, seed: seed.split("mse", &[]) },
            Veil::Accepted(accepted) => Self::Accepted(accepted),
        }
    }

    /// Covers bytes that are to be sent.
    pub(super) fn cover(&mut self, bytes: &mut [u8]) {
        if let Self::Session(session) = self {
            session.encrypt(bytes);
        }
    }

    pub(super) fn encryption(&self) -> Encryption {
        match self {
            Self::Session(session) => session.encryption(),
            _ => Encryption::None,
        }
    }

    pub(super) fn secret(&self) -> Option<MseSecret> {
        match self {
            Self::Session(session) => Some(MseSecret::from(session.keys_for_record().secret)),
            _ => None,
        }
    }
}

/// Our second message of an MSE handshake carries the BitTorrent handshake.
const CARRIER: u32 = 2;

impl Probe<'_> {
    /// Begins a connection that we dialled.
    pub(super) fn open(&mut self, now: Now) {
        match core::mem::replace(&mut self.cover, Cover::None) {
            Cover::Due { names, seed } => match Initiator::new(names, Offer::Both, &self.ours.encode(), seed) {
                Ok(initiator) => {
                    self.cover = Cover::Shaking { initiator: Box::new(initiator), sent: 0 };
                    self.shake(now);
                }
                // A BitTorrent handshake is far shorter than the longest payload.
                Err(fault) => self.end(now, evidence::Outcome::LocalFault { what: fault.to_string() }),
            },
            cover => {
                self.cover = cover;
                self.greet(now);
            }
        }
    }

    /// Takes over a connection that the peer dialled.
    pub(super) fn take_over(&mut self, now: Now) {
        match core::mem::replace(&mut self.cover, Cover::None) {
            Cover::Accepted(accepted) => {
                let Accepted { session, wire, heard } = *accepted;
                let heard_at = wire.iter().rfind(|part| part.is_received).map_or(now, |part| part.at);
                for part in wire {
                    if part.is_received {
                        self.record.wire_received(part.at.mono, &part.bytes);
                        self.volume.bytes_in += part.bytes.len() as u64;
                        self.times.last_byte = Some(part.at.stamp());
                    } else {
                        self.record.wire_sent(part.at.mono, &part.bytes);
                        self.volume.bytes_out += part.bytes.len() as u64;
                    }
                }
                self.cover = Cover::Session(session);
                self.on_stream(heard_at, &heard);
            }
            cover => self.cover = cover,
        }
    }

    /// Bytes arrived from the wire.
    pub(super) fn uncover(&mut self, now: Now, bytes: &[u8]) {
        match &mut self.cover {
            Cover::Shaking { initiator, .. } => {
                initiator.handle_input(bytes);
                self.record.wire_received(now.mono, bytes);
                self.shake(now);
            }
            Cover::Session(session) => {
                let mut bytes = bytes.to_vec();
                session.decrypt(&mut bytes);
                self.on_stream(now, &bytes);
            }
            Cover::None | Cover::Due { .. } | Cover::Accepted(_) => self.on_stream(now, bytes),
        }
    }

    /// Does what the handshake asks for.
    fn shake(&mut self, now: Now) {
        while let Cover::Shaking { initiator, sent } = &mut self.cover {
            match initiator.poll_output() {
                Output::Send(bytes) => {
                    *sent += 1;
                    let is_carrier = *sent == CARRIER;
                    self.record.wire_sent(now.mono, &bytes);
                    self.volume.bytes_out += bytes.len() as u64;
                    self.outbox.push_back(bytes);
                    if is_carrier {
                        // Only now has the peer been told anything.
                        self.greeted = true;
                        self.record.sent(now.mono, &self.ours.encode());
                    }
                }
                Output::Wait => return,
                Output::Done(mut session) => {
                    let payload = session.take_payload();
                    self.cover = Cover::Session(session);
                    self.on_stream(now, &payload);
                }
                Output::Failed(fault) => {
                    self.end_garbage(now, fault.name());
                    return;
                }
            }
        }
    }
}
