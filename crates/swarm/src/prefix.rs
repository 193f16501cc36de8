//! Address prefixes: `192.0.2.0/24`, `2001:db8::/32`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// A block of addresses of one family. Bits beyond the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

impl Prefix {
    /// A prefix, or nothing if it is too long for its family or has bits set beyond its length.
    pub const fn new(network: IpAddr, length: u8) -> Option<Self> {
        let width = width(network);
        if length > width || bits(network) & host_mask(length, width) != 0 {
            return None;
        }
        Some(Self { network, length })
    }

    /// The prefix of this length that holds an address.
    pub fn of(address: IpAddr, length: u8) -> Self {
        let width = width(address);
        let length = length.min(width);
        let network = bits(address) & !host_mask(length, width);
        let network = match address {
            // The upper bits are zero for this family, so nothing is lost.
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(network as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(network)),
        };
        Self { network, length }
    }

    /// Whether the address lies inside. Families never match each other.
    pub const fn contains(&self, address: IpAddr) -> bool {
        let width = width(self.network);
        width == width_of_same(address, width) && bits(address) & !host_mask(self.length, width) == bits(self.network)
    }

    /// Whether the whole of `other` lies inside.
    pub const fn covers(&self, other: &Self) -> bool {
        self.length <= other.length && self.contains(other.network)
    }
}

/// The address's width, or 0 if it is not `width`.
const fn width_of_same(address: IpAddr, due: u8) -> u8 {
    let got = width(address);
    if got == due { got } else { 0 }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

const fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_bits() as u128,
        IpAddr::V6(six) => six.to_bits(),
    }
}

const fn host_mask(length: u8, width: u8) -> u128 {
    match width - length {
        128 => u128::MAX,
        host => (1 << host) - 1,
    }
}

/// A text is not a prefix in its one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPrefix;

impl fmt::Display for NotAPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an address prefix such as 192.0.2.0/24, with no bit set beyond its length")
    }
}

impl core::error::Error for NotAPrefix {}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let (network, length) = text.split_once('/').ok_or(NotAPrefix)?;
        let network = network.parse().map_err(|_| NotAPrefix)?;
        let prefix = Self::new(network, length.parse().map_err(|_| NotAPrefix)?).ok_or(NotAPrefix)?;
        if prefix.to_string() == text { Ok(prefix) } else { Err(NotAPrefix) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_one_form() {
        for good in ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "::/0", "2001:db8::/32", "::1/128"] {
            assert_eq!(good.parse::<Prefix>().unwrap().to_string(), good);
        }
        for bad in
            ["", "192.0.2.0", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/024", "2001:DB8::/32", "2001:db8::1/32", "x/1", "::/129"]
        {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn holds_its_own_addresses_only() {
        let prefix: Prefix = "192.0.2.0/24".parse().unwrap();
        assert!(prefix.contains("192.0.2.255".parse().unwrap()));
        assert!(!prefix.contains("192.0.3.0".parse().unwrap()));
        assert!(!prefix.contains("::c000:201".parse().unwrap()));
        let all: Prefix = "::/0".parse().unwrap();
        assert!(all.contains("2001:db8::1".parse().unwrap()) && !all.contains("192.0.2.1".parse().unwrap()));
        assert!("192.0.0.0/16".parse::<Prefix>().unwrap().covers(&prefix) && !prefix.covers(&"192.0.0.0/16".parse().unwrap()));
        assert_eq!(Prefix::of("192.0.2.77".parse().unwrap(), 24), prefix);
        assert_eq!(Prefix::of("2001:db8::7".parse().unwrap(), 48).to_string(), "2001:db8::/48");
    }
}
