//! Outgoing connections, from our own addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use swarm::probe::Why;
use tokio::net::TcpSocket;

use crate::link::Link;

/// Connects. Only our own waiting ends it otherwise: the caller has the deadline.
pub(crate) async fn dial(from: IpAddr, to: SocketAddr) -> Result<Link, Why> {
    let socket = prepare(from, to).map_err(|error| Why::Local(words(&error)))?;
    let stream = socket.connect(to).await.map_err(|error| why(&error))?;
    Link::tcp(stream)
}

fn prepare(from: IpAddr, to: SocketAddr) -> io::Result<TcpSocket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Without an address of ours to bind, the system takes a port at connect, of which there are as many for each peer.
    if !from.is_unspecified() {
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    // Handshake, interest and request are small and wait for nothing.
    socket.set_tcp_nodelay(true)?;
    Ok(TcpSocket::from_std_stream(socket.into()))
}

/// What an error of a connection says about its end.
pub(crate) fn why(error: &io::Error) -> Why {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Why::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => Why::Reset,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Why::Unreachable,
        io::ErrorKind::TimedOut => Why::TimedOut,
        io::ErrorKind::UnexpectedEof => Why::EndOfStream,
        _ => Why::Local(words(error)),
    }
}

/// An error in words without an address: the system's own message names none, and a library's might.
pub(crate) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.to_string(),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_refusal_is_a_refusal() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let link = dial("127.0.0.9".parse().unwrap(), address).await.unwrap();
        assert_eq!(link.observer.ip(), "127.0.0.9".parse::<IpAddr>().unwrap());
        drop(taken);
        assert_eq!(dial(Ipv4Addr::UNSPECIFIED.into(), address).await.err(), Some(Why::Refused));
        let foreign = dial("192.0.2.1".parse().unwrap(), address).await.err().unwrap();
        assert!(matches!(&foreign, Why::Local(what) if !what.contains("192.0.2.1")), "{foreign:?}");
    }
}
