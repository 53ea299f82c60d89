//! Writes each row with a Redis command.

use async_trait::async_trait;
use wlf_core::component::encode;
use wlf_core::format::{Buffer, Encoder};
use wlf_core::{Ahead, Dispatcher, Event, Fault, WriteError};

use crate::command::Commands;
use crate::config::Config;
use crate::connection::Connection;
use crate::error::{Error, is_rejection};
use crate::resp::Refusal;
use crate::url::Url;

/// The longest string that a server takes with its default of `proto-max-bulk-len`, in bytes.
const LONGEST: usize = 512 << 20;

/// Writes each row with a Redis command.
#[derive(Debug)]
pub struct RedisDispatcher {
    url: Url,
    commands: Commands,
    encoder: Encoder,
    connection: Option<Connection>,
    /// The commands of a write.
    out: Buffer,
    /// Which rows they are for: index of the event and row in it. A row may have several, and then they stand together.
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
    pub fn new(config: Config) -> Self {
        let commands = Commands::new(config.mode);
        let mut encoder = Encoder::new(config.format);
        if commands.look_into_rows() {
            encoder = encoder.with_views();
        }
        Self {
            url: config.url,
            commands,
            encoder,
            connection: None,
            out: Buffer::new(),
            sent: Vec::new(),
            ahead: Ahead::default(),
        }
    }

    /// Makes the commands for the rows that are encoded.
    ///
    /// # Errors
    /// The first row that no command can be made for; those before it are there.
    fn prepare(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.out.clear();
        self.sent.clear();
        let mut records = self.encoder.records().peekable();
        let mut number = 0;
        for (index, event) in events.iter().enumerate() {
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

    /// Sends the commands and hears what the server says to them.
    async fn send(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        if self.sent.is_empty() {
            return Ok(());
        }
        let connection = self.connection.as_mut().ok_or(Error::NotConnected)?;
        let each = |reply| {
            if let Err(error) = reply {
                outcome.refused.push((outcome.replies, error));
            }
            outcome.replies += 1;
        };
        let done = connection.pipeline(&self.out, self.sent.len(), each).await;
        if done.is_err() {
            // What was sent may still be answered, so the next reply would be that of another command.
            self.connection = None;
        }
        done
    }

    /// The write's error, given what the server said: the first row that it refused.
    fn refusal(&mut self, events: &[Event], outcome: Outcome) -> Option<WriteError> {
        self.note_ahead(events, &outcome);
        let (number, error) = outcome.refused.into_iter().next()?;
        let (durable, rows) = self.place(number);
        let before: usize = events.iter().take(durable).map(|e| e.len() as usize).sum();
        let row = before + rows as usize;
        let record = self.encoder.records().find(|record| record.row == row);
        let key = events.get(durable).zip(record).and_then(|(event, record)| {
            // The command was made from the same row.
            self.commands.key(event, record.view).ok()
        });
        let fault = Error::Refused {
            server: self.url.to_string(),
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
        self.connection = Some(Connection::open(&self.url).await?);
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.encoder.clear();
        let encoded = encode(&mut self.encoder, events).await;
        let prepared = self.prepare(events);
        let mut outcome = Outcome::default();
        let sent = self.send(&mut outcome).await;
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
        prepared.and(encoded)?;
        self.ahead.clear();
        Ok(())
    }
}
