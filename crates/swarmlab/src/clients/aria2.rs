//! aria2c. It puts an idle peer out after 60 s.

use std::ffi::OsString;

use super::{Encryption, Launch, Start};

/// Everything is said on its command line.
pub(super) fn prepare(start: &Start<'_>) -> Launch {
    let six = start.address.is_ipv6();
    let mut folder = OsString::from("--dir=");
    folder.push(start.content_dir);
    let mut arguments: Vec<OsString> = vec![
        folder,
        format!("--interface={}", start.address).into(),
        format!("--listen-port={}", start.port).into(),
        format!("--disable-ipv6={}", !six).into(),
        format!("--enable-peer-exchange={}", start.peer_exchange).into(),
        format!("--bt-force-encryption={}", start.encryption == Encryption::Required).into(),
    ];
    arguments.extend(
        [
            "--no-conf=true",
            "--no-netrc=true",
            "--async-dns=false",
            "--enable-dht=false",
            "--enable-dht6=false",
            "--bt-enable-lpd=false",
            // Takes content that is already there for what it is, after hashing it.
            "--check-integrity=true",
            "--file-allocation=none",
            // Seeds for ever.
            "--seed-ratio=0.0",
            "--show-console-readout=false",
            "--summary-interval=0",
            "--enable-color=false",
            "--console-log-level=notice",
        ]
        .map(OsString::from),
    );
    // Each is a download of its own; by itself it works at five at a time.
    arguments.extend(start.torrents.iter().map(|torrent| torrent.file.into()));
    Launch { arguments, environment: vec![], logs: vec![] }
}
