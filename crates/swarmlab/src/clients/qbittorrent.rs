//! qbittorrent-nox, given its torrent and folder on the command line.
//!
//! Its web interface cannot be switched off; it listens on the client's own address and is not used.

use super::{ClientError, Encryption, Launch, Start, Streams, inside};

/// Writes the profile.
pub(super) fn prepare(start: &Start<'_>) -> Result<Launch, ClientError> {
    let configuration = start.dir.join("qBittorrent/config");
    std::fs::create_dir_all(&configuration).map_err(ClientError::environment("create", &configuration))?;
    let file = configuration.join("qBittorrent.conf");
    let settings = settings(start, inside::control_port(start, start.address)?);
    std::fs::write(&file, settings).map_err(ClientError::environment("write", &file))?;

    let mut profile = std::ffi::OsString::from("--profile=");
    profile.push(start.dir);
    let mut save_path = std::ffi::OsString::from("--save-path=");
    save_path.push(start.content_dir);
    let mut arguments = vec![profile, save_path];
    arguments.extend(start.torrents.iter().map(|torrent| torrent.file.into()));
    Ok(Launch { arguments, environment: vec![], logs: vec![start.dir.join("qBittorrent/data/logs/qbittorrent.log")] })
}

/// `ResolvePeerCountries` would download a table of countries.
fn settings(start: &Start<'_>, web_port: u16) -> String {
    let Start { address, port, peer_exchange, .. } = start;
    let encryption = match start.encryption {
        Encryption::Default => 0,
        Encryption::Required => 1,
        Encryption::Refused => 2,
    };
    let protocol = match start.streams {
        Streams::Any => "Both",
        Streams::Tcp => "TCP",
        Streams::Utp => "UTP",
    };
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
