//! TCP connections to hosts by name.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use wlf_data::{Exit, Fault, Severity};

/// What each address has at least, as long as there is time: a second later a packet that was lost is sent again.
const LEAST: Duration = Duration::from_millis(1500);

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("no address for the host name `{host}`")]
    UnknownHost { host: String },
    /// The host's addresses that were tried, in this order.
    #[error("cannot connect to {}", listed(.attempts))]
    Unreachable { attempts: Vec<Attempt> },
    /// The time was over before any address was tried.
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

/// One address that did not take the connection.
#[derive(Debug)]
pub struct Attempt {
    pub address: SocketAddr,
    pub failure: Failure,
}

/// Why an address did not take the connection.
#[derive(Debug)]
pub enum Failure {
    // Not a source of the error: the message says it, in words.
    Refused(io::Error),
    Silent { within: Duration },
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        match &self.failure {
            Failure::Refused(error) => f.write_str(&reason(error)),
            Failure::Silent { within } => write!(f, "no answer within {}", Seconds(*within)),
        }
    }
}

/// Addresses as a message lists them.
fn listed(attempts: &[Attempt]) -> String {
    const SHOWN: usize = 8;
    let mut listed: Vec<String> = attempts
        .iter()
        .take(SHOWN)
        .map(Attempt::to_string)
        .collect();
    if attempts.len() > SHOWN {
        listed.push(format!("{} more", attempts.len() - SHOWN));
    }
    listed.join("; ")
}

/// Connects to the first of the host's addresses that takes the connection, and gives up after `limit` in all.
///
/// An address that does not answer has its share of the time, so that the next ones have theirs. `host` is a name or an
/// address; one of IPv6 stands without brackets.
///
/// # Errors
/// If the host has no address, none of them takes the connection, or the limit has passed.
pub async fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + limit;
    let timed_out = || DialError::TimedOut {
        server: server(host, port),
        limit,
    };
    let addresses = timeout_at(deadline, addresses(host, port)).await;
    let addresses = addresses.map_err(|_| timed_out())??;
    if addresses.is_empty() {
        return Err(unknown(host));
    }
    match dial_each(&addresses, deadline, TcpStream::connect).await {
        Err(DialError::Unreachable { attempts }) if attempts.is_empty() => Err(timed_out()),
        dialled => dialled,
    }
}

/// Connects to the first of the addresses that takes the connection until then.
async fn dial_each<S, F>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<S, DialError>
where
    F: Future<Output = io::Result<S>>,
{
    let mut attempts = Vec::new();
    let mut unsupported = None;
    for (&address, waiting) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let share = (left / waiting).max(LEAST).min(left);
        let failure = match timeout(share, connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if is_unsupported(address, &error) => {
                unsupported.get_or_insert(address);
                continue;
            }
            Ok(Err(error)) => Failure::Refused(error),
            Err(_) => Failure::Silent { within: share },
        };
        attempts.push(Attempt { address, failure });
    }
    match unsupported {
        // What an address says that can be tried is worth more.
        Some(address) if attempts.is_empty() => Err(DialError::Unsupported { address }),
        _ => Err(DialError::Unreachable { attempts }),
    }
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

    #[tokio::test]
    async fn the_limit_is_over_all_of_it() {
        let error = dial("192.0.2.1", 9, Duration::from_millis(50)).await;
        let error = error.expect_err("192.0.2.1 is nobody's").to_string();
        assert!(
            error.starts_with("cannot connect to 192.0.2.1:9: "),
            "{error}"
        );
        let error = dial("::1", 9, Duration::ZERO).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection to [::1]:9 within 0 s");
    }

    fn addresses(count: u8) -> Vec<SocketAddr> {
        (1..=count)
            .map(|last| SocketAddr::from(([192, 0, 2, last], 9)))
            .collect()
    }

    /// Of these addresses only `answering` says something, which is `answer`; tells how long it took too.
    async fn dial_silent(
        count: u8,
        limit: Duration,
        answering: u8,
        answer: io::Result<()>,
    ) -> (Result<(), String>, Duration) {
        let began = Instant::now();
        let (answering, answer) = (
            addresses(answering).pop(),
            std::cell::Cell::new(Some(answer)),
        );
        let connect = async |address| match answer.take() {
            Some(answer) if Some(address) == answering => answer,
            untold => {
                answer.set(untold);
                std::future::pending().await
            }
        };
        let dialled = dial_each(&addresses(count), began + limit, connect).await;
        (dialled.map_err(|error| error.to_string()), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_without_an_answer_leaves_time_to_the_next() {
        let (dialled, took) = dial_silent(2, LIMIT, 2, Ok(())).await;
        assert_eq!(dialled, Ok(()));
        assert!(took < LIMIT * 6 / 10, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_tried_is_said_of_each_address() {
        let refused = || Err(io::ErrorKind::ConnectionRefused.into());
        // The time that the first does not take is for the others.
        let (dialled, took) = dial_silent(3, LIMIT, 1, refused()).await;
        assert_eq!(
            dialled.unwrap_err(),
            "cannot connect to 192.0.2.1:9: connection refused; 192.0.2.2:9: no answer within 2.5 s; \
             192.0.2.3:9: no answer within 2.5 s"
        );
        assert!(took < LIMIT + Duration::from_millis(10), "{took:?}");
        // Where there are many, those that come first have time enough.
        let (dialled, took) = dial_silent(200, LIMIT, 200, Ok(())).await;
        assert_eq!(
            dialled.unwrap_err(),
            "cannot connect to 192.0.2.1:9: no answer within 1.5 s; 192.0.2.2:9: no answer within 1.5 s; \
             192.0.2.3:9: no answer within 1.5 s; 192.0.2.4:9: no answer within 0.5 s"
        );
        assert!(took < LIMIT + Duration::from_millis(10), "{took:?}");
        let (dialled, _) = dial_silent(20, LIMIT * 20, 20, refused()).await;
        let error = dialled.unwrap_err();
        assert!(
            error.ends_with("192.0.2.8:9: no answer within 5 s; 12 more"),
            "{error}"
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
