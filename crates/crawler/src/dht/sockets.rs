//! The UDP sockets of our node: one a family, bound to the monitor's own address, so that answers come from where we
//! were asked and our own address is known.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use swarm::Vantages;
use tokio::net::UdpSocket;

use crate::WatchError;

/// Our sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

/// Longer than any datagram that is read: a longer one is cut here, and refused by its length.
pub(super) const DATAGRAM_MAX: usize = 16 << 10;

/// Room for answers that arrive together.
const RECEIVE_BYTES: usize = 1 << 20;

/// Pause after the system failed to receive, so that a lasting failure costs little.
const PAUSE: Duration = Duration::from_millis(50);

impl Sockets {
    /// Opens one for each family that contacts are made from, at the first of its addresses.
    pub(crate) fn open(bind: &Vantages, port: u16) -> Result<Self, WatchError> {
        let open = |address: Option<IpAddr>| {
            let address = address.map(|address| SocketAddr::new(address, port));
            address.map(|address| socket(address).map_err(|source| WatchError::Listen { address, source })).transpose()
        };
        Ok(Self { v4: open(bind.first(Ipv4Addr::UNSPECIFIED.into()))?, v6: open(bind.first(Ipv6Addr::UNSPECIFIED.into()))? })
    }

    /// Our ends.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        [&self.v4, &self.v6].into_iter().flatten().filter_map(|socket| socket.local_addr().ok())
    }

    /// Whether there is one for IPv4, and for IPv6.
    pub(super) fn families(&self) -> (bool, bool) {
        (self.v4.is_some(), self.v6.is_some())
    }

    /// Sends a datagram. One that cannot be sent will not be answered, and counts as such.
    pub(super) async fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        if let Some(socket) = socket {
            let _ = socket.send_to(datagram, to).await;
        }
    }

    /// Waits for a datagram. Returns how long it is and who sent it.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            let socket = tokio::select! {
                socket = readable(self.v4.as_ref()) => socket,
                socket = readable(self.v6.as_ref()) => socket,
            };
            match socket.try_recv_from(buffer) {
                Ok(received) => return received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

async fn readable(socket: Option<&UdpSocket>) -> &UdpSocket {
    match socket {
        Some(socket) => {
            if socket.readable().await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            socket
        }
        None => std::future::pending().await,
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The system may give less, which costs repeats and nothing else.
    let _ = socket.set_recv_buffer_size(RECEIVE_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_family_has_a_socket_and_hears_its_own() {
        let four = IpAddr::from([127, 151, 1, 1]);
        let bind = Vantages::new([four, Ipv6Addr::LOCALHOST.into(), [127, 151, 1, 2].into()]);
        let (one, other) = (Sockets::open(&bind, 0).unwrap(), Sockets::open(&bind, 0).unwrap());
        let (here, there): (Vec<_>, Vec<_>) = (one.addresses().collect(), other.addresses().collect());
        assert_eq!(one.families(), (true, true));
        let mut buffer = vec![0; DATAGRAM_MAX];
        for at in [0, 1] {
            one.send(there[at], b"hello").await;
            assert_eq!(other.receive(&mut buffer).await, (5, here[at]));
            assert_eq!(&buffer[..5], b"hello");
        }
        let only = Sockets::open(&Vantages::new([four]), 0).unwrap();
        only.send(there[1], b"nowhere").await;
        only.send(there[0], b"somewhere").await;
        assert_eq!(other.receive(&mut buffer).await.0, b"somewhere".len());
        let taken = Sockets::open(&Vantages::new([four]), here[0].port());
        assert!(matches!(taken, Err(WatchError::Listen { address, .. }) if address == here[0]));
    }
}
