//! The servers of `docker-compose.yaml`, where a Docker engine runs.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::Kind;
use crate::{apt, layout};

/// Tells whether a Docker engine answers and has the compose plugin.
pub fn engine_runs() -> bool {
    let succeeds = |arguments: &[&str]| {
        Command::new("docker")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    succeeds(&["info"]) && succeeds(&["compose", "version"])
}

/// Starts services on the given ports and waits until they are healthy.
pub fn up(ports: &[(Kind, u16)]) -> Result<()> {
    let mut command = compose();
    command.args(["up", "--detach", "--wait"]);
    for (kind, port) in ports {
        eprintln!("{}: starting in Docker on port {port}", kind.name());
        command.arg(kind.name()).env(
            format!("WLF_{}_PORT", kind.name().to_uppercase()),
            port.to_string(),
        );
    }
    apt::output(&mut command).map(drop)
}

/// Stops the services; with `purge` their volumes go too.
pub fn down(purge: bool) -> Result<()> {
    let mut command = compose();
    command.arg("down");
    if purge {
        command.arg("--volumes");
    }
    apt::output(&mut command).map(drop)
}

fn compose() -> Command {
    let mut command = Command::new("docker");
    // Apart from a `docker compose up` by hand in the same directory.
    command
        .args(["compose", "--project-name", "wlf-test"])
        .current_dir(layout::workspace());
    command
}
