//! URLs of trackers, from torrents and links.

use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;
use wire::tracker_http::{AnnounceRequest, scrape_url};
use wire::tracker_url::{Scheme, TrackerUrl};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    match TrackerUrl::from_bytes(data) {
        Ok(url) => check(&url, data),
        Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
    }
}

/// What follows from a URL that was accepted.
pub(crate) fn check(url: &TrackerUrl, written: &[u8]) {
    assert_eq!(url.as_str().as_bytes(), written, "a URL stays as it was written");
    assert_eq!(TrackerUrl::parse(url.as_str()).as_ref(), Ok(url));
    assert!(url.port() != 0 && !url.host().is_empty());
    assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "a URL can neither end a line nor a header");
    assert!(!url.host().contains(['/', '?', '#', '@', '\\']), "a host ends before the path: {}", url.host());
    let request = AnnounceRequest {
        info_hash: InfoHashV1([0xff; 20]),
        peer_id: PeerId([0; 20]),
        port: 6881,
        downloaded: 0,
        left: 1,
        event: None,
        numwant: Some(50),
        key: Some(1),
        tracker_id: Some(b"\r\n&x=y"),
    };
    for asked in [request.url(url), scrape_url(url, &[InfoHashV1([0xff; 20])])].into_iter().flatten() {
        assert!(matches!(url.scheme(), Scheme::Http | Scheme::Https), "UDP trackers are asked by packets");
        assert!(asked.bytes().all(|byte| byte.is_ascii_graphic()), "what is asked is one line: {asked}");
        let there = &url.as_str()[..url.as_str().find("://").expect("a URL has a scheme") + 3];
        assert!(asked.starts_with(there), "nobody else is asked: {asked}");
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("http", b"http://tracker.example/announce"),
        ("https-port", b"https://tracker.example:8443/announce?passkey=1"),
        ("udp", b"udp://tracker.example:6969/announce"),
        ("ipv4", b"http://192.0.2.1:6969/announce"),
        ("ipv6", b"http://[2001:db8::1]:6969/announce"),
        ("fragment", b"http://tracker.example/announce#here?x"),
        ("user", b"http://user:word@tracker.example/announce"),
        ("upper-case", b"HTTP://Tracker.Example:80/Announce"),
        ("no-port", b"udp://tracker.example/announce"),
        ("port-zero", b"http://tracker.example:0/announce"),
        ("line-feed", b"http://tracker.example/announce\r\nHost: x"),
        ("other-scheme", b"wss://tracker.example/announce"),
        ("no-utf8", b"http://tracker.example/\xff"),
    ])
}
