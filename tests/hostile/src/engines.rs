//! Engines under strangers who do what they like, when they like.

pub(crate) mod announce;
pub(crate) mod dht;
pub(crate) mod metadata;
pub(crate) mod mse;
pub(crate) mod probe;
pub(crate) mod reception;
