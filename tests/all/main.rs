//! What crosses crates, in one program: it builds once, links once and starts once.
//!
//! *In scope*: rules about the whole repository, vectors, scenarios, real clients, attacks and faults.
//! *Out of scope*: what one crate can test alone.

mod by_hand;
mod corpora;
mod demo;
mod deploy;
mod dht;
mod dossier;
mod edges;
mod export;
mod keys;
mod kill;
mod laboratory;
mod line;
mod malformed;
mod never_upload;
mod program;
mod real_clients;
mod redaction;
mod schemas;
mod station;
mod tidy;
mod verifiers;
mod witnesses;
