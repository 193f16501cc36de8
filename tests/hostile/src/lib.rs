//! Everything that a stranger's bytes reach, as functions: one for each [`Target`].
//!
//! A target takes any bytes, does with them what the programs would do, and panics if a promise is broken: that nothing
//! panics, that work is bounded, that what is read and written again is the same, that nothing is said that a monitor
//! never says. `tests/fuzz` hands them to libFuzzer; `tests/all/corpora.rs` runs every file of every corpus through them.
//!
//! *In scope*: parsers and engines that peers, trackers, DHT nodes, and the senders of files can reach.
//! *Out of scope*: sockets, and what only the operator writes.

mod bencode;
mod engines;
mod files;
mod hashes;
mod krpc;
mod magnets;
mod peers;
mod scene;
mod script;
mod torrents;
mod trackers;

/// One way in.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its corpus and of its program under `tests/fuzz`.
    pub name: &'static str,
    /// Takes any bytes. A panic is a defect.
    pub run: fn(&[u8]),
    /// What its corpus begins with: names and bytes.
    pub seeds: fn() -> Vec<Seed>,
}

/// A file that a corpus begins with.
pub type Seed = (String, Vec<u8>);

/// All of them, in the order of their names.
pub const TARGETS: &[Target] = &[
    Target { name: "announce", run: engines::announce::run, seeds: engines::announce::seeds },
    Target { name: "bencode", run: bencode::run, seeds: bencode::seeds },
    Target { name: "bundle", run: files::bundle::run, seeds: files::bundle::seeds },
    Target { name: "compact_peers", run: trackers::compact::run, seeds: trackers::compact::seeds },
    Target { name: "dht", run: engines::dht::run, seeds: engines::dht::seeds },
    Target { name: "extension_handshake", run: peers::extension::run, seeds: peers::extension::seeds },
    Target { name: "handshake", run: peers::handshake::run, seeds: peers::handshake::seeds },
    Target { name: "hashes", run: hashes::run, seeds: hashes::seeds },
    Target { name: "holepunch", run: peers::holepunch::run, seeds: peers::holepunch::seeds },
    Target { name: "krpc", run: krpc::run, seeds: krpc::seeds },
    Target { name: "local", run: peers::local::run, seeds: peers::local::seeds },
    Target { name: "magnet", run: magnets::magnet::run, seeds: magnets::magnet::seeds },
    Target { name: "metadata", run: engines::metadata::run, seeds: engines::metadata::seeds },
    Target { name: "metainfo", run: torrents::run, seeds: torrents::seeds },
    Target { name: "mse", run: engines::mse::run, seeds: engines::mse::seeds },
    Target { name: "notes", run: files::notes::run, seeds: files::notes::seeds },
    Target { name: "peer_id", run: peers::peer_id::run, seeds: peers::peer_id::seeds },
    Target { name: "peer_messages", run: peers::messages::run, seeds: peers::messages::seeds },
    Target { name: "pex", run: peers::pex::run, seeds: peers::pex::seeds },
    Target { name: "probe", run: engines::probe::run, seeds: engines::probe::seeds },
    Target { name: "reception", run: engines::reception::run, seeds: engines::reception::seeds },
    Target { name: "records", run: files::records::run, seeds: files::records::seeds },
    Target { name: "registers", run: files::registers::run, seeds: files::registers::seeds },
    Target { name: "tables", run: files::tables::run, seeds: files::tables::seeds },
    Target { name: "tracker_http", run: trackers::http::run, seeds: trackers::http::seeds },
    Target { name: "tracker_udp", run: trackers::udp::run, seeds: trackers::udp::seeds },
    Target { name: "tracker_url", run: magnets::url::run, seeds: magnets::url::seeds },
    Target { name: "transcript", run: files::transcript::run, seeds: files::transcript::seeds },
    Target { name: "ut_metadata", run: peers::metadata::run, seeds: peers::metadata::seeds },
];

/// Runs the target of this name.
///
/// # Panics
/// If there is none, or the bytes break a promise.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target '{name}'"));
    (target.run)(data);
}

/// Seeds from names and bytes.
fn seeds<const N: usize>(named: [(&str, &[u8]); N]) -> Vec<Seed> {
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}
