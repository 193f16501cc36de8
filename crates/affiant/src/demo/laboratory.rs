//! The swarm of the demonstration: simulated peers in five laboratory ISPs, two librqbit seeders, real clients, a tracker.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use evidence::{Date, sha256};
use swarmlab::{
    behaviour::{Behaviour, Mix},
    clients::{self, Client, Encryption, Role, Running, Start, Streams},
    dht::{DhtConfig, DhtFarm, Place},
    farm::{Farm, FarmConfig},
    gossip::{Gossip, Word},
    network::Network,
    seeders::Seeders,
    torrent::{Shape, SyntheticTorrent},
    tracker::{Tracker, TrackerConfig},
    truth::Truth,
};

use super::Wish;
use crate::config::Config;

/// The monitor's own address.
const MONITOR: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
const PIECE_BYTES: u32 = 64 << 10;
/// Whole pieces, so that no padding is needed: Transmission 3 does not know it.
const FILM_BYTES: u64 = 8 << 20;
/// Peers behind a NAT that nobody can dial: they are on no list and call the monitor.
const CALLERS: usize = 8;
/// Peers that no tracker lists, and the DHT names.
const IN_DHT: usize = 12;
const DHT_NODES: usize = 128;
/// Peers that are on no list and known to other peers alone.
const HIDDEN: usize = 12;
/// Made-up addresses that one peer names: far more than anybody may.
const MADE_UP: u16 = 2_000;
/// The last laboratory ISP is a mobile network: its sharers are proved and not reported under the UK rules.
const MOBILE_ASN: u32 = 64_500;

pub struct Laboratory {
    torrent: Arc<SyntheticTorrent>,
    networks: Vec<Network>,
    tracker: Arc<Tracker>,
    /// Where the real clients announce. It names nobody, so that they serve nobody but the monitor.
    _clients_tracker: Tracker,
    farm: Arc<Farm>,
    dht: DhtFarm,
    seeders: Seeders,
    clients: Vec<Running>,
    client_names: Vec<String>,
    truth: Mutex<Truth>,
    callers: Vec<Ipv4Addr>,
    hidden: usize,
}

/// The part of the laboratory that dials the monitor.
pub struct Callers {
    tracker: Arc<Tracker>,
    farm: Arc<Farm>,
    torrent: Arc<SyntheticTorrent>,
    hosts: Vec<Ipv4Addr>,
}

impl Laboratory {
    pub async fn start(wish: &Wish) -> Result<Self> {
        let tracker =
            Arc::new(Tracker::start(TrackerConfig { numwant_max: wish.peers * 2 + 100, ..TrackerConfig::default() }).await?);
        let urls = [tracker.http_url(), tracker.udp_url()];
        let shape = Shape::film_with_nfo(FILM_BYTES, PIECE_BYTES);
        let film = |trackers: &[&str]| SyntheticTorrent::new("Laboratory Film", wish.seed, shape.clone(), PIECE_BYTES, trackers);
        let torrent = Arc::new(film(&[&urls[0], &urls[1]])?);
        let clients_tracker = Tracker::start(TrackerConfig { numwant_max: 0, ..TrackerConfig::default() }).await?;
        let networks = Network::laboratory();
        let mix = Mix::demo().with_seed(wish.seed);
        let farm = Arc::new(Farm::start(FarmConfig::new(vec![Arc::clone(&torrent)], mix.clone())).await?);
        let listed = farm.spread(wish.peers, &networks);
        let mut truth = Truth::of_farm(&listed, &mix, &networks);
        let in_dht: Vec<SocketAddr> =
            networks[2].hosts().skip(wish.peers).take(IN_DHT).map(|host| farm.listed(host).into()).collect();
        in_dht.iter().for_each(|peer| truth.insert(*peer, Behaviour::of(*peer, &mix), &networks));
        let place = Place::Loopback { octet: 9 };
        let dht = DhtConfig { place, port: 0, nodes: DHT_NODES, poisoned_percent: 10, sybils: 16, ..DhtConfig::default() };
        let dht = DhtFarm::start(dht).await?;
        dht.share(torrent.info_hash(), &in_dht);
        let hidden: Vec<SocketAddrV4> = networks[1].hosts().skip(wish.peers).take(HIDDEN).map(|host| farm.listed(host)).collect();
        hidden.iter().for_each(|peer| truth.insert((*peer).into(), Behaviour::of((*peer).into(), &mix), &networks));
        farm.set_gossip(gossip(&listed, &hidden, &mix));

        let folder = wish.out.join("laboratory");
        let addresses = [Ipv4Addr::new(127, 64, 255, 1), Ipv4Addr::new(127, 65, 255, 1)];
        let seeders = Seeders::start(&torrent, &folder.join("librqbit"), &addresses).await?;
        let mut peers: Vec<SocketAddr> = listed.into_iter().map(SocketAddr::from).collect();
        for address in seeders.addresses() {
            truth.insert(address, Behaviour::Seed, &networks);
            peers.push(address);
        }
        let (clients, client_names) = if wish.with_clients {
            start_clients(&film(&[&clients_tracker.http_url()])?, &folder, &networks).await?
        } else {
            Default::default()
        };
        for client in &clients {
            truth.insert(client.address(), Behaviour::Seed, &networks);
            peers.push(client.address());
        }
        tracker.list(torrent.info_hash(), peers, 0);
        let callers = networks[0].hosts_that(Behaviour::Seed, &mix).skip(wish.peers).take(CALLERS).collect();
        Ok(Self {
            torrent,
            networks,
            tracker,
            _clients_tracker: clients_tracker,
            farm,
            dht,
            seeders,
            clients,
            client_names,
            truth: Mutex::new(truth),
            callers,
            hidden: hidden.len(),
        })
    }

    pub fn describe(&self) -> Vec<String> {
        let truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = if self.client_names.is_empty() { "none installed".to_string() } else { self.client_names.join(", ") };
        vec![
            format!(
                "  {} peers in {} laboratory ISPs, {} of them really share",
                truth.len(),
                self.networks.len(),
                truth.sharers().count()
            ),
            format!("  {} librqbit seeders; real clients: {clients}", self.seeders.addresses().count()),
            format!("  {} of them are on no tracker's list and known to other peers alone", self.hidden),
            format!("  {IN_DHT} of them are named by a DHT alone: it has {DHT_NODES} nodes, of which a tenth lie"),
            format!("  {} more peers are on no list and will call the monitor", self.callers.len()),
        ]
    }

    /// Writes what a user would have at hand: torrent, copy, mandate, authority, tables.
    pub fn write_inputs(&self, folder: &Path, today: Date) -> Result<()> {
        let content = folder.join("content");
        self.torrent.write_to(&content)?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        write("film.torrent", self.torrent.metainfo())?;
        write("authority.txt", b"Example Pictures Limited authorises Example Trade Body to act for it. Synthetic.\n")?;
        write("laboratory.tsv", Network::iptoasn_tsv(&self.networks).as_bytes())?;
        write("isp-register.toml", self.register(today).as_bytes())?;
        write("mandate.toml", mandate(today).as_bytes())
    }

    fn register(&self, today: Date) -> String {
        let mut text = format!("format = \"affiant.isp-register/1\"\ndated = \"{today}\"\n");
        for network in &self.networks {
            let id = network.isp.to_lowercase().replace(' ', "-");
            let (kind, qualifying) = if network.asn == MOBILE_ASN { ("mobile", false) } else { ("fixed", true) };
            text.push_str(&format!(
                "\n[[entry]]\nid = \"{id}\"\nname = \"{} (laboratory)\"\nasns = [{}]\ncontact = \"\"\ndelivery = \"none\"\n\
                 kind = \"{kind}\"\nqualifying = {qualifying}\nsubscribers = \"over-400000\"\nfrom = \"2026-01-01\"\nsource = \"laboratory\"\n",
                network.isp, network.asn,
            ));
        }
        text
    }

    /// Short waits, because these peers are near; everything else as shipped.
    pub fn configure(&self, config: &mut Config) {
        config.monitor.addresses = vec![IpAddr::V4(MONITOR)];
        config.monitor.ports = vec![0];
        config.dht.bootstrap = vec![self.dht.entrance().to_string()];
        let pace = &mut config.pace;
        pace.dials_per_second = 500;
        pace.handshake_ms = 4_000;
        pace.claims_ms = 4_000;
        pace.choked_ms = 12_000;
        pace.choked_transmission_ms = 25_000;
        pace.attempts = 2;
        pace.retry_s = 2;
        pace.peers_per_answer = 20_000;
        pace.connections_per_network = 2_000;
    }

    pub fn clone_for_callers(&self) -> Callers {
        Callers {
            tracker: Arc::clone(&self.tracker),
            farm: Arc::clone(&self.farm),
            torrent: Arc::clone(&self.torrent),
            hosts: self.callers.clone(),
        }
    }

    /// Adds the peers that called to the truth.
    pub fn learn_callers(&self, addresses: Vec<SocketAddr>) {
        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        for address in addresses {
            truth.insert(address, Behaviour::Seed, &self.networks);
        }
    }

    pub fn truth(&self) -> Truth {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether peers at this address are in the mobile network, which is never reported.
    pub fn is_mobile(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.asn == MOBILE_ASN && network.contains(address))
    }

    /// Messages with content that the monitor sent to any simulated peer.
    pub fn pieces_received(&self) -> u64 {
        self.farm.report().total.pieces_received
    }

    pub async fn stop(self) {
        for client in self.clients {
            client.stop().await;
        }
        self.seeders.stop().await;
    }
}

impl Callers {
    /// Waits until the monitor has announced itself, then calls it.
    pub async fn call(self) -> Result<Vec<SocketAddr>> {
        let port = loop {
            let announced = self.tracker.log().into_iter().find(|announced| announced.address().ip() == IpAddr::V4(MONITOR));
            if let Some(announced) = announced {
                break announced.port;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let mut called = Vec::new();
        for host in self.hosts {
            called.push(self.farm.dial_out(host.into(), SocketAddr::from((MONITOR, port)), self.torrent.info_hash()).await?);
        }
        Ok(called)
    }
}

/// What some of the listed seeds say of others: most of them know a few of the hidden ones, one makes up a flood of
/// addresses, one sends what is no message.
fn gossip(listed: &[SocketAddrV4], hidden: &[SocketAddrV4], mix: &Mix) -> Gossip {
    let mut tellers = listed
        .iter()
        .map(|peer| IpAddr::V4(*peer.ip()))
        .filter(|host| Behaviour::of(SocketAddr::new(*host, 0), mix) == Behaviour::Seed);
    let mut gossip = Gossip::default();
    let made_up =
        (1..=MADE_UP).map(|host| SocketAddr::from((Ipv4Addr::from_bits(MONITOR.to_bits() + (u32::from(host) << 4)), 6_881)));
    gossip.by_host.extend(tellers.next().map(|host| (host, Word::Floods(made_up.collect()))));
    gossip.by_host.extend(tellers.next().map(|host| (host, Word::Babbles(b"d5:added5:abcdee".to_vec()))));
    let tellers: Vec<IpAddr> = tellers.take(HIDDEN).collect();
    let per_teller = hidden.len().div_ceil(tellers.len().max(1)).max(1);
    let names = hidden.chunks(per_teller).map(|known| Word::Names(known.iter().copied().map(SocketAddr::from).collect()));
    gossip.by_host.extend(tellers.into_iter().zip(names));
    gossip
}

/// Starts every installed client as a seeder, each at an address of its own.
async fn start_clients(torrent: &SyntheticTorrent, folder: &Path, networks: &[Network]) -> Result<(Vec<Running>, Vec<String>)> {
    let mut running = Vec::new();
    let mut names = Vec::new();
    let file = folder.join("clients.torrent");
    fs::write(&file, torrent.metainfo()).with_context(|| format!("cannot write {}", file.display()))?;
    let shared = clients::Torrent { file: &file, info_hash: torrent.info_hash().0, piece_count: torrent.info().piece_count() };
    for (client, network) in Client::DEBIAN.into_iter().zip(networks.iter().cycle()) {
        let Some(found) = client.find() else { continue };
        let dir = folder.join(client.name());
        let content_dir = folder.join(format!("{}-content", client.name()));
        make(&dir)?;
        torrent.write_to(&content_dir)?;
        let octets = network.base.octets();
        let start = Start {
            dir: &dir,
            address: Ipv4Addr::new(octets[0], octets[1], 255, 7).into(),
            port: 26_881,
            torrents: &[shared],
            content_dir: &content_dir,
            role: Role::Seed,
            encryption: Encryption::Default,
            streams: Streams::Any,
            peer_exchange: false,
            dht: None,
            ready_within: Duration::from_secs(30),
        };
        match clients::start(client, &found, start).await {
            Ok(client) => {
                names.push(format!("{} {}", client.client().name(), found.version));
                running.push(client);
            }
            // A broken installation is said, and the demonstration goes on without it.
            Err(fault) => super::say(&format!("  {} {} did not start: {fault}", client.name(), found.version)),
        }
    }
    Ok((running, names))
}

fn make(dir: &PathBuf) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

fn mandate(today: Date) -> String {
    let (from, to) = (today.plus_days(-30), today.plus_days(335));
    let reference = sha256(today.to_string().as_bytes()).to_string();
    format!(
        r#"id = "laboratory-film"
from = "{from}"
to = "{to}"
territory = ["GB"]
targets = []

[work]
title = "Laboratory Film"
nature = "film"

[owner]
name = "Example Pictures Limited"
[owner.address]
lines = ["1 Example Street"]
locality = "London"
postcode = "N1 1AA"
country = "GB"

[agent]
name = "Example Trade Body"
[agent.address]
lines = ["2 Example Street"]
locality = "London"
postcode = "N1 1AB"
country = "GB"

[authority]
reference = "LAB-{reference:.8}"
from = "{from}"
to = "{to}"
"#
    )
}
