//! The info dictionary of a magnet, from a peer that sends what it likes.

use std::sync::OnceLock;

use evidence::{InfoHashV1, TargetIds, Version};
use swarm::Seed as Chance;
use swarm::metadata::{Fetch, Limits, Output};
use swarm::probe::{Input, Why};
use wire::bencode::Item;
use wire::ut_metadata::{BLOCK_LENGTH, block_count};

use super::probe::said;
use crate::Seed;
use crate::peers::handshake::greeting;
use crate::peers::messages::frame;
use crate::scene;
use crate::script::{Script, chunk};

/// Limits that a script can meet.
const LIMITS: Limits = Limits { bytes_max: 1 << 20, fetch_ms: 60_000, handshake_ms: 10_000, messages_max: 200, gossip: GOSSIP };

/// As in a real search.
const GOSSIP: swarm::probe::gossip::Limits =
    swarm::probe::gossip::Limits { wait_ms: 5_000, messages_max: 8, gap_ms: 5_000, peers_max: 1_000 };

/// An info dictionary of two blocks.
fn dictionary() -> &'static [u8] {
    static DICTIONARY: OnceLock<Vec<u8>> = OnceLock::new();
    DICTIONARY.get_or_init(|| {
        Item::dict([
            ("length", Item::Int(32_768_000)),
            ("name", Item::from("synthetic.bin")),
            ("piece length", Item::Int(32_768)),
            ("pieces", Item::Bytes(vec![9; 20_000])),
        ])
        .encode()
    })
}

fn hash() -> InfoHashV1 {
    static HASH: OnceLock<InfoHashV1> = OnceLock::new();
    *HASH.get_or_init(|| InfoHashV1::from(wire::infohash::InfoHashV1::of_info(dictionary()).0))
}

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let identity = scene::identity();
    let step = usize::from(script.byte()).max(1) * 97;
    let fetch =
        Fetch::new(TargetIds::of_v1(hash()), (Version::V1, false), &identity, LIMITS, Chance::new([3; 32]), scene::now(1));
    let mut talk = Talk { fetch, clock_us: 1, sent: vec![], result: None, step };
    talk.put(Input::Connected { observer: scene::address(scene::OURS), peer: scene::address(scene::THEIRS) });
    while !script.is_over() && talk.result.is_none() {
        match script.byte() % 9 {
            0 => talk.say(script.chunk()),
            1 => {
                let id = script.byte();
                talk.say(&frame(id, script.chunk()));
            }
            2 => {
                let mut handshake = greeting(*b"-qB4520-abcdefghijkl");
                handshake[28..48].copy_from_slice(hash().as_bytes());
                talk.say(&handshake);
            }
            3 => talk.say(&offer(dictionary().len())),
            4 => talk.say(&block(script.byte(), 0)),
            5 => talk.say(&block(script.byte(), script.byte())),
            6 => talk.wait(u64::from(script.short())),
            7 => talk.say(&offer(script.word() as usize)),
            _ => talk.put(match script.byte() % 3 {
                0 => Input::Closed(Why::EndOfStream),
                1 => Input::Closed(Why::Reset),
                _ => Input::Stop,
            }),
        }
    }
    talk.end();
}

struct Talk<'a> {
    fetch: Fetch<'a>,
    clock_us: u64,
    sent: Vec<u8>,
    result: Option<Result<Vec<u8>, swarm::metadata::Fault>>,
    step: usize,
}

impl Talk<'_> {
    fn say(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.step) {
            self.put(Input::Received(part));
        }
    }

    fn put(&mut self, input: Input<'_>) {
        self.clock_us += 1_000;
        self.fetch.handle_input(scene::now(self.clock_us), input);
        self.drain();
    }

    fn drain(&mut self) -> u64 {
        loop {
            match self.fetch.poll_output() {
                Output::Send(bytes) => self.sent.extend(bytes),
                Output::Wait(until) => return until.us(),
                Output::Heard(_) => {}
                Output::Done(result) => assert!(self.result.replace(result).is_none(), "a fetch ends once"),
            }
        }
    }

    fn wait(&mut self, ms: u64) {
        let end = self.clock_us + ms * 1_000;
        for _ in 0..16 {
            let until = self.drain();
            if until > end || self.result.is_some() {
                break;
            }
            self.clock_us = self.clock_us.max(until);
            self.fetch.handle_input(scene::now(self.clock_us), Input::Timeout);
        }
        self.clock_us = end;
    }

    fn end(mut self) {
        self.wait(LIMITS.fetch_ms + LIMITS.handshake_ms);
        let result = self.result.expect("a fetch ends");
        if let Ok(bytes) = result {
            assert_eq!(bytes, dictionary(), "nothing else has the hash");
        }
        let messages = said(&self.sent);
        assert!(messages <= 3 + LIMITS.messages_max as usize + block_count(LIMITS.bytes_max) as usize);
    }
}

fn offer(size: usize) -> Vec<u8> {
    let payload = format!("d1:md11:ut_metadatai3ee13:metadata_sizei{size}e4:reqqi5000000000ee");
    frame(20, &[b"\0", payload.as_bytes()].concat())
}

/// A block of the dictionary, with a byte of it changed.
fn block(piece: u8, with: u8) -> Vec<u8> {
    let bytes = dictionary();
    let start = (usize::from(piece) * BLOCK_LENGTH).min(bytes.len());
    let mut block = bytes[start..bytes.len().min(start + BLOCK_LENGTH)].to_vec();
    if let Some(first) = block.first_mut() {
        *first ^= with;
    }
    let head = format!("d8:msg_typei1e5:piecei{piece}e10:total_sizei{}ee", bytes.len());
    frame(20, &[b"\x01", head.as_bytes(), &block].concat())
}

pub(crate) fn seeds() -> Vec<Seed> {
    let reject = [&[1, 20][..], &chunk(b"\x01d8:msg_typei2e5:piecei0ee")].concat();
    let request = [&[1, 20][..], &chunk(b"\x01d8:msg_typei0e5:piecei0ee")].concat();
    let named = [
        ("whole", vec![255, 2, 3, 4, 0, 4, 1]),
        ("whole-in-small-parts", vec![1, 2, 3, 4, 1, 4, 0]),
        ("wrong-hash", vec![255, 2, 3, 5, 0, 1, 4, 1]),
        ("twice-the-same", vec![255, 2, 3, 4, 0, 4, 0, 4, 1]),
        ("rejected", [&[255, 2, 3][..], &reject].concat()),
        ("asks-us", [&[255, 2, 3][..], &request.repeat(9)].concat()),
        ("too-long", vec![255, 2, 7, 0xff, 0xff, 0xff, 0xff]),
        ("size-changes", vec![255, 2, 7, 0, 0, 0x80, 0, 4, 0]),
        ("silent", vec![255, 2, 6, 0xff, 0xff]),
        ("hangs-up", vec![255, 2, 3, 8, 0]),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
