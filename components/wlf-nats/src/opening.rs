//! From an address to a connection that is secured and logged in.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use wlf_core::config::HostPort;
use wlf_net::{ConnectError, Connector, Exposure, Mode, Session, Stream, TlsError, connect, dial};

use crate::error::{Error, broken};
use crate::operations::{Operations, unexpected};
use crate::protocol::{self, Connect, Info, NotNats, Operation};

/// How long a connection, the handshake of TLS and the login may take, each.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a server that has closed the connection is listened to, for why it did.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How servers are reached.
#[derive(Debug)]
pub struct Way {
    pub connector: Connector,
    /// TLS comes before the server's `INFO`, and not behind it.
    pub tls_first: bool,
    pub exposure: Exposure,
}

/// A connection that the server has taken.
#[derive(Debug)]
pub struct Opened {
    pub info: Info,
    /// How it is secured, if it is.
    pub session: Option<Session>,
    pub operations: Operations<ReadHalf<Stream>>,
    pub writer: WriteHalf<Stream>,
}

/// Connects, secures the connection and logs in; JetStream answers to subjects that begin with `inbox`, if there is one.
///
/// # Errors
/// If the server cannot be reached, is silent for 10 seconds, cannot be secured as it has to be, or refuses the login.
pub async fn open(
    server: &HostPort,
    way: &Way,
    options: &Connect<'_>,
    inbox: Option<&str>,
) -> Result<Opened, Error> {
    let (info, stream) = reach(server, way).await?;
    let name = server.to_string();
    let session = stream.session();
    let token = options.auth_token.map(|_| "the token");
    if let Some(secret) = options.pass.map(|_| "the password").or(token) {
        (way.exposure).warn(&stream, &server.host, server.port, secret);
    }
    let (reader, mut writer) = tokio::io::split(stream);
    let mut operations = Operations::new(reader, &name);
    let options = Connect {
        tls_required: session.is_some(),
        ..*options
    };
    let login = log_in(&mut operations, &mut writer, &name, &options, inbox);
    in_time(&name, login).await?;
    Ok(Opened {
        info,
        session,
        operations,
        writer,
    })
}

/// Connects, hears the server's `INFO`, and secures the connection as it has to be.
async fn reach(server: &HostPort, way: &Way) -> Result<(Info, Stream), Error> {
    let HostPort { host, port } = server;
    let name = server.to_string();
    if way.tls_first {
        let stream = connect(host, *port, LIMIT, &way.connector).await?;
        return in_time(&name, greeting(stream, &name)).await;
    }
    let mut mode = way.connector.mode(host);
    loop {
        let tcp = dial(host, *port, LIMIT).await.map_err(ConnectError::from)?;
        let (info, tcp) = in_time(&name, greeting(tcp, &name)).await?;
        if !is_to_be_secured(mode, &info, &name)? {
            return Ok((info, tcp.into()));
        }
        match way.connector.secure(tcp, host, *port, LIMIT).await {
            Ok(stream) => return Ok((info, stream)),
            Err(error) if error.is_worth_dialling_again() => {}
            // It offers TLS and has none that we speak, and does not demand it.
            Err(TlsError::NothingInCommon { .. })
                if mode == Mode::Preferred && !info.tls_required =>
            {
                mode = Mode::Disabled;
            }
            Err(error) => return Err(ConnectError::from(error).into()),
        }
    }
}

/// Whether TLS is next, by what we want and what the server says of itself.
fn is_to_be_secured(mode: Mode, info: &Info, name: &str) -> Result<bool, Error> {
    let server = || name.to_owned();
    match mode {
        Mode::Disabled if info.tls_required => Err(Error::WantsTls { server: server() }),
        Mode::Disabled => Ok(false),
        _ if info.tls_required || info.tls_available => Ok(true),
        Mode::Preferred => Ok(false),
        Mode::Required | Mode::VerifyCa | Mode::VerifyIdentity => {
            Err(Error::NoTls { server: server() })
        }
    }
}

/// Hears the `INFO` with which a server begins, and nothing else: it waits for us then.
async fn greeting<S: AsyncRead + Unpin>(stream: S, name: &str) -> Result<(Info, S), Error> {
    let server = || name.to_owned();
    let mut operations = Operations::new(stream, name);
    let info = operations.next(|operation| match operation {
        Operation::Info(info) => Ok(info),
        other => Err(unexpected(name, &other)),
    });
    let info = match info.await {
        Err(Error::Closed { server }) => return Err(Error::ClosedAtOnce { server }),
        info => info??,
    };
    // What came before TLS is not protected by it.
    match operations.into_parts() {
        (stream, rest) if rest.is_empty() => Ok((info, stream)),
        _ => Err(Error::Protocol {
            server: server(),
            source: NotNats::BehindInfo,
        }),
    }
}

/// Says who we are, and waits until the server has taken it.
async fn log_in<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    operations: &mut Operations<R>,
    writer: &mut W,
    name: &str,
    options: &Connect<'_>,
    inbox: Option<&str>,
) -> Result<(), Error> {
    let mut hello = Vec::new();
    protocol::connect(options, &mut hello);
    if let Some(inbox) = inbox {
        hello.extend_from_slice(format!("SUB {inbox}* 1\r\n").as_bytes());
    }
    hello.extend_from_slice(b"PING\r\n");
    let said = async {
        writer.write_all(&hello).await?;
        writer.flush().await
    };
    if let Err(source) = said.await {
        let error = broken(name, source);
        // With TLS 1.3 a server says only now what it thinks of our certificate, and why it closes the connection.
        return match timeout(LAST_WORDS, pong(operations, name)).await {
            Ok(Err(said @ (Error::Connect(_) | Error::Ended { .. }))) => Err(said),
            Ok(_) | Err(_) => Err(error),
        };
    }
    pong(operations, name).await
}

async fn pong<R: AsyncRead + Unpin>(
    operations: &mut Operations<R>,
    name: &str,
) -> Result<(), Error> {
    loop {
        let is_pong = operations.next(|operation| match operation {
            Operation::Pong => Ok(true),
            Operation::Info(_) | Operation::Ok | Operation::Ping | Operation::Message(_) => {
                Ok(false)
            }
            refused @ Operation::Err(_) => Err(unexpected(name, &refused)),
        });
        if is_pong.await?? {
            return Ok(());
        }
    }
}

async fn in_time<T>(name: &str, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(LIMIT, step).await.unwrap_or_else(|_| {
        Err(Error::Timeout {
            server: name.to_owned(),
            after: LIMIT,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(said: &[u8]) -> Result<Info, Error> {
        greeting(said, "h:1").await.map(|(info, _)| info)
    }

    #[tokio::test]
    async fn a_server_says_its_info_and_then_waits() {
        let info = heard(b"INFO {\"tls_available\":true}\r\n")
            .await
            .expect("INFO");
        assert!(info.tls_available && !info.tls_required);
        for (said, message) in [
            (
                &b"INFO {}\r\nPING\r\n"[..],
                "h:1 does not speak NATS' protocol",
            ),
            (b"+OK\r\n", "h:1 does not speak NATS' protocol"),
            (b"", "h:1 closed the connection without an `INFO`"),
            (b"-ERR 'no'\r\n", "h:1 ends the connection: no"),
        ] {
            let error = heard(said).await.expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn whether_there_is_tls_is_up_to_us_and_the_server() {
        let verdict = |mode, tls_required, tls_available| {
            let info = Info {
                tls_required,
                tls_available,
                ..Info::default()
            };
            is_to_be_secured(mode, &info, "h:1").map_err(|error| error.to_string())
        };
        let (demands, lacks) = (
            "h:1 demands TLS, and is spoken to without",
            "h:1 does not offer TLS, and `tls` demands it",
        );
        for (mode, required, available, plain) in [
            (Mode::Disabled, Err(demands), Ok(false), Ok(false)),
            (Mode::Preferred, Ok(true), Ok(true), Ok(false)),
            (Mode::Required, Ok(true), Ok(true), Err(lacks)),
            (Mode::VerifyCa, Ok(true), Ok(true), Err(lacks)),
            (Mode::VerifyIdentity, Ok(true), Ok(true), Err(lacks)),
        ] {
            let expected = [required, available, plain].map(|it| it.map_err(str::to_owned));
            let verdicts = [(true, false), (false, true), (false, false)]
                .map(|(required, available)| verdict(mode, required, available));
            assert_eq!(verdicts, expected, "{mode}");
        }
    }
}
