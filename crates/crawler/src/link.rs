//! An established stream, whatever carries it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evidence::Transport;
use swarm::probe::Why;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::{dial, utp};

/// An established stream.
pub(crate) struct Link {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub(crate) transport: Transport,
    /// Our end.
    pub(crate) observer: SocketAddr,
    /// The peer's end.
    pub(crate) peer: SocketAddr,
}

/// A block and its header fit.
const READ_BYTES: usize = 20 << 10;

impl Link {
    pub(crate) fn new(
        reader: Box<dyn AsyncRead + Send + Unpin>,
        writer: Box<dyn AsyncWrite + Send + Unpin>,
        transport: Transport,
        observer: SocketAddr,
        peer: SocketAddr,
    ) -> Self {
        Self { reader, writer, transport, observer, peer }
    }

    pub(crate) fn tcp(stream: TcpStream) -> Result<Self, Why> {
        let (observer, peer) = match (stream.local_addr(), stream.peer_addr()) {
            (Ok(observer), Ok(peer)) => (evidence::endpoint::canonical(observer), evidence::endpoint::canonical(peer)),
            (Err(error), _) | (_, Err(error)) => return Err(dial::why(&error)),
        };
        let (reader, writer) = stream.into_split();
        Ok(Self::new(Box::new(reader), Box::new(writer), Transport::Tcp, observer, peer))
    }

    /// Writes what the system takes of `outbox` now. A peer that can no longer be written to may still have said
    /// something: reading will tell how the stream ended.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, outbox: &mut Vec<u8>) -> Poll<()> {
        match ready!(Pin::new(&mut self.writer).poll_write(context, outbox)) {
            Ok(length) => {
                outbox.drain(..length);
            }
            Err(_) => outbox.clear(),
        }
        Poll::Ready(())
    }

    /// Reads what is there, into a buffer that lives only for the call: an idle stream holds none. No bytes are its end.
    pub(crate) fn poll_read<T>(&mut self, context: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<Result<T, Why>> {
        let mut buffer = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut buffer);
        match ready!(Pin::new(&mut self.reader).poll_read(context, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => Poll::Ready(Err(Why::EndOfStream)),
            Ok(()) => Poll::Ready(Ok(take(buffer.filled()))),
            Err(error) => Poll::Ready(Err(self.why(&error))),
        }
    }

    fn why(&self, error: &io::Error) -> Why {
        match self.transport {
            Transport::Tcp => dial::why(error),
            Transport::Utp => utp::why_of_stream(error),
        }
    }
}
