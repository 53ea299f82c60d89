//! Finds a transaction in a binlog file, and the transactions that were executed before it.
//!
//! A stream from the middle of a file does not say what was executed before; the file's beginning does, together with
//! the transactions that follow it. So the file is read up to the place, without a look at its rows.

mod scan;

use self::scan::Scan;
use super::replica::Replica;
use super::start::FIRST_EVENT;
use super::stream::{Dump, Item, Stream};
use crate::binlog::events::event_type as event;
use crate::binlog::events::header::Header;
use crate::connection::{Connection, Endpoint};
use crate::error::Error;
use crate::positions::Executed;

/// What is looked for in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// The transaction that begins at this offset; with 4, the file's first.
    Position(u64),
    /// The first transaction that is not older, in seconds since 1970.
    Time(u32),
}

/// A place between two transactions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Located {
    pub position: u64,
    /// What was executed before; `None` without GTIDs.
    pub executed: Option<Executed>,
}

impl Located {
    /// What was executed before, as the server writes it; empty without GTIDs.
    pub fn executed(&self) -> String {
        self.executed
            .as_ref()
            .map_or_else(String::new, Executed::to_string)
    }
}

/// Looks for the target in a file of the server.
pub async fn locate(
    endpoint: &Endpoint,
    replica: &Replica,
    file: &str,
    target: Sought,
) -> Result<Located, Error> {
    let mut stream = open(endpoint, replica, file).await?;
    let mut scan = Scan::new(target);
    loop {
        while let Some(item) = stream.received()? {
            let located = match item {
                Item::Event(event) => scan.see(stream.block().get(event).unwrap_or_default()),
                Item::End => scan.end(),
            };
            match located {
                Ok(Some(located)) => return Ok(located),
                Ok(None) => {}
                Err(source) => {
                    return Err(Error::NotFound {
                        server: endpoint.to_string(),
                        position: format!("{file}:{}", scan.position),
                        source,
                    });
                }
            }
        }
        stream.receive().await?;
        tokio::task::yield_now().await;
    }
}

/// When a file of the server was begun, in seconds since 1970.
pub async fn begun(endpoint: &Endpoint, replica: &Replica, file: &str) -> Result<u32, Error> {
    let mut stream = open(endpoint, replica, file).await?;
    loop {
        while let Some(item) = stream.received()? {
            let Item::Event(event) = item else {
                return Ok(0);
            };
            let bytes = stream.block().get(event).unwrap_or_default();
            let header = Header::decode(bytes).map_err(|source| Error::NotFound {
                server: endpoint.to_string(),
                position: format!("{file}:{FIRST_EVENT}"),
                source: source.into(),
            })?;
            if header.code == event::FORMAT_DESCRIPTION {
                return Ok(header.timestamp);
            }
        }
        stream.receive().await?;
    }
}

async fn open(endpoint: &Endpoint, replica: &Replica, file: &str) -> Result<Stream, Error> {
    let connection = Connection::open(endpoint).await?;
    let dump = Dump::Position {
        file: file.to_owned(),
        position: 4,
    };
    Stream::open(connection, replica, &dump, true, format!("{file}:4")).await
}
