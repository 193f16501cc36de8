//! Scripted peers that take one kind of stream only.

use std::net::SocketAddr;
use std::sync::Arc;

use evidence::InfoHashV1;
use librqbit_utp::UtpSocket;
use swarm::Seed;
use swarm::ladder::Means;
use swarm::mse::{Output, Policy, Responder, Session, Torrents};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::peer::{self, Kind, Received};
use super::torrent::Torrent;

/// Starts a peer that takes streams by these means and no others.
pub async fn start(kind: Kind, means: Means, torrent: &Arc<Torrent>, at: SocketAddr) -> Received {
    let (received, torrent) = (Received::default(), Arc::clone(torrent));
    let notes = Arc::clone(&received);
    if means.transport == evidence::Transport::Tcp {
        let listener = TcpListener::bind(at).await.unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(kind, means, Arc::clone(&torrent), stream, Arc::clone(&notes)));
            }
        });
    } else {
        let socket = UtpSocket::new_udp(at).await.unwrap();
        tokio::spawn(async move {
            while let Ok(stream) = socket.accept().await {
                tokio::spawn(take(kind, means, Arc::clone(&torrent), stream, Arc::clone(&notes)));
            }
        });
    }
    received
}

async fn take(
    kind: Kind,
    means: Means,
    torrent: Arc<Torrent>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    notes: Received,
) {
    if !means.is_covered {
        return peer::serve(kind, torrent, stream, notes).await;
    }
    let (mut stream, torrents) = (stream, [InfoHashV1::from(torrent.hash())].into_iter().collect());
    let Some((session, heard)) = shake(&mut stream, &torrents).await else { return };
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::join!(peer::serve(kind, torrent, far, notes), bridge(stream, near, session, heard));
}

/// The peer's side of the handshake; nothing if the caller begins with anything else.
async fn shake(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), torrents: &Torrents) -> Option<(Box<Session>, Vec<u8>)> {
    let mut responder = Responder::new(Policy::Rc4Only, Seed::new([77; 32]));
    let mut buffer = [0; 4_096];
    loop {
        match responder.poll_output() {
            Output::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Output::Done(mut session) => {
                let heard = session.take_payload();
                return Some((session, heard));
            }
            Output::Failed(_) => return None,
            Output::Wait => {
                let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
                if buffer.starts_with(b"\x13BitTorrent") {
                    return None;
                }
                responder.handle_input(&buffer[..length], torrents);
            }
        }
    }
}

async fn bridge(
    mut outer: impl AsyncRead + AsyncWrite + Unpin,
    mut inner: impl AsyncRead + AsyncWrite + Unpin,
    mut session: Box<Session>,
    heard: Vec<u8>,
) {
    if inner.write_all(&heard).await.is_err() {
        return;
    }
    let (mut from_outer, mut from_inner) = ([0; 4_096], [0; 4_096]);
    loop {
        tokio::select! {
            read = outer.read(&mut from_outer) => {
                let Ok(length @ 1..) = read else { return };
                session.decrypt(&mut from_outer[..length]);
                if inner.write_all(&from_outer[..length]).await.is_err() {
                    return;
                }
            }
            read = inner.read(&mut from_inner) => {
                let Ok(length @ 1..) = read else { return };
                session.encrypt(&mut from_inner[..length]);
                if outer.write_all(&from_inner[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
