//! The server's half of a connection.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::{Error, broken};
use crate::protocol::{self, NotNats, Operation};

/// How much is read at once, in bytes.
const READ: usize = 16 << 10;

/// What a server said that is not what it should have.
pub fn unexpected(server: &str, operation: &Operation<'_>) -> Error {
    let server = server.to_owned();
    match operation {
        Operation::Err(said) => Error::Ended {
            server,
            said: (*said).to_owned(),
        },
        Operation::Info(_)
        | Operation::Ping
        | Operation::Pong
        | Operation::Ok
        | Operation::Message(_) => Error::Protocol {
            server,
            source: NotNats::Unknown {
                start: "something else than INFO".to_owned(),
            },
        },
    }
}

/// The server's half of a connection.
#[derive(Debug)]
pub struct Operations<R> {
    reader: R,
    bytes: BytesMut,
    server: String,
}

impl<R: AsyncRead + Unpin> Operations<R> {
    /// Reads from `reader` what the server called `server` in messages says.
    pub fn new(reader: R, server: &str) -> Self {
        Self {
            reader,
            bytes: BytesMut::new(),
            server: server.to_owned(),
        }
    }

    /// The reader, and what was read from it and not taken.
    pub fn into_parts(self) -> (R, BytesMut) {
        (self.reader, self.bytes)
    }

    /// Gives the next operation to `take`. It may be given up and called again: nothing is lost then.
    ///
    /// # Errors
    /// If the connection has ended or broken, or what comes is not what a server of NATS says.
    pub async fn next<T>(&mut self, take: impl FnOnce(Operation<'_>) -> T) -> Result<T, Error> {
        loop {
            let decoded = protocol::decode(&self.bytes).map_err(|source| Error::Protocol {
                server: self.server.clone(),
                source,
            })?;
            if let Some((length, operation)) = decoded {
                let taken = take(operation);
                self.bytes.advance(length);
                return Ok(taken);
            }
            self.bytes.reserve(READ);
            match self.reader.read_buf(&mut self.bytes).await {
                Ok(0) => {
                    let server = self.server.clone();
                    return Err(Error::Closed { server });
                }
                Ok(_) => {}
                Err(source) => return Err(broken(&self.server, source)),
            }
        }
    }
}
