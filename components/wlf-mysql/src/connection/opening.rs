//! From an address to a connection that is secured and logged in.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wlf_net::{Mode, Stream, TlsError, dial};

use super::{Connection, Endpoint};
use crate::error::Error;
use crate::protocol::DecodeError;
use crate::protocol::handshake_v10::HandshakeV10;
use crate::protocol::login::{Login, LoginError, Ssl, Step};
use crate::protocol::packet::{MAX_MESSAGE, Packets};

/// How long a connection and each answer of the login may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Connects and logs in.
pub(super) async fn open(endpoint: &Endpoint) -> Result<Connection, Error> {
    let mut ssl = match endpoint.connector.mode(&endpoint.host) {
        Mode::Disabled => Ssl::Disabled,
        Mode::Preferred => Ssl::Preferred,
        Mode::Required | Mode::VerifyCa | Mode::VerifyIdentity => Ssl::Required,
    };
    loop {
        let error = match attempt(endpoint, ssl).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        match &error {
            Error::Tls { source, .. } if source.is_worth_dialling_again() => {}
            // An old server offers what is not TLS any more.
            Error::Tls { source, .. } if ssl == Ssl::Preferred && is_unable(source) => {
                ssl = Ssl::Disabled;
            }
            _ => return Err(error),
        }
    }
}

/// Whether the server cannot do what it has offered.
fn is_unable(error: &TlsError) -> bool {
    matches!(
        error,
        TlsError::NothingInCommon { .. } | TlsError::NotTls { .. } | TlsError::Protocol { .. }
    )
}

async fn attempt(endpoint: &Endpoint, ssl: Ssl) -> Result<Connection, Error> {
    let server = endpoint.to_string();
    let tcp = dial(&endpoint.host, endpoint.port, LIMIT).await;
    let tcp = tcp.map_err(|source| Error::Dial {
        server: server.clone(),
        source,
    })?;
    let mut opening = Opening {
        endpoint,
        stream: tcp.into(),
        packets: Packets::new(MAX_MESSAGE),
        server,
    };
    let mut login = Login::new(&endpoint.user, endpoint.password.expose(), ssl);
    opening = opening.log_in(&mut login).await?;
    let handshake = login.into_handshake();
    let handshake: HandshakeV10 = handshake.ok_or_else(|| {
        opening.refused(LoginError::Decode(DecodeError::Empty {
            expected: "a handshake",
        }))
    })?;
    Ok(Connection {
        server: opening.server,
        stream: opening.stream,
        packets: opening.packets,
        failed: None,
        handshake,
    })
}

/// A connection before its login.
struct Opening<'a> {
    endpoint: &'a Endpoint,
    /// As in `127.0.0.1:3306`, for errors.
    server: String,
    stream: Stream,
    packets: Packets,
}

impl Opening<'_> {
    async fn log_in(mut self, login: &mut Login<'_>) -> Result<Self, Error> {
        loop {
            let packet = self.next_packet().await?;
            let step = login.receive(&packet);
            let step = match step.map_err(|source| self.refused(source))? {
                Step::Secure(request) => {
                    self.send(&request).await?;
                    self = self.secure().await?;
                    login.secured().map_err(|source| self.refused(source))?
                }
                step => step,
            };
            match step {
                Step::Send(message) => self.send(&message).await?,
                Step::Receive | Step::Secure(_) => {}
                Step::Done => return Ok(self),
            }
        }
    }

    /// Turns to TLS.
    async fn secure(mut self) -> Result<Self, Error> {
        // What came before is not protected by what comes now, and nothing may have come: the server waits for us.
        if !self.packets.is_empty() {
            return Err(self.refused(LoginError::Decode(DecodeError::Invalid {
                packet: "HandshakeV10",
                field: "what is behind it, before TLS",
                at: 0,
            })));
        }
        let (host, port) = (&*self.endpoint.host, self.endpoint.port);
        self.stream = match self.stream {
            Stream::Plain(tcp) => {
                let secured = self.endpoint.connector.secure(tcp, host, port, LIMIT).await;
                let server = &self.server;
                secured.map_err(|source| Error::Tls {
                    server: server.clone(),
                    source,
                })?
            }
            secured => secured,
        };
        Ok(self)
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        let bytes = self.packets.answer(message);
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        sent.map_err(|source| self.unreachable(source))
    }

    async fn next_packet(&mut self) -> Result<Bytes, Error> {
        loop {
            let packet = self.packets.next_message();
            let packet = packet.map_err(|source| self.refused(LoginError::Decode(source)))?;
            if let Some(packet) = packet {
                return Ok(packet);
            }
            let source = match timeout(LIMIT, self.stream.read_buf(self.packets.room())).await {
                Ok(Ok(0)) => io::ErrorKind::UnexpectedEof.into(),
                Ok(Ok(_)) => continue,
                Ok(Err(source)) => source,
                Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s"),
            };
            return Err(self.unreachable(source));
        }
    }

    fn refused(&self, source: LoginError) -> Error {
        let server = self.server.clone();
        match source {
            LoginError::NoTls => Error::NoTls { server },
            source => Error::Login {
                server,
                user: self.endpoint.user.clone(),
                source,
                is_secured: self.stream.session().is_some(),
            },
        }
    }

    /// With TLS 1.3 the server says only now what it thinks of our certificate.
    fn unreachable(&self, source: io::Error) -> Error {
        let server = self.server.clone();
        match TlsError::of(source) {
            Ok(source) => Error::Tls { server, source },
            Err(source) => Error::Unreachable { server, source },
        }
    }
}
