//! What trackers answer.

pub(crate) mod compact;
pub(crate) mod http;
pub(crate) mod udp;
