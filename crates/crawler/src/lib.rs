//! Drives the engines of `swarm` on tokio: sockets, trackers, the listener, the log.
//!
//! A run is one call of [`watch`]. It asks the trackers and the DHT about each mandated torrent, logs what they name before anybody
//! is contacted, contacts each peer within the budgets, and logs what came of it: every address on every list ends as
//! an observation. [`fetch_metadata`] gets the info dictionary of a magnet, [`download`] a reference copy.
//!
//! In scope: one file per stage. [`trackers`] and its parts ask; [`dht`] is our node of the DHT; `dial`, `listener` and `utp` connect,
//! and each makes a `link`; `prober` carries one contact;
//! `recorder` logs; `hunt` is one torrent's state; `conductor` joins them, and is the only place that decides.
//! Out of scope: what a contact says and means (`swarm`), what a record is (`evidence`), keys and files (`ledger`),
//! configuration and clocks (`affiant`).
//!
//! # What this crate cannot do
//!
//! It writes to a peer only what an engine of `swarm` hands it, and those can say nothing that gives content away.
//! It is handed an appender and has no key. Its log events carry counts, run ids and trackers' hosts, never a peer's
//! address. Nothing is contacted that [`swarm::Scope`] excludes, and nothing for a torrent without a mandate in force.

mod clock;
mod conductor;
pub mod dht;
mod dial;
mod download;
mod ear;
mod fault;
mod hunt;
mod link;
mod listener;
mod local;
mod metadata;
mod named;
mod plan;
mod prober;
mod recorder;
mod stop;
mod summary;
pub mod trackers;
mod utp;

pub use clock::{Clock, Reading};
pub use conductor::watch;
pub use dht::{DhtPlan, Entrance, Keep, LookedUp};
pub use download::{Download, DownloadError, Downloaded, download};
pub use fault::WatchError;
pub use metadata::{MetadataError, MetadataPlan, fetch_metadata};
pub use plan::{LIST_MAX, LocalDiscovery, Mandated, Settings, TargetPlan, Until, WatchPlan};
pub use stop::{Stop, Stopper, stopper};
pub use summary::{Progress, Reason, Summary};
