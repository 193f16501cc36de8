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
    let (dht4, dht6) = start.dht.map_or((false, false), |node| (node.is_ipv4(), node.is_ipv6()));
    arguments.extend([format!("--enable-dht={dht4}").into(), format!("--enable-dht6={dht6}").into()]);
    if let Some(node) = start.dht {
        let suffix = if dht6 { "6" } else { "" };
        arguments.push(format!("--dht-listen-port={}", start.port).into());
        arguments.push(format!("--dht-entry-point{suffix}={node}").into());
        let mut table = OsString::from(format!("--dht-file-path{suffix}="));
        table.push(start.dir.join("dht.dat"));
        arguments.push(table);
    }
    // Each is a download of its own; by itself it works at five at a time.
    arguments.extend(start.torrents.iter().map(|torrent| torrent.file.into()));
    Launch { arguments, environment: vec![], logs: vec![] }
}
