//! A connection on which record batches go to one broker.
//!
//! A request is sent from where its records were written. Any number may be under way; the broker answers in order.

use std::collections::VecDeque;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rskafka::messenger::RequestError;
use rskafka::protocol::messages::{ProduceResponse, ReadVersionedType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wlf_core::format::Chunk;

use crate::connection::connect;
use crate::error::Error;
use crate::produce::{self, Place};
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
    pub place: Place,
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

/// A connection to one broker.
#[derive(Debug)]
pub struct Outlet {
    broker: String,
    stream: TcpStream,
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

impl Outlet {
    /// Connects to `broker`, written `host:port`.
    pub async fn open(broker: String) -> Result<Self, Error> {
        let stream = connect(&broker).await?;
        Ok(Self {
            broker,
            stream,
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
        self.requests.push_back(request);
    }

    pub fn is_idle(&self) -> bool {
        self.requests.is_empty()
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

    /// The broker's `host:port`.
    pub fn broker(&self) -> &str {
        &self.broker
    }

    /// Sends and receives as much as goes at once; gives the next request that has its answer.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<(Request, Answer)>> {
        if !self.is_broken
            && let Err(error) = self.poll_send(context)
        {
            self.lose(error);
        }
        if !self.is_broken && self.sent > 0 {
            match ready!(self.poll_receive(context)) {
                Ok(answer) => return Poll::Ready(self.take_first().map(|first| (first, answer))),
                Err(error) => self.break_off(error),
            }
        }
        if self.is_broken {
            return Poll::Ready(self.take_first().map(|request| (request, Answer::Lost)));
        }
        Poll::Pending
    }

    fn take_first(&mut self) -> Option<Request> {
        self.sent = self.sent.saturating_sub(1);
        self.requests.pop_front()
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while let Some(request) = self.requests.get(self.sent) {
            let rest = request.bytes().get(self.sent_of_next..).unwrap_or_default();
            if rest.is_empty() {
                self.sent += 1;
                self.sent_of_next = 0;
                continue;
            }
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => self.sent_of_next += sent?,
                Poll::Pending => break,
            }
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
            let mut room = [0; 512];
            let mut buffer = ReadBuf::new(&mut room);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
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
        let Some(Request { place, .. }) = self.requests.front() else {
            return Err(self.wrong("an answer to nothing"));
        };
        let (correlation, body) = answer
            .split_first_chunk()
            .ok_or_else(|| self.wrong("an answer without a number"))?;
        if i32::from_be_bytes(*correlation) != place.correlation {
            return Err(self.wrong("an answer to another request"));
        }
        let answer = ProduceResponse::read_versioned(&mut Cursor::new(body), place.version.into())
            .map_err(|error| Error::Request {
                broker: self.broker.clone(),
                error: error.into(),
            })?;
        match produce::result(&answer, place) {
            Some(None) => Ok(Answer::Acknowledged),
            Some(Some(code)) => Ok(Answer::Refused(code)),
            None => Err(self.wrong("another partition's result")),
        }
    }

    fn lose(&mut self, error: io::Error) {
        let error = self.io(error);
        self.break_off(error);
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
