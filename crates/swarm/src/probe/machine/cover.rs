//! The layer between the engine and the wire.

use core::ops::Range;

use evidence::{Direction, Encryption, InfoHashV1, MseSecret, Now};

use super::super::veil::{Accepted, Veil, Wire};
use super::Probe;
use crate::chance::Seed;
use crate::mse::{Initiator, Offer, Output, Session};
use crate::transcript::KEPT_MAX;

/// What lies between the engine and the wire.
#[derive(Debug)]
pub(super) enum Cover {
    /// Nothing.
    None,
    /// An MSE handshake of ours, once connected.
    Due { names: InfoHashV1, seed: Seed },
    /// A caller's MSE handshake, to be recorded once connected.
    Accepted(Box<Accepted>),
    /// An MSE handshake of ours that is under way, and what was on the wire for it.
    Shaking { initiator: Box<Initiator>, wire: Vec<Wire> },
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
            Self::Shaking { .. } => Encryption::MseFailed,
            Self::None | Self::Due { .. } | Self::Accepted(_) => Encryption::None,
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
const CARRIER: usize = 2;

impl Probe<'_> {
    /// Begins a connection that we dialled.
    pub(super) fn open(&mut self, now: Now) {
        match core::mem::replace(&mut self.cover, Cover::None) {
            Cover::Due { names, seed } => match Initiator::new(names, Offer::Both, &self.ours.encode(), seed) {
                Ok(initiator) => {
                    self.cover = Cover::Shaking { initiator: Box::new(initiator), wire: vec![] };
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
    pub(super) fn take_over(&mut self) {
        match core::mem::replace(&mut self.cover, Cover::None) {
            Cover::Accepted(accepted) => {
                let Accepted { session, wire, heard, heard_at } = *accepted;
                for part in &wire {
                    let volume = &mut self.volume;
                    *(if part.is_received { &mut volume.bytes_in } else { &mut volume.bytes_out }) += part.bytes.len() as u64;
                }
                self.volume.bytes_in += heard.len() as u64;
                self.times.last_byte = Some(heard_at.stamp());
                self.record_wire(&wire, Some(session.head()));
                self.cover = Cover::Session(session);
                self.on_stream(heard_at, &heard);
            }
            cover => self.cover = cover,
        }
    }

    /// Bytes arrived from the wire.
    pub(super) fn uncover(&mut self, now: Now, bytes: &[u8]) {
        match &mut self.cover {
            Cover::Shaking { initiator, wire } => {
                initiator.handle_input(bytes);
                wire.push(Wire { at: now, is_received: true, bytes: bytes.to_vec() });
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
        while let Cover::Shaking { initiator, wire } = &mut self.cover {
            match initiator.poll_output() {
                Output::Send(bytes) => {
                    wire.push(Wire { at: now, is_received: false, bytes: bytes.clone() });
                    // Only with the carrier has the peer been told anything.
                    self.greeted = wire.iter().filter(|part| !part.is_received).count() == CARRIER;
                    self.volume.bytes_out += bytes.len() as u64;
                    self.outbox.push_back(bytes);
                }
                Output::Wait => return,
                Output::Done(mut session) => {
                    let payload = session.take_payload();
                    let mut wire = core::mem::take(wire);
                    Wire::cut_stream(&mut wire, payload.len());
                    self.record_wire(&wire, Some(session.head()));
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

    /// Records a handshake of ours that came to nothing. Once, at the end of the contact.
    pub(super) fn record_failed(&mut self) {
        if let Cover::Shaking { wire, .. } = &mut self.cover {
            let wire = core::mem::take(wire);
            self.record_wire(&wire, None);
        }
    }

    /// Records what was on the wire for a handshake. Of the peer's bytes `head` is kept, which nobody can choose freely; of
    /// a handshake without one, as much as of any nonsense.
    fn record_wire(&mut self, wire: &[Wire], head: Option<Range<usize>>) {
        let received: Vec<u8> = wire.iter().filter(|part| part.is_received).flat_map(|part| &part.bytes).copied().collect();
        let end = received.len();
        // Each of these is recorded with the chunk that brought its last byte.
        let records = match head {
            Some(head) => [(0..head.start, 0), (head.start..end, head.len())],
            None => [(0..end, KEPT_MAX), (end..end, 0)],
        };
        let mut due = records.into_iter().filter(|(range, _)| !range.is_empty()).peekable();
        let (mut heard, mut sent) = (0, 0);
        for part in wire {
            if part.is_received {
                heard += part.bytes.len();
                while let Some((range, kept)) = due.next_if(|(range, _)| range.end <= heard) {
                    self.record.wire_received(part.at.mono, &received[range], kept);
                }
            } else {
                self.record.wire_sent(part.at.mono, &part.bytes);
                sent += 1;
                if sent == CARRIER && matches!(self.target.direction, Direction::Outgoing) {
                    self.record.sent(part.at.mono, &self.ours.encode());
                }
            }
        }
    }
}
