//! What twenty bytes, and a client's own name for itself, claim about the software. BEP 20.

use evidence::Claimed;
use wire::peer_id::PeerId;

use crate::script::Script;
use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let peer_id = PeerId(script.array());
    let claim = peer_id.claim();
    assert_eq!(claim.raw, peer_id);
    assert!(claim.version.is_ascii(), "a version is digits and dots, not the peer's own text: {claim}");
    // Names are shown in terminals and pages.
    for shown in [peer_id.to_string(), claim.to_string(), claim.family.to_string()] {
        assert!(shown.chars().all(is_inert), "nothing that a terminal or a page obeys: {shown:?}");
    }
    let client = Claimed::new(script.rest());
    let shown = client.to_string();
    assert!(shown.chars().all(is_inert), "nothing that a terminal or a page obeys: {shown:?}");
    let text = evidence::canonical::to_text(&client).expect("any bytes have a canonical text");
    assert_eq!(evidence::canonical::from_text::<Claimed>(&text), Ok(client), "and are read from it again");
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("transmission", b"-TR3000-abcdefghijklTransmission 3.00"),
        ("qbittorrent", b"-qB4520-abcdefghijklqBittorrent/4.5.2"),
        ("deluge", b"-DE2030-abcdefghijklDeluge 2.0.3"),
        ("rtorrent", b"-lt0D80-\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0blibTorrent 0.13.8"),
        ("aria2", b"A2-1-36-0-abcdefghijaria2/1.36.0"),
        ("webtorrent", b"-WW0300-abcdefghijkl"),
        ("mainline", b"M7-10-5--abcdefghijkl"),
        ("shadow", b"T03I-----abcdefghijkl"),
        ("noise", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0\xef\xee\xed\xec\xff\xfe"),
        ("direction-marks", b"-XX0000-abcdefghijkl\xe2\x80\xaegnp.exe\x1b[2J\x00<script>"),
    ])
}

/// A backslash is what our own escapes begin with.
fn is_inert(char: char) -> bool {
    char == '\\' || !evidence::text::is_active(char)
}
