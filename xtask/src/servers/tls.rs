//! The certificate that MySQL and MariaDB show, in files that tests may replace and have the server read again.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::certs;

/// The server's own copies of its certificate, the key and the authority, and as what it is started with them.
pub fn settings(home: &Path) -> Result<Vec<String>> {
    let (certs, own) = (certs::provide()?, home.join("tls"));
    fs::create_dir_all(&own)?;
    ["ssl-ca=ca.pem", "ssl-cert=server.pem", "ssl-key=server.key"]
        .into_iter()
        .map(|setting| {
            let (option, name) = setting.split_once('=').unwrap_or((setting, ""));
            let file = own.join(name);
            fs::copy(certs.join(name), &file)?;
            Ok(format!("--{option}={}", file.display()))
        })
        .collect()
}
