//! The first words of a caller, plain or covered, up to the torrent that it names.
//!
//! Nothing is said to a caller meanwhile but what an MSE handshake needs: a public key and a pad, which say nothing of
//! us, and once the caller has named a torrent of ours, the choice of a method.

use std::collections::VecDeque;

use evidence::{InfoHashV1, Now};
use wire::handshake::Handshake;

use crate::chance::Seed;
use crate::mse::{self, Opening, Policy, Responder, Session, Torrents};
use crate::probe::{Accepted, Veil, Wire};

#[cfg(test)]
mod tests;

/// Bytes that a caller may send before it has named a torrent: two pads, a key, a payload and what comes with it.
const HEARD_MAX: usize = 128 << 10;

/// The first words of one caller. Feed it with [`Self::handle_input`], then drain [`Self::poll_output`].
#[derive(Debug)]
pub struct Reception {
    state: State,
    /// What was said, uncovered.
    heard: Vec<u8>,
    wire: Vec<Wire>,
    received_bytes: usize,
    outbox: VecDeque<Vec<u8>>,
    end: Option<Output>,
}

#[derive(Debug)]
enum State {
    /// It has not said enough to tell.
    Undecided(Seed),
    Plain,
    Hidden(Box<Responder>),
    Session(Box<Session>),
    Over,
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Nothing until bytes arrive.
    Wait,
    /// The caller has named a torrent.
    Named(Box<Named>),
    /// Hang up: it speaks no BitTorrent, or of nothing of ours.
    TurnAway,
}

/// A caller that has named a torrent.
#[derive(Debug)]
pub struct Named {
    /// Which.
    pub info_hash: InfoHashV1,
    /// How its stream is covered.
    pub veil: Veil,
    /// What it has said so far, if its stream is plain. Of a covered one the veil holds it.
    pub first: Vec<u8>,
}

impl Reception {
    /// A caller that has just connected. `seed` must serve this connection only.
    pub fn new(seed: Seed) -> Self {
        let state = State::Undecided(seed);
        Self { state, heard: Vec::new(), wire: Vec::new(), received_bytes: 0, outbox: VecDeque::new(), end: None }
    }

    /// Bytes arrived; `torrents` are those we answer for now.
    pub fn handle_input(&mut self, now: Now, bytes: &[u8], torrents: &Torrents) {
        self.received_bytes += bytes.len();
        match &mut self.state {
            State::Undecided(seed) => {
                let seed = *seed;
                self.heard.extend_from_slice(bytes);
                match mse::detect(&self.heard) {
                    Opening::Undecided => {}
                    Opening::Plain => {
                        self.state = State::Plain;
                        self.read(now);
                    }
                    Opening::Hidden => {
                        // MSE clients that take any method should cost themselves no cipher.
                        self.state = State::Hidden(Box::new(Responder::new(Policy::PlainFirst, seed)));
                        let first = core::mem::take(&mut self.heard);
                        self.respond(now, &first, torrents);
                    }
                }
            }
            State::Plain => {
                self.heard.extend_from_slice(bytes);
                self.read(now);
            }
            State::Hidden(_) => self.respond(now, bytes, torrents),
            State::Session(session) => {
                let mut bytes = bytes.to_vec();
                session.decrypt(&mut bytes);
                self.heard.extend(bytes);
                self.read(now);
            }
            State::Over => return,
        }
        if self.received_bytes > HEARD_MAX {
            self.finish(Output::TurnAway);
        }
    }

    /// What to do next. [`Output::Named`] or [`Output::TurnAway`] comes once, as the last.
    pub fn poll_output(&mut self) -> Output {
        match self.outbox.pop_front() {
            Some(bytes) => Output::Send(bytes),
            None => self.end.take().unwrap_or(Output::Wait),
        }
    }

    fn respond(&mut self, now: Now, bytes: &[u8], torrents: &Torrents) {
        self.wire.push(Wire { at: now, is_received: true, bytes: bytes.to_vec() });
        let State::Hidden(responder) = &mut self.state else { return };
        responder.handle_input(bytes, torrents);
        loop {
            match responder.poll_output() {
                mse::Output::Send(bytes) => {
                    self.wire.push(Wire { at: now, is_received: false, bytes: bytes.clone() });
                    self.outbox.push_back(bytes);
                }
                mse::Output::Wait => return,
                mse::Output::Done(mut session) => {
                    self.heard = session.take_payload();
                    Wire::cut_stream(&mut self.wire, self.heard.len());
                    self.state = State::Session(session);
                    return self.read(now);
                }
                mse::Output::Failed(_) => return self.finish(Output::TurnAway),
            }
        }
    }

    /// Looks whether the handshake names a torrent yet.
    fn read(&mut self, now: Now) {
        if Handshake::parse(&self.heard).is_err() {
            return self.finish(Output::TurnAway);
        }
        let Some(hash) = Handshake::info_hash_of(&self.heard) else { return };
        let info_hash = InfoHashV1::from(hash.0);
        let heard = core::mem::take(&mut self.heard);
        let wire = core::mem::take(&mut self.wire);
        let (veil, first) = match core::mem::replace(&mut self.state, State::Over) {
            // The record can name one torrent only.
            State::Session(session) if session.info_hash() != info_hash => return self.finish(Output::TurnAway),
            State::Session(session) => (Veil::Accepted(Box::new(Accepted { session, wire, heard, heard_at: now })), vec![]),
            _ => (Veil::Plain, heard),
        };
        self.finish(Output::Named(Box::new(Named { info_hash, veil, first })));
    }

    fn finish(&mut self, end: Output) {
        if !matches!(self.end, Some(Output::Named(_))) {
            self.state = State::Over;
            self.end = Some(end);
        }
    }
}
