//! What a peer's extension handshake said (BEP 10).

use serde::{Deserialize, Serialize};

use crate::Claimed;

/// The longest client name that is recorded, in bytes. The longest of a real client has some forty.
pub const CLIENT_BYTES_MAX: usize = 128;

/// Claims of the peer, each the last that it made. What it left out, or wrote in no form that means anything, is absent.
///
/// Its other addresses (`ipv4`, `ipv6`) are not here: they may be a stranger's, nobody was seen at them, and no report
/// needs them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// `v`: its software in its own words. One of more than [`CLIENT_BYTES_MAX`] bytes is not recorded.
    pub client: Option<Claimed>,
    /// `p`: the port on which it says that it listens.
    pub listening_port: Option<u16>,
    /// `reqq`: how many requests it says that it queues.
    pub request_queue: Option<u32>,
    /// Whether `yourip` is the address of the monitor's own end. Not so behind a network address translator.
    pub sees_observer: Option<bool>,
    /// `upload_only` (BEP 21): whether it says that it wants no content, be it whole or part.
    pub upload_only: Option<bool>,
}
