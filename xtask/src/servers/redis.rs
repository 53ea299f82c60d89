//! A Redis server from packages.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{probe, process::Process};
use crate::packages::REDIS;

/// Starts a server that keeps everything in memory, and waits until it answers.
pub fn start(home: &Path, port: u16) -> Result<Process> {
    let prefix = REDIS.provide()?;
    fs::create_dir_all(home)?;
    let log = home.join("redis.log");
    let mut command = prefix.command("usr/bin/redis-server")?;
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command
        .arg("--port")
        .arg(port.to_string())
        .arg("--dir")
        .arg(home);
    let process = Process::start(&mut command, &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::redis(&address), Duration::from_secs(30), &log)?;
    Ok(process)
}
