//! Address prefixes in their one text form.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de::Error as _};

/// A block of addresses that share their first bits, written `192.0.2.0/24` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// A text is not a prefix in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a prefix in canonical form, such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NotAPrefix;

impl Prefix {
    /// The block of `length` bits that holds `address`.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if length <= 32 => IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask_v4(length))),
            IpAddr::V6(v6) if length <= 128 => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask_v6(length))),
            _ => return None,
        };
        Some(Self { address, length })
    }

    /// How many leading bits are fixed.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether the address lies in the block. An address of the other family never does.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self::new(address, self.length) == Some(self)
    }
}

fn mask_v4(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

fn mask_v6(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let (address, length) = text.split_once('/').ok_or(NotAPrefix)?;
        let address = address.parse().map_err(|_| NotAPrefix)?;
        let prefix = Self::new(address, length.parse().map_err(|_| NotAPrefix)?).ok_or(NotAPrefix)?;
        // Writing it again refuses host bits, leading zeros and every second spelling of an IPv6 address.
        if prefix.to_string() == text { Ok(prefix) } else { Err(NotAPrefix) }
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_one_form() {
        for good in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32", "::/0", "2001:db8::7/128"] {
            assert_eq!(good.parse::<Prefix>().map(|prefix| prefix.to_string()), Ok(good.to_string()));
        }
        for bad in [
            "",
            "192.0.2.0",
            "192.0.2.1/24",
            "192.0.2.0/33",
            "192.0.2.0/024",
            "192.0.2.0/+24",
            "2001:DB8::/32",
            "2001:db8:0::/32",
            "2001:db8::/129",
            "192.0.2/24",
        ] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_contains_its_own_family_only() {
        let prefix: Prefix = "192.0.2.0/25".parse().unwrap();
        assert!(prefix.contains("192.0.2.127".parse().unwrap()));
        assert!(!prefix.contains("192.0.2.128".parse().unwrap()));
        let all: Prefix = "::/0".parse().unwrap();
        assert!(!all.contains("192.0.2.1".parse().unwrap()));
    }
}
