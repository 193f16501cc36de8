//! Places in the DHT: how far apart they are, and whether a node may have the one it claims.

use core::net::IpAddr;

use wire::krpc::NodeId;

use crate::Seed;

/// How far two places are apart: the exclusive or of their bits, as a number. BEP 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance([u8; 20]);

impl Distance {
    /// The distance between two places.
    pub fn between(one: &NodeId, other: &NodeId) -> Self {
        Self(core::array::from_fn(|at| one.0[at] ^ other.0[at]))
    }

    /// How many leading bits the two places share, 160 if they are one.
    pub fn shared_bits(&self) -> u8 {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        let rest = self.0.get(zeros).map_or(0, |byte| byte.leading_zeros());
        // At most 160, which fits.
        (zeros as u32 * 8 + rest) as u8
    }

    /// The upper 128 bits, which is all that an estimate needs.
    pub(super) fn high(&self) -> u128 {
        let mut high = [0; 16];
        high.copy_from_slice(&self.0[..16]);
        u128::from_be_bytes(high)
    }
}

/// What a node's address says about its id. BEP 42.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdCheck {
    /// The id is one of the few that the address may have, so the node did not choose its place freely.
    Matches,
    /// The address is a local one, which may have any id.
    Exempt,
    /// The id is not one that the address may have. Old programs do so too.
    Differs,
}

/// Compares an id with an address. `exempt_local` is BEP 42's rule; a laboratory may want local addresses checked too.
pub fn check_id(id: &NodeId, address: IpAddr, exempt_local: bool) -> IdCheck {
    if exempt_local && is_local(address) {
        return IdCheck::Exempt;
    }
    let due = checked_bits(address, id.0[19]);
    if due[..2] == id.0[..2] && due[2] & 0xf8 == id.0[2] & 0xf8 { IdCheck::Matches } else { IdCheck::Differs }
}

/// An id that an address may have; the rest of it is the seed's. BEP 42.
pub fn id_for(address: IpAddr, seed: Seed) -> NodeId {
    let mut id = random_id(seed);
    let due = checked_bits(address, id.0[19]);
    id.0[..2].copy_from_slice(&due[..2]);
    id.0[2] = due[2] & 0xf8 | id.0[2] & 0x07;
    id
}

/// Any id.
pub(super) fn random_id(seed: Seed) -> NodeId {
    let mut id = [0; 20];
    id.copy_from_slice(&seed.split("node-id", &[]).bytes()[..20]);
    NodeId(id)
}

/// A place that shares exactly `shared` leading bits with `own`; the rest is the seed's.
pub(super) fn random_in_bucket(own: &NodeId, shared: u8, seed: Seed) -> NodeId {
    let mut place = random_id(seed);
    for bit in 0..=usize::from(shared).min(159) {
        let mask = 0x80 >> (bit % 8);
        let own_bit = own.0[bit / 8] & mask;
        let due = if bit == usize::from(shared) { own_bit ^ mask } else { own_bit };
        place.0[bit / 8] = place.0[bit / 8] & !mask | due;
    }
    place
}

/// The first 21 bits that an address prescribes for the random number in the last byte; three more follow them.
fn checked_bits(address: IpAddr, last: u8) -> [u8; 4] {
    let random = last & 0x07;
    match address {
        IpAddr::V4(four) => crc32c(&(four.to_bits() & 0x030f_3fff | u32::from(random) << 29).to_be_bytes()),
        IpAddr::V6(six) => {
            let upper = (six.to_bits() >> 64) as u64;
            crc32c(&(upper & 0x0103_070f_1f3f_7fff | u64::from(random) << 61).to_be_bytes())
        }
    }
    .to_be_bytes()
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_private() || four.is_loopback() || four.is_link_local(),
        IpAddr::V6(six) => six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local(),
    }
}

/// CRC-32C (Castagnoli). At most eight bytes at a time, so no table is worth its memory.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BEP 42's own vectors: an address as a number, the last byte, and the first three bytes of the id, of which the
    /// last three bits are free. The addresses are nobody's here: nothing but this arithmetic uses them.
    const VECTORS: [(u32, u8, [u8; 3]); 5] = [
        (0x7c1f_4b15, 1, [0x5f, 0xbf, 0xbf]),
        (0x154b_1f7c, 86, [0x5a, 0x3c, 0xe9]),
        (0x4117_33aa, 22, [0xa5, 0xd4, 0x32]),
        (0x547c_490e, 65, [0x1b, 0x03, 0x21]),
        (0x2bd5_3553, 90, [0xe5, 0x6f, 0x6c]),
    ];

    #[test]
    fn checks_ids_as_bep_42_does() {
        for (address, last, first) in VECTORS {
            let address = IpAddr::from(address.to_be_bytes());
            let mut id = NodeId([7; 20]);
            id.0[..3].copy_from_slice(&first);
            id.0[19] = last;
            assert_eq!(check_id(&id, address, true), IdCheck::Matches);
            id.0[2] ^= 0x07;
            assert_eq!(check_id(&id, address, true), IdCheck::Matches, "three bits are free");
            id.0[2] ^= 0x08;
            assert_eq!(check_id(&id, address, true), IdCheck::Differs);
        }
    }

    #[test]
    fn an_id_made_for_an_address_passes_there_and_not_elsewhere() {
        for (text, other) in [("192.0.2.7", "192.0.2.8"), ("2001:db8:7::1", "2001:db8:8::1")] {
            let id = id_for(text.parse().unwrap(), Seed::new([1; 32]));
            assert_eq!(check_id(&id, text.parse().unwrap(), true), IdCheck::Matches);
            assert_eq!(check_id(&id, other.parse().unwrap(), true), IdCheck::Differs);
        }
        assert_eq!(check_id(&NodeId([0; 20]), "127.0.0.1".parse().unwrap(), true), IdCheck::Exempt);
        assert_eq!(check_id(&NodeId([0; 20]), "127.0.0.1".parse().unwrap(), false), IdCheck::Differs);
        assert_eq!(check_id(&NodeId([0; 20]), "::1".parse().unwrap(), true), IdCheck::Exempt);
    }

    #[test]
    fn distance_is_a_metric_of_bits() {
        let (zero, mut one) = (NodeId([0; 20]), NodeId([0; 20]));
        assert_eq!(Distance::between(&zero, &one).shared_bits(), 160);
        one.0[2] = 0x10;
        assert_eq!(Distance::between(&zero, &one).shared_bits(), 19);
        assert_eq!(Distance::between(&one, &zero), Distance::between(&zero, &one));
        assert!(Distance::between(&zero, &one) < Distance::between(&zero, &NodeId([1; 20])));
    }

    #[test]
    fn a_random_place_shares_just_so_many_bits() {
        let own = random_id(Seed::new([3; 32]));
        for shared in [0, 1, 7, 8, 21, 158, 159] {
            let place = random_in_bucket(&own, shared, Seed::new([shared; 32]));
            assert_eq!(Distance::between(&own, &place).shared_bits(), shared);
        }
    }
}
