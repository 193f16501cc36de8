//! µTP (BEP 29): one UDP socket for each of our addresses, on the listening port, to dial from and to be called on.
//!
//! The library logs peers' addresses, and reports them in its errors' texts now and then: whoever installs a log lets
//! none of its events through, and of its errors only their kind goes on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use evidence::Transport;
use librqbit_utp::{Error, SocketOpts, UtpSocketUdp, UtpSocketUdpOpts};
use swarm::Vantages;
use swarm::probe::Why;
use tokio::sync::mpsc;

use crate::link::Link;
use crate::listener::Caller;
use crate::{Clock, WatchError};

/// The µTP sockets of a run.
pub(crate) struct Ports {
    sockets: Vec<Arc<UtpSocketUdp>>,
    /// Ends what the library has running.
    cancel: Vec<Box<dyn Fn() + Send + Sync>>,
}

/// Bytes a peer may send before we have read them: a block, and what comes with it.
const WINDOW_BYTES: usize = 64 << 10;

/// Silence after which a stream counts as dead. The engines' own patience ends long before.
const SILENCE: Duration = Duration::from_secs(300);

/// Wait for the answer to a first packet, doubled each time. The library sends it once only.
const SYN_WAIT: Duration = Duration::from_millis(1_200);

impl Ports {
    /// None.
    pub(crate) fn none() -> Self {
        Self { sockets: vec![], cancel: vec![] }
    }

    /// Opens one for each listener, and one for each further address that contacts are made from.
    pub(crate) async fn open(listeners: &[SocketAddr], bind: &Vantages, streams_max: u32) -> Result<Self, WatchError> {
        let mut ports = Self::none();
        // A listener for all of IPv6 takes IPv4 with it, as the library opens it; so it goes first.
        let mut listeners = listeners.to_vec();
        listeners.sort_by_key(|address| (!address.ip().is_unspecified(), address.is_ipv4()));
        for address in listeners {
            let takes_it = |wide: SocketAddr| wide.ip().is_unspecified() && wide.is_ipv6() && wide.port() == address.port();
            if !(address.ip().is_unspecified() && ports.addresses().any(takes_it)) {
                ports.add(address, streams_max).await?;
            }
        }
        let mut addresses: Vec<IpAddr> = bind.iter().map(|vantage| vantage.address).collect();
        addresses.sort_by_key(|address| (!address.is_unspecified(), address.is_ipv4()));
        for address in addresses {
            // A socket for all addresses would leave it to the system from which of them to dial.
            let is_there = |socket: &Arc<UtpSocketUdp>| !socket.bind_addr().ip().is_unspecified() || address.is_unspecified();
            if !ports.socket(address).is_some_and(is_there) {
                ports.add(SocketAddr::new(address, 0), streams_max).await?;
            }
        }
        Ok(ports)
    }

    async fn add(&mut self, address: SocketAddr, streams_max: u32) -> Result<(), WatchError> {
        let options = SocketOpts {
            vsock_rx_bufsize_bytes: NonZeroUsize::new(WINDOW_BYTES),
            max_live_vsocks: NonZeroUsize::new(streams_max as usize),
            remote_inactivity_timeout: Some(SILENCE),
            disable_nagle: true,
            ..SocketOpts::default()
        };
        let token = options.cancellation_token.clone();
        let opened = UtpSocketUdp::new_udp_with_opts(address, options, UtpSocketUdpOpts::default()).await;
        let source = |error: Error| std::io::Error::other(error.to_string());
        self.sockets.push(opened.map_err(|error| WatchError::Listen { address, source: source(error) })?);
        self.cancel.push(Box::new(move || token.cancel()));
        Ok(())
    }

    /// Our ends.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|socket| socket.bind_addr())
    }

    /// The sockets, to be called on.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = Arc<UtpSocketUdp>> {
        self.sockets.iter().map(Arc::clone)
    }

    /// The socket of this address of ours, of several ports the first, which is the one that peers are told; for an
    /// unspecified address, any of its family.
    fn socket(&self, from: IpAddr) -> Option<&Arc<UtpSocketUdp>> {
        let of = |socket: &&Arc<UtpSocketUdp>| socket.bind_addr().ip();
        let exact = self.sockets.iter().find(|socket| of(socket) == from);
        let is_wide = |ip: IpAddr| ip.is_unspecified() && (ip.is_ipv6() || from.is_ipv4());
        let any = || {
            self.sockets
                .iter()
                .find(|socket| is_wide(of(socket)) || from.is_unspecified() && of(socket).is_ipv4() == from.is_ipv4())
        };
        exact.or_else(any)
    }

    /// Dials. Only our own waiting ends it otherwise: the caller has the deadline.
    pub(crate) async fn dial(&self, from: IpAddr, to: SocketAddr) -> Result<Link, Why> {
        let socket = self.socket(from).ok_or_else(|| Why::Local("no µTP socket has an address of this family".into()))?;
        let mut wait = SYN_WAIT;
        loop {
            match tokio::time::timeout(wait, socket.connect(to)).await {
                Ok(Ok(stream)) => return Ok(Link::utp(stream, socket.bind_addr())),
                Ok(Err(error)) => return Err(why(&error)),
                Err(_) => wait *= 2,
            }
        }
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        self.cancel.iter().for_each(|cancel| cancel());
    }
}

/// Accepts until nobody wants callers any more.
pub(crate) async fn accept(socket: Arc<UtpSocketUdp>, callers: mpsc::Sender<Caller>, clock: Arc<dyn Clock>) {
    loop {
        match socket.accept().await {
            Ok(stream) => {
                let error_ms = clock.reading().error_ms;
                let caller = Caller { link: Link::utp(stream, socket.bind_addr()), accepted: clock.now(), error_ms };
                if callers.send(caller).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(kind = kind(&error), "no caller can be accepted over µTP any more");
                return;
            }
        }
    }
}

/// What an error of a dial says about its end.
fn why(error: &Error) -> Why {
    match error {
        Error::StResetReceived => Why::Reset,
        Error::RemoteInactiveForTooLong | Error::MaxRetransmissionsReached | Error::MaxSynAckRetransmissionsReached => {
            Why::TimedOut
        }
        Error::ErrorSendingSyn(error) | Error::Send(error) => crate::dial::why(error),
        _ => Why::Local(format!("µTP: {}", kind(error))),
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::DispatcherDead | Error::TaskCancelled => "the socket is closed",
        Error::TooManyActiveConnections => "too many streams",
        _ => "the library failed",
    }
}

/// What the text of an established stream's error says about its end: the library hands on no more than a text.
pub(crate) fn why_of_stream(error: &std::io::Error) -> Why {
    let text = error.to_string();
    let is = |known: Error| text == known.to_string();
    if is(Error::StResetReceived) {
        Why::Reset
    } else if is(Error::RemoteInactiveForTooLong)
        || is(Error::MaxRetransmissionsReached)
        || is(Error::MaxSynAckRetransmissionsReached)
    {
        Why::TimedOut
    } else {
        Why::Local("µTP: the stream failed".into())
    }
}

impl Link {
    fn utp(stream: librqbit_utp::UtpStream, observer: SocketAddr) -> Self {
        let peer = evidence::endpoint::canonical(stream.remote_addr());
        let observer = evidence::endpoint::canonical(our_end(observer, peer));
        let (reader, writer) = stream.split();
        Self::new(Box::new(reader), Box::new(writer), Transport::Utp, observer, peer)
    }
}

/// Our end towards a peer. A socket for all addresses sends from the one that the way to the peer begins at, which the
/// system names without sending anything.
fn our_end(bound: SocketAddr, peer: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let any: IpAddr = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let asked = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(peer)?;
        socket.local_addr()
    });
    SocketAddr::new(asked.map_or(any, |local| local.ip()), bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([127, 150, 1, host], port))
    }

    #[tokio::test]
    async fn each_address_has_its_socket() {
        let bind = Vantages::new([[127, 150, 1, 2].into(), Ipv6Addr::LOCALHOST.into()]);
        let ports = Ports::open(&[at(1, 6_881)], &bind, 10).await.unwrap();
        let addresses: Vec<_> = ports.addresses().collect();
        assert_eq!((addresses.len(), addresses[0]), (3, at(1, 6_881)));
        assert_eq!(ports.socket(at(2, 0).ip()).unwrap().bind_addr().ip(), at(2, 0).ip());
        assert!(ports.socket(at(3, 0).ip()).is_none());
        assert!(ports.socket("0.0.0.0".parse().unwrap()).is_some());
    }

    #[tokio::test]
    async fn a_stream_has_two_ends_and_the_sockets_close() {
        let one = Ports::open(&[at(4, 6_881)], &Vantages::new([]), 10).await.unwrap();
        let other = Ports::open(&[at(5, 6_882)], &Vantages::new([]), 10).await.unwrap();
        let (sender, mut callers) = mpsc::channel(1);
        let clock: Arc<dyn Clock> = Arc::new(Still);
        let acceptor = tokio::spawn(accept(other.sockets().next().unwrap(), sender, clock));
        let link = one.dial(at(4, 0).ip(), at(5, 6_882)).await.unwrap();
        assert_eq!((link.transport, link.observer, link.peer), (Transport::Utp, at(4, 6_881), at(5, 6_882)));
        let caller = callers.recv().await.unwrap().link;
        assert_eq!((caller.transport, caller.observer, caller.peer), (Transport::Utp, at(5, 6_882), at(4, 6_881)));
        drop(link);
        let wide = Ports::open(&["0.0.0.0:0".parse().unwrap()], &Vantages::new([]), 10).await.unwrap();
        let link = wide.dial(Ipv4Addr::UNSPECIFIED.into(), at(5, 6_882)).await.unwrap();
        let both = Ports::open(&["0.0.0.0:0".parse().unwrap()], &Vantages::new([[127, 150, 1, 6].into()]), 10).await.unwrap();
        assert_eq!(both.socket(at(6, 0).ip()).unwrap().bind_addr().ip(), at(6, 0).ip());
        assert_eq!(link.observer, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), wide.addresses().next().unwrap().port()));
        drop(other);
        tokio::time::timeout(Duration::from_secs(5), acceptor).await.unwrap().unwrap();
    }

    struct Still;

    impl Clock for Still {
        fn now(&self) -> evidence::Now {
            evidence::Now { mono: evidence::Mono::from_us(0), utc: evidence::Utc::from_ms(0) }
        }

        fn reading(&self) -> crate::Reading {
            crate::Reading { error_ms: None, source: "test".into(), synchronised: false }
        }
    }
}
