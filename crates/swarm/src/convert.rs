//! The same bytes under `wire`'s and `evidence`'s names: neither crate knows the other.

pub(crate) fn wire_hash(hash: evidence::InfoHashV1) -> wire::infohash::InfoHashV1 {
    wire::infohash::InfoHashV1(*hash.as_bytes())
}

pub(crate) fn evidence_hash(hash: wire::infohash::InfoHashV1) -> evidence::InfoHashV1 {
    evidence::InfoHashV1::from(hash.0)
}

pub(crate) fn evidence_family(family: wire::client::Family) -> evidence::software::Family {
    use evidence::software::Family as To;
    use wire::client::Family as From;
    match family {
        From::Transmission => To::Transmission,
        From::QBittorrent => To::Qbittorrent,
        From::Deluge => To::Deluge,
        From::RTorrent => To::Rtorrent,
        From::LibtorrentRasterbar => To::LibtorrentRasterbar,
        From::Aria2 => To::Aria2,
        From::WebTorrent => To::Webtorrent,
        From::Librqbit => To::Rqbit,
        From::MicroTorrent => To::Utorrent,
        From::BitTorrent => To::Bittorrent,
        From::Mainline => To::Mainline,
        From::Vuze => To::Vuze,
        From::BiglyBt => To::Biglybt,
        From::BitComet => To::Bitcomet,
        From::KTorrent => To::Ktorrent,
        From::Xunlei => To::Xunlei,
        From::Tixati => To::Tixati,
        From::FrostWire => To::Frostwire,
        From::Anacrolix => To::Anacrolix,
        From::Affiant => To::Affiant,
        From::Azureus(_) | From::Shadow(_) | From::Named => To::Other,
        From::Unknown => To::Unknown,
    }
}
