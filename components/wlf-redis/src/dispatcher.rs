//! Writes each row with a Redis command.

use std::ops::Range;

use async_trait::async_trait;
use wlf_core::component::Parts;
use wlf_core::config::Invalid;
use wlf_core::format::{Buffer, Encoder};
use wlf_core::{Ahead, Dispatcher, Event, Fault, WriteError, turn};
use wlf_net::Session;

use crate::command::Commands;
use crate::config::Config;
use crate::connection::Connection;
use crate::error::{Error, is_rejection};
use crate::resp::Refusal;
use crate::server::Server;

/// The longest string that a server takes with its default of `proto-max-bulk-len`, in bytes.
const LONGEST: usize = 512 << 20;

/// Writes each row with a Redis command.
#[derive(Debug)]
pub struct RedisDispatcher {
    server: Server,
    commands: Commands,
    encoder: Encoder,
    connection: Option<Connection>,
    /// The commands of a part of a write.
    out: Buffer,
    /// Which rows the commands of the whole write are for: index of the event and row in it. A row may have several, and
    /// then they stand together.
    sent: Vec<(usize, u32)>,
    /// Rows that the server has although it refused one before them.
    ahead: Ahead,
}

/// What the server said to the commands of a write.
#[derive(Debug, Default)]
struct Outcome {
    replies: usize,
    refused: Vec<(usize, Refusal)>,
}

impl RedisDispatcher {
    /// # Errors
    /// If what the entry says of the server does not go together.
    pub fn new(config: Config) -> Result<Self, Invalid> {
        let server = Server::new(&config.url, config.username, config.password, config.tls)?;
        let commands = Commands::new(config.mode);
        let mut encoder = Encoder::new(config.format);
        if commands.look_into_rows() {
            encoder = encoder.with_views();
        }
        Ok(Self {
            server,
            commands,
            encoder,
            connection: None,
            out: Buffer::new(),
            sent: Vec::new(),
            ahead: Ahead::default(),
        })
    }

    /// How the connection is secured, if there is one that is.
    pub fn session(&self) -> Option<Session> {
        self.connection.as_ref()?.session()
    }

    /// Makes the commands for the rows that are encoded, which are those of a part of the events.
    ///
    /// # Errors
    /// The first row that no command can be made for; those before it are there.
    fn prepare(&mut self, events: &[Event], part: Range<usize>) -> Result<(), WriteError> {
        self.out.clear();
        let mut records = self.encoder.records().peekable();
        let mut number = 0;
        for (index, event) in events.iter().enumerate().take(part.end).skip(part.start) {
            for row in 0..event.len() {
                let (commands, length) = (self.sent.len(), self.out.len());
                while let Some(record) = records.next_if(|record| record.row == number) {
                    // Only a log that is compacted has a use for tombstones.
                    let Some(message) = record.value else {
                        continue;
                    };
                    if self.ahead.contains(event, row) {
                        continue;
                    }
                    let bytes = message.len();
                    let command = if bytes > LONGEST {
                        let limit = LONGEST;
                        Err(Error::TooLarge { bytes, limit }.into())
                    } else {
                        let out = &mut self.out;
                        let written = self.commands.write(event, record.view, message, out);
                        written.map_err(Fault::from)
                    };
                    if let Err(fault) = command {
                        // A row goes out whole or not at all.
                        self.sent.truncate(commands);
                        self.out.truncate(length);
                        return Err(WriteError {
                            durable: index,
                            rows: row,
                            fault,
                        });
                    }
                    self.sent.push((index, row));
                }
                number += 1;
            }
        }
        Ok(())
    }

    /// Makes the commands of a write and sends them, and hears what the server says to them.
    ///
    /// A part goes out before the next one is encoded, so that no more than that is held, and the server works meanwhile.
    /// The first result is about the rows, the second about the connection.
    async fn send(
        &mut self,
        events: &[Event],
        outcome: &mut Outcome,
    ) -> (Result<(), WriteError>, Result<(), Error>) {
        self.encoder.clear();
        self.sent.clear();
        let mut parts = Parts::of(events);
        loop {
            let encoded = parts.encode_next(&mut self.encoder);
            let before = self.sent.len();
            let prepared = self.prepare(events, parts.last());
            let made = prepared.and(encoded);
            let is_last = !matches!(made, Ok(true));
            let sent = self
                .send_part(self.sent.len() - before, is_last, outcome)
                .await;
            if sent.is_err() {
                // What was sent may still be answered, so the next reply would be that of another command.
                self.connection = None;
            }
            if is_last || sent.is_err() {
                return (made.map(|_| ()), sent);
            }
            self.encoder.forget();
            turn::pass_on().await;
        }
    }

    /// Sends the commands that were made, `count` of them; with the last part it waits for all replies to the write.
    async fn send_part(
        &mut self,
        count: usize,
        is_last: bool,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.sent.is_empty() {
            return Ok(());
        }
        let connection = self.connection.as_mut().ok_or(Error::NotConnected)?;
        let mut each = |reply| {
            if let Err(error) = reply {
                outcome.refused.push((outcome.replies, error));
            }
            outcome.replies += 1;
        };
        connection.send(&self.out, count, &mut each).await?;
        if is_last {
            connection.finish(&mut each).await?;
        }
        Ok(())
    }

    /// The write's error, given what the server said: the first row that it refused.
    fn refusal(&mut self, events: &[Event], outcome: Outcome) -> Option<WriteError> {
        self.note_ahead(events, &outcome);
        let (number, error) = outcome.refused.into_iter().next()?;
        let (durable, rows) = self.place(number);
        let key = events
            .get(durable)
            .and_then(|event| self.key(event, rows as usize));
        let fault = Error::Refused {
            server: self.server.to_string(),
            command: self.commands.name(),
            key: key.unwrap_or_default(),
            error,
        };
        Some(WriteError {
            durable,
            rows,
            fault: fault.into(),
        })
    }

    /// The channel or key that a row's command was for.
    fn key(&mut self, event: &Event, row: usize) -> Option<String> {
        if !self.commands.look_into_rows() {
            return self.commands.key(event, &[]).ok();
        }
        // The row may have been in a part that is gone. Whether one behind it cannot be encoded is no matter here.
        self.encoder.forget();
        let _ = self.encoder.encode(event);
        let record = self.encoder.records().find(|record| record.row == row)?;
        self.commands.key(event, record.view).ok()
    }

    /// Notes what was written behind a rejected row, up to where the server refused for another reason: what is to be
    /// sent again from there on has to come before all that is behind it.
    fn note_ahead(&mut self, events: &[Event], outcome: &Outcome) {
        let mut refused = outcome.refused.iter().peekable();
        let Some(first) = refused.peek().map(|(first, _)| *first) else {
            return;
        };
        let mut number = 0;
        for commands in self.sent.chunk_by(|row, next| row == next) {
            let end = number + commands.len();
            let mut whole = end <= outcome.replies && number > first;
            while let Some((_, error)) = refused.next_if(|(refused, _)| *refused < end) {
                if !is_rejection(error) {
                    return;
                }
                whole = false;
            }
            if let (true, Some((event, row))) = (whole, commands.first()) {
                self.ahead.note(&events[*event], *row);
            }
            number = end;
        }
    }

    /// The event and the row in it that the `number`th command is for.
    fn place(&self, number: usize) -> (usize, u32) {
        self.sent.get(number).copied().unwrap_or_default()
    }
}

#[async_trait]
impl Dispatcher for RedisDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.connection = None;
        self.connection = Some(Connection::open(&self.server).await?);
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut outcome = Outcome::default();
        let (made, sent) = self.send(events, &mut outcome).await;
        let acknowledged = outcome.replies;
        if let Some(error) = self.refusal(events, outcome) {
            return Err(error);
        }
        if let Err(error) = sent {
            let (durable, rows) = self.place(acknowledged);
            return Err(WriteError {
                durable,
                rows,
                fault: error.into(),
            });
        }
        made?;
        self.ahead.clear();
        Ok(())
    }
}
