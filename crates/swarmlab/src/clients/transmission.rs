//! transmission-daemon, given its torrent through a watched folder, so that it needs no remote control.
//!
//! Its DHT takes no node on loopback for one. It decides whom to unchoke every 10 s, and closes on an address it has a connection with.
//! No listener can be switched off; the one of the other family is put on loopback, where a second one fails harmlessly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::{ClientError, Encryption, Launch, Start, Streams};

/// Writes the settings and the watched folder.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let watched = start.dir.join("watched");
    std::fs::create_dir(&watched).map_err(ClientError::environment("create", &watched))?;
    // It renames what it has taken, so it gets copies.
    for (number, torrent) in start.torrents.iter().enumerate() {
        let copy = watched.join(format!("{number}.torrent"));
        std::fs::copy(torrent.file, &copy).map_err(ClientError::environment("write", &copy))?;
    }
    let (four, six) = match start.address {
        IpAddr::V4(four) => (four, Ipv6Addr::LOCALHOST),
        IpAddr::V6(six) => (Ipv4Addr::LOCALHOST, six),
    };

    let settings = json!({
        "bind-address-ipv4": four.to_string(),
        "bind-address-ipv6": six.to_string(),
        "peer-port": start.port,
        "peer-port-random-on-start": false,
        "port-forwarding-enabled": false,
        "dht-enabled": start.dht.is_some(),
        "lpd-enabled": false,
        "pex-enabled": start.peer_exchange,
        "encryption": match start.encryption {
            Encryption::Refused => 0,
            Encryption::Default => 1,
            Encryption::Required => 2,
        },
        "utp-enabled": start.streams != Streams::Tcp,
        "blocklist-enabled": false,
        "rpc-enabled": false,
        "watch-dir": watched.to_string_lossy(),
        "watch-dir-enabled": true,
        "download-dir": start.content_dir.to_string_lossy(),
        "incomplete-dir-enabled": false,
        "rename-partial-files": false,
        "start-added-torrents": true,
        "ratio-limit-enabled": false,
        "idle-seeding-limit-enabled": false,
        "message-level": 2,
    });
    let configuration = start.dir.join("configuration");
    std::fs::create_dir(&configuration).map_err(ClientError::environment("create", &configuration))?;
    let file = configuration.join("settings.json");
    std::fs::write(&file, settings.to_string()).map_err(ClientError::environment("write", &file))?;

    if let Some(node) = start.dht {
        let file = configuration.join("dht.bootstrap");
        let line = format!("{} {}\n", node.ip(), node.port());
        std::fs::write(&file, line).map_err(ClientError::environment("write", &file))?;
    }

    Ok(Launch {
        arguments: vec!["--foreground".into(), "--config-dir".into(), configuration.into()],
        environment: vec![],
        logs: vec![],
    })
}
