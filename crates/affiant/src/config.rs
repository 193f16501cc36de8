//! The station's configuration, `affiant.toml`, parsed once into meaning.
//!
//! Every value that the program acts on is here, with its default, so that the digest of the parsed form stands
//! for all of them. Unknown keys are refused.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evidence::{Date, Digest, canonical, sha256};
use serde::{Deserialize, Serialize};

/// All settings of a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The log's name, a domain that the operator controls, e.g. `log.example.org`. Fixed at `init`.
    pub name: String,
    /// How the monitor presents itself and where it listens.
    #[serde(default)]
    pub monitor: Monitor,
    /// How long and how often peers and trackers are contacted.
    #[serde(default)]
    pub pace: Pace,
    /// Whether and how the Mainline DHT is asked.
    #[serde(default)]
    pub dht: Dht,
    /// Dated tables, in the order consulted. Files are in the station's `tables` folder.
    #[serde(default)]
    pub tables: Vec<TableFile>,
    /// ISP registers in the station's `tables` folder, the last of them in force. Earlier ones are kept, because
    /// records name them; without any the shipped UK register is in force.
    #[serde(default)]
    pub isp_registers: Vec<RegisterFile>,
    /// Where the witnesses answer whom the anchor names. Which they are, and how many must cosign, is fixed at `init`.
    #[serde(default)]
    pub witnesses: Vec<WitnessUrl>,
    /// The token that holds the log key, where it is not a file of the station. Fixed at `init`.
    #[serde(default)]
    pub log_key: Option<LogKey>,
    /// Present only in a laboratory: the networks that may be contacted, and no others.
    #[serde(default)]
    pub laboratory: Option<Laboratory>,
}

/// How the monitor presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitor {
    /// Where a peer's operator can reach us; part of the client string that peers see.
    pub contact: String,
    /// Addresses to dial from and listen on. A peer is contacted from one of its family's, for each torrent always the
    /// same one during a run. An unspecified one stands for all of its family and is the only one of it.
    pub addresses: Vec<IpAddr>,
    /// The listening ports, each open at each address; 0 takes any free one. Peers and trackers are told the first.
    pub ports: Vec<u16>,
    /// From how many of the addresses a peer that serves is proved, one after the other.
    pub vantages: u32,
    /// Whether torrents are heard of, and called out, on the monitor's own network (BEP 14).
    pub local_discovery: LocalDiscovery,
}

/// Local discovery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalDiscovery {
    /// Neither heard nor called out.
    #[default]
    Off,
    /// Heard.
    Listen,
    /// Heard, and called out with the monitor's port: neighbours learn which torrents it watches.
    Announce,
}

/// How long and how often others are contacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Connections open at once.
    pub connections: u32,
    /// Connections open at once to one address.
    pub connections_per_address: u32,
    /// Connections open at once to one /24 (IPv4) or /48 (IPv6).
    pub connections_per_network: u32,
    /// Contacts of one address in an hour, over all torrents and ports.
    pub contacts_per_address_hour: u32,
    /// New connections a second.
    pub dials_per_second: u32,
    /// How long a dial may take, in milliseconds.
    pub connect_ms: u32,
    /// How long a peer may take to answer the handshake, in milliseconds.
    pub handshake_ms: u32,
    /// How long a peer may take to claim a piece, in milliseconds.
    pub claims_ms: u32,
    /// How long to stay with a peer that keeps us choked, in milliseconds.
    pub choked_ms: u32,
    /// The same for Transmission, which unchokes strangers rarely.
    pub choked_transmission_ms: u32,
    /// How long a block may take, in milliseconds.
    pub block_ms: u32,
    /// How long to wait, once its blocks are in, for a peer to name others (peer exchange), in milliseconds; 0 asks
    /// nobody to.
    pub pex_wait_ms: u32,
    /// How many blocks of distinct pieces are asked of a peer.
    pub challenges: u32,
    /// How often an address that gave no verified block is tried in one run.
    pub attempts: u32,
    /// The gap before the second attempt, in seconds; it doubles after each.
    pub retry_s: u32,
    /// The gap before a peer that served is visited again, in seconds from its last verified block and below the 30
    /// minutes that end a session, so that it shows to be one; 0 for never. A run until idle makes one visit. Three
    /// quarters of an address's hour go to such visits at most.
    pub revisit_s: u32,
    /// The gap before a control visit, in milliseconds: clients refuse a second connection while the first closes.
    pub control_ms: u32,
    /// Addresses taken from one answer of one source.
    pub peers_per_answer: u32,
}

/// Whether and how the Mainline DHT is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dht {
    /// Whether it is asked for the peers of each torrent that is not private.
    pub enabled: bool,
    /// Where to begin while too few nodes are known, `host:port`. Without any, and without nodes kept of an earlier run,
    /// nobody is asked. In a laboratory names are left out: asking for one would leave it.
    pub bootstrap: Vec<String>,
    /// The UDP port of our node, at the first address of each family; 0 takes any free one.
    pub port: u16,
    /// Whether our listening port is announced for each torrent, so that peers call us.
    pub announce: bool,
}

/// One dated table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    /// What the source is called; tables of one name are dated versions of one source.
    pub name: String,
    /// The file in the station's `tables` folder.
    pub file: String,
    /// Its form.
    pub kind: TableKind,
    /// When its publisher built it.
    pub built: Date,
    /// SHA-256 of its bytes; another file of the same name is refused.
    pub sha256: Digest,
}

/// The form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TableKind {
    /// iptoasn TSV, decompressed.
    Iptoasn,
    /// MaxMind-format MMDB.
    Mmdb,
}

/// An ISP register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterFile {
    /// The file in the station's `tables` folder.
    pub file: String,
    /// SHA-256 of its bytes; another file of the same name is refused.
    pub sha256: Digest,
}

/// Where a witness answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessUrl {
    /// Its submission prefix: `/add-checkpoint` is below it.
    pub url: String,
    /// Its verifier key, as the anchor names it.
    pub vkey: String,
}

impl WitnessUrl {
    fn is_good(&self) -> bool {
        let is_web = self.url.starts_with("https://") || self.url.starts_with("http://");
        is_web && self.vkey.parse::<tlog::VerifierKey>().is_ok_and(|key| key.kind() == tlog::KeyKind::Cosignature)
    }
}

/// A log key that stays in a token behind PKCS#11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKey {
    /// The library of the token's maker.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label in the token.
    pub label: String,
}

/// The networks of a laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Laboratory {
    /// Prefixes, e.g. `127.0.0.0/8`.
    pub networks: Vec<String>,
}

/// Addresses of one station, and ports of one address. Each pair of them is two sockets that are held for the run.
const ADDRESSES_MAX: usize = 256;
const PORTS_MAX: usize = 16;

impl Monitor {
    fn has_wide_v6_and_narrow_v4(&self) -> bool {
        let narrow = |address: &IpAddr| address.is_ipv4() && !address.is_unspecified();
        self.addresses.contains(&IpAddr::V6(Ipv6Addr::UNSPECIFIED)) && self.addresses.iter().any(narrow)
    }

    fn fault(&self) -> Option<&'static str> {
        let is_twice = |address: &IpAddr| self.addresses.iter().filter(|other| *other == address).count() > 1;
        let is_crowded = |address: &IpAddr| {
            let is_of_family = |other: &&IpAddr| other.is_ipv4() == address.is_ipv4();
            address.is_unspecified() && self.addresses.iter().filter(is_of_family).count() > 1
        };
        let ports: std::collections::BTreeSet<u16> = self.ports.iter().copied().collect();
        if self.addresses.is_empty() || self.addresses.len() > ADDRESSES_MAX {
            Some("monitor.addresses names no address, or more than 256")
        } else if self.addresses.iter().any(|address| address.to_canonical() != *address || address.is_multicast()) {
            Some("monitor.addresses names an IPv4 address in IPv6 form, or a multicast address")
        } else if self.addresses.iter().any(is_twice) {
            Some("monitor.addresses names an address twice")
        } else if self.addresses.iter().any(is_crowded) {
            Some("monitor.addresses names '0.0.0.0' or '::', which stands for all of its family, beside another of it")
        } else if self.has_wide_v6_and_narrow_v4() {
            Some(
                "monitor.addresses names '::', whose µTP socket takes IPv4 with it, beside an IPv4 address: name '0.0.0.0' too, or the IPv6 addresses",
            )
        } else if ports.is_empty() || ports.len() != self.ports.len() || ports.len() > PORTS_MAX {
            Some("monitor.ports names no port, one twice, or more than 16")
        } else if self.vantages == 0 || self.vantages as usize > self.addresses.len() {
            Some("monitor.vantages is 0, or more than there are addresses")
        } else {
            None
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            contact: "https://example.org/monitor".into(),
            addresses: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
            ports: vec![6881],
            vantages: 1,
            local_discovery: LocalDiscovery::Off,
        }
    }
}

impl Default for Dht {
    fn default() -> Self {
        let routers = ["dht.transmissionbt.com:6881", "router.bittorrent.com:6881", "dht.libtorrent.org:25401"];
        Self { enabled: true, bootstrap: routers.map(str::to_owned).into(), port: 0, announce: false }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connections: 2000,
            connections_per_address: 8,
            connections_per_network: 64,
            contacts_per_address_hour: 120,
            dials_per_second: 200,
            connect_ms: 4_000,
            handshake_ms: 10_000,
            // Transmission decides whom to serve every 10 s.
            claims_ms: 12_000,
            choked_ms: 60_000,
            choked_transmission_ms: 130_000,
            block_ms: 30_000,
            // Transmission and libtorrent name others within 3 s, if at all.
            pex_wait_ms: 5_000,
            challenges: 2,
            attempts: 3,
            retry_s: 60,
            revisit_s: 1_200,
            control_ms: 500,
            peers_per_answer: 5_000,
        }
    }
}

impl Config {
    /// Reads and checks `path`.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Self = toml::from_str(&text).map_err(|fault| anyhow::anyhow!("{} is refused: {fault}", path.display()))?;
        if let Some(fault) = config.fault() {
            bail!("{} is refused: {fault}", path.display());
        }
        if let Err(fault) = crate::plan::scope(&config, Vec::new()) {
            bail!("{} is refused: {fault}", path.display());
        }
        Ok(config)
    }

    /// As written by `init`, with every default spelt out.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// SHA-256 of the canonical form of all settings, defaults included.
    pub fn digest(&self) -> Result<Digest> {
        Ok(sha256(canonical::to_text(self)?.as_bytes()))
    }

    /// Where the monitor listens: at each address on each port.
    pub fn listen(&self) -> Vec<SocketAddr> {
        let Monitor { addresses, ports, .. } = &self.monitor;
        addresses.iter().flat_map(|address| ports.iter().map(|port| SocketAddr::new(*address, *port))).collect()
    }

    /// What is wrong with the settings, if anything is.
    pub fn fault(&self) -> Option<&'static str> {
        let pace = &self.pace;
        let positive = [
            pace.connections,
            pace.connections_per_address,
            pace.connections_per_network,
            pace.contacts_per_address_hour,
            pace.dials_per_second,
            pace.connect_ms,
            pace.handshake_ms,
            pace.claims_ms,
            pace.choked_ms,
            pace.choked_transmission_ms,
            pace.block_ms,
            pace.challenges,
            pace.attempts,
            pace.retry_s,
            pace.control_ms,
            pace.peers_per_answer,
        ];
        if self.name.is_empty() || self.name.contains(char::is_whitespace) || self.name.contains('+') {
            Some("the name is empty or holds a space or a plus sign")
        } else if !self.monitor.contact.starts_with("https://") && !self.monitor.contact.starts_with("mailto:") {
            Some("monitor.contact is not an https: or mailto: address")
        } else if let Some(fault) = self.monitor.fault() {
            Some(fault)
        } else if positive.contains(&0) {
            Some("a limit in [pace] is 0")
        } else if i64::from(pace.revisit_s) * 1000 >= casework::sessions::GAP_MS {
            Some("pace.revisit_s is not below the 30 minutes of silence that end a session")
        } else if pace.challenges > 16 {
            Some("pace.challenges is more than 16")
        } else if !self.dht.bootstrap.iter().all(|entrance| entrance.parse::<crawler::Entrance>().is_ok()) {
            Some("an entry of dht.bootstrap is not host:port")
        } else if !self.witnesses.iter().all(WitnessUrl::is_good) {
            Some("an entry of [[witnesses]] is not an http: or https: address and the vkey of a witness")
        } else if self.laboratory.as_ref().is_some_and(|laboratory| laboratory.networks.is_empty()) {
            Some("the laboratory names no network")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        let path = std::env::temp_dir().join(format!("affiant-config-{}.toml", sha256(text.as_bytes())));
        std::fs::write(&path, text)?;
        let config = Config::load(&path);
        std::fs::remove_file(&path)?;
        config
    }

    #[test]
    fn a_written_configuration_reads_back_the_same() {
        let config = parse("name = 'log.example.org'\n[laboratory]\nnetworks = ['127.0.0.0/8']\n").unwrap();
        assert_eq!(parse(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn every_setting_changes_the_digest() {
        let plain = parse("name = 'log.example.org'").unwrap().digest().unwrap();
        assert_ne!(parse("name = 'log.example.org'\n[pace]\nchallenges = 3").unwrap().digest().unwrap(), plain);
        assert_eq!(parse("name = 'log.example.org'\n[pace]\nchallenges = 2").unwrap().digest().unwrap(), plain);
    }

    #[test]
    fn each_address_listens_on_each_port() {
        let text = "name = 'a'\n[monitor]\naddresses = ['127.0.0.1', '127.0.0.2', '::1']\nports = [6881, 6999]\nvantages = 2\n";
        let listen: Vec<String> = parse(text).unwrap().listen().iter().map(ToString::to_string).collect();
        let due = ["127.0.0.1:6881", "127.0.0.1:6999", "127.0.0.2:6881", "127.0.0.2:6999", "[::1]:6881", "[::1]:6999"];
        assert_eq!(listen, due);
    }

    #[test]
    fn bad_settings_are_named() {
        for (text, word) in [
            ("", "name"),
            ("name = ''", "name"),
            ("name = 'a b'", "space"),
            ("name = 'a'\nspeed = 3", "speed"),
            ("name = 'a'\n[pace]\nchallenges = 0", "[pace]"),
            ("name = 'a'\n[pace]\nchallenges = 99", "16"),
            ("name = 'a'\n[pace]\nrevisit_s = 1800", "30 minutes"),
            ("name = 'a'\n[monitor]\naddresses = []", "addresses"),
            ("name = 'a'\n[monitor]\naddresses = ['127.0.0.1', '127.0.0.1']", "twice"),
            ("name = 'a'\n[monitor]\naddresses = ['127.0.0.1', '0.0.0.0']", "beside"),
            ("name = 'a'\n[monitor]\naddresses = ['::ffff:127.0.0.1']", "IPv6 form"),
            ("name = 'a'\n[monitor]\naddresses = ['127.0.0.1', '::']", "µTP"),
            ("name = 'a'\n[monitor]\nports = []", "ports"),
            ("name = 'a'\n[monitor]\nports = [6881, 6881]", "ports"),
            ("name = 'a'\n[monitor]\nvantages = 2", "vantages"),
            ("name = 'a'\n[monitor]\nvantages = 0", "vantages"),
            ("name = 'a'\n[monitor]\ncontact = 'me'", "contact"),
            ("name = 'a'\n[laboratory]\nnetworks = []", "laboratory"),
            ("name = 'a'\n[log_key]\nmodule = '/usr/lib/softhsm/libsofthsm2.so'", "token"),
            ("name = 'a'\n[dht]\nbootstrap = ['router.example']", "dht.bootstrap"),
            ("name = 'a'\n[dht]\nread_only = true", "read_only"),
            ("name = 'a'\n[[witnesses]]\nurl = 'https://w.example'\nvkey = 'w'", "witnesses"),
        ] {
            let fault = parse(text).unwrap_err().to_string();
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }
}
