//! Scripted peers. Each behaves in one way and notes whatever it receives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use wire::handshake::{self, Handshake, Reserved};
use wire::infohash::InfoHashV1;
use wire::message::{Block, Decoder, Limits, Message, id};
use wire::peer_id::PeerId;

use super::torrent::{PIECE_BYTES, Torrent};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Has everything and gives it.
    Seed,
    /// Says it has everything and never lets anybody ask, but for pieces allowed fast.
    AllowedFast,
    /// Says it has everything and never lets anybody ask.
    Choker,
    /// Sends wrong bytes.
    Liar,
    /// Has nothing.
    Empty,
    /// Answers any info-hash and has everything.
    Echo,
    /// Names another torrent.
    WrongHash,
    /// Is no BitTorrent client.
    Web,
    /// Says nothing at all.
    Silent,
    /// Hangs up on whoever comes.
    Full,
    /// Asks for every piece again and again and gives nothing.
    Greedy,
}

/// What a peer received, one entry for each connection.
pub type Received = Arc<Mutex<Vec<Vec<u8>>>>;

/// Starts a peer that listens.
pub async fn start(kind: Kind, torrent: &Arc<Torrent>, at: SocketAddr) -> Received {
    let listener = TcpListener::bind(at).await.unwrap();
    let (received, torrent) = (Received::default(), Arc::clone(torrent));
    let notes = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(kind, Arc::clone(&torrent), stream, Arc::clone(&notes)));
        }
    });
    received
}

/// Dials a monitor and then behaves like any other peer.
pub async fn dial(kind: Kind, torrent: &Arc<Torrent>, from: SocketAddr, to: SocketAddr) -> Received {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // A port of an earlier test run may still be waiting out its time.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(from).unwrap();
    call(kind, torrent, socket.connect(to).await.unwrap()).await
}

/// Behaves like any other peer on a stream that it has opened.
pub async fn call(kind: Kind, torrent: &Arc<Torrent>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Received {
    call_as(PEER_ID, kind, torrent, stream).await
}

/// The same, by this peer id.
pub async fn call_as(
    id: PeerId,
    kind: Kind,
    torrent: &Arc<Torrent>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Received {
    let received = Received::default();
    let hash = if kind == Kind::WrongHash { [9; 20] } else { torrent.hash() };
    stream.write_all(&greeting(hash, id)).await.unwrap();
    tokio::spawn(talk(kind, Arc::clone(torrent), stream, Arc::clone(&received), true));
    received
}

/// What peers call themselves where it does not matter.
const PEER_ID: PeerId = PeerId(*b"-qB4520-abcdefghijkl");

fn greeting(hash: [u8; 20], peer_id: PeerId) -> Vec<u8> {
    let reserved = Reserved::default().with_extension().with_fast();
    Handshake { reserved, info_hash: InfoHashV1(hash), peer_id }.encode().to_vec()
}

pub async fn serve(kind: Kind, torrent: Arc<Torrent>, mut stream: impl AsyncRead + AsyncWrite + Unpin, notes: Received) {
    match kind {
        Kind::Full => {
            // Whoever closes with bytes unread resets the connection instead.
            let _ = stream.read_exact(&mut [0; handshake::LENGTH]).await;
        }
        Kind::Web => {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        }
        Kind::Silent => tokio::time::sleep(std::time::Duration::from_secs(30)).await,
        _ => talk(kind, torrent, stream, notes, false).await,
    }
}

async fn talk(
    kind: Kind,
    torrent: Arc<Torrent>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    notes: Received,
    has_greeted: bool,
) {
    let place = {
        let mut notes = notes.lock().unwrap();
        notes.push(vec![]);
        notes.len() - 1
    };
    let (mut inbox, mut greeted) = (Vec::new(), false);
    let mut buffer = vec![0; 20_000];
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
        inbox.extend_from_slice(&buffer[..length]);
        notes.lock().unwrap()[place].extend_from_slice(&buffer[..length]);
        let mut out = Vec::new();
        if !greeted {
            let Ok(Some(theirs)) = Handshake::parse(&inbox) else { continue };
            if theirs.info_hash.0 != torrent.hash() && kind != Kind::Echo {
                return;
            }
            inbox.drain(..handshake::LENGTH);
            greeted = true;
            let named = if kind == Kind::WrongHash { [9; 20] } else { theirs.info_hash.0 };
            if !has_greeted {
                out.extend(greeting(named, PEER_ID));
            }
            out.extend(opening(kind, &torrent, theirs.reserved.fast()));
        }
        while let Ok(Some((message, read))) = Decoder::new(Limits::default()).decode(&inbox) {
            out.extend(answer(kind, &torrent, &message));
            inbox.drain(..read);
        }
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

/// What a peer says first. Not everybody understands Have All.
fn opening(kind: Kind, torrent: &Torrent, is_fast: bool) -> Vec<u8> {
    let metadata = format!("d1:md11:ut_metadatai3ee13:metadata_sizei{}e1:v12:test peer 1.e", torrent.info.len());
    let hello = frame(id::EXTENDED, &[&[0], metadata.as_bytes()].concat());
    let state = match kind {
        Kind::Empty => frame(id::HAVE_NONE, &[]),
        _ if !is_fast => frame(id::BITFIELD, wire::bitfield::Bitfield::full(torrent.piece_count()).as_bytes()),
        _ => frame(id::HAVE_ALL, &[]),
    };
    let more = match kind {
        Kind::Seed | Kind::Liar | Kind::Echo => frame(id::UNCHOKE, &[]),
        Kind::AllowedFast => [2u32, 5].iter().flat_map(|piece| frame(id::ALLOWED_FAST, &piece.to_be_bytes())).collect(),
        Kind::Greedy => requests(torrent),
        _ => vec![],
    };
    [hello, state, frame(id::INTERESTED, &[]), more].concat()
}

fn requests(torrent: &Torrent) -> Vec<u8> {
    let ask = |piece: u32| frame(id::REQUEST, &[piece, 0, 16_384].map(u32::to_be_bytes).concat());
    (0..torrent.piece_count()).flat_map(ask).collect()
}

fn answer(kind: Kind, torrent: &Torrent, message: &Message<'_>) -> Vec<u8> {
    match message {
        Message::Request(block) if matches!(kind, Kind::Seed | Kind::AllowedFast | Kind::Liar | Kind::Echo) => {
            piece(kind, torrent, block)
        }
        Message::Interested if kind == Kind::Greedy => requests(torrent).repeat(5),
        // The number we chose for ut_metadata above is 3; the monitor wants data as 1.
        Message::Extended { id: 3, payload } => {
            let Ok(wire::ut_metadata::MetadataMessage::Request { piece }) =
                wire::ut_metadata::MetadataMessage::parse(payload, u32::MAX)
            else {
                return vec![];
            };
            let block = torrent.info.chunks(16_384).nth(piece as usize).unwrap_or(&[]);
            let head = format!("d8:msg_typei1e5:piecei{piece}e10:total_sizei{}ee", torrent.info.len());
            frame(id::EXTENDED, &[&[1], head.as_bytes(), block].concat())
        }
        _ => vec![],
    }
}

fn piece(kind: Kind, torrent: &Torrent, block: &Block) -> Vec<u8> {
    let start = (block.piece * PIECE_BYTES + block.begin) as usize;
    let mut bytes = torrent.bytes[start..start + block.length as usize].to_vec();
    if kind == Kind::Liar {
        bytes[100] ^= 1;
    }
    frame(id::PIECE, &[&block.piece.to_be_bytes()[..], &block.begin.to_be_bytes(), &bytes].concat())
}

fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 1).to_be_bytes()[..], &[id], payload].concat()
}

/// Panics if anything that a monitor sent could give content away or claim to have any.
pub fn assert_harmless(received: &Received) {
    for stream in received.lock().unwrap().iter() {
        let mut rest = &stream[handshake::LENGTH.min(stream.len())..];
        while let Ok(Some((message, read))) = Decoder::default().decode(rest) {
            let is_harmless = match message {
                Message::Piece { .. } | Message::Unchoke | Message::Have(_) | Message::HaveAll => false,
                Message::Bitfield(bits) => bits.iter().all(|byte| *byte == 0),
                _ => true,
            };
            assert!(is_harmless, "received {message:?}");
            rest = &rest[read..];
        }
        assert!(rest.is_empty(), "the stream is made of whole messages");
    }
}
