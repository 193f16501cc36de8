//! Whole runs over real sockets on loopback: scripted peers, small trackers, a real ledger in a passing folder.

mod caller;
mod download;
mod lab;
mod metadata;
mod privacy;
mod refusal;
mod sweep;
mod trackers;
