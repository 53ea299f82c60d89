//! A connection to a MySQL server: the thin shell of sockets around [`protocol`](crate::protocol).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wlf_core::config::Secret;

use crate::error::Error;
use crate::protocol::handshake_v10::HandshakeV10;
use crate::protocol::login::{Login, LoginError, Step};
use crate::protocol::packet::{MAX_MESSAGE, Packets};
use crate::protocol::text_resultset::{ResultError, ResultReader, Row, Rows};
use crate::protocol::{DecodeError, com_query};

/// How long a connection and each answer of the login may take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a query may take until its next packet comes.
const QUERY_TIMEOUT: Duration = Duration::from_secs(120);

/// A server, and who we are to it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    pub user: String,
    pub password: Secret,
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

/// A connection whose login is done.
pub struct Connection {
    /// As in `127.0.0.1:3306`, for errors.
    server: String,
    stream: TcpStream,
    packets: Packets,
    handshake: HandshakeV10,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// If the server cannot be reached, does not answer in 10 seconds, or refuses the user.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let server = endpoint.to_string();
        let stream = match timeout(LOGIN_TIMEOUT, dial(&endpoint.host, endpoint.port)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => return Err(Error::Unreachable { server, source }),
            Err(_) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s");
                return Err(Error::Unreachable { server, source });
            }
        };
        let mut wire = Wire {
            server: &server,
            stream,
            packets: Packets::new(MAX_MESSAGE),
        };
        let handshake = wire.login(endpoint).await?;
        let Wire {
            stream, packets, ..
        } = wire;
        Ok(Self {
            server,
            stream,
            packets,
            handshake,
        })
    }

    /// The server's address, as errors name it.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the server said of itself at the start.
    pub fn handshake(&self) -> &HandshakeV10 {
        &self.handshake
    }

    /// Sends a command, for which the server starts to count its packets anew.
    pub async fn command(&mut self, message: &[u8]) -> Result<(), Error> {
        let bytes = self.packets.command(message);
        self.stream
            .write_all(&bytes)
            .await
            .map_err(|source| self.lost(source))
    }

    /// Takes the next message out of what was received; `None` if more has to be received first.
    pub fn received(&mut self) -> Result<Option<Bytes>, Error> {
        self.packets
            .next_message()
            .map_err(|source| Error::Protocol {
                server: self.server.clone(),
                source,
            })
    }

    /// Takes all whole messages out of what was received, as one block, and says where in it each is; `None` if more has
    /// to be received first.
    pub fn received_block(
        &mut self,
        messages: &mut Vec<Range<usize>>,
    ) -> Result<Option<Bytes>, Error> {
        self.packets
            .next_block(messages)
            .map_err(|source| Error::Protocol {
                server: self.server.clone(),
                source,
            })
    }

    /// Waits for bytes from the server. Cancel-safe.
    pub async fn receive(&mut self) -> Result<usize, Error> {
        match self.stream.read_buf(self.packets.room()).await {
            Ok(0) => Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => Ok(read),
            Err(source) => Err(self.lost(source)),
        }
    }

    /// Runs a statement and reads all of its rows.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, Error> {
        self.acknowledged(sql, &com_query::encode(sql)).await
    }

    /// Runs a statement and gives each of its rows away as it comes.
    pub async fn query_each(&mut self, sql: &str, mut each: impl FnMut(Row)) -> Result<(), Error> {
        let rest = self.answer(sql, &com_query::encode(sql), &mut each).await?;
        rest.rows.into_iter().for_each(each);
        Ok(())
    }

    /// Sends a command and reads the server's answer to it; errors call it `name`.
    pub async fn acknowledged(&mut self, name: &str, command: &[u8]) -> Result<Rows, Error> {
        let mut rows = Vec::new();
        let mut answer = self
            .answer(name, command, &mut |row| rows.push(row))
            .await?;
        rows.append(&mut answer.rows);
        answer.rows = rows;
        Ok(answer)
    }

    async fn answer(
        &mut self,
        name: &str,
        command: &[u8],
        each: &mut impl FnMut(Row),
    ) -> Result<Rows, Error> {
        self.command(command).await?;
        let mut result = ResultReader::default();
        loop {
            while let Some(packet) = self.received()? {
                match result.receive(&packet) {
                    Ok(Some(rows)) => return Ok(rows),
                    Ok(None) => {}
                    Err(ResultError::Server(source)) => {
                        return Err(Error::Query {
                            server: self.server.clone(),
                            sql: shortened(name),
                            source,
                        });
                    }
                    Err(ResultError::Decode(source)) => return Err(self.protocol(source)),
                }
            }
            result.take_rows().into_iter().for_each(&mut *each);
            match timeout(QUERY_TIMEOUT, self.receive()).await {
                Ok(received) => received?,
                Err(_) => return Err(self.silent(QUERY_TIMEOUT)),
            };
        }
    }

    pub(crate) fn protocol(&self, source: DecodeError) -> Error {
        Error::Protocol {
            server: self.server.clone(),
            source,
        }
    }

    pub(crate) fn silent(&self, after: Duration) -> Error {
        Error::Silent {
            server: self.server.clone(),
            after,
        }
    }

    pub(crate) fn ended(&self) -> Error {
        self.lost(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the server ended the stream, as it does when it shuts down",
        ))
    }

    fn lost(&self, source: io::Error) -> Error {
        Error::Lost {
            server: self.server.clone(),
            source,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.server)
            .field("id", &self.handshake.connection_id)
            .finish_non_exhaustive()
    }
}

/// A connection before its login.
struct Wire<'a> {
    server: &'a str,
    stream: TcpStream,
    packets: Packets,
}

impl Wire<'_> {
    async fn login(&mut self, endpoint: &Endpoint) -> Result<HandshakeV10, Error> {
        let refused = |source| Error::Login {
            server: self.server.to_owned(),
            user: endpoint.user.clone(),
            source,
        };
        let mut login = Login::new(&endpoint.user, endpoint.password.expose());
        loop {
            let packet = self.next_packet(endpoint).await?;
            match login.receive(&packet).map_err(refused)? {
                Step::Send(message) => {
                    let bytes = self.packets.answer(&message);
                    self.stream
                        .write_all(&bytes)
                        .await
                        .map_err(|source| self.unreachable(source))?;
                }
                Step::Receive => {}
                Step::Done => break,
            }
        }
        login.into_handshake().ok_or_else(|| {
            refused(LoginError::Decode(DecodeError::Empty {
                expected: "a handshake",
            }))
        })
    }

    async fn next_packet(&mut self, endpoint: &Endpoint) -> Result<Bytes, Error> {
        loop {
            let packet = self.packets.next_message().map_err(|source| Error::Login {
                server: self.server.to_owned(),
                user: endpoint.user.clone(),
                source: LoginError::Decode(source),
            })?;
            if let Some(packet) = packet {
                return Ok(packet);
            }
            let received = timeout(LOGIN_TIMEOUT, self.stream.read_buf(self.packets.room())).await;
            match received {
                Ok(Ok(0)) => return Err(self.unreachable(io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(_)) => {}
                Ok(Err(source)) => return Err(self.unreachable(source)),
                Err(_) => {
                    let source = io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s");
                    return Err(self.unreachable(source));
                }
            }
        }
    }

    fn unreachable(&self, source: io::Error) -> Error {
        Error::Unreachable {
            server: self.server.to_owned(),
            source,
        }
    }
}

/// A statement as an error shows it.
fn shortened(sql: &str) -> String {
    const SHOWN: usize = 200;
    match sql.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", sql.get(..end).unwrap_or_default()),
        None => sql.to_owned(),
    }
}

/// Connects to the first address of the host that takes the connection.
async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, unknown_host(host));
    for address in resolve(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(not(target_os = "wasi"))]
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// Asks WasmEdge, whose answer is waited for; tokio_wasi's own look-up hides errors and all addresses but the first.
#[cfg(target_os = "wasi")]
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    wasmedge_wasi_socket::ToSocketAddrs::to_socket_addrs(&(host, port))
        .map(Iterator::collect)
        // WasmEdge's number says no more than that, and its text says "Success".
        .map_err(|error| io::Error::new(error.kind(), unknown_host(host)))
}

fn unknown_host(host: &str) -> String {
    format!("no address for the host name `{host}`")
}
