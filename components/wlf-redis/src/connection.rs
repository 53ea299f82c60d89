//! A connection to a Redis server.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wlf_net::{ConnectError, ReadHalf, Session, Stream, TlsError, connect, dial, speaks_tls};

use crate::error::Error;
use crate::resp::{self, Reply};
use crate::server::Server;

/// How long connecting may take, and securing the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the server may say nothing at all while an answer is due.
const SILENCE: Duration = Duration::from_secs(30);
/// How much is read at once, in bytes.
const READ: usize = 64 << 10;

/// A connection to a Redis server that has let us in.
#[derive(Debug)]
pub struct Connection {
    server: String,
    stream: Stream,
    received: Received,
    /// How many commands the server has not answered yet.
    due: usize,
}

/// What was received and not looked at yet.
#[derive(Debug, Default)]
struct Received {
    bytes: Vec<u8>,
    start: usize,
    /// Whether there was ever anything.
    any: bool,
}

impl Connection {
    /// Connects, logs in if there is a login, and chooses the database.
    pub async fn open(to: &Server) -> Result<Self, Error> {
        let stream = match connect(&to.host, to.port, CONNECT, &to.connector).await {
            Err(ConnectError::Tls(TlsError::Silent { server, .. })) if is_plain(to).await => {
                return Err(Error::Connect(TlsError::NotTls { server }.into()));
            }
            connected => connected?,
        };
        let mut connection = Self {
            server: to.to_string(),
            stream,
            received: Received::default(),
            due: 0,
        };
        match connection.begin(to).await {
            // Before the first answer that says more than that the connection is over.
            Err(Error::Closed { server } | Error::Broken { server, .. })
                if !connection.received.any =>
            {
                Err(Error::ClosedAtOnce { server })
            }
            begun => begun.map(|()| connection),
        }
    }

    pub fn session(&self) -> Option<Session> {
        self.stream.session()
    }

    async fn begin(&mut self, to: &Server) -> Result<(), Error> {
        if let Some(login) = &to.login {
            let (exposure, stream) = (&to.exposure, &self.stream);
            exposure.warn(stream, &to.host, to.port, "the password");
            let mut command = redis::cmd("AUTH");
            if let Some(user) = &login.user {
                command.arg(user);
            }
            let command = command.arg(login.password.expose()).get_packed_command();
            if let Err(error) = self.one(&command).await? {
                let server = self.server.clone();
                return Err(Error::Login { server, error });
            }
        }
        if to.database != 0 {
            let command = redis::cmd("SELECT").arg(to.database).get_packed_command();
            if let Err(error) = self.one(&command).await? {
                return Err(Error::Database {
                    server: self.server.clone(),
                    database: to.database,
                    error,
                });
            }
        }
        let command = redis::cmd("PING").get_packed_command();
        match self.one(&command).await? {
            Ok(()) => Ok(()),
            // A user who may not ping may be allowed to write.
            Err(error) if error.code() == "NOPERM" => Ok(()),
            Err(error) => Err(Error::Refused {
                server: self.server.clone(),
                command: "PING",
                key: String::new(),
                error,
            }),
        }
    }

    /// The server's version, if it may be known.
    pub async fn version(&mut self) -> Result<Option<String>, Error> {
        let command = redis::cmd("INFO").arg("server").get_packed_command();
        if self.one(&command).await?.is_err() {
            return Ok(None);
        }
        // What was read last is still there.
        let said = self.received.bytes.get(..self.received.start);
        let said = String::from_utf8_lossy(said.unwrap_or_default());
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.map(|version| version.trim().to_owned()))
    }

    async fn one(&mut self, command: &[u8]) -> Result<Reply, Error> {
        let mut said = None;
        let mut each = |reply| said = Some(reply);
        self.send(command, 1, &mut each).await?;
        self.finish(&mut each).await?;
        said.ok_or(Error::NotConnected)
    }

    /// Sends `commands`, `count` of them, in one write, and meanwhile gives each reply to `each` that comes, also those to
    /// what was sent before.
    pub async fn send(
        &mut self,
        commands: &[u8],
        count: usize,
        each: &mut impl FnMut(Reply),
    ) -> Result<(), Error> {
        self.due += count;
        let (mut reader, mut writer) = self.stream.split();
        let server = &self.server;
        let send = async {
            let sent = async {
                writer.write_all(commands).await?;
                writer.flush().await
            };
            sent.await.map_err(|source| broken(server, source))
        };
        // Both at once: a server may stop reading while nobody reads its replies.
        let receive = (self.received).replies(server, &mut reader, &mut self.due, each);
        match future::select(pin!(receive), pin!(send)).await {
            Either::Left((received, send)) => {
                received?;
                send.await
            }
            Either::Right((sent, _)) => sent,
        }
    }

    /// Gives the replies that are still due to `each` as they come.
    pub async fn finish(&mut self, each: &mut impl FnMut(Reply)) -> Result<(), Error> {
        let (mut reader, _) = self.stream.split();
        let (server, due) = (&self.server, &mut self.due);
        self.received.replies(server, &mut reader, due, each).await
    }
}

impl Received {
    /// Takes the replies that are `due`. It may be given up and called again: nothing is lost then.
    async fn replies(
        &mut self,
        server: &str,
        reader: &mut ReadHalf<'_>,
        due: &mut usize,
        each: &mut impl FnMut(Reply),
    ) -> Result<(), Error> {
        loop {
            while *due > 0 {
                let unread = self.bytes.get(self.start..).unwrap_or_default();
                let server = || server.to_owned();
                let reply = resp::reply(unread).map_err(|source| match speaks_tls(unread) {
                    true => Error::SpeaksTls { server: server() },
                    false => Error::Protocol {
                        server: server(),
                        source,
                    },
                })?;
                let Some((length, reply)) = reply else {
                    break;
                };
                self.start += length;
                *due -= 1;
                each(reply);
            }
            if *due == 0 {
                return Ok(());
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            self.read(server, reader).await?;
        }
    }

    async fn read(&mut self, server: &str, reader: &mut ReadHalf<'_>) -> Result<(), Error> {
        let server = || server.to_owned();
        self.bytes.reserve(READ);
        match timeout(SILENCE, reader.read_buf(&mut self.bytes)).await {
            Ok(Ok(0)) if speaks_tls(&self.bytes) => Err(Error::SpeaksTls { server: server() }),
            Ok(Ok(0)) => Err(Error::Closed { server: server() }),
            Ok(Ok(_)) => {
                self.any = true;
                Ok(())
            }
            Ok(Err(source)) => Err(broken(&server(), source)),
            Err(_) => Err(Error::Timeout {
                server: server(),
                after: SILENCE,
            }),
        }
    }
}

/// Asks a server that says nothing to TLS without it. A port without TLS takes what begins a handshake for the beginning of
/// a command, and waits for its end.
async fn is_plain(to: &Server) -> bool {
    let ask = async {
        let mut tcp = dial(&to.host, to.port, CONNECT).await.ok()?;
        tcp.write_all(b"PING\r\n").await.ok()?;
        tcp.read_u8().await.ok()
    };
    // A status, or an error: that it wants a login.
    matches!(timeout(CONNECT, ask).await, Ok(Some(b'+' | b'-')))
}

/// A connection that broke, or that the server ended for what it thinks of our certificate.
fn broken(server: &str, source: io::Error) -> Error {
    match TlsError::of(source) {
        Ok(error) => Error::Connect(error.into()),
        Err(source) => Error::Broken {
            server: server.to_owned(),
            source,
        },
    }
}
