//! A Redis server from packages, with a port for TLS beside the plain one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::kind::free_port;
use super::{probe, process::Process};
use crate::certs;
use crate::packages::REDIS;

/// The variable that holds the address of the port for TLS.
const TLS_VARIABLE: &str = "WLF_TEST_REDIS_TLS";

/// Starts a server that keeps everything in memory, and waits until it answers.
pub fn start(home: &Path, port: u16) -> Result<Process> {
    let prefix = REDIS.provide()?;
    fs::create_dir_all(home)?;
    let settings = settings_file(home);
    fs::write(&settings, self::settings(home, port, free_port()?)?)?;
    let log = home.join("redis.log");
    let mut command = prefix.command("usr/bin/redis-server")?;
    command.arg(settings);
    let process = Process::start(&mut command, &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::redis(&address), Duration::from_secs(30), &log)?;
    Ok(process)
}

/// The addresses of the server whose files are in `home`, besides that of its plain port.
pub fn variables(home: &Path) -> Result<Vec<(&'static str, String)>> {
    let settings = fs::read_to_string(settings_file(home)).unwrap_or_default();
    let port = settings
        .lines()
        .find_map(|line| line.strip_prefix("tls-port "));
    let port = port.context(
        "the Redis that runs has no port for TLS, as one from an older `cargo xtask` has not: `cargo xtask servers down`",
    )?;
    Ok(vec![(TLS_VARIABLE, format!("rediss://127.0.0.1:{port}"))])
}

fn settings_file(home: &Path) -> std::path::PathBuf {
    home.join("redis.conf")
}

fn settings(home: &Path, port: u16, tls_port: u16) -> Result<String> {
    let certs = certs::provide()?;
    let certs = certs.display();
    Ok(format!(
        "bind 127.0.0.1\n\
         port {port}\n\
         dir {}\n\
         save \"\"\n\
         appendonly no\n\
         tls-port {tls_port}\n\
         tls-cert-file {certs}/server.pem\n\
         tls-key-file {certs}/server.key\n\
         tls-ca-cert-file {certs}/ca.pem\n\
         # A client shows its certificate if it has one.\n\
         tls-auth-clients optional\n",
        home.display()
    ))
}
