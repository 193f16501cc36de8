//! transmission-daemon, given its torrent through a watched folder, so that it needs no remote control.
//!
//! It decides whom to unchoke every 10 s, and closes on an address it has a connection with.
//! The IPv6 listener cannot be switched off; it is put on `::1`, where a second one fails harmlessly.

use serde_json::json;

use super::{ClientError, Encryption, Launch, Start};

/// Writes the settings and the watched folder.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let watched = start.dir.join("watched");
    std::fs::create_dir(&watched).map_err(ClientError::environment("create", &watched))?;
    // It renames what it has taken, so it gets a copy.
    let copy = watched.join("laboratory.torrent");
    std::fs::copy(start.torrent, &copy).map_err(ClientError::environment("write", &copy))?;

    let settings = json!({
        "bind-address-ipv4": start.address.to_string(),
        "bind-address-ipv6": "::1",
        "peer-port": start.port,
        "peer-port-random-on-start": false,
        "port-forwarding-enabled": false,
        "dht-enabled": false,
        "lpd-enabled": false,
        "pex-enabled": start.peer_exchange,
        "encryption": if start.encryption == Encryption::Required { 2 } else { 1 },
        "utp-enabled": true,
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

    Ok(Launch {
        arguments: vec!["--foreground".into(), "--config-dir".into(), configuration.into()],
        environment: vec![],
        logs: vec![],
    })
}
