//! The laboratory: simulated peers in the thousands, trackers, librqbit seeders and real clients, all on loopback, with
//! ground truth about every one of them.
//!
//! *In scope:* synthetic torrents ([`torrent`]), what a simulated peer does as a pure function of its address
//! ([`behaviour`], [`persona`]), one listener that is as many peers as 127.0.0.0/8 has addresses ([`farm`]), trackers over
//! HTTP and UDP that can be told to lie ([`tracker`]), a DHT of which a known part lies ([`dht`]), seeders made of a
//! real library ([`seeders`]), real clients ([`clients`]), a network with no way out for them ([`namespace`]), laboratory
//! ISPs ([`network`]), and grading of a report against the truth ([`truth`]).
//!
//! *Out of scope:* µTP and encrypted handshakes other than those of real clients, version 2 of the protocol among the
//! simulated peers (torrents of it are made, for real clients), and anything that is not on loopback: the farm
//! hangs up on every other address, and nothing here dials one.
//!
//! This crate holds the workspace's only encoder of what a monitor must never say: [`piece`] and [`extension`]. Nothing
//! that is shipped to production may depend on it, the demonstration excepted.
//!
//! ```
//! use std::sync::Arc;
//! use swarmlab::{behaviour::Mix, farm::{Farm, FarmConfig}, network::Network, torrent::{Shape, SyntheticTorrent}};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let torrent = SyntheticTorrent::new("film", 7, Shape::File { length: 1 << 20 }, 64 << 10, &[])?;
//! let farm = Farm::start(FarmConfig::new(vec![Arc::new(torrent)], Mix::accuracy())).await?;
//! let peers = farm.addresses(&[(Network::laboratory()[0].clone(), 100)]);
//! assert_eq!(peers.len(), 100);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

pub mod behaviour;
mod chance;
pub mod clients;
pub mod descriptors;
pub mod dht;
pub mod extension;
pub mod farm;
pub mod gossip;
pub mod namespace;
pub mod nat;
pub mod network;
pub mod persona;
pub mod piece;
pub mod seeders;
pub mod torrent;
pub mod tracker;
pub mod truth;
