//! Whole runs over real sockets on loopback: scripted peers, small trackers, a real ledger in a passing folder.

mod caller;
mod clients;
mod clocks;
mod dht;
mod download;
mod gossip;
mod lab;
mod lapse;
mod manners;
mod matrix;
mod metadata;
mod nat;
mod neighbours;
mod privacy;
mod private;
mod reach;
mod refusal;
mod revisit;
mod sweep;
mod trackers;
mod vantages;
