//! The libtorrent library from PyPI, in the virtual environment `target/pypi`, led by `clients/libtorrent.py`.

use serde_json::json;

use super::{ClientError, Found, Launch, Start, Streams, in_target, process};

const PROGRAM: &str = include_str!("../../clients/libtorrent.py");

/// The environment's interpreter, if it has the library.
pub(super) fn find() -> Option<Found> {
    let program = in_target("pypi")?.join("bin/python");
    let ask = "import libtorrent; from importlib.metadata import version; print(version('libtorrent'))";
    let version = process::ask(&program, &["-c", ask])?;
    Some(Found { program, version })
}

/// Writes the program and what it is to do.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let order = json!({
        "listen": start.at().to_string(),
        "address": start.address.to_string(),
        "encryption": start.encryption.word(),
        "tcp": start.streams != Streams::Utp,
        "utp": start.streams != Streams::Tcp,
        "peer_exchange": start.peer_exchange,
        "dht": start.dht.map(|node| node.to_string()),
        "content": start.content_dir.to_string_lossy(),
        "torrents": start.torrents.iter().map(|torrent| torrent.file.to_string_lossy()).collect::<Vec<_>>(),
    });
    for (name, text) in [("libtorrent.py", PROGRAM), ("order.json", &order.to_string())] {
        let file = start.dir.join(name);
        std::fs::write(&file, text).map_err(ClientError::environment("write", &file))?;
    }
    Ok(Launch {
        // Isolated, so that the program's own name is not taken for the library's.
        arguments: ["-I", "libtorrent.py", "order.json"].map(Into::into).to_vec(),
        environment: vec![],
        logs: vec![],
    })
}
