//! A connection to a MySQL server: the thin shell of sockets around [`protocol`](crate::protocol).

mod endpoint;
mod opening;

use std::fmt;
use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wlf_net::{Session, Stream, TlsError};

pub use self::endpoint::Endpoint;
use crate::error::Error;
use crate::protocol::handshake_v10::HandshakeV10;
use crate::protocol::packet::{Packets, READ_BLOCK};
use crate::protocol::text_resultset::{ResultError, ResultReader, Row, Rows};
use crate::protocol::{DecodeError, com_query};

/// How long a query may take until its next packet comes.
const QUERY_TIMEOUT: Duration = Duration::from_secs(120);

/// A connection whose login is done.
pub struct Connection {
    /// As in `127.0.0.1:3306`, for errors.
    server: String,
    stream: Stream,
    packets: Packets,
    /// Why nothing more can be received, once what came before was taken.
    failed: Option<io::Error>,
    handshake: HandshakeV10,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// If the server cannot be reached, does not answer in 10 seconds, cannot be secured as it has to be, or refuses the
    /// user.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        opening::open(endpoint).await
    }

    /// How the connection is secured, if it is.
    pub fn session(&self) -> Option<Session> {
        self.stream.session()
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
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|source| lost(&self.server, source))
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
        let source = match self.failed.take() {
            Some(source) => source,
            None => match self.stream.read_buf(self.packets.room()).await {
                Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                Ok(read) if matches!(self.stream, Stream::Plain(_)) => return Ok(read),
                Ok(read) => return Ok(read + self.receive_more()),
                Err(source) => source,
            },
        };
        Err(self.lost(source))
    }

    /// Fills the block with what is there already: TLS gives 16 KiB at a time.
    fn receive_more(&mut self) -> usize {
        let mut more = 0_usize;
        while more < READ_BLOCK && self.packets.has_room() {
            match self.stream.read_buf(self.packets.room()).now_or_never() {
                Some(Ok(read)) if read > 0 => more += read,
                // An end comes again.
                Some(Ok(_)) | None => break,
                Some(Err(source)) => {
                    self.failed = Some(source);
                    break;
                }
            }
        }
        more
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
        lost(&self.server, source)
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

/// With TLS the other side may have said why.
fn lost(server: &str, source: io::Error) -> Error {
    let server = server.to_owned();
    match TlsError::of(source) {
        Ok(source) => Error::Tls { server, source },
        Err(source) => Error::Lost { server, source },
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
