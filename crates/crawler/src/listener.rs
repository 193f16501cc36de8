//! Callers: peers that dial us. They are heard and never served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{InfoHashV1, Now};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::handshake::{self, Handshake};

use crate::{Clock, WatchError};

/// Somebody who has connected and said nothing yet.
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
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
            Ok((stream, peer)) => {
                let error_ms = clock.reading().error_ms;
                let caller = Caller { stream, peer: evidence::endpoint::canonical(peer), accepted: clock.now(), error_ms };
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

/// Reads until the caller has named a torrent. Nothing is said to it meanwhile.
pub(crate) async fn hear(stream: &TcpStream, patience: Duration) -> Option<(InfoHashV1, Vec<u8>)> {
    let mut heard = Vec::with_capacity(handshake::LENGTH);
    tokio::time::timeout(patience, async {
        loop {
            stream.readable().await.ok()?;
            let mut buffer = [0; 2 * handshake::LENGTH];
            match stream.try_read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => heard.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => return None,
            }
            if Handshake::parse(&heard).is_err() {
                return None;
            }
            if let Some(hash) = Handshake::info_hash_of(&heard) {
                return Some((InfoHashV1::from(hash.0), core::mem::take(&mut heard)));
            }
        }
    })
    .await
    .ok()?
}
