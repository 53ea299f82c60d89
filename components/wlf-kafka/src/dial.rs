//! How brokers are reached: every connection, for rows and for all else, is made here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use wlf_core::config::HostPort;
use wlf_net::{Connector, Exposure, Stream, connect};

use crate::error::Error;
use crate::sasl::{self, Login};

/// How long connecting may take, with the handshake of TLS, and logging in.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How brokers are reached.
#[derive(Debug, Clone)]
pub struct Dial {
    connector: Arc<Connector>,
    login: Option<Arc<Login>>,
    exposure: Exposure,
}

/// A connection on which requests may go.
#[derive(Debug)]
pub struct Link {
    pub stream: Stream,
    /// When the next request has to wait for another login.
    pub expires: Option<Instant>,
}

impl Dial {
    pub fn new(connector: Connector, login: Option<Login>) -> Self {
        Self {
            connector: Arc::new(connector),
            login: login.map(Arc::new),
            exposure: Exposure::default(),
        }
    }

    /// Connects to a broker, secures the connection, and logs in.
    pub async fn open(&self, broker: &HostPort) -> Result<Link, Error> {
        let HostPort { host, port } = broker;
        let stream = connect(host, *port, CONNECT, &self.connector).await;
        let stream = stream.map_err(|source| Error::Connect { source })?;
        if let Some(login) = &self.login
            && login.tells_secret()
        {
            self.exposure.warn(&stream, host, *port, login.secret());
        }
        let link = Link {
            stream,
            expires: None,
        };
        self.log_in(link, broker).await
    }

    /// Logs in, also when that was done before (KIP-368); nothing else may be under way.
    pub async fn log_in(&self, mut link: Link, broker: &HostPort) -> Result<Link, Error> {
        let Some(login) = &self.login else {
            return Ok(link);
        };
        let done = timeout(CONNECT, sasl::log_in(&mut link.stream, broker, login)).await;
        let done = done.map_err(|_| Error::Timeout {
            broker: broker.clone(),
            after: CONNECT,
        })?;
        link.expires = done?;
        Ok(link)
    }
}

impl Link {
    /// Whether another login is due before the next request.
    pub fn is_stale(&self) -> bool {
        is_past(self.expires)
    }
}

/// Whether a time has come.
pub fn is_past(time: Option<Instant>) -> bool {
    time.is_some_and(|time| time <= Instant::now())
}
