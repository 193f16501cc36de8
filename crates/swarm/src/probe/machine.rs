//! The state machine of a contact.

mod cover;
mod extension;
mod fast;
mod gossip;
mod rendezvous;
mod timer;
mod visit;

use core::net::SocketAddr;
use std::collections::VecDeque;

use evidence::observation::{Times, Volume};
use evidence::{Direction, Grade, Mono, Now, Outcome, Phase, Stamp, Version};
use wire::handshake::{self, Handshake};
use wire::message::{self, Decoder, Message, Outgoing};

use super::exam::{Answer, Exam};
use super::gossip::{Gossip, Hearsay};
use super::habit::{FIRST, Kind};
use super::peer::Peer;
use super::{Aim, Input, Limits, Output, Target, Veil, Why};
use crate::chance::Seed;
use crate::convert::{evidence_hash, wire_hash};
use crate::timer::Timers;
use crate::transcript::{Recorder, Said};
use cover::Cover;
use rendezvous::Wishes;
use timer::{TIMERS, Timer};

/// One contact. Feed it with [`Self::handle_input`], then drain [`Self::poll_output`] until it says to wait.
#[derive(Debug)]
pub struct Probe<'a> {
    target: Target<'a>,
    limits: Limits,
    ours: Handshake,
    cover: Cover,
    decoder: Decoder,
    timers: Timers<TIMERS>,
    peer: Peer,
    exam: Exam<'a>,
    gossip: Gossip,
    heard: VecDeque<Hearsay>,
    wishes: Wishes,
    inbox: Vec<u8>,
    outbox: VecDeque<Vec<u8>>,
    record: Recorder,
    observer: Option<SocketAddr>,
    address: Option<SocketAddr>,
    times: Times,
    handshaken: Option<Mono>,
    greeted: bool,
    volume: Volume,
    messages: u32,
    unknown: u32,
    unsolicited: u32,
    rejects: u32,
    outcome: Option<Outcome>,
    delivered: bool,
}

impl<'a> Probe<'a> {
    /// A contact that begins now, with the dial or the accept.
    pub fn new(target: Target<'a>, veil: Veil, limits: Limits, seed: Seed, now: Now) -> Self {
        let reserved = handshake::Reserved::default().with_extension().with_fast();
        let ours = Handshake {
            reserved: if target.spoken == Version::V2 { reserved.with_v2() } else { reserved },
            info_hash: wire_hash(target.info_hash),
            peer_id: target.identity.peer_id(&seed),
        };
        let bounds = message::Limits { extended_max: 16 << 10, ..message::Limits::default() };
        let bounds = target.piece_count.map_or(bounds, |count| bounds.for_pieces(count));
        let mut timers = Timers::new();
        timers.set(Timer::Connect, now.mono.plus_ms(limits.connect_ms));
        timers.set(Timer::Contact, now.mono.plus_ms(limits.contact_ms));
        let began = now.stamp();
        Self {
            decoder: Decoder::new(bounds),
            peer: Peer::new(target.piece_count),
            exam: Exam::new(target.content, &seed),
            gossip: Gossip::new(limits.gossip),
            heard: VecDeque::new(),
            wishes: Wishes::default(),
            record: Recorder::new(limits.transcript),
            target,
            limits,
            ours,
            cover: Cover::new(veil, seed),
            timers,
            inbox: Vec::new(),
            outbox: VecDeque::new(),
            observer: None,
            address: None,
            times: Times {
                began,
                connected: None,
                ended: began,
                error_ms: None,
                first_block: None,
                handshake: None,
                last_block: None,
                last_byte: None,
            },
            handshaken: None,
            greeted: false,
            volume: Volume::default(),
            messages: 0,
            unknown: 0,
            unsolicited: 0,
            rejects: 0,
            outcome: None,
            delivered: false,
        }
    }

    /// Takes in what happened. After the end of the contact nothing changes any more.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        if self.outcome.is_some() {
            return;
        }
        match input {
            Input::Connected { observer, peer } => self.on_connected(now, observer, peer),
            Input::Received(bytes) => self.on_received(now, bytes),
            Input::Closed(why) => self.on_closed(now, why),
            Input::Timeout => {
                while let Some(timer) = self.timers.expired(now.mono) {
                    self.on_timer(now, Timer::ALL[timer]);
                }
            }
            Input::Stop => self.give_up(now),
        }
        self.advance(now);
    }

    /// What to do next. [`Output::Done`] comes once; after it there is nothing to wait for.
    pub fn poll_output(&mut self) -> Output {
        if let Some(bytes) = self.outbox.pop_front() {
            return Output::Send(bytes);
        }
        if let Some(heard) = self.poll_heard() {
            return heard;
        }
        if self.outcome.is_some() && !self.delivered {
            self.delivered = true;
            return Output::Done(Box::new(self.visit()));
        }
        let next = if self.delivered { None } else { self.timers.next() };
        Output::Wait(next.unwrap_or(Mono::from_us(u64::MAX)))
    }

    fn on_connected(&mut self, now: Now, observer: SocketAddr, peer: SocketAddr) {
        self.observer = Some(observer);
        self.address = Some(peer);
        self.times.connected = Some(now.stamp());
        self.compute_fast(observer.ip());
        self.timers.clear(Timer::Connect);
        self.timers.set(Timer::Handshake, now.mono.plus_ms(self.limits.handshake_ms));
        match self.target.direction {
            Direction::Outgoing => self.open(now),
            Direction::Incoming => self.take_over(),
        }
    }

    fn on_received(&mut self, now: Now, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.volume.bytes_in += bytes.len() as u64;
        self.times.last_byte = Some(now.stamp());
        self.uncover(now, bytes);
        if self.volume.bytes_in > self.limits.bytes_max {
            self.end_garbage(now, "limit-bytes");
        }
    }

    /// Bytes of the stream arrived, uncovered.
    fn on_stream(&mut self, now: Now, bytes: &[u8]) {
        let mut inbox = core::mem::take(&mut self.inbox);
        inbox.extend_from_slice(bytes);
        let mut done = 0;
        while self.outcome.is_none() && done < inbox.len() {
            let rest = &inbox[done..];
            match if self.handshaken.is_none() { self.read_handshake(now, rest) } else { self.read_message(now, rest) } {
                Some(read) => done += read,
                None => break,
            }
        }
        inbox.drain(..done);
        self.inbox = inbox;
    }

    fn read_handshake(&mut self, now: Now, bytes: &[u8]) -> Option<usize> {
        let theirs = match Handshake::parse(bytes) {
            Ok(theirs) => theirs,
            Err(fault) => {
                self.end_garbage(now, fault.rule.name());
                return None;
            }
        };
        let got = Handshake::info_hash_of(bytes)?;
        if got != self.ours.info_hash {
            let got = evidence_hash(got);
            self.end(now, if self.is_control() { Outcome::NoEcho } else { Outcome::WrongInfoHash { got } });
            return None;
        }
        // Some callers send their peer id only after our handshake.
        self.greet(now);
        let theirs = theirs?;
        self.times.handshake = Some(now.stamp());
        self.peer.handshake = Some(theirs);
        self.record.received(now.mono, &bytes[..handshake::LENGTH], Said::Handshake);
        self.handshaken = Some(now.mono);
        self.timers.clear(Timer::Handshake);
        if self.is_control() {
            self.end(now, Outcome::Echo);
        } else if theirs.peer_id == self.ours.peer_id {
            // Each contact has its own peer id, so whoever sends this one back has only mirrored it.
            self.end_garbage(now, "handshake-mirrored");
        } else if self.target.identity.is_own(&theirs.peer_id) {
            self.end(now, Outcome::Ourselves);
        } else {
            self.introduce(now, theirs);
        }
        Some(handshake::LENGTH)
    }

    fn read_message(&mut self, now: Now, bytes: &[u8]) -> Option<usize> {
        let (message, read) = match self.decoder.decode(bytes) {
            Ok(Some(message)) => message,
            Ok(None) => {
                self.note_first_byte(now, bytes);
                return None;
            }
            Err(fault) => {
                self.end_garbage(now, fault.rule.name());
                return None;
            }
        };
        self.record.received(now.mono, &bytes[..read], Said::Message);
        self.messages += 1;
        if self.peer.first_messages.len() < FIRST && message != Message::KeepAlive {
            self.peer.first_messages.push(Kind::of(&message));
        }
        if self.messages > self.limits.messages_max {
            self.end_garbage(now, "limit-messages");
        } else {
            self.on_message(now, message);
        }
        Some(read)
    }

    fn on_message(&mut self, now: Now, message: Message<'_>) {
        if let Some(rule) = self.breaks_fast(&message) {
            return self.end_garbage(now, rule);
        }
        match message {
            Message::Choke | Message::Unchoke => self.on_choke(now, message == Message::Choke),
            Message::Have(piece) => {
                if self.peer.claims_piece(now, piece).is_err() {
                    self.end_garbage(now, "have-no-such-piece");
                }
            }
            Message::Bitfield(payload) => {
                if let Err(fault) = self.peer.claims_bitfield(now, payload) {
                    self.end_garbage(now, fault.rule.name());
                }
            }
            Message::HaveAll => self.peer.claims_all(now),
            Message::HaveNone => self.peer.claims_none(now),
            Message::AllowedFast(piece) => self.peer.allows_fast(piece),
            Message::Request(block) => {
                // We have nothing and say so, as often as is reasonable.
                if self.peer.is_fast() && self.rejects < self.limits.rejects_max {
                    self.rejects += 1;
                    self.send(now, Outgoing::Reject(block));
                }
            }
            Message::Piece { piece, begin, block } => self.on_block(now, piece, begin, block),
            Message::Reject(block) => self.on_reject(now, block),
            Message::Extended { id, payload } => self.on_extended(now, id, payload),
            Message::Unknown { .. } => {
                self.unknown += 1;
                if self.unknown > self.limits.unknown_max {
                    self.end_garbage(now, "limit-unknown-messages");
                }
            }
            // Nothing follows from these: what the peer wants, suggests or offers besides, and what nobody asked for.
            Message::KeepAlive
            | Message::Interested
            | Message::NotInterested
            | Message::Cancel(_)
            | Message::Port(_)
            | Message::Suggest(_)
            | Message::HashRequest(_)
            | Message::Hashes { .. }
            | Message::HashReject(_) => {}
        }
    }

    fn on_choke(&mut self, now: Now, choked: bool) {
        self.peer.set_choked(now, choked);
        if self.peer.choke.len() > self.limits.choke_changes_max {
            self.end_garbage(now, "limit-choke-changes");
        } else if choked && !self.peer.is_fast() {
            // Without the Fast Extension a choke drops every request silently.
            self.exam.give_up();
            self.timers.clear(Timer::Answer);
            self.peer.is_news = true;
        }
    }

    fn on_block(&mut self, now: Now, piece: u32, begin: u32, block: &[u8]) {
        self.peer.is_news = true;
        match self.exam.answer(now, piece, begin, block) {
            Answer::Right => self.volume.verified_bytes += block.len() as u64,
            Answer::Wrong => {}
            Answer::NotAsked => {
                self.unsolicited += 1;
                if self.unsolicited > self.limits.unsolicited_max {
                    self.end_garbage(now, "limit-unsolicited-blocks");
                }
            }
        }
        if !self.exam.is_waiting() {
            self.timers.clear(Timer::Answer);
        }
    }

    fn on_reject(&mut self, now: Now, block: message::Block) {
        self.peer.is_news = true;
        if self.exam.reject(block) && !self.exam.is_waiting() {
            self.timers.clear(Timer::Answer);
        }
        if !self.peer.choked && self.exam.rejected_while(false) >= self.limits.rejected_max {
            self.give_up(now);
        }
    }

    /// Notes when the content of an answer begins to arrive.
    fn note_first_byte(&mut self, now: Now, bytes: &[u8]) {
        let Some((head, [_, ..])) = bytes.split_first_chunk::<13>() else { return };
        let [_, _, _, _, message::id::PIECE, p0, p1, p2, p3, b0, b1, b2, b3] = *head else { return };
        let (piece, begin) = (u32::from_be_bytes([p0, p1, p2, p3]), u32::from_be_bytes([b0, b1, b2, b3]));
        if self.exam.first_byte(now, piece, begin) && self.exam.is_waiting() {
            self.timers.set(Timer::Answer, now.mono.plus_ms(self.limits.answer_ms));
        }
    }

    fn on_closed(&mut self, now: Now, why: Why) {
        let phase = self.phase();
        let outcome = match why {
            Why::Local(what) => Outcome::LocalFault { what },
            _ if self.exam.wrong > 0 => Outcome::BadBlock { blocks: self.exam.wrong },
            _ if self.exam.verified > 0 && !self.exam.is_waiting() => self.served(),
            _ if self.is_control() && self.greeted => Outcome::NoEcho,
            Why::EndOfStream => Outcome::Closed { phase },
            Why::Reset => Outcome::Reset { phase },
            Why::Refused => Outcome::Refused,
            Why::Unreachable => Outcome::Unreachable,
            Why::TimedOut => Outcome::NoAnswer { phase, after_ms: now.mono.since_ms(self.phase_began()) },
        };
        // Where the peer named the random info-hash and hung up before its peer id, it has still answered it.
        let outcome = if self.has_echoed() { Outcome::Echo } else { outcome };
        self.end(now, outcome);
    }

    fn on_timer(&mut self, now: Now, timer: Timer) {
        if self.outcome.is_some() {
            return;
        }
        match timer {
            Timer::KeepAlive => self.send(now, Outgoing::KeepAlive),
            Timer::Claims if self.has_questions() => {}
            Timer::Choked if self.exam.is_waiting() || !self.peer.choked => {
                self.timers.set(Timer::Choked, now.mono.plus_ms(self.limits.answer_ms));
            }
            // Meanwhile there was something to ask after all.
            Timer::Gossip if self.exam.is_waiting() => {}
            Timer::Settle => self.listen_or_give_up(now),
            Timer::Unbidden => self.ask_unbidden(now),
            Timer::Connect
            | Timer::Handshake
            | Timer::Claims
            | Timer::Choked
            | Timer::Answer
            | Timer::Gossip
            | Timer::Rendezvous
            | Timer::Contact => {
                self.give_up(now);
            }
        }
    }

    /// Asks for the next block if the peer lets us, and ends the contact when there is nothing more to learn.
    fn advance(&mut self, now: Now) {
        if self.outcome.is_some() || self.handshaken.is_none() || self.is_rendezvous() {
            return;
        }
        let is_proved = self.exam.verified >= self.limits.blocks.max(1);
        if self.exam.wrong >= self.limits.wrong_max || is_proved {
            // A late answer may have ended the exam while another one is awaited: that one is not needed any more.
            self.exam.give_up();
            self.timers.clear(Timer::Answer);
            return if is_proved { self.listen_or_give_up(now) } else { self.give_up(now) };
        }
        if self.exam.withdrawn() >= self.limits.rejected_max {
            return self.give_up(now);
        }
        if self.exam.is_waiting() || self.exam.rejected_while(self.peer.choked) >= self.limits.rejected_max {
            return;
        }
        // A torrent may have a million pieces, and a peer may send a thousand messages a second: pieces are looked
        // through only when that could come out otherwise than the last time.
        let is_news = core::mem::take(&mut self.peer.is_news);
        let peer = &self.peer;
        let (allowed, chooser) = (peer.allowed_fast(), peer.chooser());
        let block = if is_news { self.exam.ask(now, allowed, chooser, |piece| peer.claims(piece)) } else { None };
        if let Some(block) = block {
            self.timers.clear(Timer::Settle);
            self.timers.set(Timer::Answer, now.mono.plus_ms(self.limits.answer_ms));
            self.send(now, Outgoing::Request(block));
        } else if self.is_settled() && self.timers.get(Timer::Settle).is_none() {
            self.timers.set(Timer::Settle, now.mono.plus_ms(self.limits.settle_ms));
        }
    }

    /// Whether all that could be learnt at once is learnt: a block is proved, or there is a claim and nothing to check
    /// it against.
    fn is_settled(&self) -> bool {
        self.exam.verified > 0 || self.exam.wrong > 0 || (self.target.content.is_none() && self.peer.has_claimed_any())
    }

    /// Ends the contact from our side with what is known.
    fn give_up(&mut self, now: Now) {
        let exam = &self.exam;
        let since_ms = |moment: Option<Mono>| now.mono.since_ms(moment.unwrap_or(now.mono));
        let phase = self.phase();
        let outcome = match phase {
            Phase::Handshake if self.has_echoed() => Outcome::Echo,
            Phase::Handshake if self.is_control() && self.greeted => Outcome::NoEcho,
            Phase::Connect | Phase::Handshake => Outcome::NoAnswer { phase, after_ms: since_ms(Some(self.phase_began())) },
            _ if self.is_rendezvous() => self.introduced(),
            _ if exam.wrong > 0 => Outcome::BadBlock { blocks: exam.wrong },
            _ if exam.verified > 0 && !exam.is_waiting() => self.served(),
            _ if exam.verified > 0 => Outcome::NoAnswer { phase, after_ms: since_ms(exam.waiting_since()) },
            _ if exam.has_unanswered() => Outcome::NoBlock { after_ms: since_ms(exam.first_asked()) },
            _ if exam.rejected() > 0 => Outcome::Rejected { requests: exam.rejected() },
            _ if self.has_questions() && exam.withdrawn() == 0 => Outcome::Choked { for_ms: since_ms(self.handshaken) },
            _ => Outcome::NothingClaimed { after_ms: since_ms(self.handshaken) },
        };
        self.end(now, outcome);
    }

    fn served(&self) -> Outcome {
        Outcome::Served { blocks: self.exam.verified, pieces: self.exam.pieces() }
    }

    fn end_garbage(&mut self, now: Now, rule: &str) {
        let phase = self.phase();
        let outcome = match self.is_control() && self.greeted {
            true => Outcome::NoEcho,
            false if self.exam.wrong > 0 => Outcome::BadBlock { blocks: self.exam.wrong },
            false => Outcome::Garbage { rule: rule.into(), phase },
        };
        self.end(now, outcome);
    }

    fn end(&mut self, now: Now, outcome: Outcome) {
        if self.outcome.is_none() {
            self.times.ended = now.stamp();
            self.outcome = Some(outcome);
        }
    }

    fn greet(&mut self, now: Now) {
        if !self.greeted {
            self.greeted = true;
            self.put(now, self.ours.encode().to_vec());
        }
    }

    fn send(&mut self, now: Now, message: Outgoing<'_>) {
        self.put(now, message.encode());
    }

    fn put(&mut self, now: Now, mut bytes: Vec<u8>) {
        self.volume.bytes_out += bytes.len() as u64;
        self.record.sent(now.mono, &bytes);
        self.timers.set(Timer::KeepAlive, now.mono.plus_ms(self.limits.keep_alive_ms));
        self.cover.cover(&mut bytes);
        self.outbox.push_back(bytes);
    }

    #[cfg(test)]
    pub(super) fn looks(&self) -> u32 {
        self.exam.looks
    }

    fn is_control(&self) -> bool {
        self.target.aim == Aim::Control
    }

    /// Whether a control visit's info-hash came back, be the rest of the handshake there or not.
    fn has_echoed(&self) -> bool {
        self.is_control() && Handshake::info_hash_of(&self.inbox) == Some(self.ours.info_hash)
    }

    /// Whether the peer claims a block that we could check.
    fn has_questions(&self) -> bool {
        self.target.content.is_some_and(|content| content.has_any(|piece| self.peer.claims(piece)))
    }

    fn phase(&self) -> Phase {
        match (self.times.connected, self.handshaken) {
            (None, _) => Phase::Connect,
            (_, None) => Phase::Handshake,
            _ if self.exam.is_waiting() => Phase::Transfer,
            _ if !self.has_questions() => Phase::Claims,
            _ if self.peer.choked => Phase::Choked,
            _ => Phase::Transfer,
        }
    }

    fn phase_began(&self) -> Mono {
        let moment = |stamp: Stamp| Mono::from_us(stamp.mono_us);
        let began = self.exam.waiting_since().or(self.handshaken).or(self.times.connected.map(moment));
        began.unwrap_or(moment(self.times.began))
    }

    fn grade(&self) -> Grade {
        match () {
            () if self.exam.verified > 0 => Grade::Served,
            () if self.peer.has_claimed_any() => Grade::Claimed,
            () if self.handshaken.is_some() => Grade::Handshaken,
            () if self.times.connected.is_some() => Grade::Connected,
            () => Grade::Listed,
        }
    }

    /// Records what is left in the inbox.
    fn record_rest(&mut self, at: Mono) {
        let is_greeting = self.handshaken.is_none() && Handshake::parse(&self.inbox).is_ok();
        // A handshake for another torrent is one all the same.
        let (greeting, rest) = self.inbox.split_at(if is_greeting { self.inbox.len().min(handshake::LENGTH) } else { 0 });
        let said = if self.handshaken.is_some() { Said::Message } else { Said::Garbage };
        for (bytes, said) in [(greeting, Said::Handshake), (rest, said)] {
            if !bytes.is_empty() {
                self.record.received(at, bytes, said);
            }
        }
    }
}
