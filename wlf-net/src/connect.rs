//! Connections that are secured from the first byte.

use std::time::Duration;

use tokio::time::Instant;
use wlf_data::{Fault, Severity};

use crate::dial::{DialError, dial};
use crate::tls::{Connector, Mode, Stream, TlsError};

/// For how long a server may say nothing when TLS is tried and not asked for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl ConnectError {
    /// What the runtime does about it.
    pub fn severity(&self) -> Severity {
        match self {
            ConnectError::Dial(error) => error.severity(),
            ConnectError::Tls(error) => error.severity(),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ConnectError::Dial(error) => Some(error.hint()),
            ConnectError::Tls(error) => error.hint(),
        }
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Dial(error) => error.into(),
            ConnectError::Tls(error) => error.into(),
        }
    }
}

/// Connects to a server whose protocol speaks TLS from the first byte, or not at all, within `limit`.
///
/// With [`Mode::Preferred`] TLS is tried, and where the server does not speak it there is a connection without. It is
/// remembered for a while that it does not.
///
/// # Errors
/// If there is no connection, or it cannot be secured as it has to be.
pub async fn connect(
    host: &str,
    port: u16,
    limit: Duration,
    connector: &Connector,
) -> Result<Stream, ConnectError> {
    let deadline = Instant::now() + limit;
    let left = || deadline.saturating_duration_since(Instant::now());
    let mode = connector.mode(host);
    loop {
        let tcp = dial(host, port, left()).await?;
        if mode == Mode::Disabled || mode == Mode::Preferred && connector.speaks_plain(host, port) {
            return Ok(Stream::Plain(tcp));
        }
        let patience = match mode {
            Mode::Preferred => left().min(PATIENCE),
            _ => left(),
        };
        match connector.secure(tcp, host, port, patience).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.is_worth_dialling_again() => {}
            Err(error) if mode == Mode::Preferred && error.may_be_plain() => {
                if !matches!(error, TlsError::Silent { .. }) {
                    connector.remember_plain(host, port);
                }
                return Ok(Stream::Plain(dial(host, port, left()).await?));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
