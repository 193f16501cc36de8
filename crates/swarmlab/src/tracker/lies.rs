//! What a tracker can be told to get wrong.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::torrent::Stream;

/// Lies for every answer. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// Addresses that are listed in every answer, first, whatever was asked for.
    pub listed: Vec<SocketAddr>,
    /// This many invented addresses of 127.128.0.0/9 in every answer, new ones each time.
    pub invented: usize,
    /// Refuse with this reason instead of answering.
    pub failure: Option<String>,
    /// A warning beside the peers. HTTP only.
    pub warning: Option<String>,
    /// Answer with bytes that are no answer.
    pub malformed: Option<Malformed>,
    /// Answer only after this time.
    pub delay: Duration,
    /// Take every packet and answer none. Over HTTP the connection stays open.
    pub silent: bool,
    /// The interval to ask for instead of the configured one, in seconds.
    pub interval_s: Option<u32>,
}

/// Bytes that are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malformed {
    /// An HTML page with status 200; noise over UDP.
    Noise,
    /// Nothing at all.
    Empty,
    /// An answer cut off in the middle.
    Truncated,
    /// A list of peers that is not a whole number of them.
    PartOfPeer,
    /// Keys out of order and one twice. Over UDP: the answer to another transaction.
    Disordered,
    /// Lists nested a hundred thousand deep. Over UDP: a packet of 60,000 bytes.
    Bomb,
    /// Status 500 with a plain text. Over UDP: an action nobody knows.
    ServerError,
}

impl Malformed {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Noise, Self::Empty, Self::Truncated, Self::PartOfPeer, Self::Disordered, Self::Bomb, Self::ServerError];
}

/// Addresses nobody has, different for every `turn`.
pub(super) fn invented(count: usize, turn: u64) -> Vec<SocketAddr> {
    let mut bytes = vec![0; count * 6];
    Stream::new(turn).read(0, &mut bytes);
    let (six, _) = bytes.as_chunks::<6>();
    let addresses = six.iter().map(|[b, c, d, high, low, _]| {
        let port = u16::from_be_bytes([*high, *low]).max(1);
        SocketAddr::from((Ipv4Addr::new(127, b | 128, *c, *d), port))
    });
    addresses.collect()
}
