//! qbittorrent-nox, given its torrent and folder on the command line.
//!
//! Its web interface cannot be switched off; it listens on the client's own address and is not used.

use super::{ClientError, Encryption, Launch, Start, loopback};

/// Writes the profile.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let configuration = start.dir.join("qBittorrent/config");
    std::fs::create_dir_all(&configuration).map_err(ClientError::environment("create", &configuration))?;
    let file = configuration.join("qBittorrent.conf");
    let settings = settings(start, loopback::control_port(start, start.dir)?);
    std::fs::write(&file, settings).map_err(ClientError::environment("write", &file))?;

    let mut profile = std::ffi::OsString::from("--profile=");
    profile.push(start.dir);
    let mut save_path = std::ffi::OsString::from("--save-path=");
    save_path.push(start.content_dir);
    Ok(Launch {
        arguments: vec![profile, save_path, start.torrent.into()],
        environment: vec![],
        logs: vec![start.dir.join("qBittorrent/data/logs/qbittorrent.log")],
    })
}

/// `ResolvePeerCountries` would download a table of countries.
fn settings(start: &Start<'_>, web_port: u16) -> String {
    let Start { address, port, peer_exchange, .. } = start;
    let encryption = if start.encryption == Encryption::Required { 1 } else { 0 };
    let protocol = if start.utp_only { "UTP" } else { "Both" };
    format!(
        "[LegalNotice]\n\
         Accepted=true\n\
         [Network]\n\
         PortForwardingEnabled=false\n\
         [Preferences]\n\
         Connection\\ResolvePeerCountries=false\n\
         WebUI\\Address={address}\n\
         WebUI\\Port={web_port}\n\
         WebUI\\UseUPnP=false\n\
         [BitTorrent]\n\
         Session\\Port={port}\n\
         Session\\InterfaceAddress={address}\n\
         Session\\Encryption={encryption}\n\
         Session\\BTProtocol={protocol}\n\
         Session\\DHTEnabled=false\n\
         Session\\LSDEnabled=false\n\
         Session\\PeXEnabled={peer_exchange}\n\
         Session\\QueueingSystemEnabled=false\n\
         Session\\Preallocation=false\n"
    )
}
