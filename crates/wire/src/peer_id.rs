//! Peer ids (BEP 3) and the client software they claim (BEP 20).
//!
//! A claim is what the peer wrote about itself. Nothing verifies it.

use alloc::format;
use alloc::string::String;
use core::fmt;

pub use crate::client::Family;

/// The twenty bytes a peer calls itself by. BEP 3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

/// Which software a peer says it is. Never verified.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientClaim {
    /// The family of client software.
    pub family: Family,
    /// The version as the family writes it, empty where it could not be read.
    pub version: String,
    /// The peer id that the claim was read from.
    pub raw: PeerId,
}

impl PeerId {
    /// A peer id of Azureus style: a dash, two characters for the client, four for its version, a dash, twelve of chance.
    pub fn azureus(client: [u8; 2], version: [u8; 4], random: [u8; 12]) -> Self {
        let mut id = [b'-'; 20];
        id[1..3].copy_from_slice(&client);
        id[3..7].copy_from_slice(&version);
        id[8..].copy_from_slice(&random);
        Self(id)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// What the peer id claims about the software.
    pub fn claim(&self) -> ClientClaim {
        let (family, version) = azureus(&self.0)
            .or_else(|| aria2(&self.0))
            .or_else(|| mainline(&self.0))
            .or_else(|| tixati(&self.0))
            .or_else(|| shadow(&self.0))
            .unwrap_or((Family::Unknown, String::new()));
        ClientClaim { family, version, raw: *self }
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl fmt::Display for ClientClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.family)?;
        if self.version.is_empty() { Ok(()) } else { write!(f, " {}", self.version) }
    }
}

fn azureus(id: &[u8; 20]) -> Option<(Family, String)> {
    // The byte after the version is a dash by convention; a few builds write a letter there for "beta".
    let [b'-', c1, c2, v1, v2, v3, v4, after, ..] = *id else { return None };
    if !(c1.is_ascii_alphanumeric() && c2.is_ascii_alphanumeric()) || !(after == b'-' || after.is_ascii_alphanumeric()) {
        return None;
    }
    let family = match &[c1, c2] {
        b"TR" => Family::Transmission,
        b"qB" => Family::QBittorrent,
        b"DE" => Family::Deluge,
        b"lt" => Family::RTorrent,
        b"LT" => Family::LibtorrentRasterbar,
        b"WW" | b"WD" => Family::WebTorrent,
        b"rQ" => Family::Librqbit,
        b"UT" | b"UM" | b"UE" | b"UW" => Family::MicroTorrent,
        b"BT" => Family::BitTorrent,
        b"AZ" => Family::Vuze,
        b"BI" => Family::BiglyBt,
        b"BC" => Family::BitComet,
        b"KT" => Family::KTorrent,
        b"XL" | b"SD" => Family::Xunlei,
        b"FW" => Family::FrostWire,
        b"GT" => Family::Anacrolix,
        b"AF" => Family::Affiant,
        code => Family::Azureus(*code),
    };
    let version = match (family, [v1, v2, v3, v4].map(digit)) {
        // Transmission wrote 2.94 as 2940 and has written 4.0.6 as 4060 since version 4.
        (Family::Transmission, [Some(major @ 0..4), Some(tens), Some(ones), Some(_)]) => format!("{major}.{tens}{ones}"),
        (Family::Transmission, [Some(major), Some(minor), Some(patch), Some(_)]) => format!("{major}.{minor}.{patch}"),
        // WebTorrent writes two digits each for major and minor.
        (Family::WebTorrent, [Some(a), Some(b), Some(c), Some(d)]) => {
            format!("{}.{}", u32::from(a) * 10 + u32::from(b), u32::from(c) * 10 + u32::from(d))
        }
        // BitComet writes 2.01 as 0201.
        (Family::BitComet, [Some(a), Some(b), Some(c), Some(d)]) => format!("{}.{c}{d}", u32::from(a) * 10 + u32::from(b)),
        // These write a letter for the kind of build in the last place.
        (Family::Deluge | Family::MicroTorrent | Family::BitTorrent, [Some(a), Some(b), Some(c), _]) => {
            format!("{a}.{b}.{c}")
        }
        (_, [Some(a), Some(b), Some(c), Some(0) | None]) => format!("{a}.{b}.{c}"),
        (_, [Some(a), Some(b), Some(c), Some(d)]) => format!("{a}.{b}.{c}.{d}"),
        _ => String::new(),
    };
    Some((family, version))
}

fn aria2(id: &[u8; 20]) -> Option<(Family, String)> {
    Some((Family::Aria2, dashed_version(id.strip_prefix(b"A2-")?)?))
}

fn mainline(id: &[u8; 20]) -> Option<(Family, String)> {
    Some((Family::Mainline, dashed_version(id.strip_prefix(b"M")?)?))
}

/// `TIX`, four digits and a dash.
fn tixati(id: &[u8; 20]) -> Option<(Family, String)> {
    let [b'T', b'I', b'X', version @ .., b'-'] = *id.first_chunk::<8>()? else { return None };
    let [a, b, c, d] = version.map(digit);
    Some((Family::Tixati, format!("{}.{}", a? * 10 + b?, c? * 10 + d?)))
}

/// Reads `1-36-0-`: three numbers of at most three digits, each with a dash behind it.
fn dashed_version(text: &[u8]) -> Option<String> {
    let mut version = String::new();
    let mut rest = text;
    for part in 0..3 {
        let end = rest.iter().take(4).position(|byte| *byte == b'-')?;
        let (number, after) = rest.split_at(end);
        if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        if part > 0 {
            version.push('.');
        }
        version.extend(number.iter().map(|byte| char::from(*byte)));
        rest = &after[1..];
    }
    Some(version)
}

/// Shadow's style: a letter, up to five version characters padded with dashes, then three dashes.
fn shadow(id: &[u8; 20]) -> Option<(Family, String)> {
    let [letter, version @ ..] = *id.first_chunk::<6>()?;
    let three_dashes = &id[6..9] == b"---";
    if !matches!(letter, b'A' | b'O' | b'Q' | b'R' | b'S' | b'T' | b'U') || !three_dashes {
        return None;
    }
    let used = version.iter().position(|byte| *byte == b'-').unwrap_or(version.len());
    if used == 0 || version[used..].iter().any(|byte| *byte != b'-') {
        return None;
    }
    let mut text = String::new();
    for byte in &version[..used] {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&format!("{}", shadow_digit(*byte)?));
    }
    Some((Family::Shadow(letter), text))
}

/// One version character of Azureus style: digits, then letters from ten on, in either case.
const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// One version character of Shadow's style, which counts on through lower case after upper case.
const fn shadow_digit(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => digit(byte),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use proptest::prelude::*;

    use super::*;

    fn check(id: &[u8; 20], family: Family, version: &str, shown: &str) {
        let claim = PeerId(*id).claim();
        assert_eq!((claim.family, claim.version.as_str()), (family, version), "{:?}", PeerId(*id));
        assert_eq!(claim.to_string(), shown);
        assert_eq!(claim.raw, PeerId(*id));
    }

    #[test]
    fn reads_the_families() {
        check(b"-TR3000-abcdefghijkl", Family::Transmission, "3.00", "Transmission 3.00");
        check(b"-TR2940-abcdefghijkl", Family::Transmission, "2.94", "Transmission 2.94");
        check(b"-TR4060-abcdefghijkl", Family::Transmission, "4.0.6", "Transmission 4.0.6");
        check(b"-qB4520-abcdefghijkl", Family::QBittorrent, "4.5.2", "qBittorrent 4.5.2");
        check(b"-DE203s-abcdefghijkl", Family::Deluge, "2.0.3", "Deluge 2.0.3");
        check(b"-lt0D80-abcdefghijkl", Family::RTorrent, "0.13.8", "rtorrent 0.13.8");
        check(b"-LT20B0-abcdefghijkl", Family::LibtorrentRasterbar, "2.0.11", "libtorrent 2.0.11");
        check(b"A2-1-36-0-abcdefghij", Family::Aria2, "1.36.0", "aria2 1.36.0");
        check(b"-WW0203-abcdefghijkl", Family::WebTorrent, "2.3", "WebTorrent 2.3");
        check(b"-rQ9001-abcdefghijkl", Family::Librqbit, "9.0.0.1", "rqbit 9.0.0.1");
        check(b"-UT355W-abcdefghijkl", Family::MicroTorrent, "3.5.5", "µTorrent 3.5.5");
        check(b"-FW6820-abcdefghijkl", Family::FrostWire, "6.8.2", "FrostWire 6.8.2");
        check(b"-GT0003-abcdefghijkl", Family::Anacrolix, "0.0.0.3", "anacrolix/torrent 0.0.0.3");
        check(b"-BI3400-abcdefghijkl", Family::BiglyBt, "3.4.0", "BiglyBT 3.4.0");
        check(b"-KT5200-abcdefghijkl", Family::KTorrent, "5.2.0", "KTorrent 5.2.0");
        check(b"-XL0012-abcdefghijkl", Family::Xunlei, "0.0.1.2", "Xunlei 0.0.1.2");
        check(b"-BC0201-abcdefghijkl", Family::BitComet, "2.01", "BitComet 2.01");
        check(b"TIX0289-abcdefghijkl", Family::Tixati, "2.89", "Tixati 2.89");
        check(b"M7-9-2--abcdefghijkl", Family::Mainline, "7.9.2", "Mainline 7.9.2");
        check(b"T03H-----abcdefghijk", Family::Shadow(b'T'), "0.3.17", "T--- 0.3.17");
        check(b"-ZZ1234-abcdefghijkl", Family::Azureus(*b"ZZ"), "1.2.3.4", "-ZZ 1.2.3.4");
        check(b"-AF0100-abcdefghijkl", Family::Affiant, "0.1.0", "affiant 0.1.0");
    }

    #[test]
    fn what_follows_no_convention_is_unknown() {
        check(&[0; 20], Family::Unknown, "", "unknown");
        check(b"-\xff\xff1234-abcdefghijkl", Family::Unknown, "", "unknown");
        check(b"A2-1-x-0-abcdefghijk", Family::Unknown, "", "unknown");
        check(b"A2-1234-36-0-abcdefg", Family::Unknown, "", "unknown");
        check(b"T-A--------abcdefghi", Family::Unknown, "", "unknown");
        check(b"TIX02/9-abcdefghijkl", Family::Unknown, "", "unknown");
        check(b"-TR////-abcdefghijkl", Family::Transmission, "", "Transmission");
    }

    #[test]
    fn ours_is_of_azureus_style() {
        let id = PeerId::azureus(*b"AF", *b"0100", *b"abcdefghijkl");
        assert_eq!(id.as_bytes(), b"-AF0100-abcdefghijkl");
    }

    #[test]
    fn display_is_printable() {
        let id = PeerId(*b"-TR3000-\0\x1b[31mabc\xff\n~");
        assert_eq!(id.to_string(), "-TR3000-\\x00\\x1b[31mabc\\xff\\n~");
    }

    proptest! {
        #[test]
        fn arbitrary_ids_never_panic(id: [u8; 20], like in "[-A-Za-z0-9]{20}") {
            let _ = PeerId(id).claim().to_string();
            let mut bytes = [0; 20];
            bytes.copy_from_slice(like.as_bytes());
            let _ = PeerId(bytes).claim().to_string();
        }
    }
}
