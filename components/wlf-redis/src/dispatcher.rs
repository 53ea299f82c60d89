//! Writes each row with a Redis command.

use async_trait::async_trait;
use wlf_core::config::Invalid;
use wlf_core::format::{Buffer, Encoder, LetterForm};
use wlf_core::{Dispatcher, Event, Fault, Refusal, Walk, WriteError};

use crate::command::Commands;
use crate::config::Config;
use crate::connection::Connection;
use crate::error::{Error, is_rejection};
use crate::resp::{ErrorReply, Reply};
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
}

/// What the server said to the commands of a write.
#[derive(Debug, Default)]
struct Outcome {
    replies: usize,
    /// The commands that the server refused, by their numbers, and why.
    refused: Vec<(usize, ErrorReply)>,
}

impl Outcome {
    fn hear(&mut self, reply: Reply) {
        if let Err(error) = reply {
            self.refused.push((self.replies, error));
        }
        self.replies += 1;
    }
}

impl RedisDispatcher {
    /// # Errors
    /// If what the entry says of the server does not go together.
    pub fn new(config: Config) -> Result<Self, Invalid> {
        let server = Server::new(&config.url, config.username, config.password, config.tls)?;
        let commands = Commands::new(config.mode);
        let mut encoder = Encoder::new(config.format).with_messages_as(config.messages);
        if commands.look_into_rows() {
            encoder = encoder.with_templates([commands.template()]).with_keys();
        }
        if !commands.have_headers() {
            encoder = encoder.with_letters_as(LetterForm::Json);
        }
        Ok(Self {
            server,
            commands,
            encoder,
            connection: None,
            out: Buffer::new(),
            sent: Vec::new(),
        })
    }

    /// Makes the commands for the rows that are encoded. A row goes out whole or not at all.
    fn prepare(&mut self, walk: &mut Walk<'_>) {
        self.out.clear();
        let (out, sent, commands) = (&mut self.out, &mut self.sent, &mut self.commands);
        walk.rows(&self.encoder, |row| {
            let (before, length) = (sent.len(), out.len());
            let (event, place) = (row.event, (row.index, row.row));
            for record in row.records() {
                // Only a log that is compacted has a use for tombstones.
                let Some(message) = record.value else {
                    continue;
                };
                let bytes = message.len();
                let written = if bytes > LONGEST {
                    let limit = LONGEST;
                    Err(Error::TooLarge { bytes, limit }.into())
                } else {
                    let written = commands.write(event, &record, message, out);
                    written.map_err(Fault::from)
                };
                if let Err(fault) = written {
                    sent.truncate(before);
                    out.truncate(length);
                    return Err(fault);
                }
                sent.push(place);
            }
            Ok(())
        });
    }

    /// Makes the commands of a write and sends them, and hears what the server says to them.
    ///
    /// A part goes out before the next one is encoded, so that no more than that is held, and the server works meanwhile.
    async fn send(&mut self, walk: &mut Walk<'_>, outcome: &mut Outcome) -> Result<(), Error> {
        self.sent.clear();
        while walk.encode(&mut self.encoder).await {
            let before = self.sent.len();
            self.prepare(walk);
            let count = self.sent.len() - before;
            if count > 0 {
                let connection = self.connection.as_mut().ok_or(Error::NotConnected)?;
                let mut hear = |reply| outcome.hear(reply);
                connection.send(&self.out, count, &mut hear).await?;
            }
        }
        if self.sent.is_empty() {
            return Ok(());
        }
        let connection = self.connection.as_mut().ok_or(Error::NotConnected)?;
        connection.finish(&mut |reply| outcome.hear(reply)).await
    }

    /// Takes the rows that the server rejected, and the first command that it did not answer or refused for another reason:
    /// what is to be sent again from there on has to come before all that is behind it.
    fn judge(
        &mut self,
        events: &[Event],
        outcome: Outcome,
        sent: Result<(), Error>,
    ) -> (Vec<Refusal>, Option<(usize, Error)>) {
        let mut rejected: Vec<Refusal> = Vec::new();
        for (number, error) in outcome.refused {
            let (event, row) = self.place(number);
            let key = events.get(event).and_then(|of| self.key(of, row as usize));
            let is_rejected = is_rejection(&error);
            let error = Error::Refused {
                server: self.server.to_string(),
                command: self.commands.name(),
                key: key.unwrap_or_default(),
                error,
            };
            if !is_rejected {
                return (rejected, Some((number, error)));
            }
            // Of a row with several commands one refusal is enough.
            let is_same = |last: &Refusal| (last.event, last.row) == (event, row);
            if !rejected.last().is_some_and(is_same) {
                let fault = error.into();
                rejected.push(Refusal { event, row, fault });
            }
        }
        (rejected, sent.err().map(|error| (outcome.replies, error)))
    }

    /// The channel or key that a row's command was for.
    fn key(&mut self, event: &Event, row: usize) -> Option<String> {
        if !self.commands.look_into_rows() {
            return Some(self.commands.key_of_table(event));
        }
        // The row may have been in a part that is gone. Whether one behind it cannot be encoded is no matter here.
        self.encoder.forget();
        let _ = self.encoder.encode(event);
        let record = self.encoder.records().find(|record| record.row == row)?;
        self.commands.key(event, &record).ok()
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

    async fn probe(&mut self) -> Result<Vec<String>, Fault> {
        self.connection = None;
        let mut connection = Connection::open(&self.server).await?;
        let version = connection.version().await?;
        self.connection = Some(connection);
        let server = &self.server;
        Ok(vec![match version {
            Some(version) => format!("Redis {version} at {server}"),
            None => format!("a server at {server} that does not tell its version"),
        }])
    }

    fn session(&self) -> Option<String> {
        let session = self.connection.as_ref()?.session()?;
        Some(session.to_string())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut walk = Walk::of(events);
        let mut outcome = Outcome::default();
        let sent = self.send(&mut walk, &mut outcome).await;
        if sent.is_err() {
            // What was sent may still be answered, so the next reply would be that of another command.
            self.connection = None;
        }
        match self.judge(events, outcome, sent) {
            (rejected, Some((number, error))) => {
                let first = self.place(number);
                Err(walk.ended_at(first, error.into()).and_refused(rejected))
            }
            (rejected, None) if rejected.is_empty() => walk.outcome(),
            (rejected, None) => {
                let error = walk.outcome().err();
                let error = error.unwrap_or_else(|| WriteError::all(events));
                Err(error.and_refused(rejected))
            }
        }
    }
}
