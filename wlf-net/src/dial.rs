//! TCP connections to hosts by name.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use wlf_core::{Exit, Fault, Severity};

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("no address for the host name `{host}`")]
    UnknownHost { host: String },
    /// The last of the host's addresses that was tried.
    #[error("cannot connect to {address}: {}", reason(.error))]
    Unreachable {
        address: SocketAddr,
        // Not a source: the message says it, in words.
        error: io::Error,
    },
    #[error("no connection to {server} within {}", Seconds(*.limit))]
    TimedOut { server: String, limit: Duration },
    #[error("{address} is an IPv6 address, and this WasmEdge connects to IPv4 addresses only")]
    Unsupported { address: SocketAddr },
}

impl DialError {
    /// What the runtime does about it.
    pub fn severity(&self) -> Severity {
        self.judgement().0
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        self.judgement().1
    }

    fn judgement(&self) -> (Severity, &'static str) {
        match self {
            DialError::UnknownHost { .. } => (
                Severity::Retry { after: None },
                "check the host's name, and that it can be looked up from here",
            ),
            DialError::Unreachable { .. } | DialError::TimedOut { .. } => (
                Severity::Retry { after: None },
                "check host and port, and that the server runs",
            ),
            DialError::Unsupported { .. } => (
                Severity::Stop(Exit::Config),
                "give a name or an address that leads to IPv4",
            ),
        }
    }
}

impl From<DialError> for Fault {
    fn from(error: DialError) -> Self {
        let (severity, hint) = error.judgement();
        Fault::new(severity, "connect", error).with_hint(hint)
    }
}

/// Connects to the first of the host's addresses that takes the connection, and gives up after `limit` in all.
///
/// `host` is a name or an address; one of IPv6 stands without brackets.
///
/// # Errors
/// If the host has no address, none of them takes the connection, or the limit has passed.
pub async fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, DialError> {
    match timeout(limit, dial_each(host, port)).await {
        Ok(dialled) => dialled,
        Err(_) => Err(DialError::TimedOut {
            server: server(host, port),
            limit,
        }),
    }
}

async fn dial_each(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let mut failure = None;
    for address in addresses(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) if is_unsupported(address, &error) => {
                // What an address says that can be tried is worth more.
                failure.get_or_insert(DialError::Unsupported { address });
            }
            Err(error) => failure = Some(DialError::Unreachable { address, error }),
        }
    }
    Err(failure.unwrap_or_else(|| unknown(host)))
}

/// The host's addresses, each once, in the order in which they were given.
async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let addresses = tokio::net::lookup_host((host, port)).await;
    let mut addresses: Vec<_> = addresses.map_err(|_| unknown(host))?.collect();
    let mut seen = Vec::new();
    addresses.retain(|address| {
        let is_new = !seen.contains(address);
        seen.push(*address);
        is_new
    });
    Ok(addresses)
}

/// Tells whether it is this runtime that cannot reach addresses of the kind.
fn is_unsupported(address: SocketAddr, error: &io::Error) -> bool {
    cfg!(target_os = "wasi")
        && address.is_ipv6()
        && matches!(
            error.kind(),
            io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput | io::ErrorKind::Other
        )
}

fn unknown(host: &str) -> DialError {
    DialError::UnknownHost {
        host: host.to_owned(),
    }
}

/// `host:port`, as messages name a server.
pub(crate) fn server(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// What an error of a socket says, in words and without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by the other side",
        io::ErrorKind::ConnectionAborted => "connection aborted",
        io::ErrorKind::HostUnreachable => "no route to the host",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::TimedOut => "no answer",
        io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => {
            "the other side has closed the connection"
        }
        io::ErrorKind::UnexpectedEof => "the other side closed the connection",
        io::ErrorKind::PermissionDenied => "not permitted",
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error ").unwrap_or(text.len());
            return text.get(..end).unwrap_or_default().to_lowercase();
        }
    };
    words.to_owned()
}

/// A time limit in messages.
pub(crate) struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", (self.0.as_secs_f64() * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn nobody() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_listener_is_reached_by_name_and_by_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1"] {
            let stream = dial(host, port, LIMIT).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        }
    }

    #[tokio::test]
    async fn reasons_are_words_without_numbers() {
        let address = nobody().await;
        let error = dial("127.0.0.1", address.port(), LIMIT).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot connect to {address}: connection refused")
        );
        let error = dial("nowhere.invalid", 1, LIMIT).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no address for the host name `nowhere.invalid`"
        );
        let fault = Fault::from(error);
        assert_eq!(fault.severity, Severity::Retry { after: None });
        assert_eq!(
            reason(&io::Error::from_raw_os_error(104)),
            "connection reset by the other side"
        );
        assert!(!reason(&io::Error::from_raw_os_error(24)).contains("os error"));
    }

    /// A listener whose queue is full does not answer at all.
    #[tokio::test]
    async fn the_limit_is_over_all_of_it() {
        let error = dial("192.0.2.1", 9, Duration::from_millis(50)).await;
        let Err(DialError::TimedOut { .. } | DialError::Unreachable { .. }) = error else {
            panic!("192.0.2.1 is nobody's: {error:?}");
        };
        let limit = Duration::from_millis(1500);
        let server = server("::1", 9);
        assert_eq!(
            DialError::TimedOut { server, limit }.to_string(),
            "no connection to [::1]:9 within 1.5 s"
        );
    }

    #[test]
    fn what_the_runtime_cannot_do_is_not_tried_for_ever() {
        let address = "[::1]:3306".parse().unwrap();
        let fault = Fault::from(DialError::Unsupported { address });
        assert_eq!(fault.severity, Severity::Stop(Exit::Config));
        assert_eq!(
            fault.to_string(),
            "connect: [::1]:3306 is an IPv6 address, and this WasmEdge connects to IPv4 addresses only"
        );
    }
}
