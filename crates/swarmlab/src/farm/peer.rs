//! One peer in one connection: what it says to what it hears. No sockets here.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use wire::allowed_fast;
use wire::bitfield::Bitfield;
use wire::extension::ExtensionHandshake;
use wire::handshake::Handshake;
use wire::infohash::InfoHashV1;
use wire::message::{Block, Message, Outgoing};
use wire::metainfo::BLOCK_LENGTH;
use wire::ut_metadata::MetadataMessage;

use super::Laboratory;
use super::counters::{Counter, Served};
use super::nonsense::Nonsense;
use crate::behaviour::Behaviour;
use crate::extension::{self, Hello, UT_METADATA_ID};
use crate::gossip::Word;
use crate::persona::Persona;
use crate::torrent::{Stream, SyntheticTorrent};
use crate::{chance, piece};

/// Real clients answer requests of up to 128 KiB and hang up at longer ones.
const REQUEST_MAX: u32 = 128 << 10;

/// Pieces that a suggester suggests.
const SUGGESTED: usize = 3;

/// A real info dictionary above this would be refused by most clients; ours are far smaller.
const METADATA_MAX: u32 = 16 << 20;

/// One thing to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    Close,
}

/// A peer of the farm, towards one stranger.
pub(super) struct Peer {
    laboratory: Arc<Laboratory>,
    pub(super) behaviour: Behaviour,
    local: SocketAddr,
    remote: SocketAddr,
    persona: Persona,
    counter: Counter,
    torrent: Arc<SyntheticTorrent>,
    /// What the stranger called the torrent: an echo peer answers to any name.
    info_hash: InfoHashV1,
    pieces: Bitfield,
    allowed: Vec<u32>,
    is_fast: bool,
    is_choking: bool,
    /// The number the stranger wants metadata addressed by, once it has said so.
    stranger_metadata_id: Option<u8>,
    /// The number the stranger wants to be told by that a piece is gone, once it has said so.
    stranger_donthave_id: Option<u8>,
    /// What a super-seeder has revealed.
    revealed: Vec<u32>,
}

impl Peer {
    /// The peer at `local` hears that `remote` wants this torrent. `None` if it has nothing to say to that.
    pub(super) fn new(
        laboratory: &Arc<Laboratory>,
        local: SocketAddr,
        remote: SocketAddr,
        info_hash: InfoHashV1,
    ) -> Option<Self> {
        let behaviour = Behaviour::of(local, &laboratory.mix);
        let known = laboratory.torrents.iter().find(|torrent| torrent.info_hash() == info_hash);
        let echoed = laboratory.torrents.first().filter(|_| behaviour == Behaviour::Echo);
        let torrent = Arc::clone(known.or(echoed)?);
        Some(Self {
            behaviour,
            persona: Persona::of(local, &laboratory.mix),
            counter: laboratory.counters.of(local.ip()),
            pieces: pieces_of(local.ip(), behaviour, &torrent, laboratory.mix.seed()),
            laboratory: Arc::clone(laboratory),
            local,
            remote,
            torrent,
            info_hash,
            allowed: Vec::new(),
            is_fast: false,
            is_choking: true,
            stranger_metadata_id: None,
            stranger_donthave_id: None,
            revealed: Vec::new(),
        })
    }

    /// Its handshake.
    pub(super) fn handshake(&self) -> Handshake {
        let mut info_hash = self.info_hash;
        if self.behaviour == Behaviour::WrongHash {
            info_hash.0[0] ^= 0xff;
        }
        Handshake { reserved: self.persona.reserved(), info_hash, peer_id: self.persona.peer_id }
    }

    /// What it says right after both handshakes.
    pub(super) fn greet(&mut self, stranger: &Handshake) -> Vec<Step> {
        if self.behaviour == Behaviour::Junk {
            return vec![Step::Send(Nonsense::of(self.local.ip(), self.laboratory.mix.seed()).bytes(self.local.ip()))];
        }
        self.is_fast = self.persona.fast && stranger.reserved.fast();
        let mut said = Vec::new();
        if stranger.reserved.extension() {
            said.extend(self.hello().encode());
        }
        let piece_count = self.pieces.piece_count();
        if self.pieces.is_empty() || self.behaviour == Behaviour::SuperSeeder {
            let none = if self.is_fast { Outgoing::HaveNone } else { Outgoing::EmptyBitfield { piece_count } };
            none.encode_into(&mut said);
        } else if self.is_fast && self.pieces.is_full() {
            said.extend(piece::have_all());
        } else {
            said.extend(piece::bitfield(&self.pieces));
        }
        self.allowed = self.allowed_fast();
        if self.behaviour != Behaviour::Tacit {
            self.allowed.iter().for_each(|index| said.extend(piece::allowed_fast(*index)));
        }
        if self.behaviour == Behaviour::Suggester && self.is_fast {
            (0..piece_count).take(SUGGESTED).for_each(|index| said.extend(piece::suggest(index)));
        }
        if self.behaviour == Behaviour::Leecher {
            Outgoing::Interested.encode_into(&mut said);
            self.beg(&mut said);
        }
        vec![Step::Send(said)]
    }

    /// What it says to one message.
    pub(super) fn answer(&mut self, message: Message<'_>) -> Vec<Step> {
        match message {
            Message::Interested => {
                self.counter.add(|counts| counts.interested += 1);
                let mut steps = self.unchoke();
                if self.behaviour == Behaviour::SuperSeeder && self.revealed.is_empty() {
                    steps.push(self.reveal());
                }
                steps
            }
            Message::Request(block) => self.requested(block),
            Message::Piece { .. } => {
                self.counter.add(|counts| counts.pieces_received += 1);
                Vec::new()
            }
            Message::Have(_) | Message::HaveAll => self.claimed(),
            Message::Bitfield(bits) if bits.iter().any(|byte| *byte != 0) => self.claimed(),
            Message::Unchoke => {
                self.counter.add(|counts| counts.unchokes_received += 1);
                Vec::new()
            }
            Message::Extended { id: 0, payload } => self.acquaintances(payload),
            Message::Extended { id: UT_METADATA_ID, payload } => self.metadata(payload),
            _ => Vec::new(),
        }
    }

    fn hello(&self) -> Hello<'_> {
        Hello {
            client: self.persona.client,
            port: self.laboratory.port,
            yourip: self.remote.ip(),
            metadata_size: self.tells_metadata().then(|| self.torrent.info().raw().len()),
            pex: self.word().is_some(),
            upload_only: match self.behaviour {
                Behaviour::PartialSeed => true,
                Behaviour::SuperSeeder => false,
                _ => self.pieces.is_full(),
            },
        }
    }

    /// What it says of others.
    fn word(&self) -> Option<Word> {
        let gossip = self.laboratory.gossip.read().unwrap_or_else(PoisonError::into_inner);
        gossip.of(self.local.ip()).cloned()
    }

    fn allowed_fast(&self) -> Vec<u32> {
        let serves_choked = matches!(
            self.behaviour,
            Behaviour::Seed
                | Behaviour::Partial
                | Behaviour::AllowedFastOnly
                | Behaviour::Liar
                | Behaviour::BitFlipper
                | Behaviour::Tacit
        );
        match self.remote.ip() {
            IpAddr::V4(stranger) if self.is_fast && serves_choked => {
                let mut set = allowed_fast::set(stranger, self.info_hash, self.pieces.piece_count(), self.persona.allowed_fast);
                set.retain(|index| self.pieces.get(*index));
                set
            }
            // BEP 6 has no rule for IPv6; a peer that lives on these pieces alone then offers the first ones.
            IpAddr::V6(_) if self.is_fast && self.behaviour == Behaviour::AllowedFastOnly => {
                (0..self.pieces.piece_count()).take(self.persona.allowed_fast).collect()
            }
            _ => Vec::new(),
        }
    }

    fn unchoke(&mut self) -> Vec<Step> {
        let pace = &self.laboratory.pace;
        let after = match self.behaviour {
            Behaviour::NeverUnchokes
            | Behaviour::AllowedFastOnly
            | Behaviour::Indexer
            | Behaviour::Leecher
            | Behaviour::Tacit => return Vec::new(),
            Behaviour::Slow => pace.slow_unchoke_after,
            _ => pace.unchoke_after,
        };
        if !self.is_choking {
            return Vec::new();
        }
        self.is_choking = false;
        let wait = (!after.is_zero()).then_some(Step::Wait(after));
        wait.into_iter().chain([Step::Send(piece::unchoke())]).collect()
    }

    fn requested(&mut self, block: Block) -> Vec<Step> {
        self.counter.add(|counts| counts.requests += 1);
        let range = self.torrent.info().block_range(block).filter(|_| block.length <= REQUEST_MAX);
        let Some(range) = range else {
            self.counter.add(|counts| counts.invalid_requests += 1);
            return vec![Step::Close];
        };
        if self.behaviour == Behaviour::Withdrawer {
            return self.withdraw(block);
        }
        let is_hidden = self.behaviour == Behaviour::SuperSeeder && !self.revealed.contains(&block.piece);
        let may_ask = !self.is_choking || self.allowed.contains(&block.piece);
        if !may_ask || is_hidden || !self.pieces.get(block.piece) {
            self.counter.add(|counts| counts.refused_requests += 1);
            return if self.is_fast { vec![Step::Send(piece::reject(block))] } else { Vec::new() };
        }
        let bytes = self.content(range.start, block.length);
        self.counter.add(|counts| counts.blocks_served += 1);
        self.laboratory.counters.served(
            Served {
                by: self.local,
                to: self.remote,
                info_hash: self.info_hash,
                block,
                genuine: self.torrent.info_hash() == self.info_hash && self.serves_truly(),
                at: SystemTime::now(),
            },
            self.laboratory.served_log_max,
        );
        let frame = piece::piece(block.piece, block.begin, &bytes);
        if self.behaviour == Behaviour::SuperSeeder {
            return vec![Step::Send(frame), self.reveal()];
        }
        if self.behaviour != Behaviour::Slow {
            return vec![Step::Send(frame)];
        }
        let (pause, parts) = (self.laboratory.pace.slow_pause, frame.chunks(frame.len().div_ceil(4)));
        parts.flat_map(|part| [Step::Wait(pause), Step::Send(part.to_vec())]).collect()
    }

    /// Reveals one more piece to the stranger: which, its address decides.
    fn reveal(&mut self) -> Step {
        let count = self.pieces.piece_count();
        let first = chance::number(self.laboratory.mix.seed(), "revealed", self.local.ip()) % u64::from(count);
        let piece = (first as u32 + self.revealed.len() as u32) % count;
        self.revealed.push(piece);
        Step::Send(piece::have(piece))
    }

    /// Takes back the claim to the piece that was asked for.
    fn withdraw(&mut self, block: Block) -> Vec<Step> {
        self.counter.add(|counts| counts.refused_requests += 1);
        let gone = self.stranger_donthave_id.map(|id| extension::extended(id, &block.piece.to_be_bytes()));
        let refusal = self.is_fast.then(|| piece::reject(block));
        gone.into_iter().chain(refusal).map(Step::Send).collect()
    }

    /// The bytes it sends for this part of the content.
    fn content(&self, offset: u64, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        let seed = self.laboratory.mix.seed();
        if self.behaviour == Behaviour::Liar {
            Stream::new(chance::number(seed, "junk", self.local.ip())).read(offset, &mut bytes);
            return bytes;
        }
        self.torrent.read(offset, &mut bytes);
        if self.behaviour == Behaviour::BitFlipper {
            let lot = chance::number(seed ^ offset, "flip", self.local.ip());
            let at = (lot / 8 % u64::from(length)) as usize;
            bytes[at] ^= 1 << (lot % 8);
        }
        bytes
    }

    const fn serves_truly(&self) -> bool {
        !matches!(self.behaviour, Behaviour::Liar | Behaviour::BitFlipper)
    }

    fn claimed(&self) -> Vec<Step> {
        self.counter.add(|counts| counts.claims_received += 1);
        Vec::new()
    }

    const fn tells_metadata(&self) -> bool {
        !matches!(self.behaviour, Behaviour::Indexer | Behaviour::Leecher)
    }

    fn metadata(&self, payload: &[u8]) -> Vec<Step> {
        let Ok(MetadataMessage::Request { piece: index }) = MetadataMessage::parse(payload, METADATA_MAX) else {
            return Vec::new();
        };
        self.counter.add(|counts| counts.metadata_requests += 1);
        let Some(id) = self.stranger_metadata_id else { return Vec::new() };
        let mut info = self.torrent.info().raw().to_vec();
        if !self.tells_metadata() {
            info.clear();
        }
        if self.behaviour == Behaviour::Liar
            && let Some(last_of_hash) = info.iter().rposition(|byte| *byte == b'e').and_then(|end| end.checked_sub(1))
        {
            // Another byte in the last piece hash: it still parses, and only the info-hash tells.
            info[last_of_hash] ^= 1;
        }
        vec![Step::Send(extension::metadata(id, &info, index))]
    }

    fn acquaintances(&mut self, payload: &[u8]) -> Vec<Step> {
        let Ok(hello) = ExtensionHandshake::parse(payload) else { return Vec::new() };
        self.stranger_donthave_id = hello.message_id(wire::extension::LT_DONTHAVE);
        self.stranger_metadata_id = hello.message_id(wire::extension::UT_METADATA);
        match hello.message_id(wire::extension::UT_PEX) {
            Some(id) => self.word().map(|word| Step::Send(word.encode(id))).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Asks for blocks without leave, as a greedy client might.
    fn beg(&self, said: &mut Vec<u8>) {
        let info = self.torrent.info();
        let blocks = (0..info.piece_count()).filter_map(|index| info.block(index, 0));
        for block in blocks.take(self.laboratory.leecher_requests) {
            Outgoing::Request(block).encode_into(said);
        }
    }
}

/// What the peer at this address has of the torrent, or claims to have.
pub(super) fn pieces_of(address: IpAddr, behaviour: Behaviour, torrent: &SyntheticTorrent, seed: u64) -> Bitfield {
    let count = torrent.info().piece_count();
    match behaviour {
        Behaviour::Leecher | Behaviour::Indexer | Behaviour::Dead | Behaviour::Tarpit | Behaviour::Junk => Bitfield::empty(count),
        Behaviour::Partial | Behaviour::PartialSeed => {
            let mut pieces = Bitfield::empty(count);
            let lot = chance::number(seed, "pieces", address);
            let mut coins = vec![0; count.div_ceil(8) as usize];
            Stream::new(lot).read(0, &mut coins);
            for index in (0..count).filter(|index| coins[(index / 8) as usize] & 1 << (index % 8) != 0) {
                pieces.insert(index);
            }
            // It shares something, or it were no sharer; and it lacks something where there is more than one piece.
            pieces.insert((lot % u64::from(count)) as u32);
            if pieces.is_full() && count > 1 {
                pieces = Bitfield::empty(count);
                pieces.insert((lot % u64::from(count)) as u32);
            }
            pieces
        }
        _ => Bitfield::full(count),
    }
}

const _: () = assert!(BLOCK_LENGTH <= REQUEST_MAX, "the usual block must be served");
