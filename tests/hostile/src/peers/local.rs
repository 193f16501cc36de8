//! Local discovery: torrents called out to one's own network. BEP 14.

use wire::local::{Announcement, COOKIE_MAX, LENGTH_MAX, TORRENTS_MAX};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    match Announcement::parse(data) {
        Ok(said) => {
            assert!(said.port > 0 && data.len() <= LENGTH_MAX);
            assert!((1..=TORRENTS_MAX).contains(&said.info_hashes.len()));
            assert!(said.cookie.is_none_or(|cookie| cookie.len() <= COOKIE_MAX));
            for is_v6 in [false, true] {
                assert_eq!(Announcement::parse(&said.encode(is_v6)).as_ref(), Ok(&said), "what is read can be said");
            }
        }
        Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("of-libtorrent", b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: 0707070707070707070707070707070707070707\r\ncookie: 1a2b\r\n\r\n\r\n"),
        ("over-ipv6", b"BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\nPort: 80\r\nInfohash: ABABABABABABABABABABABABABABABABABABABAB\r\n\r\n"),
        ("two-torrents", b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 1\r\nInfohash: 0707070707070707070707070707070707070707\r\nInfohash: 0808080808080808080808080808080808080808\r\n\r\n\r\n"),
        ("another-group", b"BT-SEARCH * HTTP/1.1\r\nHost: 192.0.2.1:6771\r\nPort: 1\r\n\r\n"),
        ("no-colon", b"BT-SEARCH * HTTP/1.1\r\nHost\r\n\r\n"),
        ("of-upnp", b"M-SEARCH * HTTP/1.1\r\nST: upnp:rootdevice\r\n\r\n"),
        ("empty", b""),
    ])
}
