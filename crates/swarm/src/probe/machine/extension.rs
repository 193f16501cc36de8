//! What we say of ourselves once both have greeted, and what the peer says in the extension protocol (BEP 10).

use evidence::extension::{CLIENT_BYTES_MAX, Extension};
use evidence::{Claimed, Now};
use wire::extension::{ExtensionHandshake, OwnHandshake, UT_HOLEPUNCH};
use wire::handshake::Handshake;
use wire::lt_donthave;
use wire::message::Outgoing;

use super::super::{gossip as pex, habit};
use super::rendezvous::UT_HOLEPUNCH_ID;
use super::{Probe, Timer};

/// The number by which we want to be told that a claim is taken back (BEP 54).
const LT_DONTHAVE_ID: u8 = 7;

impl Probe<'_> {
    /// Says what we speak, that we have nothing, and that we would like something.
    pub(super) fn introduce(&mut self, now: Now, theirs: Handshake) {
        if theirs.reserved.extension() {
            let ours = OwnHandshake {
                client: self.target.identity.client(),
                lt_donthave: Some(LT_DONTHAVE_ID),
                ut_holepunch: self.is_introducible(),
                ut_pex: self.gossip.our_id(),
                port: self.target.identity.port_at(self.observer.map(|observer| observer.ip())),
                yourip: self.address.map(|address| address.ip()),
                ..OwnHandshake::default()
            };
            self.send(now, Outgoing::ExtensionHandshake(ours));
        }
        if theirs.reserved.fast() {
            self.send(now, Outgoing::HaveNone);
        }
        if self.is_rendezvous() {
            self.timers.set(Timer::Rendezvous, now.mono.plus_ms(self.limits.rendezvous_ms));
            return;
        }
        self.send(now, Outgoing::Interested);
        let patience_ms = self.limits.patience_ms(theirs.peer_id.claim().family);
        self.timers.set(Timer::Claims, now.mono.plus_ms(self.limits.claims_ms));
        self.timers.set(Timer::Choked, now.mono.plus_ms(patience_ms));
        self.timers.set(Timer::Unbidden, now.mono.plus_ms(self.limits.unbidden_ms));
    }

    /// A message that we cannot read spoils nothing: the transcript has its digest, and the contact goes on without.
    pub(super) fn on_extended(&mut self, now: Now, id: u8, payload: &[u8]) {
        match id {
            0 => {
                if let Ok(theirs) = ExtensionHandshake::parse(payload) {
                    self.on_extension(&theirs);
                    self.ask_for_introductions(now);
                }
            }
            pex::OUR_ID => self.on_gossip(now, payload),
            LT_DONTHAVE_ID => {
                if let Some(piece) = lt_donthave::parse(payload) {
                    self.on_withdrawn(now, piece);
                }
            }
            UT_HOLEPUNCH_ID => self.on_introduction(now, payload),
            _ => {}
        }
    }

    /// What it says later takes the place of what it said before; what it leaves out then stays.
    fn on_extension(&mut self, theirs: &ExtensionHandshake<'_>) {
        if let Some(handshake) = self.peer.handshake.filter(|_| self.peer.extension.is_none()) {
            self.peer.lacks_extensions = habit::lacks_extensions(&handshake, theirs);
        }
        self.gossip.is_offered_by(theirs);
        self.peer.holepunch_id = theirs.message_id(UT_HOLEPUNCH);
        let observer = self.observer.map(|observer| observer.ip());
        let said = self.peer.extension.get_or_insert_default();
        let client = theirs.client.filter(|client| client.len() <= CLIENT_BYTES_MAX).map(Claimed::new);
        *said = Extension {
            client: client.or(said.client.take()),
            listening_port: theirs.port.or(said.listening_port),
            request_queue: theirs.request_queue.and_then(|count| count.try_into().ok()).or(said.request_queue),
            sees_observer: theirs.yourip.zip(observer).map(|(seen, ours)| seen.to_canonical() == ours).or(said.sees_observer),
            upload_only: theirs.upload_only.or(said.upload_only),
        };
    }

    /// What was asked of a piece that is no longer there need not be answered.
    fn on_withdrawn(&mut self, now: Now, piece: u32) {
        if !self.peer.withdraws(now, piece) {
            return;
        }
        if self.exam.withdraw(piece) && !self.exam.is_waiting() {
            self.timers.clear(Timer::Answer);
        }
        self.peer.is_news = true;
    }
}
