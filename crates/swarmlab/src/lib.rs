//! swarmlab

pub mod clients;
