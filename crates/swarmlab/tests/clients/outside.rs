//! Watches the clients' system calls: none may address anything that is not on loopback.
//!
//! Deluge failed this before `deluge.rs` replaced its first session. Needs strace, and leave to use it.

use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

use swarmlab::clients::{Client, Found, Role};

use crate::synthetic::Synthetic;
use crate::tracker::Tracker;
use crate::{address, find, plan, shared, started};

/// Transmission connects a UDP socket here to learn its own IPv6 address from its routing table, and sends nothing.
const NEVER_SENT_TO: &str = "2001:1890:1112:1::20";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_addresses_anything_outside_loopback() {
    let strace_works = Command::new("strace")
        .args(["-e", "trace=network", "-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !strace_works {
        assert!(std::env::var_os("CI").is_none(), "strace is missing or may not trace");
        eprintln!("!!! SKIPPED !!! strace is missing or may not trace: apt-get install strace");
        return;
    }
    for (host, client) in (10..).zip(Client::ALL) {
        let Some(found) = find(client) else { continue };
        let tracker = Tracker::start(address(15, 1)).await;
        let files = Synthetic::new(&format!("outside-{client}"), &tracker.announce);
        let found = traced(&files, &found);
        let folders = [files.folder("client"), files.content_folder("content"), files.torrent()];
        let torrents = shared(&files, &folders);
        let seeder = started(client, &found, plan(&torrents, &folders, address(15, host), Role::Seed)).await;
        // What it does unasked, it does when it starts.
        tokio::time::sleep(Duration::from_secs(3)).await;
        seeder.stop().await;

        let trace = std::fs::read_to_string(folders[0].join("trace")).unwrap();
        assert!(trace.contains("127."), "{client} was not traced");
        let outside: Vec<&str> = trace.lines().filter(|line| leads_outside(line)).collect();
        assert!(outside.is_empty(), "{client} called outside:\n{}", outside.join("\n"));
    }
}

/// A program of the same name that runs the client under strace, beside whatever else the client's folder holds for it.
fn traced(files: &Synthetic, found: &Found) -> Found {
    let bin = files.folder("bin");
    let name = found.program.file_name().unwrap();
    let real = found.program.display();
    let script = format!("#!/bin/sh\nexec strace -f -e trace=network -o trace '{real}' \"$@\"\n");
    let program = bin.join(name);
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let console = found.program.with_file_name("deluge-console");
    if name == "deluged" {
        symlink(console, bin.join("deluge-console")).unwrap();
    }
    Found { program, version: found.version.clone() }
}

fn leads_outside(line: &str) -> bool {
    let calls = ["connect(", "sendto(", "sendmsg(", "sendmmsg(", "bind("];
    calls.iter().any(|call| line.contains(call)) && addresses(line).any(|to| !is_inside(to))
}

/// The addresses of a line, as strace writes them: `inet_addr("…")` and `inet_pton(AF_INET6, "…", …)`.
fn addresses(line: &str) -> impl Iterator<Item = &str> {
    line.split("inet_").skip(1).filter_map(|rest| rest.split('"').nth(1))
}

fn is_inside(address: &str) -> bool {
    // A listener that is on loopback only after its settings are applied is bound to `::` for a moment.
    address == NEVER_SENT_TO
        || address == "::"
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[test]
fn outside_is_told_from_inside() {
    for line in [
        r#"7 connect(16, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.53")}, 16) = 0"#,
        r#"7 sendto(24, "M-SEARCH", 8, 0, {sa_family=AF_INET, sin_addr=inet_addr("239.255.255.250")}, 16) = 8"#,
        r#"7 connect(9, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = -1"#,
        r#"7 bind(9, {sa_family=AF_INET, sin_addr=inet_addr("0.0.0.0")}, 16) = 0"#,
    ] {
        assert!(leads_outside(line), "{line}");
    }
    for line in [
        r#"7 sendto(24, "x", 1, 0, {sa_family=AF_INET, sin_addr=inet_addr("127.8.9.10")}, 16) = 1"#,
        r#"7 connect(9, {sa_family=AF_INET6, inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6_addr)}, 28) = 0"#,
        r#"7 getsockname(9, {sa_family=AF_INET, sin_addr=inet_addr("192.0.2.2")}, [16]) = 0"#,
    ] {
        assert!(!leads_outside(line), "{line}");
    }
}
