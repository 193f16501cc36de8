//! Operator logs, on stderr. They never hold a peer's address: the crates below do not log any, and a test
//! with a layer of its own fails on anything that looks like one.

use tracing_subscriber::{EnvFilter, fmt};

/// Installs the log for the life of the program.
pub fn install(verbosity: u8, json: bool) {
    let default = match verbosity {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    // Libraries do log addresses, so only our own crates are ever let through.
    let ours = ["affiant", "casework", "crawler", "index", "ledger", "swarm", "swarmlab", "verify", "witness"];
    let directives: Vec<String> = ours.iter().map(|name| format!("{name}={default}")).collect();
    let filter = EnvFilter::new(directives.join(","));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.with_target(true).compact().init() }
}
