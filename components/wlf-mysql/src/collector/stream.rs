//! A stream of binlog events from a server.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::replica::Replica;
use crate::connection::Connection;
use crate::error::Error;
use crate::positions::MariadbPosition;
use crate::protocol::binlog_network_stream::StreamPacket;
use crate::protocol::{com_binlog_dump, com_binlog_dump_gtid, com_register_slave};

/// So many heartbeats may stay away before a connection counts as dead.
const HEARTBEATS: u32 = 3;
/// What a busy server and network are granted besides, so that a short heartbeat does not end a good connection.
const GRACE: Duration = Duration::from_secs(5);
/// How long a server may look for the place where the stream begins: it reads the beginnings of its binlog files, and
/// with a set of GTIDs it may read through one of them, before it sends the first event.
const SEEK: Duration = Duration::from_secs(15 * 60);
/// How long the server waits for us to take what it sends, in seconds, before it gives up: a destination may be down
/// for a day.
const NET_WRITE_TIMEOUT: u32 = 86_400;

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dump {
    /// At an event of a file.
    Position { file: String, position: u32 },
    /// Behind the transactions of a set of GTIDs, in the server's binary form.
    Gtids(Vec<u8>),
    /// Behind the last transaction of each of MariaDB's domains.
    Mariadb(MariadbPosition),
}

/// A stream of binlog events.
#[derive(Debug)]
pub struct Stream {
    connection: Connection,
    /// What was received last, where in it the messages are, and the next of them.
    block: Bytes,
    messages: Vec<Range<usize>>,
    next: usize,
    heartbeat: Duration,
    /// Whether an event has come.
    begun: bool,
    /// Since when we wait for bytes; stays over a cancelled wait.
    waiting: Option<Instant>,
    /// What to call the beginning in errors.
    from: String,
}

/// What a stream gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An event with its header, and its checksum if it has one: where it is in the block.
    Event(Range<usize>),
    /// Everything that the server had was sent.
    End,
}

impl Stream {
    /// Registers as a replica and asks for the binlog. With `until_end` the stream ends where the binlog does.
    pub async fn open(
        mut connection: Connection,
        replica: &Replica,
        dump: &Dump,
        until_end: bool,
        from: String,
    ) -> Result<Self, Error> {
        connection.query(&session(replica)).await?;
        if let Dump::Mariadb(position) = dump {
            connection.query(&slave_state(position)).await?;
        }
        let register = com_register_slave::encode(replica.server_id, &replica.name);
        connection
            .acknowledged("COM_REGISTER_SLAVE", &register)
            .await?;
        let options = com_binlog_dump::Options {
            until_end,
            // Inside of a transaction the events of MariaDB 11.4 and later do not say where they are: it is known from
            // their lengths only if none is left out.
            annotations: connection.handshake().is_mariadb(),
        };
        let dump = match dump {
            Dump::Position { file, position } => {
                com_binlog_dump::encode(replica.server_id, file, *position, options)
            }
            Dump::Mariadb(_) => com_binlog_dump::encode(replica.server_id, "", 4, options),
            Dump::Gtids(set) => com_binlog_dump_gtid::encode(replica.server_id, set, until_end)
                .map_err(Error::GtidSetTooLarge)?,
        };
        connection.command(&dump).await?;
        Ok(Self {
            connection,
            block: Bytes::new(),
            messages: Vec::new(),
            next: 0,
            heartbeat: replica.heartbeat,
            begun: false,
            waiting: None,
            from,
        })
    }

    /// The server's address, as errors name it.
    pub fn server(&self) -> &str {
        self.connection.server()
    }

    /// The server ended a stream that has no end, as it does when it is shut down.
    pub fn ended(&self) -> Error {
        self.connection.ended()
    }

    /// The memory that the last event is in.
    pub fn block(&self) -> &Bytes {
        &self.block
    }

    /// The last event and those behind it that were received, up to a message that is something else.
    pub fn events(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let messages = self.messages.get(self.next.saturating_sub(1)..);
        let messages = messages.unwrap_or_default().iter();
        messages.map_while(|message| self.event(message))
    }

    #[inline(always)]
    fn event(&self, message: &Range<usize>) -> Option<Range<usize>> {
        match StreamPacket::decode(self.block.get(message.clone())?) {
            Ok(StreamPacket::Event(event)) => Some(message.end - event.len()..message.end),
            _ => None,
        }
    }

    /// Goes to the next item that was received; `None` if more has to be received first.
    #[inline(always)]
    pub fn received(&mut self) -> Result<Option<Item>, Error> {
        if let Some(message) = self.messages.get(self.next)
            && let Some(event) = self.event(message)
        {
            self.next += 1;
            return Ok(Some(Item::Event(event)));
        }
        self.received_block()
    }

    /// Goes on behind the events that were received together.
    fn received_block(&mut self) -> Result<Option<Item>, Error> {
        let message = match self.messages.get(self.next) {
            Some(message) => message.clone(),
            None => {
                self.next = 0;
                // Cleared it would keep the memory, also of a large event, until the next one is here.
                self.block = Bytes::new();
                let Some(block) = self.connection.received_block(&mut self.messages)? else {
                    return Ok(None);
                };
                self.begun = true;
                self.block = block;
                match self.messages.first() {
                    Some(message) => message.clone(),
                    None => return Ok(None),
                }
            }
        };
        self.next += 1;
        let packet = self.block.get(message.clone()).unwrap_or_default();
        match StreamPacket::decode(packet) {
            Ok(StreamPacket::Event(event)) => {
                Ok(Some(Item::Event(message.end - event.len()..message.end)))
            }
            Ok(StreamPacket::End) => Ok(Some(Item::End)),
            Ok(StreamPacket::Error(source)) => Err(Error::Dump {
                server: self.connection.server().to_owned(),
                from: self.from.clone(),
                source,
            }),
            Err(source) => Err(self.connection.protocol(source)),
        }
    }

    /// Waits for bytes from the server. Cancel-safe.
    ///
    /// # Errors
    /// If the connection is lost, or if it is dead: nothing comes for three heartbeats.
    pub async fn receive(&mut self) -> Result<(), Error> {
        let limit = if self.begun {
            self.heartbeat.saturating_mul(HEARTBEATS) + GRACE
        } else {
            SEEK
        };
        let now = Instant::now();
        let waiting = *self.waiting.get_or_insert(now);
        // Whoever did not come to read for long must be given the time to find what lies in the socket.
        let deadline = (waiting + limit).max(now + Duration::from_secs(1));
        match timeout_at(deadline, self.connection.receive()).await {
            Ok(received) => {
                received?;
                self.waiting = None;
                Ok(())
            }
            Err(_) => Err(self.connection.silent(limit)),
        }
    }
}

/// The statement that sets up the session: what we can read, how often the server shows that it is there, and how
/// patient it is with us. Servers before 8.0.26 know the old names only. MariaDB sends its GTID events to those of
/// capability 4 alone.
fn session(replica: &Replica) -> String {
    let nanoseconds = replica.heartbeat.as_nanos();
    let uuid = &replica.uuid;
    format!(
        "SET @source_binlog_checksum = 'CRC32', @master_binlog_checksum = 'CRC32', \
         @source_heartbeat_period = {nanoseconds}, @master_heartbeat_period = {nanoseconds}, \
         @replica_uuid = '{uuid}', @slave_uuid = '{uuid}', @mariadb_slave_capability = 4, \
         SESSION net_write_timeout = {NET_WRITE_TIMEOUT}"
    )
}

/// The statement that tells MariaDB where the stream begins; strictly, so that a binlog which lacks one of the
/// transactions is refused and not begun somewhere near.
fn slave_state(position: &MariadbPosition) -> String {
    format!(
        "SET @slave_connect_state = '{position}', @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_speaks_old_and_new() {
        let replica = Replica::new("c", "p", "h", Some(9), Duration::from_millis(1500));
        let sql = session(&replica);
        for part in [
            "@source_heartbeat_period = 1500000000,",
            "@master_heartbeat_period = 1500000000,",
            "@master_binlog_checksum = 'CRC32'",
            &format!("@slave_uuid = '{}'", replica.uuid),
            "@mariadb_slave_capability = 4",
        ] {
            assert!(sql.contains(part), "{sql}");
        }
    }
}
