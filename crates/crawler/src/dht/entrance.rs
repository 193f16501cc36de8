//! Where to begin: `host:port`, resolved when it is needed.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// An address to begin with, or a name for some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// An address.
    Address(SocketAddr),
    /// A name and a port.
    Name {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
}

/// A text is no entrance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not host:port, as router.example:6881, 192.0.2.1:6881 or [2001:db8::1]:6881")]
pub struct NotAnEntrance(String);

impl FromStr for Entrance {
    type Err = NotAnEntrance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 { Err(NotAnEntrance(text.into())) } else { Ok(Self::Address(address)) };
        }
        let is_name = |host: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            // What ends in a number is an address in some old form, or nothing.
            (1..=253).contains(&host.len())
                && host.bytes().all(is_letter)
                && host.ends_with(|last: char| last.is_ascii_alphabetic())
        };
        let name = text.rsplit_once(':').filter(|(host, _)| is_name(host));
        match name.and_then(|(host, port)| Some((host, port.parse().ok().filter(|port| *port != 0)?))) {
            Some((host, port)) => Ok(Self::Name { host: host.into(), port }),
            None => Err(NotAnEntrance(text.into())),
        }
    }
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Wait for a name.
const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses taken of one name.
const ADDRESSES_MAX: usize = 8;

/// The addresses of all entrances, in their order. In a laboratory no name is asked for: that would leave it.
pub(super) async fn resolve(entrances: &[Entrance], is_laboratory: bool) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for entrance in entrances {
        match entrance {
            Entrance::Address(address) => addresses.push(*address),
            Entrance::Name { .. } if is_laboratory => {}
            Entrance::Name { host, port } => {
                let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), *port))).await;
                match found {
                    Ok(Ok(found)) => addresses.extend(found.take(ADDRESSES_MAX).map(evidence::endpoint::canonical)),
                    _ => tracing::warn!(router = host, "the name of a DHT router cannot be resolved now"),
                }
            }
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrance_is_a_host_and_a_port() {
        for text in ["router.example:6881", "192.0.2.1:6881", "[2001:db8::1]:6881", "a:1"] {
            assert_eq!(text.parse::<Entrance>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "router.example",
            "router.example:0",
            "router.example:x",
            ":6881",
            "192.0.2.1:0",
            "192.0.2:6881",
            "a b:1",
            "::1:6881",
        ] {
            assert_eq!(text.parse::<Entrance>(), Err(NotAnEntrance(text.into())), "{text}");
        }
    }

    #[tokio::test]
    async fn a_laboratory_asks_for_no_name() {
        let entrances: Vec<Entrance> = ["127.0.0.1:6881", "localhost:6881"].map(|text| text.parse().unwrap()).into();
        assert_eq!(resolve(&entrances, true).await, ["127.0.0.1:6881".parse().unwrap()]);
        assert!(resolve(&entrances, false).await.len() > 1);
    }
}
