//! Callers: peers that dial us. They are heard and never served.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use evidence::Now;
use socket2::{Domain, Protocol, Socket, Type};
use swarm::Seed;
use swarm::mse::Torrents;
use swarm::reception::{Named, Output, Reception};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::link::Link;
use crate::{Clock, WatchError};

/// Somebody who has connected and said nothing yet.
pub(crate) struct Caller {
    pub(crate) link: Link,
    pub(crate) accepted: Now,
    /// The wall clock's error before that, in milliseconds.
    pub(crate) error_ms: Option<u32>,
}

/// Callers that wait to be let in; further ones wait in the system's queue.
pub(crate) const CALLERS_MAX: usize = 64;

/// Connections that wait in the system's queue.
const BACKLOG: i32 = 1_024;

/// Opens a listener.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, WatchError> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // IPv4 has listeners of its own, so that no address is a mapped one.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|source| WatchError::Listen { address, source })
}

/// Accepts until nobody wants callers any more.
pub(crate) async fn accept(listener: TcpListener, callers: mpsc::Sender<Caller>, clock: Arc<dyn Clock>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without its two ends it is gone again.
                let error_ms = clock.reading().error_ms;
                let Ok(link) = Link::tcp(stream) else { continue };
                let caller = Caller { link, accepted: clock.now(), error_ms };
                if callers.send(caller).await.is_err() {
                    return;
                }
            }
            // Out of descriptors, or the caller is gone again: others may still come.
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "a caller could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Reads until the caller has named a torrent. Nothing is said to it meanwhile but what its own way of calling needs.
pub(crate) async fn hear(
    link: &mut Link,
    torrents: &Torrents,
    patience: Duration,
    seed: Seed,
    clock: &Arc<dyn Clock>,
) -> Option<Box<Named>> {
    let mut reception = Reception::new(seed);
    let mut outbox = Vec::new();
    let heard = async {
        loop {
            match reception.poll_output() {
                Output::Named(named) => {
                    // What was said last is part of the caller's handshake, and must be out before anything else.
                    while !outbox.is_empty() {
                        poll_fn(|context| link.poll_write(context, &mut outbox)).await;
                    }
                    return Some(named);
                }
                Output::TurnAway => return None,
                Output::Send(bytes) => outbox.extend(bytes),
                Output::Wait => {
                    let moved = poll_fn(|context| {
                        if !outbox.is_empty() && link.poll_write(context, &mut outbox).is_ready() {
                            return Poll::Ready(Ok(()));
                        }
                        link.poll_read(context, |bytes| reception.handle_input(clock.now(), bytes, torrents))
                    });
                    moved.await.ok()?;
                }
            }
        }
    };
    tokio::time::timeout(patience, heard).await.ok()?
}
