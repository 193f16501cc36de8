//! deluged, and deluge-console to add the torrent: the daemon takes none from its command line.
//!
//! The daemon opens its libtorrent session with the library's defaults and applies `core.conf` afterwards. In
//! between it asks the gateway for port mappings, calls the local network and resolves a DHT router's name.
//! Python's `sitecustomize` hook replaces the session's constructor, so that it begins on loopback and quiet.
//!
//! Debian 12 pairs Deluge 2.0.3 with a newer Python and libtorrent: its log is full of complaints about
//! `findCaller`, `bind_textdomain_codeset` and `disk.num_blocks_cache_hits`, which do no harm.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::process::{self, Guarded};
use super::{Client, ClientError, Encryption, Found, Launch, Start, Streams, inside};

/// Only the client's own folder knows it, and its control port is on loopback.
const PASSWORD: &str = "laboratory";

/// The console that belongs to a daemon.
pub(super) fn console_beside(daemon: &Path) -> PathBuf {
    daemon.with_file_name("deluge-console")
}

/// Starts the daemon, waits for its control port, and has the console add the torrent.
pub(super) async fn spawn(found: &Found, start: &Start<'_>) -> Result<Guarded, ClientError> {
    let began = Instant::now();
    let control_port = inside::control_port(start, control_address(start))?;
    let mut daemon = process::launch(found, start.dir, prepare(start, control_port)?)?;
    while TcpStream::connect((control_address(start), control_port)).await.is_err() {
        if daemon.has_ended() {
            return Err(ClientError::Ended { client: Client::Deluge, log: daemon.log_tail() });
        }
        if began.elapsed() > start.ready_within {
            return Err(too_slow(start, began, "its control port is closed", &daemon));
        }
        sleep(Duration::from_millis(100)).await;
    }
    add(found, start, control_port, began, &daemon).await?;
    Ok(daemon)
}

/// Where it is told what to do: its control port takes IPv4 alone.
fn control_address(start: &Start<'_>) -> IpAddr {
    if start.address.is_ipv4() { start.address } else { Ipv4Addr::LOCALHOST.into() }
}

fn prepare(start: &Start<'_>, control_port: u16) -> Result<Launch, ClientError> {
    let configuration = start.dir.join("configuration");
    let python = start.dir.join("python");
    let address = start.address.to_string();
    let control = control_address(start).to_string();
    let policy = match start.encryption {
        Encryption::Required => 0,
        Encryption::Default => 1,
        Encryption::Refused => 2,
    };
    let settings = json!({
        "daemon_port": control_port,
        // It puts a port behind this as it is.
        "listen_interface": if start.address.is_ipv6() { format!("[{address}]") } else { address.clone() },
        "outgoing_interface": address,
        "listen_ports": [start.port, start.port],
        "listen_use_sys_port": false,
        "random_port": false,
        "dht": false,
        "lsd": false,
        "natpmp": false,
        "upnp": false,
        "utpex": start.peer_exchange,
        // 0 forces, 1 enables, 2 disables; a level of 1 is RC4, 2 either.
        "enc_in_policy": policy,
        "enc_out_policy": policy,
        "enc_level": if policy == 0 { 1 } else { 2 },
        "new_release_check": false,
        "send_info": false,
        "geoip_db_location": "",
        "download_location": start.content_dir.to_string_lossy(),
        "add_paused": false,
        "stop_seed_at_ratio": false,
        "enabled_plugins": [],
    });
    // Its own format: a header object directly followed by the settings.
    let settings = format!("{}{settings}", json!({"file": 1, "format": 1}));
    for (folder, name, text) in [
        (&configuration, "core.conf", settings),
        (&configuration, "auth", format!("localclient:{PASSWORD}:10\n")),
        (&python, "sitecustomize.py", quiet_session(start)),
    ] {
        std::fs::create_dir_all(folder).map_err(ClientError::environment("create", folder))?;
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(ClientError::environment("write", &file))?;
    }
    Ok(Launch {
        arguments: vec![
            "--do-not-daemonize".into(),
            "--config".into(),
            configuration.into(),
            "--ui-interface".into(),
            control.into(),
            "--port".into(),
            control_port.to_string().into(),
            "--loglevel".into(),
            "error".into(),
        ],
        environment: vec![("PYTHONPATH", python.into()), ("PYTHONDONTWRITEBYTECODE", "1".into())],
        logs: vec![],
    })
}

/// The hook that Python runs before the daemon.
fn quiet_session(start: &Start<'_>) -> String {
    let address = start.at();
    let is = |yes: bool| if yes { "True" } else { "False" };
    let (tcp, utp) = (is(start.streams != Streams::Utp), is(start.streams != Streams::Tcp));
    format!(
        r#"import libtorrent

class Session(libtorrent.session):
    def __init__(self, settings, *rest, **named):
        quiet = dict(settings)
        for name in ("enable_dht", "enable_lsd", "enable_natpmp", "enable_upnp"):
            quiet[name] = False
        quiet["listen_interfaces"] = "{address}"
        quiet["outgoing_interfaces"] = "{}"
        quiet["enable_incoming_tcp"] = {tcp}
        quiet["enable_outgoing_tcp"] = {tcp}
        quiet["enable_incoming_utp"] = {utp}
        quiet["enable_outgoing_utp"] = {utp}
        super().__init__(quiet, *rest, **named)

libtorrent.session = Session
"#,
        start.address
    )
}

async fn add(found: &Found, start: &Start<'_>, control_port: u16, began: Instant, daemon: &Guarded) -> Result<(), ClientError> {
    // The console splits its command at blanks, so the paths are relative, with names chosen here.
    let mut command = "add".to_owned();
    for (number, torrent) in start.torrents.iter().enumerate() {
        let copy = start.dir.join(format!("{number}.torrent"));
        std::fs::copy(torrent.file, &copy).map_err(ClientError::environment("write", &copy))?;
        command.push_str(&format!(" {number}.torrent"));
    }
    let launch = Launch {
        arguments: vec![
            "--config".into(),
            start.dir.join("configuration").into(),
            "--daemon".into(),
            control_address(start).to_string().into(),
            "--port".into(),
            control_port.to_string().into(),
            "--username".into(),
            "localclient".into(),
            "--password".into(),
            PASSWORD.into(),
            command.into(),
        ],
        environment: vec![],
        logs: vec![],
    };
    let mut console = Guarded::spawn(&console_beside(&found.program), start.dir, "console.log", launch)?;
    let left = start.ready_within.saturating_sub(began.elapsed());
    if timeout(left, console.ended()).await.is_err() {
        return Err(too_slow(start, began, "its console did not end", daemon));
    }
    let said = console.log_tail();
    // The console's exit status is 0 even when the daemon refuses.
    let added = said.matches("Torrent added!").count();
    if added == start.torrents.len() { Ok(()) } else { Err(ClientError::Refused { client: Client::Deluge, said }) }
}

fn too_slow(start: &Start<'_>, began: Instant, last: &str, daemon: &Guarded) -> ClientError {
    ClientError::TooSlow {
        client: Client::Deluge,
        address: start.at(),
        aim: "ready",
        waited_ms: began.elapsed().as_millis(),
        last: last.to_owned(),
        log: daemon.log_tail(),
    }
}
