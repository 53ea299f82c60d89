//! Tables' definitions where the binlog does not have them: what they were at each position.
//!
//! A [`History`] begins with what `information_schema` says at the start, and each statement in the binlog that changes a
//! definition moves it on at its own position. See `docs/design/schema-history.md`.

pub mod ahead;
pub mod history;
mod log;
pub mod point;
pub mod read_back;
mod record;
pub mod statement;
pub mod table;

pub use history::{Change, History, Lookup, Source, Surroundings};
pub use point::Point;
pub use table::{ColumnSchema, TableSchema};
