//! The webtorrent library from npm, in `target/npm`, led by `clients/webtorrent.mjs`. Without WebRTC, which would have to be
//! built; its µTP has IPv4 alone, and its TCP cannot be switched off.

use serde_json::json;

use super::{ClientError, Found, Launch, Start, Streams, in_target, on_path, process};

const PROGRAM: &str = include_str!("../../clients/webtorrent.mjs");

/// Node, if the library is there.
pub(super) fn find() -> Option<Found> {
    let program = on_path("node")?;
    let modules = in_target("npm")?;
    let package = modules.join("node_modules/webtorrent/package.json");
    let ask = format!("console.log(require({:?}).version)", package.to_str()?);
    let version = process::ask(&program, &["-e", &ask])?;
    Some(Found { program, version })
}

/// Writes the program and what it is to do.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let order = json!({
        "modules": in_target("npm").unwrap_or_default().to_string_lossy(),
        "address": start.address.to_string(),
        "port": start.port,
        "encryption": start.encryption.word(),
        "utp": start.streams != Streams::Tcp && start.address.is_ipv4(),
        "peerExchange": start.peer_exchange,
        "content": start.content_dir.to_string_lossy(),
        "torrents": start.torrents.iter().map(|torrent| torrent.file.to_string_lossy()).collect::<Vec<_>>(),
    });
    for (name, text) in [("webtorrent.mjs", PROGRAM), ("order.json", &order.to_string())] {
        let file = start.dir.join(name);
        std::fs::write(&file, text).map_err(ClientError::environment("write", &file))?;
    }
    Ok(Launch { arguments: ["webtorrent.mjs", "order.json"].map(Into::into).to_vec(), environment: vec![], logs: vec![] })
}
