//! What was sent over a connection and is not answered yet.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::protocol::{Message, PubAck};

/// A message in what was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Where its subject is.
    pub subject: Range<usize>,
    /// The number in the subject of JetStream's answer.
    pub token: Option<u64>,
    /// Where it ends.
    pub end: usize,
}

/// What became of messages that were sent together: those that were not taken, by their numbers.
pub type Answer = Result<Vec<(usize, Error)>, Error>;

/// Messages that were sent together, with a `PING` behind them.
#[derive(Debug)]
struct Together {
    bytes: Bytes,
    messages: Vec<Sent>,
    /// Messages that were not taken, and why.
    refused: HashMap<usize, Error>,
    /// How many answers of JetStream are due.
    due: usize,
    has_pong: bool,
    done: oneshot::Sender<Answer>,
}

impl Together {
    fn subject(&self, number: usize) -> String {
        let range = self.messages.get(number).map(|sent| sent.subject.clone());
        let bytes = range.and_then(|range| self.bytes.get(range));
        String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
    }
}

/// All that is not answered yet, in the order in which it was sent.
#[derive(Debug)]
pub struct Waiting {
    server: String,
    together: HashMap<u64, Together>,
    next: u64,
    /// What has a `PING` without `PONG`.
    pings: VecDeque<u64>,
    /// The messages of which JetStream has not spoken.
    tokens: HashMap<u64, (u64, usize)>,
    /// Subjects that we may not publish to, of which the server spoke since its last `PONG`.
    forbidden: HashSet<String>,
}

impl Waiting {
    pub fn new(server: String) -> Self {
        Self {
            server,
            together: HashMap::new(),
            next: 0,
            pings: VecDeque::new(),
            tokens: HashMap::new(),
            forbidden: HashSet::new(),
        }
    }

    /// Notes what is sent, with a `PING` behind it.
    pub fn sent(&mut self, bytes: Bytes, messages: Vec<Sent>) -> oneshot::Receiver<Answer> {
        let (done, answer) = oneshot::channel();
        let id = self.next;
        self.next += 1;
        let mut due = 0;
        for (number, sent) in messages.iter().enumerate() {
            if let Some(token) = sent.token {
                self.tokens.insert(token, (id, number));
                due += 1;
            }
        }
        let together = Together {
            bytes,
            messages,
            refused: HashMap::new(),
            due,
            has_pong: false,
            done,
        };
        self.together.insert(id, together);
        self.pings.push_back(id);
        answer
    }

    /// The server said before its next `PONG` that we may not publish to a subject.
    pub fn forbidden(&mut self, subject: &str) {
        self.forbidden.insert(subject.to_owned());
    }

    /// The server has all that was sent before the first `PING` that it had not answered.
    pub fn pong(&mut self) {
        let forbidden = std::mem::take(&mut self.forbidden);
        let Some(id) = self.pings.pop_front() else {
            return;
        };
        let Some(together) = self.together.get_mut(&id) else {
            return;
        };
        together.has_pong = true;
        if !forbidden.is_empty() {
            for number in 0..together.messages.len() {
                let subject = together.subject(number);
                if !forbidden.contains(&subject) {
                    continue;
                }
                let token = together.messages.get(number).and_then(|sent| sent.token);
                // JetStream will not speak of it.
                if token.is_some_and(|token| self.tokens.remove(&token).is_some()) {
                    together.due -= 1;
                }
                let server = self.server.clone();
                together
                    .refused
                    .insert(number, Error::Permission { server, subject });
            }
        }
        self.finish(id);
    }

    /// JetStream spoke of the message with this token.
    pub fn acknowledged(&mut self, token: u64, message: &Message<'_>) {
        let Some((id, number)) = self.tokens.remove(&token) else {
            return;
        };
        let Some(together) = self.together.get_mut(&id) else {
            return;
        };
        together.due -= 1;
        let (server, subject) = (self.server.clone(), || together.subject(number));
        let error = if message.status() == Some(503) {
            let subject = subject();
            Some(Error::NoStream { server, subject })
        } else {
            match serde_json::from_slice::<PubAck>(message.payload) {
                Ok(PubAck { error: None, seq }) if seq.is_some() => None,
                Ok(PubAck { error, .. }) => Some(Error::JetStream {
                    server,
                    subject: subject(),
                    error: error.unwrap_or_default(),
                }),
                Err(source) => Some(Error::Answer {
                    server,
                    subject: subject(),
                    source: source.into(),
                }),
            }
        };
        if let Some(error) = error {
            together.refused.insert(number, error);
        }
        self.finish(id);
    }

    fn finish(&mut self, id: u64) {
        let is_done = |together: &Together| together.has_pong && together.due == 0;
        if self.together.get(&id).is_some_and(is_done)
            && let Some(together) = self.together.remove(&id)
        {
            let mut refused: Vec<_> = together.refused.into_iter().collect();
            refused.sort_by_key(|(number, _)| *number);
            // Nobody waits for the answer if the pipeline stops.
            let _ = together.done.send(Ok(refused));
        }
    }

    /// The connection has ended: nothing is answered any more.
    pub fn end(&mut self, error: &Error) {
        for (_, together) in self.together.drain() {
            let _ = together.done.send(Err(error.clone()));
        }
        self.pings.clear();
        self.tokens.clear();
    }
}
