//! A connection on which record batches go to one broker.
//!
//! A request is sent from where its records were written. Any number may be under way; the broker answers in order. With
//! the connection answers may be lost: what had none goes again, as it was, over another one, and the broker knows by the
//! producer's id and the sequence numbers which batches it has.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use rskafka::messenger::RequestError;
use rskafka::protocol::messages::{ProduceResponse, ReadVersionedType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wlf_core::config::HostPort;
use wlf_core::format::Chunk;

use crate::cluster::belongs;
use crate::connection::ANSWER;
use crate::dial::{Dial, Link};
use crate::error::Error;
use crate::produce::{self, Head};
use crate::window::Answer;

/// The largest answer that is read; one has some dozen bytes and a topic's name.
const LARGEST_ANSWER: usize = 64 << 10;

/// A chunk on its way.
#[derive(Debug)]
pub struct Request {
    pub lane: usize,
    pub chunk: Chunk,
    /// The chunk in compressed form, if it is sent so.
    pub packed: Vec<u8>,
    /// Where the request begins in what is sent.
    pub start: usize,
    pub head: Head,
    pub sequence: i32,
}

impl Request {
    fn bytes(&self) -> &[u8] {
        let bytes = if self.packed.is_empty() {
            self.chunk.bytes()
        } else {
            &self.packed
        };
        bytes.get(self.start..).unwrap_or_default()
    }
}

/// How long an answer may take before others are asked whether the broker still leads. A leader answers within
/// milliseconds, or waits for followers that are away (`replica.lag.time.max.ms`).
const LOOK: Duration = Duration::from_secs(2);

/// How long a connection may lie idle: brokers end it after ten minutes (`connections.max.idle.ms`).
const IDLE: Duration = Duration::from_secs(540);

/// A connection to one broker.
#[derive(Debug)]
pub struct Outlet {
    broker: HostPort,
    /// The id of its cluster.
    cluster: Option<String>,
    dial: Dial,
    link: State,
    /// Requests may go twice.
    repeats: bool,
    /// Nothing was answered since it was opened, so that opening it again is of no use.
    is_new: bool,
    /// When something was answered last, or sent after nothing was under way.
    used: Instant,
    /// When others were last asked about a broker that owes an answer.
    looked: Instant,
    /// The requests that are not answered, in order.
    requests: VecDeque<Request>,
    /// How many of them are sent, and how much of the next one.
    sent: usize,
    sent_of_next: usize,
    /// What came of the next answer.
    received: Vec<u8>,
    /// It is of no use any more, and all that is under way is lost.
    is_broken: bool,
    /// Why.
    error: Option<Error>,
}

/// What may be done with a connection.
enum State {
    Ready(Link),
    /// It is opened again, or one logs in again, and until then nothing is sent.
    Opening(BoxFuture<'static, Result<Link, Error>>),
    Gone,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Ready(_) => "Ready",
            State::Opening(_) => "Opening",
            State::Gone => "Gone",
        })
    }
}

impl Outlet {
    /// Connects to `broker` of a `cluster`; `repeats` says whether it knows requests that it got already.
    pub async fn open(
        dial: &Dial,
        broker: HostPort,
        cluster: Option<&str>,
        repeats: bool,
    ) -> Result<Self, Error> {
        let link = dial.open(&broker).await?;
        Ok(Self {
            broker,
            cluster: cluster.map(str::to_owned),
            dial: dial.clone(),
            link: State::Ready(link),
            repeats,
            is_new: true,
            used: Instant::now(),
            looked: Instant::now(),
            requests: VecDeque::new(),
            sent: 0,
            sent_of_next: 0,
            received: Vec::new(),
            is_broken: false,
            error: None,
        })
    }

    /// Lets a request go behind those that are there.
    pub fn send(&mut self, request: Request) {
        if self.is_idle() {
            self.used = Instant::now();
        }
        self.requests.push_back(request);
    }

    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether the broker may have ended it, because nothing went over it for long.
    pub fn is_old(&self) -> bool {
        self.is_idle() && self.used.elapsed() > IDLE
    }

    /// When something is to be done about answers that do not come; `None` if none is owed.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.is_idle()).then(|| self.used.max(self.looked) + LOOK)
    }

    /// Gives up waiting if it took too long; says whether others are to be asked how the broker is.
    pub fn is_silent(&mut self, now: Instant) -> bool {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return false;
        }
        self.looked = now;
        if now.duration_since(self.used) < ANSWER {
            return true;
        }
        self.used = now;
        self.give_up(Error::Timeout {
            broker: self.broker.clone(),
            after: ANSWER,
        });
        false
    }

    /// Why it is broken.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Ends the use of it, so that all that is under way is lost.
    pub fn break_off(&mut self, error: Error) {
        self.is_broken = true;
        self.error.get_or_insert(error);
    }

    /// Gives the connection up; what is under way goes over another one, or is lost.
    pub fn give_up(&mut self, error: Error) {
        if !self.repeats || self.is_new || error.is_final() {
            return self.break_off(error);
        }
        tracing::debug!("{error}; opening it again");
        self.is_new = true;
        self.sent = 0;
        self.sent_of_next = 0;
        self.received.clear();
        let (dial, broker) = (self.dial.clone(), self.broker.clone());
        let cluster = self.cluster.clone();
        self.link = State::Opening(Box::pin(async move {
            // Another cluster may have its address by now. The producer's id would be somebody else's there, and what goes
            // again could count as something that is there.
            if let Some(cluster) = cluster {
                belongs(&dial, &broker, &cluster).await?;
            }
            dial.open(&broker).await
        }));
    }

    /// Sends and receives as much as goes at once; gives the next request that has its answer.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<(Request, Answer)>> {
        while !self.is_broken && !self.is_idle() {
            match ready!(self.poll_link(context)) {
                Ok(answer) => {
                    self.used = Instant::now();
                    self.is_new = false;
                    return Poll::Ready(self.take_first().map(|first| (first, answer)));
                }
                Err(error) => self.give_up(error),
            }
        }
        if self.is_broken {
            return Poll::Ready(self.take_first().map(|request| (request, Answer::Lost)));
        }
        Poll::Pending
    }

    /// Sends and receives as much as goes at once; gives the next answer.
    fn poll_link(&mut self, context: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        if let Err(error) = ready!(self.poll_open(context)) {
            return Poll::Ready(Err(error));
        }
        if let Err(error) = self.poll_send(context) {
            return Poll::Ready(Err(self.io(error)));
        }
        if self.sent > 0 {
            self.poll_receive(context)
        } else {
            Poll::Pending
        }
    }

    fn take_first(&mut self) -> Option<Request> {
        self.sent = self.sent.saturating_sub(1);
        self.requests.pop_front()
    }

    /// Waits until the connection is there; logs in again if that is due and everything that was sent is answered.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.is_stale() && self.sent == 0 {
            self.link = match std::mem::replace(&mut self.link, State::Gone) {
                State::Ready(link) => {
                    let (dial, broker) = (self.dial.clone(), self.broker.clone());
                    State::Opening(Box::pin(async move { dial.log_in(link, &broker).await }))
                }
                other => other,
            };
        }
        if let State::Opening(done) = &mut self.link {
            let done = ready!(done.as_mut().poll(context));
            self.link = State::Gone;
            self.link = State::Ready(match done {
                Ok(link) => link,
                Err(error) => return Poll::Ready(Err(error)),
            });
        }
        Poll::Ready(Ok(()))
    }

    /// Whether one has to log in again before another request begins.
    fn is_stale(&self) -> bool {
        self.sent_of_next == 0 && matches!(&self.link, State::Ready(link) if link.is_stale())
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while let Some(request) = self.requests.get(self.sent) {
            if self.is_stale() {
                break;
            }
            let State::Ready(link) = &mut self.link else {
                break;
            };
            let rest = request.bytes().get(self.sent_of_next..).unwrap_or_default();
            if rest.is_empty() {
                self.sent += 1;
                self.sent_of_next = 0;
                continue;
            }
            match Pin::new(&mut link.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => self.sent_of_next += sent?,
                Poll::Pending => return Ok(()),
            }
        }
        // With TLS the end of what was written may not have left yet.
        if let State::Ready(link) = &mut self.link
            && let Poll::Ready(flushed) = Pin::new(&mut link.stream).poll_flush(context)
        {
            flushed?;
        }
        Ok(())
    }

    /// Receives the next answer.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        loop {
            if let Some((size, rest)) = self.received.split_first_chunk() {
                let size = u32::from_be_bytes(*size) as usize;
                if size > LARGEST_ANSWER {
                    return Poll::Ready(Err(self.wrong("an answer of no size that it can have")));
                }
                if let Some(answer) = rest.get(..size) {
                    let answer = self.read(answer);
                    self.received.drain(..4 + size);
                    return Poll::Ready(answer);
                }
            }
            let State::Ready(link) = &mut self.link else {
                return Poll::Pending;
            };
            let mut room = [0; 512];
            let mut buffer = ReadBuf::new(&mut room);
            let read = ready!(Pin::new(&mut link.stream).poll_read(context, &mut buffer));
            let read = match read {
                Ok(()) if buffer.filled().is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                read => read,
            };
            if let Err(error) = read {
                return Poll::Ready(Err(self.io(error)));
            }
            self.received.extend_from_slice(buffer.filled());
        }
    }

    /// Reads the answer to the oldest request.
    fn read(&self, answer: &[u8]) -> Result<Answer, Error> {
        let Some(Request { head, .. }) = self.requests.front() else {
            return Err(self.wrong("an answer to nothing"));
        };
        let (correlation, body) = answer
            .split_first_chunk()
            .ok_or_else(|| self.wrong("an answer without a number"))?;
        if i32::from_be_bytes(*correlation) != head.correlation {
            return Err(self.wrong("an answer to another request"));
        }
        let answer = ProduceResponse::read_versioned(&mut Cursor::new(body), head.version.into())
            .map_err(|error| Error::Request {
            broker: self.broker.clone(),
            error: error.into(),
        })?;
        match produce::result(&answer, head) {
            Some(None) => Ok(Answer::Acknowledged),
            Some(Some(code)) => Ok(Answer::Refused(code)),
            None => Err(self.wrong("another partition's result")),
        }
    }

    fn io(&self, error: io::Error) -> Error {
        Error::Request {
            broker: self.broker.clone(),
            error: RequestError::IO(error),
        }
    }

    fn wrong(&self, what: &'static str) -> Error {
        Error::Answer {
            broker: self.broker.clone(),
            what,
        }
    }
}

#[cfg(test)]
mod tests;
