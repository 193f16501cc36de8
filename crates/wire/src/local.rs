//! Local service discovery: torrents called out to one's own network. BEP 14.
//!
//! An announcement is a datagram that looks like a request of HTTP. Anybody on the network can send one, so it is read
//! strictly: no header but those that BEP 14 names counts, and what does not end as it should is refused.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::fault::{Fault, rules};
use crate::infohash::InfoHashV1;

/// Where announcements go over IPv4.
pub const GROUP_V4: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 192, 152, 143), PORT);

/// Where announcements go over IPv6.
pub const GROUP_V6: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f), PORT, 0, 0);

/// The port of both groups.
pub const PORT: u16 = 6_771;

/// The longest announcement: BEP 14 asks senders to stay below a datagram that is not split, 1,400 bytes.
pub const LENGTH_MAX: usize = 1_400;

/// Most torrents in one announcement. A datagram has room for 25; clients name one.
pub const TORRENTS_MAX: usize = 16;

/// The longest cookie: clients send 8 digits or so.
pub const COOKIE_MAX: usize = 64;

/// Most header lines.
const HEADERS_MAX: usize = 64;

/// Bytes that are not an announcement.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of local announcements.
    pub enum Rule {
        TooLong "lsd-too-long" "a local announcement is longer than the limit",
        Request "lsd-request" "a local announcement must begin with the line 'BT-SEARCH * HTTP/1.1'",
        Line "lsd-line" "a local announcement is made of lines that end in CR LF and have a colon",
        End "lsd-end" "a local announcement must end with an empty line",
        Host "lsd-host" "a local announcement must name its multicast group once",
        Port "lsd-port" "a local announcement must name one port from 1 to 65535",
        InfoHash "lsd-infohash" "a local announcement must name torrents by 40 hexadecimal digits",
        TooMany "lsd-too-many" "a local announcement names more torrents or headers than the limit",
        Cookie "lsd-cookie" "a cookie must be one, short and printable",
    }
}

/// A client says which torrents it has, and at which port of the datagram's source it listens. A claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// The port for BitTorrent connections.
    pub port: u16,
    /// The torrents: version 1 info-hashes, or truncated ones of version 2. At least one, in the order named.
    pub info_hashes: Vec<InfoHashV1>,
    /// What the sender recognises its own announcements by.
    pub cookie: Option<&'a str>,
}

const REQUEST_LINE: &str = "BT-SEARCH * HTTP/1.1";

impl<'a> Announcement<'a> {
    /// Reads one datagram.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Error> {
        if datagram.len() > LENGTH_MAX {
            return Err(Fault::at(LENGTH_MAX, Rule::TooLong));
        }
        let (first, mut at) = line(datagram, 0)?;
        if first != REQUEST_LINE {
            return Err(Fault::at(0, Rule::Request));
        }
        let (mut host, mut port, mut cookie, mut info_hashes) = (None, None, None, Vec::new());
        for _ in 0..HEADERS_MAX {
            let (text, after) = line(datagram, at)?;
            if text.is_empty() {
                return finish(datagram, after, host, port, cookie, info_hashes);
            }
            let (name, value) = text.split_once(':').ok_or(Fault::at(at, Rule::Line))?;
            let value = value.trim_matches([' ', '\t']);
            let fault = |rule| Fault::at(at, rule);
            if name.eq_ignore_ascii_case("Host") {
                let is_first = host.replace(value).is_none();
                is_first.then_some(()).filter(|()| is_group(value)).ok_or(fault(Rule::Host))?;
            } else if name.eq_ignore_ascii_case("Port") {
                let read = number(value).ok_or(fault(Rule::Port))?;
                port.replace(read).is_none().then_some(()).ok_or(fault(Rule::Port))?;
            } else if name.eq_ignore_ascii_case("Infohash") {
                if info_hashes.len() >= TORRENTS_MAX {
                    return Err(fault(Rule::TooMany));
                }
                info_hashes.push(InfoHashV1::from_hex_of_any_case(value).map_err(|_| fault(Rule::InfoHash))?);
            } else if name.eq_ignore_ascii_case("cookie") {
                let is_sound = value.len() <= COOKIE_MAX && value.bytes().all(|byte| byte.is_ascii_graphic());
                let is_first = cookie.replace(value).is_none();
                (is_first && is_sound).then_some(()).ok_or(fault(Rule::Cookie))?;
            }
            at = after;
        }
        Err(Fault::at(at, Rule::TooMany))
    }

    /// An announcement of torrents that one has, or would have.
    pub fn encode(&self, is_v6: bool) -> Vec<u8> {
        let host = if is_v6 { SocketAddr::V6(GROUP_V6) } else { SocketAddr::V4(GROUP_V4) };
        let mut text = String::new();
        // A string takes whatever is written to it.
        let _ = write!(text, "{REQUEST_LINE}\r\nHost: {host}\r\nPort: {}\r\n", self.port);
        for info_hash in &self.info_hashes {
            let _ = write!(text, "Infohash: {info_hash}\r\n");
        }
        if let Some(cookie) = self.cookie {
            let _ = write!(text, "cookie: {cookie}\r\n");
        }
        text.push_str("\r\n\r\n");
        text.into_bytes()
    }
}

/// After the empty line nothing may follow but the second empty line that BEP 14 has.
fn finish<'a>(
    datagram: &[u8],
    after: usize,
    host: Option<&str>,
    port: Option<u16>,
    cookie: Option<&'a str>,
    info_hashes: Vec<InfoHashV1>,
) -> Result<Announcement<'a>, Error> {
    if !matches!(&datagram[after..], b"" | b"\r\n") {
        return Err(Fault::at(after, Rule::End));
    }
    host.ok_or(Fault::at(after, Rule::Host))?;
    let port = port.ok_or(Fault::at(after, Rule::Port))?;
    if info_hashes.is_empty() {
        return Err(Fault::at(after, Rule::InfoHash));
    }
    Ok(Announcement { port, info_hashes, cookie })
}

/// The line that begins at a byte, and where the next one does.
fn line(datagram: &[u8], at: usize) -> Result<(&str, usize), Error> {
    let rest = &datagram[at..];
    let length = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(Fault::at(at, Rule::End))?;
    let text = core::str::from_utf8(&rest[..length]).map_err(|_| Fault::at(at, Rule::Line))?;
    let is_sound = text.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control());
    is_sound.then_some((text, at + length + 2)).ok_or(Fault::at(at, Rule::Line))
}

/// Whether a host is one of the two groups. libtorrent writes that of IPv6 in full or in short.
fn is_group(host: &str) -> bool {
    match host.parse() {
        Ok(SocketAddr::V4(four)) => four == GROUP_V4,
        Ok(SocketAddr::V6(six)) => {
            six.port() == PORT && six.ip().segments()[1..] == GROUP_V6.ip().segments()[1..] && six.ip().is_multicast()
        }
        Err(_) => false,
    }
}

fn number(text: &str) -> Option<u16> {
    let is_plain = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_plain && *port > 0)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "0707070707070707070707070707070707070707";

    /// As libtorrent and Transmission send it.
    fn good() -> String {
        format!(
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: {HASH}\r\ncookie: 1a2b\r\n\r\n\r\n"
        )
    }

    #[test]
    fn reads_what_clients_send() {
        let good = good();
        let read = Announcement::parse(good.as_bytes()).unwrap();
        assert_eq!(read, Announcement { port: 6_881, info_hashes: vec![InfoHashV1([7; 20])], cookie: Some("1a2b") });
        // Names of headers are in any case, hashes too, other headers are none of our business.
        let odd = format!(
            "BT-SEARCH * HTTP/1.1\r\nHOST:[ff15::efc0:988f]:6771\r\nport:\t80\r\nX-Other: a: b\r\nInfohash: {}\r\nInfohash: {}\r\n\r\n",
            "AB".repeat(20),
            HASH
        );
        let read = Announcement::parse(odd.as_bytes()).unwrap();
        assert_eq!((read.port, read.info_hashes.len(), read.cookie), (80, 2, None));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for is_v6 in [false, true] {
            let ours =
                Announcement { port: 6_881, info_hashes: vec![InfoHashV1([7; 20]), InfoHashV1([9; 20])], cookie: Some("af1") };
            assert_eq!(Announcement::parse(&ours.encode(is_v6)), Ok(ours));
        }
    }

    #[test]
    fn refuses_everything_else() {
        let replaced = |from: &str, to: &str| good().replacen(from, to, 1);
        let many = format!("Infohash: {HASH}\r\n").repeat(17);
        for (bad, rule) in [
            (String::new(), Rule::End),
            (replaced("BT-SEARCH", "GET"), Rule::Request),
            (replaced("HTTP/1.1", "HTTP/1.0"), Rule::Request),
            (replaced("\r\n\r\n\r\n", "\r\n"), Rule::End),
            (good() + "x", Rule::End),
            (good() + "\r\n", Rule::End),
            (replaced("Port: 6881", "Port 6881"), Rule::Line),
            (replaced("Port: 6881", "Port: 68\u{0}81"), Rule::Line),
            (replaced("Port: 6881", "Port: 0"), Rule::Port),
            (replaced("Port: 6881", "Port: 65536"), Rule::Port),
            (replaced("Port: 6881", "Port: +6881"), Rule::Port),
            (replaced("Port: 6881", "Port: 6881\r\nPort: 6882"), Rule::Port),
            (replaced("Port: 6881\r\n", ""), Rule::Port),
            (replaced("239.192.152.143", "239.192.152.144"), Rule::Host),
            (replaced("239.192.152.143:6771", "192.0.2.1:6771"), Rule::Host),
            (replaced("239.192.152.143:6771", "[2001:db8::efc0:988f]:6771"), Rule::Host),
            (replaced("Host: 239.192.152.143:6771\r\n", ""), Rule::Host),
            (replaced("07", "7"), Rule::InfoHash),
            (replaced("07", "xx"), Rule::InfoHash),
            (replaced(&format!("Infohash: {HASH}\r\n"), ""), Rule::InfoHash),
            (replaced("Infohash", &format!("{}Infohash", "a: b\r\n".repeat(64))), Rule::TooMany),
            (replaced(&format!("Infohash: {HASH}\r\n"), &many), Rule::TooMany),
            (replaced("cookie: 1a2b", &format!("cookie: {}", "a".repeat(65))), Rule::Cookie),
            (replaced("cookie: 1a2b", "cookie: a b"), Rule::Cookie),
            (replaced("cookie: 1a2b", "cookie: a\r\ncookie: b"), Rule::Cookie),
            (good() + &"a".repeat(1_400), Rule::TooLong),
            (replaced("Infohash", &format!("x: {}\r\nInfohash", "a".repeat(1_300))), Rule::TooLong),
        ] {
            assert_eq!(Announcement::parse(bad.as_bytes()).unwrap_err().rule, rule, "{bad:?}");
        }
        let mut bytes = good().into_bytes();
        bytes[30] = 0xff;
        assert_eq!(Announcement::parse(&bytes).unwrap_err().rule, Rule::Line);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, at in 0usize..140, byte: u8) {
            let _ = Announcement::parse(&bytes);
            let mut bent = good().into_bytes();
            if let Some(place) = bent.get_mut(at) {
                *place = byte;
            }
            let _ = Announcement::parse(&bent);
        }
    }
}
