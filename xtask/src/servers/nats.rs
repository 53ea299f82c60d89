//! A NATS server from packages, with JetStream.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{probe, process::Process};
use crate::packages::NATS;

/// Starts a server that keeps its streams below `home`, and waits until it answers.
pub fn start(home: &Path, port: u16) -> Result<Process> {
    let prefix = NATS.provide()?;
    fs::create_dir_all(home)?;
    let log = home.join("nats.log");
    let mut command = prefix.command("usr/sbin/nats-server")?;
    command.args(["-a", "127.0.0.1", "-js", "-p"]);
    command
        .arg(port.to_string())
        .arg("-sd")
        .arg(home.join("data"));
    let process = Process::start(&mut command, &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::nats(&address), Duration::from_secs(30), &log)?;
    Ok(process)
}
