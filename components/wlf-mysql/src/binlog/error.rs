//! Everything that can be wrong with a binlog, and what the runtime should do about each.

use std::borrow::Cow;

use wlf_core::{Exit, Fault};

use super::assembler::Of;
use super::events::transaction_payload::PayloadError;
use super::transactions::origin::Flavor;
use crate::ddl::TableName;
use crate::positions::coordinates::Coordinates;
use crate::reader::Malformed;
use crate::schema::HistoryError;

/// What is wrong with a binlog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{place}: the {event} event is malformed")]
    Malformed {
        place: Coordinates,
        event: &'static str,
        #[source]
        source: Malformed,
    },
    #[error(
        "{place}: the {event} event is damaged: its CRC32 is {computed:08x} and should be {stored:08x}"
    )]
    Checksum {
        place: Coordinates,
        event: &'static str,
        stored: u32,
        computed: u32,
    },
    #[error("{place}: the TRANSACTION_PAYLOAD event cannot be read")]
    Payload {
        place: Coordinates,
        #[source]
        source: PayloadError,
    },
    #[error("{place}: the file ends in the middle of an event")]
    TornEvent { place: Coordinates },
    #[error("{end}: the file ends in the middle of the transaction that begins at {place}")]
    TornTransaction {
        place: Coordinates,
        end: Coordinates,
    },
    #[error("{place}: an event of {length} bytes, and no server writes one of more than 1 GiB")]
    LargeEvent { place: Coordinates, length: u32 },
    #[error("{place}: an event of type {code}, which is not known")]
    UnknownEvent { place: Coordinates, code: u8 },
    #[error("{place}: {what}")]
    Unsupported {
        place: Coordinates,
        what: &'static str,
        hint: &'static str,
    },
    #[error("{place}: rows of a table (id {table_id}) that no TABLE_MAP introduces")]
    UnknownTable { place: Coordinates, table_id: u64 },
    #[error("{place}: the server says that events are missing here: {message}")]
    Incident { place: Coordinates, message: String },
    #[error("{place}: {transaction} of more than {limit} bytes {problem}")]
    TooLarge {
        place: Coordinates,
        transaction: &'static str,
        limit: usize,
        problem: &'static str,
    },
    #[error("{place}: rows were rolled back to a savepoint that the transaction does not have")]
    UnknownSavepoint { place: Coordinates },
    #[error(
        "{place}: a statement that may have changed {} is in the binlog as text (`{words} …`): which rows it changed is not \
         known",
        Of(table)
    )]
    Statement {
        place: Coordinates,
        words: String,
        table: Option<TableName>,
        flavor: Flavor,
    },
    #[error("{place}: rows of `{database}`.`{table}` cannot be decoded: {reason}")]
    Undecodable {
        place: Coordinates,
        database: String,
        table: String,
        reason: String,
        hint: Option<&'static str>,
    },
    #[error(transparent)]
    SchemaHistory(#[from] HistoryError),
    #[error("{place}: a value of {database}.{table}.{column} cannot be decoded")]
    Value {
        place: Coordinates,
        database: String,
        table: String,
        column: String,
        #[source]
        source: Malformed,
    },
}

impl Error {
    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Malformed { .. } | Self::Checksum { .. } | Self::LargeEvent { .. } => {
                "the file is damaged; fetch it again from the server, or begin after the damage with another file"
            }
            Self::Payload { source, .. } => match source {
                PayloadError::Method(_) => {
                    "the server is newer than this program: SET PERSIST binlog_transaction_compression = OFF on it, and begin \
                     behind this place"
                }
                PayloadError::Window { .. } => {
                    "SET PERSIST binlog_transaction_compression_level_zstd = 3 on the server, and begin behind this place"
                }
                PayloadError::Zstd(_)
                | PayloadError::Checksum { .. }
                | PayloadError::Size { .. }
                | PayloadError::Malformed(_) => {
                    "the file is damaged; fetch it again from the server, or begin after the damage with another file"
                }
            },
            Self::TornEvent { .. } | Self::TornTransaction { .. } => {
                "fetch the whole file from the server: the copy was made while it was written, or was cut off"
            }
            Self::UnknownEvent { .. } => {
                "it may hold rows, so that it is not passed over: the server is newer than this program, or the file is damaged"
            }
            Self::UnknownSavepoint { .. } => {
                "begin behind the transaction, and load the tables anew that it changed"
            }
            Self::Statement { flavor, .. } => match flavor {
                Flavor::Mysql => {
                    "SET PERSIST binlog_format = 'ROW' on the server, and let no session set another; `on_statement: warn` passes \
                     the statement over, and the table is to be loaded anew then"
                }
                Flavor::Mariadb => {
                    "SET GLOBAL binlog_format = 'ROW' on the server and in my.cnf, and let no session set another; \
                     `on_statement: warn` passes the statement over, and the table is to be loaded anew then"
                }
            },
            Self::UnknownTable { .. } => "begin at the beginning of a transaction",
            Self::Incident { .. } => {
                "rows are missing in this binlog for good: load the tables anew and begin behind this place"
            }
            Self::TooLarge { .. } => {
                "raise delivery.transaction_buffer, and delivery.max_in_flight with it"
            }
            Self::Unsupported { hint, .. } => hint,
            Self::Undecodable { hint, .. } => return hint.map(Cow::Borrowed),
            Self::SchemaHistory(error) => error.hint(),
            Self::Value { .. } => return None,
        }))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let hint = error.hint();
        let fault = match &error {
            Error::SchemaHistory(history) => {
                Fault::stop(history.exit(), HistoryError::DOING, error)
            }
            _ => Fault::stop(Exit::Data, "read the binlog", error),
        };
        match hint {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        }
    }
}
