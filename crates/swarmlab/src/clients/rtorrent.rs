//! rtorrent as a daemon. It speaks neither the Fast Extension nor µTP, and takes no torrent without a tracker.
//!
//! Its command language has quoting rules of its own, so the files it is told of lie in its own folder under
//! names that need none.
//!
//! It can be bound to no address of IPv6. Unbound it listens on all of both families, which is only done in a network
//! without a way out.

use std::os::unix::fs::symlink;

use super::{Client, ClientError, Encryption, Launch, Start};
use crate::namespace::is_closed;

/// Writes the command file and puts the torrent and the content beside it.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    if start.address.is_ipv6() && !is_closed() {
        return Err(ClientError::NoSetting { client: Client::Rtorrent, what: "an address of IPv6" });
    }
    for (number, torrent) in start.torrents.iter().enumerate() {
        let copy = start.dir.join(format!("{number}.torrent"));
        std::fs::copy(torrent.file, &copy).map_err(ClientError::environment("write", &copy))?;
    }
    let content = start.dir.join("content");
    symlink(start.content_dir, &content).map_err(ClientError::environment("create", &content))?;
    let session = start.dir.join("session");
    std::fs::create_dir(&session).map_err(ClientError::environment("create", &session))?;
    let commands = start.dir.join("commands.rc");
    std::fs::write(&commands, command_file(start)).map_err(ClientError::environment("write", &commands))?;
    Ok(Launch {
        arguments: vec!["-n".into(), "-o".into(), "import=commands.rc".into()],
        environment: vec![],
        logs: vec![start.dir.join("rtorrent.log")],
    })
}

fn command_file(start: &Start<'_>) -> String {
    let Start { address, port, .. } = start;
    let bind = if address.is_ipv4() {
        format!("network.bind_address.set = {address}\nnetwork.local_address.set = {address}\n")
    } else {
        String::new()
    };
    let peer_exchange = if start.peer_exchange { "yes" } else { "no" };
    let encryption = match start.encryption {
        Encryption::Refused => "none",
        Encryption::Default => "allow_incoming,try_outgoing,enable_retry",
        Encryption::Required => "allow_incoming,try_outgoing,require,require_RC4",
    };
    let dht = match start.dht {
        Some(node) => format!("dht.mode.set = on\ndht.port.set = {port}\nschedule2 = node, 1, 0, \"dht.add_node={node}\"\n"),
        None => "dht.mode.set = disable\n".into(),
    };
    let loads =
        (0..start.torrents.len()).map(|number| format!("schedule2 = add{number}, 0, 0, \"load.start={number}.torrent\"\n"));
    let loads: String = loads.collect();
    format!(
        "system.daemon.set = true\n\
         {bind}\
         network.port_range.set = {port}-{port}\n\
         network.port_random.set = no\n\
         {dht}\
         protocol.pex.set = {peer_exchange}\n\
         protocol.encryption.set = {encryption}\n\
         directory.default.set = content\n\
         session.path.set = session\n\
         log.open_file = \"log\", rtorrent.log\n\
         log.add_output = \"info\", \"log\"\n\
         log.add_output = \"tracker_info\", \"log\"\n\
         {loads}"
    )
}
