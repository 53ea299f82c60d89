//! A server, and who we are to it.

use std::fmt;
use std::sync::Arc;

use wlf_core::config::Secret;
use wlf_net::Connector;

/// A server, and who we are to it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    pub user: String,
    pub password: Secret,
    /// How connections are secured.
    pub connector: Arc<Connector>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
