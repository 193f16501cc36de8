//! The sockets of local discovery (BEP 14): datagrams to and from the groups of our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use swarm::Vantages;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use wire::local::{GROUP_V4, GROUP_V6, LENGTH_MAX};

use crate::WatchError;

/// A datagram that arrived for one of the groups.
pub(crate) struct Whisper {
    pub(crate) from: SocketAddr,
    pub(crate) datagram: Vec<u8>,
}

/// Datagrams that wait to be looked at; further ones are lost, as datagrams may be.
pub(crate) const WHISPERS_MAX: usize = 256;

/// Where we speak from: a socket for each address of ours on which we listen, and the port.
#[derive(Debug, Default)]
pub(crate) struct Voices(Vec<(UdpSocket, u16)>);

/// Joins the groups of the families that we have addresses of.
pub(crate) fn listen(bind: &Vantages) -> Result<Vec<UdpSocket>, WatchError> {
    let mut sockets = Vec::new();
    for (family, group) in [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), GROUP_V4.into()), (Ipv6Addr::UNSPECIFIED.into(), GROUP_V6.into())]
    {
        let ours: Vec<IpAddr> = bind.family(family).map(|vantage| vantage.address).collect();
        if !ours.is_empty() {
            sockets.push(join(group, &ours).map_err(|source| WatchError::Listen { address: group, source })?);
        }
    }
    Ok(sockets)
}

/// Bound to the group's own address, a socket gets what is sent to the group and nothing else.
fn join(group: SocketAddr, ours: &[IpAddr]) -> std::io::Result<UdpSocket> {
    let socket = socket(group)?;
    socket.set_reuse_address(true)?;
    socket.bind(&group.into())?;
    for address in ours {
        match (group, address) {
            (SocketAddr::V4(group), IpAddr::V4(address)) => socket.join_multicast_v4(group.ip(), address)?,
            // The system picks the interface by its route to the group.
            (SocketAddr::V6(group), _) => socket.join_multicast_v6(group.ip(), 0)?,
            _ => {}
        }
    }
    UdpSocket::from_std(socket.into())
}

fn socket(towards: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(towards), Type::DGRAM, Some(Protocol::UDP))?;
    if towards.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Hands on whatever arrives.
pub(crate) async fn hear(socket: UdpSocket, into: mpsc::Sender<Whisper>) {
    // One byte more than the longest: what fills it is too long.
    let mut buffer = [0; LENGTH_MAX + 1];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let datagram = buffer[..length].to_vec();
                if into.try_send(Whisper { from, datagram }).is_err() && into.is_closed() {
                    return;
                }
            }
            // A want of memory, as a rule: without a pause this would spin until there is some.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

impl Voices {
    /// A socket for each address of ours on which peers may call.
    pub(crate) fn open(bind: &Vantages) -> Result<Self, WatchError> {
        let open = |address: IpAddr| {
            let at = SocketAddr::new(address, 0);
            let socket = socket(at)?;
            socket.bind(&at.into())?;
            if let IpAddr::V4(four) = address {
                socket.set_multicast_if_v4(&four)?;
            }
            UdpSocket::from_std(socket.into())
        };
        let mut sockets = Vec::new();
        for address in bind.iter().map(|vantage| vantage.address) {
            if let Some(port) = bind.port_at(address) {
                let source = |source| WatchError::Listen { address: SocketAddr::new(address, 0), source };
                sockets.push((open(address).map_err(source)?, port));
            }
        }
        Ok(Self(sockets))
    }

    /// Says something to the group of each address's family. A datagram that cannot be sent now is as good as one that
    /// is lost on the way.
    pub(crate) fn say(&self, announcement: impl Fn(u16, bool) -> Vec<u8>) {
        for (socket, port) in &self.0 {
            let is_v6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
            let group = if is_v6 { SocketAddr::from(GROUP_V6) } else { GROUP_V4.into() };
            let _ = socket.try_send_to(&announcement(*port, is_v6), group);
        }
    }
}
