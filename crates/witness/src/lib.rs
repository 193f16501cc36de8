//! Witnesses and monitors: outsiders who notice when a log shows different pasts to different people.
//!
//! A *witness* cosigns a checkpoint if it extends the last one that it cosigned (C2SP `tlog-witness`), so that a log
//! with a quorum of them cannot take anything back. A *monitor* follows what a log serves, and signs an alarm with both
//! heads as proof when they contradict each other. `evidence-schema/witness.md` is their contract.
//!
//! *In scope*: what follows from a request, a witness's durable state and HTTP service, the log's client that collects
//! cosignatures, the monitor and its alarms.
//! *Out of scope*: trees, notes, cosignatures and the bytes of a request (`tlog`), key files (`ledger::keys`), clocks (`now` is an argument),
//! TLS (a reverse proxy does it), what an entry means.
//!
//! Pure are [`decision`] and [`alarm`]; the others are the shell around them.
//!
//! ```
//! use tlog::{Checkpoint, SignedCheckpoint};
//! use witness::request::Request;
//!
//! let file = "log.example.org/2026-09\n3\nNWLXQB7rn2l7O2EW8DG+caZ28OhX4iG1qt0gxxeJGXI=\n\n\
//!     — log.example.org/2026-09 /522mhOGD4nJd/YkV4MItg/WSwzsH4ecrC07Hfl+KsHm7rwsxjC4SQTEpP3dp0mF8FzAQHPEIJPwQH4ysJCEC+q1NAM=\n";
//! let request = Request { old_size: 0, proof: Vec::new(), signed: SignedCheckpoint::parse(file.as_bytes())? };
//! assert_eq!(request.to_bytes(), format!("old 0\n\n{file}").into_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod alarm;
pub mod client;
pub mod decision;
mod fault;
pub mod monitor;
pub mod place;
mod proofs;
pub mod server;
mod service;
mod signatures;
mod store;
#[cfg(test)]
mod testing;

pub use fault::Fault;
pub use service::{Response, Witness};
pub use store::Kept;
pub use tlog::request;
