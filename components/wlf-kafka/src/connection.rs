//! A connection to one broker for all but the rows.

use std::io::Cursor;
use std::time::{Duration, Instant};

use rskafka::messenger::{Messenger, SyncVersionsError};
use rskafka::protocol::messages::{ReadVersionedType, RequestBody, WriteVersionedType};
use tokio::io::BufStream;
use tokio::time::timeout;
use wlf_core::config::HostPort;
use wlf_net::{Session, Stream};

use crate::dial::{self, CONNECT, Dial};
use crate::error::{Error, is_end};

/// How long an answer may take: longer than the brokers wait for each other.
pub const ANSWER: Duration = Duration::from_secs(40);
/// The largest answer that is read, which is the description of a large cluster.
const LARGEST_ANSWER: usize = 32 << 20;
/// Requests up to this size leave in one write; Nagle's algorithm would delay what comes after a small one.
const WRITE_BUFFER: usize = 64 << 10;

/// A connection to one broker, on which any number of requests may be under way; it answers them in order.
#[derive(Debug)]
pub struct Connection {
    broker: HostPort,
    /// How it is secured, if it is.
    session: Option<Session>,
    messenger: Messenger<BufStream<Stream>>,
    expires: Option<Instant>,
}

impl Connection {
    /// Connects to `broker`, and learns which versions of each message it knows.
    pub async fn open(dial: &Dial, broker: HostPort) -> Result<Self, Error> {
        let link = dial.open(&broker).await?;
        let session = link.stream.session();
        let stream = BufStream::with_capacity(64 << 10, WRITE_BUFFER, link.stream);
        let mut messenger = Messenger::new(stream, LARGEST_ANSWER, "wlf".into());
        match timeout(CONNECT, messenger.sync_versions()).await {
            Ok(Ok(())) => Ok(Self {
                broker,
                session,
                messenger,
                expires: link.expires,
            }),
            Ok(Err(SyncVersionsError::RequestError(error)))
                if is_end(&error) && session.is_none() =>
            {
                Err(Error::ClosedAtOnce { broker })
            }
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
        self.request_within(ANSWER, request).await
    }

    /// The same for an answer that takes no longer than this.
    pub async fn request_within<R>(
        &self,
        patience: Duration,
        request: R,
    ) -> Result<R::ResponseBody, Error>
    where
        R: RequestBody + Send + WriteVersionedType<Vec<u8>>,
        R::ResponseBody: ReadVersionedType<Cursor<Vec<u8>>>,
    {
        match timeout(patience, self.messenger.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Error::Request {
                broker: self.broker.clone(),
                error,
            }),
            Err(_) => Err(Error::Timeout {
                broker: self.broker.clone(),
                after: patience,
            }),
        }
    }

    pub fn broker(&self) -> &HostPort {
        &self.broker
    }

    /// How it is secured, if it is.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// Whether it is of no use any more, because one had to log in again.
    pub fn is_stale(&self) -> bool {
        dial::is_past(self.expires)
    }

    /// An answer that does not fit the request.
    pub fn wrong_answer(&self, what: &'static str) -> Error {
        Error::Answer {
            broker: self.broker.clone(),
            what,
        }
    }
}
