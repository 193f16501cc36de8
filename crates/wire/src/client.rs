//! Families of client software, and which of them a peer's own name for itself means.
//!
//! A name is what the peer wrote about itself, as its peer id is. Nothing verifies either.

use core::fmt;

/// A family of client software, by the conventions of peer ids and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Transmission, `-TR`.
    Transmission,
    /// qBittorrent, `-qB`.
    QBittorrent,
    /// Deluge, `-DE`.
    Deluge,
    /// rtorrent, whose library is rakshasa's libtorrent, `-lt`.
    RTorrent,
    /// Programs that use arvidn's libtorrent ("rasterbar") without a name of their own, `-LT`.
    LibtorrentRasterbar,
    /// aria2, `A2-`, which is not Azureus style.
    Aria2,
    /// WebTorrent, `-WW` and `-WD`.
    WebTorrent,
    /// librqbit, `-rQ`.
    Librqbit,
    /// µTorrent on any platform, `-UT`, `-UM`, `-UE`, `-UW`.
    MicroTorrent,
    /// BitTorrent 7 and later, which is µTorrent under another name, `-BT`.
    BitTorrent,
    /// The original BitTorrent client, `M` and a dashed version.
    Mainline,
    /// Vuze, formerly Azureus, `-AZ`.
    Vuze,
    /// BiglyBT, `-BI`.
    BiglyBt,
    /// BitComet, `-BC`.
    BitComet,
    /// KTorrent, `-KT`.
    KTorrent,
    /// Xunlei (Thunder), `-XL` and `-SD`.
    Xunlei,
    /// Tixati, `TIX`, which is not Azureus style.
    Tixati,
    /// FrostWire, `-FW`.
    FrostWire,
    /// Programs that use the Go library of anacrolix, `-GT`.
    Anacrolix,
    /// This monitor, `-AF`.
    Affiant,
    /// Another client of Azureus style, by its two characters.
    Azureus([u8; 2]),
    /// A client of Shadow's style, by its letter.
    Shadow(u8),
    /// A name that is none of these.
    Named,
    /// No convention we know.
    Unknown,
}

/// How names begin, in lower case. Of two that begin alike the longer comes first.
const NAMES: [(&str, Family); 27] = [
    ("transmission", Family::Transmission),
    ("qbittorrent", Family::QBittorrent),
    ("deluge", Family::Deluge),
    ("rtorrent", Family::RTorrent),
    // Rakshasa's library writes a space before the version, arvidn's a slash.
    ("libtorrent ", Family::RTorrent),
    ("libtorrent/", Family::LibtorrentRasterbar),
    ("libtorrent (rasterbar)", Family::LibtorrentRasterbar),
    ("aria2", Family::Aria2),
    ("webtorrent", Family::WebTorrent),
    ("rqbit", Family::Librqbit),
    ("librqbit", Family::Librqbit),
    ("\u{b5}torrent", Family::MicroTorrent),
    ("\u{3bc}torrent", Family::MicroTorrent),
    ("utorrent", Family::MicroTorrent),
    ("bittorrent", Family::BitTorrent),
    ("mainline", Family::Mainline),
    ("azureus", Family::Vuze),
    ("vuze", Family::Vuze),
    ("biglybt", Family::BiglyBt),
    ("bitcomet", Family::BitComet),
    ("ktorrent", Family::KTorrent),
    ("xunlei", Family::Xunlei),
    ("thunder", Family::Xunlei),
    ("tixati", Family::Tixati),
    ("frostwire", Family::FrostWire),
    ("anacrolix", Family::Anacrolix),
    ("affiant", Family::Affiant),
];

impl Family {
    /// The family that a client's name for itself means: `v` of the extension handshake (BEP 10).
    pub fn of_name(name: &[u8]) -> Self {
        let begins = |start: &str| name.get(..start.len()).is_some_and(|first| first.eq_ignore_ascii_case(start.as_bytes()));
        let known = NAMES.iter().find(|(start, _)| begins(start)).map(|(_, family)| *family);
        known.unwrap_or(if name.is_empty() { Self::Unknown } else { Self::Named })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transmission => "Transmission",
            Self::QBittorrent => "qBittorrent",
            Self::Deluge => "Deluge",
            Self::RTorrent => "rtorrent",
            Self::LibtorrentRasterbar => "libtorrent",
            Self::Aria2 => "aria2",
            Self::WebTorrent => "WebTorrent",
            Self::Librqbit => "rqbit",
            Self::MicroTorrent => "µTorrent",
            Self::BitTorrent => "BitTorrent",
            Self::Mainline => "Mainline",
            Self::Vuze => "Vuze",
            Self::BiglyBt => "BiglyBT",
            Self::BitComet => "BitComet",
            Self::KTorrent => "KTorrent",
            Self::Xunlei => "Xunlei",
            Self::Tixati => "Tixati",
            Self::FrostWire => "FrostWire",
            Self::Anacrolix => "anacrolix/torrent",
            Self::Affiant => "affiant",
            Self::Azureus(code) => return write!(f, "-{}", code.escape_ascii()),
            Self::Shadow(letter) => return write!(f, "{}---", letter.escape_ascii()),
            Self::Named => "another name",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_families() {
        for (name, family) in [
            (&b"Transmission 4.0.6"[..], Family::Transmission),
            (b"qBittorrent/4.5.2", Family::QBittorrent),
            (b"QBITTORRENT", Family::QBittorrent),
            (b"libTorrent 0.13.8", Family::RTorrent),
            (b"libtorrent/2.0.8", Family::LibtorrentRasterbar),
            ("\u{b5}Torrent 3.5.5".as_bytes(), Family::MicroTorrent),
            (b"uTorrent 1", Family::MicroTorrent),
            (b"BitTorrent 7.10.5", Family::BitTorrent),
            (b"BiglyBT 3.5", Family::BiglyBt),
            (b"anacrolix/torrent v1.55", Family::Anacrolix),
            (b"libtorrent", Family::Named),
            (b"Some Client", Family::Named),
            (b"\xb5Torrent", Family::Named),
            (b"", Family::Unknown),
        ] {
            assert_eq!(Family::of_name(name), family, "{}", name.escape_ascii());
        }
    }
}
