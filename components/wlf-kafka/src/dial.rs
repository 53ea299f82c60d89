//! How brokers are reached: every connection, for rows and for all else, is made here.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::Error;
use crate::sasl::{self, Login};

/// How long connecting may take, and logging in.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How brokers are reached.
#[derive(Debug, Clone, Default)]
pub struct Dial {
    login: Option<Arc<Login>>,
}

/// A connection on which requests may go.
#[derive(Debug)]
pub struct Link {
    pub stream: TcpStream,
    /// When the next request has to wait for another login.
    pub expires: Option<Instant>,
}

impl Dial {
    pub fn new(login: Option<Login>) -> Self {
        Self {
            login: login.map(Arc::new),
        }
    }

    /// Connects to a broker, written `host:port`, and logs in.
    pub async fn open(&self, broker: &str) -> Result<Link, Error> {
        let stream = match timeout(CONNECT, TcpStream::connect(broker)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => return Err(refused(broker, source)),
            Err(_) => return Err(refused(broker, io::ErrorKind::TimedOut.into())),
        };
        let link = Link {
            stream,
            expires: None,
        };
        self.log_in(link, broker).await
    }

    /// Logs in, also when that was done before (KIP-368); nothing else may be under way.
    pub async fn log_in(&self, mut link: Link, broker: &str) -> Result<Link, Error> {
        let Some(login) = &self.login else {
            return Ok(link);
        };
        let done = timeout(CONNECT, sasl::log_in(&mut link.stream, broker, login)).await;
        let done = done.map_err(|_| Error::Timeout {
            broker: broker.to_owned(),
            after: CONNECT,
        })?;
        link.expires = done?;
        Ok(link)
    }
}

fn refused(broker: &str, source: io::Error) -> Error {
    Error::Connect {
        broker: broker.to_owned(),
        source,
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
