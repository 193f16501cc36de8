//! A client that has nothing and says nothing but what `wire` lets it say, except where a test wants it to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use wire::extension::OwnHandshake;
use wire::handshake::{Handshake, Reserved};
use wire::infohash::InfoHashV1;
use wire::message::{Block, Decoder, Limits, Message, Outgoing};
use wire::peer_id::PeerId;

pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 1);
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A message, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Unchoke,
    Interested,
    Have(u32),
    Bitfield(Vec<u8>),
    HaveAll,
    HaveNone,
    AllowedFast(u32),
    Request(Block),
    Reject(Block),
    Piece(Block, Vec<u8>),
    Extended(u8, Vec<u8>),
    Other(String),
}

pub struct Stranger {
    pub stream: TcpStream,
    pub buffer: Vec<u8>,
}

pub fn own_handshake(info_hash: InfoHashV1, fast: bool) -> Handshake {
    let reserved = Reserved::default().with_extension();
    let reserved = if fast { reserved.with_fast() } else { reserved };
    Handshake { reserved, info_hash, peer_id: PeerId::azureus(*b"AF", *b"0100", *b"strangerabcd") }
}

impl Stranger {
    pub async fn connect(to: SocketAddr) -> io::Result<Self> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if to.is_ipv4() {
            socket.bind((ADDRESS, 0).into())?;
        }
        let stream = timeout(PATIENCE, socket.connect(to)).await??;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Connects and shakes hands. `None` where the peer ended the connection without an answer.
    pub async fn meet(to: SocketAddr, info_hash: InfoHashV1, fast: bool) -> io::Result<(Self, Option<Handshake>)> {
        let mut stranger = Self::connect(to).await?;
        stranger.send(&own_handshake(info_hash, fast).encode()).await?;
        let answer = stranger.handshake().await?;
        Ok((stranger, answer))
    }

    pub async fn handshake(&mut self) -> io::Result<Option<Handshake>> {
        loop {
            match Handshake::parse(&self.buffer) {
                Ok(Some(handshake)) => {
                    self.buffer.drain(..68);
                    return Ok(Some(handshake));
                }
                Ok(None) => {}
                Err(fault) => return Err(io::Error::new(io::ErrorKind::InvalidData, fault.to_string())),
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub async fn say(&mut self, message: Outgoing<'_>) {
        self.send(&message.encode()).await.unwrap();
    }

    pub async fn hello(&mut self) {
        let ours = OwnHandshake { client: "stranger", ut_metadata: Some(7), ut_pex: Some(8), ..OwnHandshake::default() };
        self.say(Outgoing::ExtensionHandshake(ours)).await;
    }

    pub async fn read(&mut self) -> io::Result<bool> {
        Ok(timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await?? > 0)
    }

    /// The next message; an error of kind `UnexpectedEof` at the end, `InvalidData` where it is no message.
    pub async fn hear(&mut self) -> io::Result<Heard> {
        let decoder = Decoder::new(Limits::default());
        loop {
            let read =
                decoder.decode(&self.buffer).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
            if let Some((message, length)) = read {
                let heard = heard(message);
                self.buffer.drain(..length);
                return Ok(heard);
            }
            if !self.read().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Messages until one fits, that one last.
    pub async fn hear_until(&mut self, fits: impl Fn(&Heard) -> bool) -> io::Result<Vec<Heard>> {
        let mut all = Vec::new();
        loop {
            let heard = self.hear().await?;
            all.push(heard);
            if all.last().is_some_and(&fits) {
                return Ok(all);
            }
        }
    }

    /// Whether nothing comes for a while.
    pub async fn silence(&mut self, wait: Duration) -> bool {
        timeout(wait, self.hear()).await.is_err()
    }

    /// Asks for a block and returns its bytes, or `None` where that was refused.
    pub async fn ask(&mut self, block: Block) -> io::Result<Option<Vec<u8>>> {
        self.say(Outgoing::Request(block)).await;
        let all = self
            .hear_until(|heard| match heard {
                Heard::Piece(got, _) => (got.piece, got.begin) == (block.piece, block.begin),
                Heard::Reject(got) => *got == block,
                _ => false,
            })
            .await?;
        match all.into_iter().last() {
            Some(Heard::Piece(_, bytes)) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }
}

fn heard(message: Message<'_>) -> Heard {
    match message {
        Message::Unchoke => Heard::Unchoke,
        Message::Interested => Heard::Interested,
        Message::Have(piece) => Heard::Have(piece),
        Message::Bitfield(bits) => Heard::Bitfield(bits.to_vec()),
        Message::HaveAll => Heard::HaveAll,
        Message::HaveNone => Heard::HaveNone,
        Message::AllowedFast(piece) => Heard::AllowedFast(piece),
        Message::Request(block) => Heard::Request(block),
        Message::Reject(block) => Heard::Reject(block),
        Message::Piece { piece, begin, block } => {
            Heard::Piece(Block { piece, begin, length: block.len() as u32 }, block.to_vec())
        }
        Message::Extended { id, payload } => Heard::Extended(id, payload.to_vec()),
        other => Heard::Other(format!("{other:?}")),
    }
}
