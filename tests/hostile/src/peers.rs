//! What a peer says: one module a parser.

pub(crate) mod extension;
pub(crate) mod handshake;
pub(crate) mod holepunch;
pub(crate) mod local;
pub(crate) mod messages;
pub(crate) mod metadata;
pub(crate) mod peer_id;
pub(crate) mod pex;
