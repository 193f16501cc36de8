//! Peers as packed addresses: six bytes for IPv4 (BEP 23), eighteen for IPv6 (BEP 7).

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Length of an IPv4 peer in bytes.
pub const V4_LENGTH: usize = 6;

/// Length of an IPv6 peer in bytes.
pub const V6_LENGTH: usize = 18;

/// The IPv4 peers in `bytes`, or `None` if they are not a whole number of peers.
pub fn v4(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = SocketAddr> + '_> {
    let (peers, rest) = bytes.as_chunks::<V4_LENGTH>();
    rest.is_empty().then(|| {
        peers
            .iter()
            .map(|[a, b, c, d, high, low]| SocketAddr::from((Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*high, *low]))))
    })
}

/// The IPv6 peers in `bytes`, or `None` if they are not a whole number of peers.
pub fn v6(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = SocketAddr> + '_> {
    let (peers, rest) = bytes.as_chunks::<V6_LENGTH>();
    rest.is_empty().then(|| {
        peers.iter().map(|peer| {
            let mut address = [0; 16];
            address.copy_from_slice(&peer[..16]);
            SocketAddr::from((Ipv6Addr::from(address), u16::from_be_bytes([peer[16], peer[17]])))
        })
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn reads_both_families() {
        let four = [192, 0, 2, 1, 0x1a, 0xe1, 203, 0, 113, 9, 0, 0];
        let peers: Vec<_> = v4(&four).unwrap().collect();
        assert_eq!(peers, ["192.0.2.1:6881".parse().unwrap(), "203.0.113.9:0".parse().unwrap()]);
        let mut six = [0; 18];
        six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        six[15] = 7;
        six[16..].copy_from_slice(&[0x1a, 0xe1]);
        let peers: Vec<_> = v6(&six).unwrap().collect();
        assert_eq!(peers, ["[2001:db8::7]:6881".parse().unwrap()]);
    }

    #[test]
    fn refuses_a_part_of_a_peer() {
        assert!(v4(&[0; 7]).is_none() && v4(&[0; 5]).is_none());
        assert!(v6(&[0; 17]).is_none() && v6(&[0; 19]).is_none());
        assert_eq!(v4(&[]).unwrap().len(), 0);
    }
}
