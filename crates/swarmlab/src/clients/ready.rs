//! One short visit to a client, to learn whether it answers for the torrent and how many pieces it claims.
//!
//! The visitor calls from the client's own address, so the swarm's other members never meet it as a peer.
//! It sends a handshake and nothing else, and claims nothing.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest wait for the handshake. aria2 took 0.9 s.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(3);

/// Longest wait for a bitfield after it: a client without a piece may send none.
const CLAIM_WITHIN: Duration = Duration::from_secs(2);

/// Longest message read: a bitfield of 8 million pieces, or an extended handshake.
const LONGEST_MESSAGE_BYTES: u32 = 1 << 20;

/// BEP 10 is not offered, so that the first message is what the client has; BEP 6 is, so that it says so in full.
const RESERVED: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 4];

/// What a client answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The peer id it gave.
    pub peer_id: [u8; 20],
    /// How many pieces it claims; `None` when it claimed nothing in time, not even to have none.
    pub claimed_pieces: Option<u32>,
}

/// Visits the client at `address` from its own IP address.
///
/// # Errors
///
/// When nothing accepts there, or what accepts does not answer for `info_hash` in time.
pub async fn ask(address: SocketAddr, info_hash: [u8; 20], piece_count: u32) -> io::Result<Answer> {
    let (mut stream, peer_id) = tokio::time::timeout(HANDSHAKE_WITHIN, shake_hands(address, info_hash)).await??;
    let claimed = tokio::time::timeout(CLAIM_WITHIN, read_claim(&mut stream, piece_count)).await;
    Ok(Answer {
        peer_id,
        // A client may hang up on a visitor that says nothing; the handshake stands.
        claimed_pieces: claimed.ok().and_then(Result::ok),
    })
}

/// Whether anybody holds the UDP or listens on the TCP port, without a visit: for a client that would turn ours away. Who
/// listens on all addresses counts.
pub(super) fn is_listening(address: SocketAddr) -> bool {
    // As the kernel lists it: the address as little-endian numbers of 32 bits, one of IPv4 in an IPv6 table after a prefix.
    let octets = match address.ip() {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let words: String = octets.chunks(4).flat_map(|word| word.iter().rev()).map(|byte| format!("{byte:02X}")).collect();
    let holders = [words.clone(), "0".repeat(words.len())].map(|words| format!("{words}:{:04X}", address.port()));
    ["tcp", "tcp6", "udp", "udp6"].map(|name| format!("/proc/thread-self/net/{name}")).into_iter().any(|table| {
        let table = std::fs::read_to_string(table).unwrap_or_default();
        let mut locals = table.lines().filter_map(|line| line.split_ascii_whitespace().nth(1));
        locals.any(|local| holders.iter().any(|holder| local.ends_with(holder)))
    })
}

async fn shake_hands(address: SocketAddr, info_hash: [u8; 20]) -> io::Result<(TcpStream, [u8; 20])> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(address.ip(), 0))?;
    let mut stream = socket.connect(address).await?;
    let mut hello = Vec::with_capacity(68);
    hello.extend(b"\x13BitTorrent protocol");
    hello.extend(RESERVED);
    hello.extend(info_hash);
    hello.extend(visitor_id(address.ip()));
    stream.write_all(&hello).await?;
    let mut answer = [0; 68];
    stream.read_exact(&mut answer).await?;
    let peer_id = <[u8; 20]>::try_from(&answer[48..]);
    match peer_id {
        Ok(peer_id) if answer[..20] == hello[..20] && answer[28..48] == info_hash => Ok((stream, peer_id)),
        _ => Err(io::Error::other("the answer is not a handshake for this torrent")),
    }
}

/// A new peer id each time: clients drop the second of two connections with one id.
fn visitor_id(address: IpAddr) -> [u8; 20] {
    let mut id = *b"-SWLAB0-000000000000";
    let random = RandomState::new().hash_one(address).to_be_bytes();
    id[12..].copy_from_slice(&random);
    id
}

async fn read_claim(stream: &mut TcpStream, piece_count: u32) -> io::Result<u32> {
    loop {
        let length = stream.read_u32().await?;
        if length > LONGEST_MESSAGE_BYTES {
            return Err(io::Error::other("a message is too long"));
        }
        let mut message = vec![0; length as usize];
        stream.read_exact(&mut message).await?;
        if let Some(claimed) = claim_in(&message, piece_count) {
            return Ok(claimed);
        }
    }
}

/// How many pieces a message claims, if it is one that says so for the whole torrent (BEP 3, BEP 6).
fn claim_in(message: &[u8], piece_count: u32) -> Option<u32> {
    match message {
        [5, bitfield @ ..] => Some(bitfield.iter().map(|byte| byte.count_ones()).sum()),
        [14] => Some(piece_count),
        [15] => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::{claim_in, is_listening};

    #[test]
    fn listeners_are_seen() {
        for bound in ["127.0.0.9:0", "[::1]:0", "[::]:0"] {
            let (tcp, udp) = (TcpListener::bind(bound).unwrap(), UdpSocket::bind(bound).unwrap());
            for mut at in [tcp.local_addr().unwrap(), udp.local_addr().unwrap()] {
                if at.ip().is_unspecified() {
                    at.set_ip("2001:db8::9".parse().unwrap());
                }
                assert!(is_listening(at), "{at}");
                // Who listens on all addresses of IPv6 does so on those of IPv4.
                at.set_ip("127.0.0.8".parse().unwrap());
                assert_eq!(is_listening(at), bound == "[::]:0", "{at}");
            }
        }
    }

    #[test]
    fn claims_are_counted() {
        assert_eq!(claim_in(&[5, 0xff, 0x80], 9), Some(9));
        assert_eq!(claim_in(&[5, 0, 0], 9), Some(0));
        assert_eq!(claim_in(&[14], 9), Some(9));
        assert_eq!(claim_in(&[15], 9), Some(0));
    }

    #[test]
    fn other_messages_claim_nothing() {
        for message in [&[][..], &[1], &[14, 0], &[20, 0, 1], &[4, 0, 0, 0, 1]] {
            assert_eq!(claim_in(message, 9), None);
        }
    }
}
