//! Places in the DHT: distances, and the ids that BEP 42 gives an address. Written apart from the monitor's own, so that
//! the two check each other.

use std::net::IpAddr;

use wire::krpc::NodeId;

/// Bytes of the exclusive or: what is smaller is closer.
pub(super) fn distance(one: &NodeId, other: &NodeId) -> [u8; 20] {
    std::array::from_fn(|at| one.0[at] ^ other.0[at])
}

/// Leading bits in common.
pub(super) fn shared_bits(one: &NodeId, other: &NodeId) -> u32 {
    let distance = distance(one, other);
    let zeros = distance.iter().take_while(|byte| **byte == 0).count();
    zeros as u32 * 8 + distance.get(zeros).map_or(0, |byte| byte.leading_zeros())
}

/// The eight closest to a place, the closest first.
pub(super) fn closest<T>(all: impl Iterator<Item = T>, target: &NodeId, id: impl Fn(&T) -> NodeId) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(|one| distance(&id(one), target));
    all.truncate(super::CLOSEST);
    all
}

/// An id that fits an address; the rest of it is as `random` says.
pub(super) fn id_of(address: IpAddr, random: [u8; 20]) -> NodeId {
    let mut id = random;
    let salt = id[19] & 7;
    let masked = match address {
        IpAddr::V4(four) => {
            let mut bytes = masked(&four.octets(), &[0x03, 0x0f, 0x3f, 0xff]);
            bytes[0] |= salt << 5;
            bytes
        }
        IpAddr::V6(six) => {
            let mut bytes = masked(&six.octets()[..8], &[0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff]);
            bytes[0] |= salt << 5;
            bytes
        }
    };
    let [a, b, c, _] = castagnoli(&masked).to_be_bytes();
    (id[0], id[1], id[2]) = (a, b, c & 0xf8 | id[2] & 7);
    NodeId(id)
}

fn masked(bytes: &[u8], mask: &[u8]) -> Vec<u8> {
    bytes.iter().zip(mask).map(|(byte, mask)| byte & mask).collect()
}

/// CRC-32C, by division of polynomials over the bits in the order in which they are sent.
fn castagnoli(bytes: &[u8]) -> u32 {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    let remainder = bits.fold(u32::MAX, |crc, bit| {
        let is_odd = (crc as u8 & 1) ^ bit == 1;
        crc >> 1 ^ if is_odd { 0x1edc_6f41_u32.reverse_bits() } else { 0 }
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// The check value of the polynomial, and a vector of BEP 42 (the address is only a number here).
    #[test]
    fn ids_are_those_of_bep_42() {
        assert_eq!(castagnoli(b"123456789"), 0xe306_9283);
        let mut random = [0; 20];
        random[19] = 86;
        let id = id_of(Ipv4Addr::from_bits(0x154b_1f7c).into(), random);
        assert_eq!((id.0[0], id.0[1], id.0[2] & 0xf8, id.0[19]), (0x5a, 0x3c, 0xe8, 86));
    }

    #[test]
    fn the_closest_are_sorted_by_the_exclusive_or() {
        let ids: Vec<NodeId> = (0..32).map(|first| NodeId([first; 20])).collect();
        let target = NodeId([9; 20]);
        let found: Vec<u8> = closest(ids.into_iter(), &target, |id| *id).iter().map(|id| id.0[0]).collect();
        assert_eq!(found, [9, 8, 11, 10, 13, 12, 15, 14]);
        assert_eq!(shared_bits(&target, &NodeId([9; 20])), 160);
        assert_eq!(shared_bits(&target, &NodeId([8; 20])), 7);
    }
}
