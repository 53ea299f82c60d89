//! A connection to one broker for all but the rows.

use std::io;
use std::io::Cursor;
use std::time::Duration;

use rskafka::messenger::Messenger;
use rskafka::protocol::messages::{ReadVersionedType, RequestBody, WriteVersionedType};
use tokio::io::BufStream;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::Error;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: longer than the brokers wait for each other.
pub const ANSWER: Duration = Duration::from_secs(40);
/// The largest answer that is read, which is the description of a large cluster.
const LARGEST_ANSWER: usize = 32 << 20;
/// Requests up to this size leave in one write; Nagle's algorithm would delay what comes after a small one.
const WRITE_BUFFER: usize = 64 << 10;

/// Connects to a broker, written `host:port`.
pub async fn connect(broker: &str) -> Result<TcpStream, Error> {
    let source = match timeout(CONNECT, TcpStream::connect(broker)).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(source)) => source,
        Err(_) => io::ErrorKind::TimedOut.into(),
    };
    Err(Error::Connect {
        broker: broker.to_owned(),
        source,
    })
}

/// A connection to one broker, on which any number of requests may be under way; it answers them in order.
#[derive(Debug)]
pub struct Connection {
    broker: String,
    messenger: Messenger<BufStream<TcpStream>>,
}

impl Connection {
    /// Connects to `broker`, written `host:port`, and learns which versions of each message it knows.
    pub async fn open(broker: String) -> Result<Self, Error> {
        let stream = connect(&broker).await?;
        let stream = BufStream::with_capacity(64 << 10, WRITE_BUFFER, stream);
        let mut messenger = Messenger::new(stream, LARGEST_ANSWER, "wlf".into());
        match timeout(CONNECT, messenger.sync_versions()).await {
            Ok(Ok(())) => Ok(Self { broker, messenger }),
            Ok(Err(error)) => Err(Error::Versions { broker, error }),
            Err(_) => Err(Error::Timeout {
                broker,
                after: CONNECT,
            }),
        }
    }

    /// Sends a request and waits for its answer. Requests go out in the order in which they are first polled.
    pub async fn request<R>(&self, request: R) -> Result<R::ResponseBody, Error>
    where
        R: RequestBody + Send + WriteVersionedType<Vec<u8>>,
        R::ResponseBody: ReadVersionedType<Cursor<Vec<u8>>>,
    {
        match timeout(ANSWER, self.messenger.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Error::Request {
                broker: self.broker.clone(),
                error,
            }),
            Err(_) => Err(Error::Timeout {
                broker: self.broker.clone(),
                after: ANSWER,
            }),
        }
    }

    /// An answer that does not fit the request.
    pub fn wrong_answer(&self, what: &'static str) -> Error {
        Error::Answer {
            broker: self.broker.clone(),
            what,
        }
    }
}
