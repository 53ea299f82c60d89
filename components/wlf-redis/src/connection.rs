//! A connection to a Redis server.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{self, Either};
use redis::ConnectionAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::time::timeout;

use crate::error::Error;
use crate::resp::{self, Reply};
use crate::url::Url;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the server may say nothing at all while an answer is due.
const SILENCE: Duration = Duration::from_secs(30);
/// How much is read at once, in bytes.
const READ: usize = 64 << 10;

/// A connection to a Redis server that has let us in.
#[derive(Debug)]
pub struct Connection {
    server: String,
    stream: TcpStream,
    received: Received,
    /// How many commands the server has not answered yet.
    due: usize,
}

/// What was received and not looked at yet.
#[derive(Debug, Default)]
struct Received {
    bytes: Vec<u8>,
    start: usize,
}

impl Connection {
    /// Connects, logs in if `url` says how, and chooses its database.
    pub async fn open(url: &Url) -> Result<Self, Error> {
        let server = url.to_string();
        let stream = match timeout(CONNECT, connect(&url.info().addr)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => return Err(Error::Connect { server, source }),
            Err(_) => {
                return Err(Error::Connect {
                    server,
                    source: io::ErrorKind::TimedOut.into(),
                });
            }
        };
        let mut connection = Self {
            server,
            stream,
            received: Received::default(),
            due: 0,
        };
        connection.begin(url).await?;
        Ok(connection)
    }

    async fn begin(&mut self, url: &Url) -> Result<(), Error> {
        let redis = &url.info().redis;
        if let Some(password) = &redis.password {
            let mut command = redis::cmd("AUTH");
            if let Some(user) = &redis.username {
                command.arg(user);
            }
            let command = command.arg(password).get_packed_command();
            if let Err(error) = self.one(&command).await? {
                let server = self.server.clone();
                return Err(Error::Login { server, error });
            }
        }
        if redis.db != 0 {
            let command = redis::cmd("SELECT").arg(redis.db).get_packed_command();
            if let Err(error) = self.one(&command).await? {
                return Err(Error::Database {
                    server: self.server.clone(),
                    database: redis.db,
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
            let sent = writer.write_all(commands).await;
            sent.map_err(|source| Error::Broken {
                server: server.clone(),
                source,
            })
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
                let reply = resp::reply(unread).map_err(|source| Error::Protocol {
                    server: server.to_owned(),
                    source,
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
            Ok(Ok(0)) => Err(Error::Closed { server: server() }),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(source)) => Err(Error::Broken {
                server: server(),
                source,
            }),
            Err(_) => Err(Error::Timeout {
                server: server(),
                after: SILENCE,
            }),
        }
    }
}

async fn connect(address: &ConnectionAddr) -> io::Result<TcpStream> {
    match address {
        ConnectionAddr::Tcp(host, port) => TcpStream::connect((host.as_str(), *port)).await,
        ConnectionAddr::TcpTls { .. } | ConnectionAddr::Unix(_) => {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
