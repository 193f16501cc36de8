//! Refuses what would lead a client out of this machine: a foreign address, or a torrent that names a foreign host.

use std::net::{IpAddr, TcpListener};

use super::{ClientError, Start};
use crate::namespace::is_inside;

/// Schemes a client may follow out of a metainfo file: trackers and web seeds.
const SCHEMES: [&[u8]; 6] = [b"http://", b"https://", b"udp://", b"ws://", b"wss://", b"ftp://"];

/// Checks a start before anything of it happens.
pub(super) fn check(start: &Start<'_>) -> Result<(), ClientError> {
    if !is_inside(start.address) {
        return Err(ClientError::AddressOutside { address: start.address });
    }
    for torrent in start.torrents {
        let metainfo = std::fs::read(torrent.file).map_err(ClientError::environment("read", torrent.file))?;
        if let Some(url) = outside_url(&metainfo) {
            return Err(ClientError::UrlOutside { torrent: torrent.file.to_owned(), url });
        }
    }
    Ok(())
}

/// The beginning of the first URL whose host is not an address inside this machine.
///
/// Looks at the bytes instead of the structure, so that no unusual key is overlooked. That piece hashes spell
/// a scheme by chance is too rare to matter, and would refuse a start, not allow one.
fn outside_url(metainfo: &[u8]) -> Option<String> {
    (0..metainfo.len()).find_map(|at| {
        let rest = &metainfo[at..];
        let scheme =
            SCHEMES.iter().find(|scheme| rest.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))?;
        let rest = &rest[scheme.len()..];
        let others: &[u8] = if rest.first() == Some(&b'[') { b".:[]%" } else { b".-_@%" };
        let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || others.contains(byte);
        let host: Vec<u8> = rest.iter().copied().take(60).take_while(is_host).collect();
        let host = String::from_utf8_lossy(&host);
        // What follows a bracket is the port.
        let bare = host.strip_prefix('[').map_or(&*host, |six| six.split_once(']').map_or(six, |(six, _)| six));
        let inside = bare.parse::<IpAddr>().is_ok_and(is_inside);
        (!inside).then(|| format!("{}{host}", String::from_utf8_lossy(scheme)))
    })
}

/// A free TCP port of `address` for a client's control interface, other than its BitTorrent port.
///
/// Where the address is the client's own, nobody else takes the port between this and the client's start.
pub(super) fn control_port(start: &Start<'_>, address: IpAddr) -> Result<u16, ClientError> {
    loop {
        let port = TcpListener::bind((address, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(ClientError::environment("find a free port for", start.dir))?
            .port();
        if port != start.port {
            return Ok(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::outside_url;

    #[test]
    fn loopback_trackers_pass() {
        assert_eq!(outside_url(b"d8:announce31:http://127.9.8.7:6969/announce4:infode13:x"), None);
        assert_eq!(outside_url(b"13:announce-listll19:udp://127.0.0.1:99/aeee"), None);
        assert_eq!(outside_url(b"8:announce24:http://[::1]:69/announce"), None);
        assert_eq!(outside_url(b"d4:infod4:name1:xee"), None);
    }

    #[test]
    fn every_other_host_is_named() {
        for (metainfo, url) in [
            (&b"d8:announce24:http://192.0.2.1/announcee"[..], "http://192.0.2.1"),
            (b"12:udp://x:6969", "udp://x"),
            (b"http://127.0.0.1.example/announce", "http://127.0.0.1.example"),
            (b"http://127.0.0.1@example/announce", "http://127.0.0.1@example"),
            (b"http://127.0.0.1/announce HTTPS://example/", "https://example"),
            (b"http://localhost/announce", "http://localhost"),
            (b"http://[2001:db8::1]:69/announce", "http://[2001:db8::1]:69"),
            (b"wss:///", "wss://"),
        ] {
            assert_eq!(outside_url(metainfo).as_deref(), Some(url));
        }
    }
}
