//! Engines without I/O: what to do next about a tracker, a list of peers, one connection.
//!
//! In scope: who may be contacted ([`scope`]), how often ([`pace`]) and from which address of ours ([`vantage`]); who is asked to introduce us to those that cannot be dialled ([`punch`]); which peers of a torrent are due ([`roster`])
//! and by which means ([`ladder`]);
//! when to ask which tracker ([`announce`]); what a caller says first ([`reception`]); how much is believed of what peers say of others ([`gossip`]) and what neighbours call out ([`local`]); one connection from first to last byte ([`probe`]), and what of it is
//! kept ([`transcript`]); the info dictionary of a magnet ([`metadata`]).
//!
//! Out of scope: sockets, clocks, threads, and the log. Every engine is handed `now`, bytes and a [`Seed`], and says
//! what it wants: `handle_*` changes it once, `poll_*` drains what follows.
//!
//! # What this crate cannot do
//!
//! It writes to peers only what [`wire::message::Outgoing`] can say, which has no piece, no have, no unchoke and no
//! bitfield with a set bit. It does not know that a log exists and cannot sign.
//!
//! ```
//! use evidence::Exclusion;
//! use swarm::scope::Scope;
//!
//! let scope = Scope::public(vec!["198.51.100.9:0".parse().unwrap()], vec![]);
//! assert_eq!(scope.check("192.0.2.7:51413".parse().unwrap()), Err(Exclusion::Reserved));
//! ```

pub mod announce;
mod chance;
pub mod content;
pub mod continuity;
mod convert;
pub mod dht;
pub mod gossip;
pub mod ladder;
pub mod local;
pub mod metadata;
pub mod mse;
pub mod pace;
pub mod prefix;
pub mod probe;
pub mod punch;
pub mod reception;
pub mod roster;
pub mod scope;
mod timer;
pub mod transcript;
pub mod vantage;

pub use chance::Seed;
pub use content::Content;
pub use probe::Probe;
pub use scope::Scope;
pub use vantage::Vantages;
