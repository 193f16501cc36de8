//! How two ends of a connection met.
//!
//! An endpoint is a `core::net::SocketAddr` in its canonical text (`192.0.2.7:51413`, `[2001:db8::7]:51413`),
//! never an IPv4-mapped address and never with a scope or flow label.

use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The same address with an IPv4-mapped IPv6 form unwrapped and no scope or flow label.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether an address is in the one form that the record uses.
pub fn is_canonical(address: IpAddr) -> bool {
    address.to_canonical() == address
}

/// What carried the BitTorrent stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP, IP protocol 6.
    Tcp,
    /// µTP over UDP, IP protocol 17 (BEP 29).
    Utp,
}

/// How the stream was obscured, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Plain BitTorrent.
    None,
    /// An MSE handshake was begun and came to nothing, so no stream was agreed on. Whatever the peer said is in the transcript
    /// as it was on the wire.
    MseFailed,
    /// An MSE handshake, then plain text.
    MsePlain,
    /// An MSE handshake, then RC4.
    MseRc4,
}

/// Who dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The monitor dialled the peer.
    Outgoing,
    /// The peer dialled the monitor.
    Incoming,
}

impl Direction {
    /// What the peer's port is: we dial listening ports and are dialled from ephemeral ones.
    pub fn port_role(self) -> PortRole {
        match self {
            Self::Outgoing => PortRole::Listening,
            Self::Incoming => PortRole::Ephemeral,
        }
    }
}

/// What the peer's port number means to whoever matches it to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortRole {
    /// The peer accepts connections on it.
    Listening,
    /// The source port of one connection that the peer opened.
    Ephemeral,
}
