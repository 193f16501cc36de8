//! One connection of one peer: reads, asks [`Peer`] what to say, and says it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use wire::handshake::{self, Handshake};
use wire::infohash::InfoHashV1;
use wire::message::{Decoder, Limits, Message};

use super::Laboratory;
use super::counters::Counter;
use super::nonsense::Nonsense;
use super::peer::{Peer, Step};
use crate::behaviour::Behaviour;

const READ_BYTES: usize = 4 << 10;

/// A connection that somebody made to the peer at `local`.
pub(super) async fn accepted(laboratory: Arc<Laboratory>, stream: TcpStream, local: SocketAddr, remote: SocketAddr) {
    let counter = laboratory.counters.of(local.ip());
    counter.add(|counts| counts.connects += 1);
    let mut connection = Connection::new(&laboratory, stream, counter);
    // How a connection ends is the other side's affair; the counters say what mattered.
    let _ = connection.serve(&laboratory, local, remote).await;
}

/// A connection that the peer at `local` made.
pub(super) async fn dialled(
    laboratory: Arc<Laboratory>,
    stream: TcpStream,
    (local, remote): (SocketAddr, SocketAddr),
    info_hash: InfoHashV1,
) {
    let counter = laboratory.counters.of(local.ip());
    counter.add(|counts| counts.dials += 1);
    let mut connection = Connection::new(&laboratory, stream, counter);
    let _ = connection.call(&laboratory, local, remote, info_hash).await;
}

struct Connection {
    stream: TcpStream,
    counter: Counter,
    received: Vec<u8>,
    idle_max: Duration,
}

impl Connection {
    fn new(laboratory: &Laboratory, stream: TcpStream, counter: Counter) -> Self {
        // Without it a block's tail waits for an acknowledgement; a failure only costs time.
        let _ = stream.set_nodelay(true);
        Self { stream, counter, received: Vec::new(), idle_max: laboratory.pace.idle_max }
    }

    async fn serve(&mut self, laboratory: &Arc<Laboratory>, local: SocketAddr, remote: SocketAddr) -> io::Result<()> {
        match Behaviour::of(local, &laboratory.mix) {
            // Nothing listens at a dead peer's listed port, but its address is the listener's too.
            Behaviour::Dead => return Ok(()),
            Behaviour::Tarpit => return self.swallow().await,
            Behaviour::Junk => {
                let nonsense = Nonsense::of(local.ip(), laboratory.mix.seed());
                if nonsense.replaces_handshake() {
                    self.send(&nonsense.bytes(local.ip())).await?;
                    return self.swallow().await;
                }
            }
            _ => {}
        }
        let Some(stranger) = self.handshake().await? else { return Ok(()) };
        self.count_handshake(laboratory, &stranger);
        let Some(peer) = Peer::new(laboratory, local, remote, stranger.info_hash) else { return Ok(()) };
        self.send(&peer.handshake().encode()).await?;
        self.converse(peer, &stranger).await
    }

    async fn call(
        &mut self,
        laboratory: &Arc<Laboratory>,
        local: SocketAddr,
        remote: SocketAddr,
        info_hash: InfoHashV1,
    ) -> io::Result<()> {
        let Some(peer) = Peer::new(laboratory, local, remote, info_hash) else { return Ok(()) };
        let nonsense = Nonsense::of(local.ip(), laboratory.mix.seed());
        match peer.behaviour {
            Behaviour::Tarpit => return self.swallow().await,
            Behaviour::Junk if nonsense.replaces_handshake() => {
                self.send(&nonsense.bytes(local.ip())).await?;
                return self.swallow().await;
            }
            _ => self.send(&peer.handshake().encode()).await?,
        }
        let Some(stranger) = self.handshake().await? else { return Ok(()) };
        self.count_handshake(laboratory, &stranger);
        self.converse(peer, &stranger).await
    }

    async fn converse(&mut self, mut peer: Peer, stranger: &Handshake) -> io::Result<()> {
        if !self.perform(peer.greet(stranger)).await? {
            return Ok(());
        }
        // Wide limits: an unlawful message is to be counted, not overlooked for being too long.
        let decoder = Decoder::new(Limits { block_max: 1 << 20, ..Limits::default() });
        loop {
            let mut used = 0;
            loop {
                let (message, length) = match decoder.decode(&self.received[used..]) {
                    Ok(Some(read)) => read,
                    Ok(None) => break,
                    Err(_) => {
                        self.counter.add(|counts| counts.malformed += 1);
                        return Ok(());
                    }
                };
                used += length;
                if message != Message::KeepAlive {
                    let steps = peer.answer(message);
                    if !self.perform(steps).await? {
                        return Ok(());
                    }
                }
            }
            self.received.drain(..used);
            if !self.receive().await? {
                return Ok(());
            }
        }
    }

    /// The other side's handshake, or `None` if it ended or broke the protocol before it was complete.
    async fn handshake(&mut self) -> io::Result<Option<Handshake>> {
        loop {
            match Handshake::parse(&self.received) {
                Ok(Some(stranger)) => {
                    self.received.drain(..handshake::LENGTH);
                    return Ok(Some(stranger));
                }
                Ok(None) => {}
                Err(_) => {
                    self.counter.add(|counts| counts.malformed += 1);
                    return Ok(None);
                }
            }
            if !self.receive().await? {
                return Ok(None);
            }
        }
    }

    fn count_handshake(&self, laboratory: &Laboratory, stranger: &Handshake) {
        let is_ours = laboratory.torrents.iter().any(|torrent| torrent.info_hash() == stranger.info_hash);
        self.counter.add(|counts| *if is_ours { &mut counts.handshakes } else { &mut counts.foreign_handshakes } += 1);
    }

    /// Does what the peer decided. False if that was to hang up.
    async fn perform(&mut self, steps: Vec<Step>) -> io::Result<bool> {
        for step in steps {
            match step {
                Step::Send(bytes) => self.send(&bytes).await?,
                Step::Wait(duration) => sleep(duration).await,
                Step::Close => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(self.idle_max, self.stream.write_all(bytes)).await??;
        self.counter.add(|counts| counts.bytes_sent += bytes.len() as u64);
        Ok(())
    }

    /// Reads some more. False at the end of the stream.
    async fn receive(&mut self) -> io::Result<bool> {
        self.received.reserve(READ_BYTES);
        let length = timeout(self.idle_max, self.stream.read_buf(&mut self.received)).await??;
        self.counter.add(|counts| counts.bytes_received += length as u64);
        Ok(length > 0)
    }

    /// Reads and says nothing until the other side gives up.
    async fn swallow(&mut self) -> io::Result<()> {
        while self.receive().await? {
            self.received.clear();
        }
        Ok(())
    }
}
