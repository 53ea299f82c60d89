//! NATS servers from packages, with JetStream: a plain one, and two with TLS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{probe, process::Process};
use crate::certs;
use crate::packages::NATS;

/// How a server's connections are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    None,
    /// With TLS or without, as the client likes: its INFO has `tls_available`.
    Offered,
    /// With TLS and a certificate of the client's: its INFO has `tls_required` and `tls_verify`.
    Mutual,
}

/// Starts a server that keeps its streams below `home`, and waits until it answers.
pub fn start(home: &Path, port: u16, security: Security) -> Result<Process> {
    let prefix = NATS.provide()?;
    fs::create_dir_all(home)?;
    let log = home.join("nats.log");
    let settings = home.join("nats.conf");
    fs::write(&settings, self::settings(security)?)?;
    let mut command = prefix.command("usr/sbin/nats-server")?;
    command.args(["-a", "127.0.0.1", "-js", "-p"]);
    command
        .arg(port.to_string())
        .arg("-sd")
        .arg(home.join("data"))
        .arg("-c")
        .arg(settings);
    let process = Process::start(&mut command, &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::nats(&address), Duration::from_secs(30), &log)?;
    Ok(process)
}

/// What has no option of the command line.
fn settings(security: Security) -> Result<String> {
    let besides = match security {
        Security::None => return Ok(String::new()),
        Security::Offered => "allow_non_tls: true",
        Security::Mutual => "",
    };
    let certs = certs::provide()?;
    let certs = certs.display();
    let verify = security == Security::Mutual;
    Ok(format!(
        "tls {{
  cert_file: \"{certs}/server.pem\"
  key_file: \"{certs}/server.key\"
  ca_file: \"{certs}/ca.pem\"
  verify: {verify}
  timeout: 5
}}
{besides}
"
    ))
}
