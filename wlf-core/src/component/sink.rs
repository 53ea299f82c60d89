//! A destination of separate requests, which [`Requests`](super::Requests) makes a dispatcher of.

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::event::Event;
use crate::fault::Fault;
use crate::format::EncodedRecord;

/// A destination to which records go in requests of their own: HTTP, NATS, AMQP, SQS, Pub/Sub, Elasticsearch.
///
/// [`Requests`](super::Requests) calls [`connect`](Self::connect), and again after each outage, when no request is under way
/// any more. For what is to be written it then calls [`add`](Self::add) with each record and [`send`](Self::send) with each
/// request that is full or the last, and polls up to `in_flight` of them at a time. While nothing is to be written it polls
/// [`idle`](Self::idle). [`close`](Self::close) comes last.
///
/// ```text
/// type Request = Vec<Vec<u8>>;
/// fn add(&mut self, piece: &Piece<'_>, to: &mut Self::Request) -> Result<usize, Fault> {
///     to.push(piece.value.to_vec());
///     Ok(piece.value.len())
/// }
/// fn send(&mut self, request: Self::Request) -> Sending {
///     self.client.post(request).boxed()
/// }
/// ```
#[async_trait]
pub trait Sink: Send {
    /// What goes out together: at first empty, then filled by [`add`](Self::add).
    type Request: Request;

    /// How large a request gets, and how many are under way at a time.
    const LIMITS: Limits;

    /// Whether requests take effect in the order in which they were sent, as over one connection of NATS. If not, two that
    /// hold rows of one key are never under way at the same time.
    const ORDERED: bool = false;

    /// Connects; called again after each fault that is an outage.
    ///
    /// Dropped if the pipeline stops meanwhile.
    async fn connect(&mut self) -> Result<(), Fault>;

    /// What it found when it connected, for `check --connect`: the server and its version, what is lacking.
    fn found(&self) -> Vec<String> {
        Vec::new()
    }

    /// Waits while nothing is to be written: what a connection needs to live, as heartbeats, goes here. Dropped when
    /// something comes.
    ///
    /// Returns the fault that ended the connection.
    async fn idle(&mut self) -> Fault {
        std::future::pending().await
    }

    /// Puts a record into a request, and returns by how many bytes that made it larger. It does no input or output.
    ///
    /// If the request is larger then than [`LIMITS`](Self::LIMITS) allow, the record is taken out again with
    /// [`Request::truncate`], and comes once more with an empty request.
    ///
    /// # Errors
    /// A fault that rejects is of this row; the row's other records are taken out too. Any other ends the write in front of
    /// the row. The request is as it was before.
    fn add(&mut self, piece: &Piece<'_>, request: &mut Self::Request) -> Result<usize, Fault>;

    /// Sends a request, and returns when all that it holds is durable or refused.
    ///
    /// The future has what it needs: it is polled beside others, and while further requests are filled. It has to end by
    /// itself, so a server that says nothing is given up after a time of the sink's own. It is dropped only if the pipeline
    /// stops or fails.
    ///
    /// # Errors
    /// Of records, by their numbers in the request: those with a fault that rejects are refused, those with another are not
    /// durable, and all that are not named are durable. A fault of the request as a whole means that nothing of it is known
    /// to be durable; one that rejects refuses all of its rows.
    ///
    /// After any fault but those that refuse single rows, no further request is sent.
    fn send(&mut self, request: Self::Request) -> Sending;

    /// How the connection is secured: see [`Dispatcher::session`](super::Dispatcher::session).
    fn session(&self) -> Option<String> {
        None
    }

    /// Ends in good order after the last request.
    async fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// A request that is under way, and what becomes of it: see [`Sink::send`].
pub type Sending = BoxFuture<'static, Result<Vec<(usize, Fault)>, Fault>>;

/// What goes out together.
pub trait Request: Default + Send {
    /// Keeps the first `records` records, and forgets those behind them.
    fn truncate(&mut self, records: usize);
}

/// One item for each record.
impl<T: Send> Request for Vec<T> {
    fn truncate(&mut self, records: usize) {
        Vec::truncate(self, records);
    }
}

/// How large a request gets, and how many are under way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most records of a request; at least 1. As a rule a row is one record.
    pub records: usize,
    /// The most bytes of a request, as [`Sink::add`] counts them. A larger record goes alone.
    pub bytes: usize,
    /// The most requests that are under way at a time; at least 1.
    pub in_flight: usize,
}

/// A record that goes into a request, and the row that it is of.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub event: &'a Event,
    /// The row's number in the event.
    pub row: u32,
    /// What is sent. Records without a value, by which Kafka's compaction drops a key, are for Kafka alone.
    pub value: &'a [u8],
    /// The record as a whole, with its key, its header, and the view of its row for templates.
    pub record: EncodedRecord<'a>,
}
