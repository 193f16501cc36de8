//! Which client software a peer says it is, twice, and whether the rest of its talk fits. None of it identifies anybody.

use serde::{Deserialize, Serialize};

/// Two unverified claims, and what does not fit them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// The family that `v` of the extension handshake names (BEP 10), if it was said.
    pub by_client: Option<Family>,
    /// The family that the peer id names (BEP 20).
    pub by_peer_id: Family,
    /// In what the peer differed from what the family was seen to do, ascending by name, each once. A client may have
    /// changed since, and anybody may imitate one: this is for whoever looks for a monitor's mistakes, and proves nothing.
    pub disagreements: alloc::vec::Vec<Disagreement>,
}

/// A family of client software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// This program.
    Affiant,
    /// Programs made of the Go library of anacrolix.
    Anacrolix,
    /// aria2.
    Aria2,
    /// BiglyBT.
    Biglybt,
    /// BitComet.
    Bitcomet,
    /// BitTorrent 7 and later, which is µTorrent under another name.
    Bittorrent,
    /// Deluge.
    Deluge,
    /// FrostWire.
    Frostwire,
    /// KTorrent.
    Ktorrent,
    /// Programs made of arvidn's libtorrent ("rasterbar") without a name of their own.
    LibtorrentRasterbar,
    /// The original client.
    Mainline,
    /// A name or a code that follows a convention and is none of these.
    Other,
    /// qBittorrent.
    Qbittorrent,
    /// rqbit.
    Rqbit,
    /// rtorrent, whose library is rakshasa's libtorrent.
    Rtorrent,
    /// Tixati.
    Tixati,
    /// Transmission.
    Transmission,
    /// Nothing that follows a convention.
    Unknown,
    /// µTorrent on any platform.
    Utorrent,
    /// Vuze, formerly Azureus.
    Vuze,
    /// WebTorrent.
    Webtorrent,
    /// Xunlei (Thunder).
    Xunlei,
}

/// Something that a peer did otherwise than the client it says it is was seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disagreement {
    /// It offered pieces while choking (BEP 6), and the family does not.
    AllowedFast,
    /// The family says `v`, and it did not, or the other way round.
    ClientSaid,
    /// It left out an extension that the family always offers.
    Extensions,
    /// The peer id and `v` name two families.
    Families,
    /// Its first messages came in another order, or were others.
    FirstMessages,
    /// It queues another number of requests.
    RequestQueue,
    /// Its reserved bytes lack what the family sets, or have what it does not speak.
    ReservedBits,
}
