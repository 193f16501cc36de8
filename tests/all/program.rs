//! The built program, for tests that run it as a user would.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use serde_json::Value;

/// The program, built by the profile of development if need be. Tests give it a station of their own.
pub fn affiant() -> Command {
    let mut command = Command::new(path());
    // The station and the secrets of whoever runs the tests are none of theirs.
    for name in ["AFFIANT_STATION", "AFFIANT_ROOT_KEY", "AFFIANT_PASSWORD_FILE", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(name);
    }
    command
}

/// The program that asks the DHT with somebody else's code.
pub fn second_opinion() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("second-opinion"))
}

fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("affiant"))
}

/// Builds a program and asks cargo where it is, which heeds `CARGO_TARGET_DIR` and every other setting.
fn built(name: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", name, "--bin", name, "--message-format", "json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("the cargo that built this test can be started");
    assert!(output.status.success(), "cargo build -p {name}: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are UTF-8");
    let of_program = |line: &str| -> Option<PathBuf> {
        let message: Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == name).then(|| message["executable"].as_str().map(PathBuf::from))?
    };
    messages.lines().filter_map(of_program).next_back().expect("cargo names the program that it built")
}
