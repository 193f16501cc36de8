//! Who may be contacted.
//!
//! A peer named by a stranger may be anything: a printer, a router, a victim. So an address is contacted only if it is
//! public unicast space, is not ours, is not the owner's own seed, and its port is one a client may listen on.
//! A laboratory turns the first rule around: only its own addresses are contacted, and those must be reserved ones,
//! so that no configuration can point the laboratory at the public network.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeSet;

use evidence::Exclusion;

use crate::prefix::Prefix;

/// The rules of whom to contact.
#[derive(Clone, Debug)]
pub struct Scope {
    laboratory: Option<Vec<Prefix>>,
    own: BTreeSet<SocketAddr>,
    owner_seeds: BTreeSet<IpAddr>,
}

/// A laboratory prefix reaches into public or unusable space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALaboratory(pub Prefix);

impl core::fmt::Display for NotALaboratory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the laboratory prefix {} is not wholly loopback, private, documentation or benchmarking space", self.0)
    }
}

impl core::error::Error for NotALaboratory {}

impl Scope {
    /// The public network. An own address with port 0 stands for all of its ports.
    pub fn public(own: Vec<SocketAddr>, owner_seeds: Vec<IpAddr>) -> Self {
        let owner_seeds = owner_seeds.into_iter().map(|address| address.to_canonical()).collect();
        Self { laboratory: None, own: own.into_iter().map(evidence::endpoint::canonical).collect(), owner_seeds }
    }

    /// A laboratory: only addresses inside these prefixes.
    pub fn laboratory(prefixes: Vec<Prefix>, own: Vec<SocketAddr>, owner_seeds: Vec<IpAddr>) -> Result<Self, NotALaboratory> {
        if let Some(bad) = prefixes.iter().find(|prefix| !LABORATORY.iter().any(|space| space.covers(prefix))) {
            return Err(NotALaboratory(*bad));
        }
        Ok(Self { laboratory: Some(prefixes), ..Self::public(own, owner_seeds) })
    }

    /// Whether the scope is a laboratory.
    pub fn is_laboratory(&self) -> bool {
        self.laboratory.is_some()
    }

    /// Adds an address of our own, such as a listener's.
    pub fn add_own(&mut self, address: SocketAddr) {
        self.own.insert(evidence::endpoint::canonical(address));
    }

    /// Whether a peer may be contacted.
    pub fn check(&self, peer: SocketAddr) -> Result<(), Exclusion> {
        self.check_service(peer)?;
        if is_forbidden_port(peer.port()) { Err(Exclusion::Port) } else { Ok(()) }
    }

    /// Whether a peer that dialled us may be answered: its port is an ephemeral one, so the rule of ports is void.
    pub fn check_incoming(&self, peer: SocketAddr) -> Result<(), Exclusion> {
        self.check_service(peer)
    }

    /// Whether a tracker may be contacted at this address. It is named by the torrent with its port, and trackers do
    /// listen on the well-known ones, so the rule of ports is void.
    pub fn check_service(&self, service: SocketAddr) -> Result<(), Exclusion> {
        let address = service.ip();
        match &self.laboratory {
            Some(prefixes) if !prefixes.iter().any(|prefix| prefix.contains(address)) => {
                return Err(Exclusion::OutsideLaboratory);
            }
            None if is_reserved(address) => return Err(Exclusion::Reserved),
            _ => {}
        }
        if self.own.contains(&SocketAddr::new(address, service.port())) || self.own.contains(&SocketAddr::new(address, 0)) {
            return Err(Exclusion::Own);
        }
        if self.owner_seeds.contains(&address) { Err(Exclusion::OwnersSeed) } else { Ok(()) }
    }
}

/// Whether a dial to this port could do harm or could never meet a client: 0; the well-known ports 1–1023 (mail,
/// printing, file sharing, web: strangers' services that log or block such dials); 9100–9107, on which a printer
/// prints whatever it receives.
pub const fn is_forbidden_port(port: u16) -> bool {
    matches!(port, 0..=1023 | 9100..=9107)
}

/// Whether an address is not public unicast space, by the IANA special-purpose registries of IPv4 and IPv6 and the
/// registries of multicast and of IPv6 address space.
pub fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => RESERVED_V4.iter().any(|prefix| prefix.contains(address)),
        // IANA has opened 2000::/3 alone for unicast; the rest includes loopback, mapped and translated IPv4,
        // unique-local, link-local and multicast space.
        IpAddr::V6(_) => !GLOBAL_V6.contains(address) || RESERVED_V6.iter().any(|prefix| prefix.contains(address)),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Prefix {
    let address = IpAddr::V4(core::net::Ipv4Addr::new(a, b, c, d));
    Prefix::new(address, length).expect("the tables below are checked when they are compiled")
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Prefix {
    let address = IpAddr::V6(core::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
    Prefix::new(address, length).expect("the tables below are checked when they are compiled")
}

const RESERVED_V4: [Prefix; 18] = [
    v4(0, 0, 0, 0, 8),       // this network, RFC 791
    v4(10, 0, 0, 0, 8),      // private use, RFC 1918
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT, RFC 6598
    v4(127, 0, 0, 0, 8),     // loopback, RFC 1122
    v4(169, 254, 0, 0, 16),  // link local, RFC 3927
    v4(172, 16, 0, 0, 12),   // private use, RFC 1918
    v4(192, 0, 0, 0, 24),    // IETF protocol assignments, RFC 6890
    v4(192, 0, 2, 0, 24),    // documentation, RFC 5737
    v4(192, 31, 196, 0, 24), // AS112, RFC 7535
    v4(192, 52, 193, 0, 24), // AMT, RFC 7450
    v4(192, 88, 99, 0, 24),  // 6to4 relay, RFC 7526
    v4(192, 168, 0, 0, 16),  // private use, RFC 1918
    v4(192, 175, 48, 0, 24), // AS112, RFC 7534
    v4(198, 18, 0, 0, 15),   // benchmarking, RFC 2544
    v4(198, 51, 100, 0, 24), // documentation, RFC 5737
    v4(203, 0, 113, 0, 24),  // documentation, RFC 5737
    v4(224, 0, 0, 0, 4),     // multicast, RFC 5771
    v4(240, 0, 0, 0, 4),     // reserved and broadcast, RFC 1112, 8190
];

const GLOBAL_V6: Prefix = v6(0x2000, 0, 0, 3);

const RESERVED_V6: [Prefix; 5] = [
    v6(0x2001, 0, 0, 23),           // IETF protocol assignments: Teredo, benchmarking, AMT, ORCHID; RFC 2928
    v6(0x2001, 0x0db8, 0, 32),      // documentation, RFC 3849
    v6(0x2002, 0, 0, 16),           // 6to4, which embeds any IPv4 address; RFC 3056
    v6(0x2620, 0x004f, 0x8000, 48), // AS112, RFC 7534
    v6(0x3fff, 0, 0, 20),           // documentation, RFC 9637
];

/// Where a laboratory may be: space that no router of the public network forwards and that is not multicast.
const LABORATORY: [Prefix; 12] = [
    v4(10, 0, 0, 0, 8),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 2, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v6(0x2001, 0x0db8, 0, 32),
    v6(0x3fff, 0, 0, 20),
    v6(0xfc00, 0, 0, 7),
    LOOPBACK_V6,
];

const LOOPBACK_V6: Prefix =
    Prefix::new(IpAddr::V6(core::net::Ipv6Addr::LOCALHOST), 128).expect("every address is a prefix of its own");

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scope: &Scope, peer: &str) -> Result<(), Exclusion> {
        scope.check(peer.parse().unwrap())
    }

    #[test]
    fn the_public_network_without_reserved_space() {
        let scope = Scope::public(vec![], vec![]);
        for reserved in [
            "0.0.0.1",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.9",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.1.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::808:808]",
            "[100::1]",
            "[2001::1]",
            "[2001:2::1]",
            "[2001:20::1]",
            "[2001:db8::1]",
            "[2002:808:808::1]",
            "[2620:4f:8000::1]",
            "[3fff:0:1::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fd00::1]",
            "[fe80::1]",
            "[ff02::1]",
            "[4000::1]",
        ] {
            assert_eq!(check(&scope, &format!("{reserved}:6881")), Err(Exclusion::Reserved), "{reserved}");
        }
        // The neighbours of reserved space are public. No test contacts them.
        for public in [
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.0",
            "192.0.1.0",
            "198.20.0.0",
            "223.255.255.255",
            "[2001:200::1]",
            "[2003::1]",
        ] {
            assert_eq!(check(&scope, &format!("{public}:6881")), Ok(()), "{public}");
        }
    }

    #[test]
    fn a_laboratory_contacts_only_itself() {
        let scope = Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], vec![], vec![]).unwrap();
        assert_eq!(check(&scope, "127.9.9.9:6881"), Ok(()));
        assert_eq!(check(&scope, "[::1]:6881"), Ok(()));
        for outside in ["192.0.2.1:6881", "100.128.0.0:6881", "[2003::1]:6881", "[::ffff:127.0.0.1]:6881"] {
            assert_eq!(check(&scope, outside), Err(Exclusion::OutsideLaboratory), "{outside}");
        }
        for bad in ["0.0.0.0/0", "8.0.0.0/8", "126.0.0.0/7", "224.0.0.0/8", "::/0", "2000::/3", "100.128.0.0/16"] {
            assert!(Scope::laboratory(vec![bad.parse().unwrap()], vec![], vec![]).is_err(), "{bad}");
        }
    }

    #[test]
    fn not_ourselves_not_the_owner_and_not_a_printer() {
        let own = vec!["127.0.0.1:6881".parse().unwrap(), "127.0.0.2:0".parse().unwrap()];
        let seeds = vec!["127.0.0.3".parse().unwrap()];
        let mut scope = Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], own, seeds).unwrap();
        for (peer, result) in [
            ("127.0.0.1:6881", Err(Exclusion::Own)),
            ("127.0.0.1:6882", Ok(())),
            ("127.0.0.2:6882", Err(Exclusion::Own)),
            ("127.0.0.3:6881", Err(Exclusion::OwnersSeed)),
            ("127.0.0.4:0", Err(Exclusion::Port)),
            ("127.0.0.4:631", Err(Exclusion::Port)),
            ("127.0.0.4:1023", Err(Exclusion::Port)),
            ("127.0.0.4:1024", Ok(())),
            ("127.0.0.4:9100", Err(Exclusion::Port)),
            ("127.0.0.4:9108", Ok(())),
        ] {
            assert_eq!(check(&scope, peer), result, "{peer}");
        }
        assert_eq!(scope.check_service("127.0.0.4:80".parse().unwrap()), Ok(()));
        assert_eq!(scope.check_service("192.0.2.4:80".parse().unwrap()), Err(Exclusion::OutsideLaboratory));
        scope.add_own("127.0.0.9:7000".parse().unwrap());
        assert_eq!(check(&scope, "127.0.0.9:7000"), Err(Exclusion::Own));
        assert_eq!(scope.check_incoming("127.0.0.4:600".parse().unwrap()), Ok(()));
    }
}
