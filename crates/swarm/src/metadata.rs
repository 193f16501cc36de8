//! The info dictionary of a magnet, fetched from one peer. BEP 9.
//!
//! Bounded in time, length and messages, and worth nothing unless its hash is the one the magnet names. The stream may
//! lie under Message Stream Encryption. What the peer says of others (BEP 11) is handed out: one that has no metadata
//! may know somebody who does, and is listened to for a few seconds.

mod cover;
mod search;

use std::collections::VecDeque;

use core::net::SocketAddr;

use evidence::{Grade, InfoHashV1, Mono, Now, TargetIds, Version, sha256};
use wire::extension::{ExtensionHandshake, OwnHandshake, UT_METADATA};
use wire::handshake::{self, Handshake};
use wire::message::{Decoder, Message, Outgoing};
use wire::ut_metadata::{self, MetadataMessage};

use crate::chance::Seed;
use crate::convert::wire_hash;
use crate::ladder::{Allowed, Means};
use crate::probe::gossip::{self as pex, Gossip};
use crate::probe::{Hearsay, Identity, Input, Why};
use cover::Cover;
pub use search::{Few, Job, Search};

/// The numbers of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest info dictionary in bytes. The largest torrents known have about ten megabytes.
    pub bytes_max: u32,
    /// The longest fetch in milliseconds.
    pub fetch_ms: u64,
    /// Wait for transport and handshake in milliseconds.
    pub handshake_ms: u64,
    /// Messages received.
    pub messages_max: u32,
    /// What is taken of what the peer says of others.
    pub gossip: pex::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 12 << 20, fetch_ms: 60_000, handshake_ms: 10_000, messages_max: 20_000, gossip: pex::Limits::default() }
    }
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// The peer named others.
    Heard(Box<Hearsay>),
    /// Nothing until something happens, or until this moment.
    Wait(Mono),
    /// Hang up. The bytes of the info dictionary, or why there are none.
    Done(Result<Vec<u8>, Fault>),
}

/// Why a peer gave no info dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection could not be made, or ended before the peer's handshake.
    NotMet(Why),
    /// The connection ended too early.
    Closed(Why),
    /// It took too long.
    TooSlow,
    /// The handshake named another torrent, or was none.
    Handshake,
    /// The peer does not offer metadata.
    NotOffered,
    /// It says that the info dictionary is longer than the limit.
    TooLong,
    /// It refused.
    Rejected,
    /// Its bytes break a rule.
    Garbage(&'static str),
    /// What it sent is another info dictionary.
    WrongHash,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotMet(_) => "the peer could not be reached",
            Self::Closed(_) => "the connection ended before the metadata was complete",
            Self::TooSlow => "the metadata did not arrive in time",
            Self::Handshake => "the peer answered with another torrent or another protocol",
            Self::NotOffered => "the peer does not offer metadata",
            Self::TooLong => "the metadata is longer than the limit",
            Self::Rejected => "the peer refused to send the metadata",
            Self::Garbage(rule) => return write!(f, "the peer broke a rule of the protocol: {rule}"),
            Self::WrongHash => "the metadata that the peer sent has another hash",
        })
    }
}

impl core::error::Error for Fault {}

impl Fault {
    /// By which means the peer is tried next, if another may do better: where it did not answer our handshake. Where
    /// there is no transport, another stream over it is as hopeless.
    pub fn next_means(&self, tried: Means, allowed: Allowed) -> Option<Means> {
        let is_hopeless = match self {
            Self::NotMet(Why::Refused | Why::Unreachable | Why::TimedOut) => true,
            Self::NotMet(Why::EndOfStream | Why::Reset) | Self::Handshake => false,
            _ => return None,
        };
        let later = Means::ALL.into_iter().skip_while(|means| *means != tried).skip(1).filter(|means| allowed.allows(*means));
        later.into_iter().find(|means| !is_hopeless || means.transport != tried.transport)
    }
}

/// The number under which we want metadata messages.
const OUR_ID: u8 = 1;

/// Requests open at a time.
const WINDOW: u32 = 4;

/// One fetch from one peer that we dial.
#[derive(Debug)]
pub struct Fetch<'a> {
    ids: TargetIds,
    identity: &'a Identity,
    limits: Limits,
    ours: Handshake,
    decoder: Decoder,
    inbox: Vec<u8>,
    outbox: VecDeque<Vec<u8>>,
    deadline: Mono,
    end: Mono,
    /// When the bytes in hand arrived.
    now: Now,
    is_handshaken: bool,
    messages: u32,
    cover: Cover,
    gossip: Gossip,
    observer: Option<SocketAddr>,
    heard: VecDeque<Hearsay>,
    /// Why there is no metadata to be had of the peer, while it may still name others.
    in_vain: Option<Fault>,
    assembly: Option<Assembly>,
    result: Option<Result<Vec<u8>, Fault>>,
    delivered: bool,
}

#[derive(Debug)]
struct Assembly {
    peers_id: u8,
    size: u32,
    bytes: Vec<u8>,
    missing: Vec<bool>,
    asked: u32,
    left: u32,
}

impl<'a> Fetch<'a> {
    /// A fetch that begins now, with the dial, of what `ids` name. The peer is spoken to by `spoken`; without an info-hash
    /// of that version it is nothing that a peer could have. `is_covered` says whether the stream is to lie under MSE.
    pub fn new(
        ids: TargetIds,
        (spoken, is_covered): (Version, bool),
        identity: &'a Identity,
        limits: Limits,
        seed: Seed,
        now: Now,
    ) -> Self {
        let names = ids.spoken(spoken).unwrap_or(InfoHashV1::from([0; 20]));
        let reserved = handshake::Reserved::default().with_extension().with_fast();
        let ours = Handshake {
            reserved: if spoken == Version::V2 { reserved.with_v2() } else { reserved },
            info_hash: wire_hash(names),
            peer_id: identity.peer_id(&seed),
        };
        let end = now.mono.plus_ms(limits.fetch_ms);
        Self {
            ids,
            identity,
            limits,
            ours,
            decoder: Decoder::default(),
            inbox: Vec::new(),
            outbox: VecDeque::new(),
            deadline: end.min(now.mono.plus_ms(limits.handshake_ms)),
            end,
            now,
            is_handshaken: false,
            messages: 0,
            cover: if is_covered { Cover::Due { names, seed: seed.split("mse", &[]) } } else { Cover::None },
            gossip: Gossip::new(limits.gossip),
            observer: None,
            heard: VecDeque::new(),
            in_vain: None,
            assembly: None,
            result: None,
            delivered: false,
        }
    }

    /// Takes in what happened.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        if self.result.is_some() {
            return;
        }
        match input {
            Input::Connected { observer, .. } => {
                self.observer = Some(observer);
                self.open();
            }
            Input::Received(bytes) => {
                self.now = now;
                self.uncover(bytes);
            }
            Input::Closed(why) if !self.is_handshaken => self.fail(Fault::NotMet(why)),
            Input::Closed(why) => self.fail(Fault::Closed(why)),
            Input::Timeout if now.mono >= self.deadline => {
                self.fail(match (self.is_handshaken, self.observer) {
                    (true, _) => Fault::TooSlow,
                    (false, Some(_)) => Fault::Handshake,
                    (false, None) => Fault::NotMet(Why::TimedOut),
                });
            }
            Input::Timeout => {}
            Input::Stop => self.fail(Fault::TooSlow),
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        if let Some(hearsay) = self.heard.pop_front() {
            return Output::Heard(Box::new(hearsay));
        }
        match (self.outbox.pop_front(), self.result.take()) {
            (Some(bytes), result) => {
                self.result = result;
                Output::Send(bytes)
            }
            (None, Some(result)) if !self.delivered => {
                self.delivered = true;
                self.result = Some(Err(Fault::TooSlow));
                Output::Done(result)
            }
            (None, result) => {
                self.result = result;
                Output::Wait(if self.delivered { Mono::from_us(u64::MAX) } else { self.deadline })
            }
        }
    }

    /// Bytes of the stream arrived, uncovered.
    fn on_stream(&mut self, bytes: &[u8]) {
        let mut inbox = core::mem::take(&mut self.inbox);
        inbox.extend_from_slice(bytes);
        let mut done = 0;
        while self.result.is_none() && done < inbox.len() {
            let read = if self.is_handshaken { self.read_message(&inbox[done..]) } else { self.read_handshake(&inbox) };
            match read {
                Some(read) => done += read,
                None => break,
            }
        }
        inbox.drain(..done);
        self.inbox = inbox;
    }

    fn read_handshake(&mut self, bytes: &[u8]) -> Option<usize> {
        let theirs = match Handshake::parse(bytes) {
            Ok(theirs) => theirs?,
            Err(_) => {
                self.fail(Fault::Handshake);
                return None;
            }
        };
        if theirs.info_hash != self.ours.info_hash || theirs.peer_id == self.ours.peer_id {
            self.fail(Fault::Handshake);
            return None;
        }
        if !theirs.reserved.extension() {
            self.fail(Fault::NotOffered);
            return None;
        }
        self.is_handshaken = true;
        self.deadline = self.end;
        let ours = OwnHandshake {
            client: self.identity.client(),
            ut_metadata: Some(OUR_ID),
            ut_pex: self.gossip.our_id(),
            port: self.identity.port_at(None),
            ..OwnHandshake::default()
        };
        self.send(Outgoing::ExtensionHandshake(ours).encode());
        if theirs.reserved.fast() {
            self.send(Outgoing::HaveNone.encode());
        }
        Some(handshake::LENGTH)
    }

    fn read_message(&mut self, bytes: &[u8]) -> Option<usize> {
        let (message, read) = match self.decoder.decode(bytes) {
            Ok(message) => message?,
            Err(fault) => {
                self.fail(Fault::Garbage(fault.rule.name()));
                return None;
            }
        };
        self.messages += 1;
        if self.messages > self.limits.messages_max {
            self.fail(Fault::Garbage("limit-messages"));
        } else if let Message::Extended { id, payload } = message {
            match id {
                0 => self.on_offer(payload),
                OUR_ID => self.on_metadata(payload),
                pex::OUR_ID => self.on_gossip(payload),
                _ => {}
            }
        }
        Some(read)
    }

    fn on_offer(&mut self, payload: &[u8]) {
        if self.assembly.is_some() {
            return;
        }
        let theirs = match ExtensionHandshake::parse(payload) {
            Ok(theirs) => theirs,
            Err(fault) => return self.fail(Fault::Garbage(fault.rule.name())),
        };
        self.gossip.is_offered_by(&theirs);
        let offer = theirs.message_id(UT_METADATA).zip(theirs.metadata_size.filter(|size| *size > 0));
        let Some((peers_id, size)) = offer else { return self.fail_unless_it_knows_others(Fault::NotOffered) };
        if size > self.limits.bytes_max {
            return self.fail(Fault::TooLong);
        }
        let left = ut_metadata::block_count(size);
        let missing = vec![true; left as usize];
        self.assembly = Some(Assembly { peers_id, size, bytes: Vec::new(), missing, asked: 0, left });
        self.ask();
    }

    fn on_metadata(&mut self, payload: &[u8]) {
        let message = match MetadataMessage::parse(payload, self.limits.bytes_max) {
            Ok(message) => message,
            Err(fault) => return self.fail(Fault::Garbage(fault.rule.name())),
        };
        let Some(assembly) = &mut self.assembly else { return };
        match message {
            MetadataMessage::Data { piece, total_size, block } if total_size == assembly.size => {
                let is_news = assembly.missing.get_mut(piece as usize).is_some_and(core::mem::take);
                if !is_news {
                    return;
                }
                // The length of a block was checked against its number, so it fits where it belongs.
                let start = piece as usize * ut_metadata::BLOCK_LENGTH;
                if assembly.bytes.len() < start + block.len() {
                    assembly.bytes.resize(start + block.len(), 0);
                }
                assembly.bytes[start..start + block.len()].copy_from_slice(block);
                assembly.left -= 1;
                self.ask();
            }
            MetadataMessage::Data { .. } => self.fail(Fault::Garbage("metadata-size-changed")),
            MetadataMessage::Reject { .. } => self.fail_unless_it_knows_others(Fault::Rejected),
            MetadataMessage::Request { piece } => {
                let reject = Outgoing::MetadataReject { id: assembly.peers_id, piece };
                if self.outbox.len() < 8 {
                    self.send(reject.encode());
                }
            }
            MetadataMessage::Unknown { .. } => {}
        }
    }

    /// Keeps the window of requests full, and ends when nothing is missing.
    fn ask(&mut self) {
        let Some(assembly) = &mut self.assembly else { return };
        if assembly.left == 0 {
            let bytes = core::mem::take(&mut assembly.bytes);
            // Each hash that the magnet names has to be right: one alone would leave the other on somebody's word.
            let is_v1 = self.ids.v1.is_none_or(|hash| wire::infohash::InfoHashV1::of_info(&bytes).0 == *hash.as_bytes());
            let is_v2 = self.ids.v2.is_none_or(|hash| sha256(&bytes).as_bytes() == hash.as_bytes());
            let is_right = is_v1 && is_v2;
            self.result = Some(if is_right { Ok(bytes) } else { Err(Fault::WrongHash) });
            return;
        }
        let total = ut_metadata::block_count(assembly.size);
        let received = total - assembly.left;
        let mut requests = Vec::new();
        while assembly.asked < total && assembly.asked < received + WINDOW {
            let request = Outgoing::MetadataRequest { id: assembly.peers_id, piece: assembly.asked };
            requests.push(request.encode());
            assembly.asked += 1;
        }
        requests.into_iter().for_each(|request| self.send(request));
    }

    fn on_gossip(&mut self, payload: &[u8]) {
        self.heard.extend(self.gossip.read(self.now, payload, self.observer, Grade::Handshaken));
        if let Some(fault) = self.in_vain.take() {
            self.fail(fault);
        }
    }

    /// The peer has no metadata for us. Whom it knows may have.
    fn fail_unless_it_knows_others(&mut self, fault: Fault) {
        match self.gossip.awaited_until(self.now.mono) {
            None => self.fail(fault),
            Some(until) => {
                self.in_vain.get_or_insert(fault);
                self.deadline = self.deadline.min(until);
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        let fault = self.in_vain.take().unwrap_or(fault);
        self.result.get_or_insert(Err(fault));
    }
}

#[cfg(test)]
mod tests {
    use evidence::Utc;
    use wire::bencode::Item;

    use super::*;

    fn now(ms: u64) -> Now {
        Now { mono: Mono::from_us(ms * 1_000), utc: Utc::from_ms(ms as i64) }
    }

    fn info() -> Vec<u8> {
        (0..40_000u32).map(|n| (n % 241) as u8).collect()
    }

    fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 2).to_be_bytes()[..], &[wire::message::id::EXTENDED, id], payload].concat()
    }

    fn offer(size: i64) -> Vec<u8> {
        let names = Item::dict([("ut_metadata", Item::Int(9))]);
        frame(0, &Item::dict([("m", names), ("metadata_size", Item::Int(size))]).encode())
    }

    fn data(piece: usize, info: &[u8]) -> Vec<u8> {
        let block = info.chunks(ut_metadata::BLOCK_LENGTH).nth(piece).unwrap();
        let size = Item::Int(info.len() as i64);
        let head = Item::dict([("msg_type", Item::Int(1)), ("piece", Item::Int(piece as i64)), ("total_size", size)]);
        frame(OUR_ID, &[head.encode(), block.to_vec()].concat())
    }

    fn result(inputs: &[Vec<u8>], reserved: handshake::Reserved) -> (Result<Vec<u8>, Fault>, Vec<u8>) {
        let v1 = InfoHashV1::from(wire::infohash::InfoHashV1::of_info(&info()).0);
        fetched(TargetIds::of_v1(v1), Version::V1, inputs, reserved)
    }

    fn fetched(
        ids: TargetIds,
        spoken: Version,
        inputs: &[Vec<u8>],
        reserved: handshake::Reserved,
    ) -> (Result<Vec<u8>, Fault>, Vec<u8>) {
        let identity = Identity::new("affiant/0", None, Seed::new([1; 32]));
        let hash = wire_hash(ids.spoken(spoken).unwrap());
        let mut fetch = Fetch::new(ids, (spoken, false), &identity, Limits::default(), Seed::new([2; 32]), now(0));
        let address = "192.0.2.1:6881".parse().unwrap();
        fetch.handle_input(now(1), Input::Connected { observer: address, peer: address });
        let theirs = Handshake { reserved, info_hash: hash, peer_id: wire::peer_id::PeerId([5; 20]) };
        fetch.handle_input(now(2), Input::Received(&theirs.encode()));
        let mut sent = Vec::new();
        for bytes in inputs {
            // One byte at a time: nothing may depend on how the stream is cut.
            bytes.iter().for_each(|byte| fetch.handle_input(now(3), Input::Received(&[*byte])));
        }
        fetch.handle_input(now(59_999), Input::Timeout);
        fetch.handle_input(now(60_000), Input::Timeout);
        loop {
            match fetch.poll_output() {
                Output::Send(bytes) => sent.extend(bytes),
                Output::Done(result) => {
                    assert!(matches!(fetch.poll_output(), Output::Wait(_)));
                    return (result, sent);
                }
                Output::Heard(_) => {}
                Output::Wait(_) => panic!("the fetch has no end"),
            }
        }
    }

    const EXTENSION: handshake::Reserved = handshake::Reserved([0, 0, 0, 0, 0, 0x10, 0, 0]);

    #[test]
    fn fetches_in_any_order_and_checks_the_hash() {
        let info = info();
        let messages = [offer(40_000), data(2, &info), data(0, &info), data(0, &info), data(1, &info)];
        assert_eq!(result(&messages, EXTENSION).0, Ok(info.clone()));
        let mut other = info.clone();
        other[17_000] ^= 1;
        let messages = [offer(40_000), data(0, &info), data(1, &other), data(2, &info)];
        assert_eq!(result(&messages, EXTENSION).0, Err(Fault::WrongHash));
    }

    #[test]
    fn each_hash_that_is_named_has_to_be_right() {
        let info = info();
        let messages = [offer(40_000), data(2, &info), data(0, &info), data(1, &info)];
        let v1 = InfoHashV1::from(wire::infohash::InfoHashV1::of_info(&info).0);
        let v2 = evidence::InfoHashV2::from(*sha256(&info).as_bytes());
        let other = evidence::InfoHashV2::from([7; 32]);
        for (ids, spoken, is_right) in [
            (TargetIds::of_v2(v2), Version::V2, true),
            (TargetIds { v1: Some(v1), v2: Some(v2) }, Version::V2, true),
            (TargetIds { v1: Some(v1), v2: Some(v2) }, Version::V1, true),
            (TargetIds { v1: Some(v1), v2: Some(other) }, Version::V1, false),
            (TargetIds { v1: Some(InfoHashV1::from([7; 20])), v2: Some(v2) }, Version::V2, false),
            (TargetIds::of_v2(other), Version::V2, false),
        ] {
            let (result, sent) = fetched(ids, spoken, &messages, EXTENSION);
            assert_eq!(result, if is_right { Ok(info.clone()) } else { Err(Fault::WrongHash) }, "{ids} {spoken:?}");
            let ours = Handshake::parse(&sent).unwrap().unwrap();
            assert_eq!((ours.info_hash, ours.reserved.v2()), (wire_hash(ids.spoken(spoken).unwrap()), spoken == Version::V2));
        }
    }

    #[test]
    fn every_failure_has_its_name() {
        let info = info();
        let reject = frame(OUR_ID, b"d8:msg_typei2e5:piecei0ee");
        for (messages, fault) in [
            (vec![], Fault::TooSlow),
            (vec![offer(40_000), data(0, &info)], Fault::TooSlow),
            (vec![offer(40_000), reject], Fault::Rejected),
            (vec![offer(0)], Fault::NotOffered),
            (vec![offer(13 << 20)], Fault::TooLong),
            (vec![frame(0, b"d1:mdee")], Fault::NotOffered),
            (vec![frame(0, b"le")], Fault::Garbage("extension-not-a-dict")),
            (vec![offer(40_001), data(0, &info)], Fault::Garbage("metadata-size-changed")),
            (vec![vec![0xff; 4]], Fault::Garbage("message-too-long")),
        ] {
            assert_eq!(result(&messages, EXTENSION).0, Err(fault));
        }
        assert_eq!(result(&[], handshake::Reserved::default()).0, Err(Fault::NotOffered));
    }

    #[test]
    fn a_peer_that_asks_us_is_refused() {
        let request = frame(OUR_ID, b"d8:msg_typei0e5:piecei3ee");
        let (_, sent) = result(&[offer(40_000), request], EXTENSION);
        let reject = Outgoing::MetadataReject { id: 9, piece: 3 }.encode();
        assert!(sent.windows(reject.len()).any(|window| window == reject));
    }
}
