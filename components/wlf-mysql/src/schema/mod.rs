//! Tables' definitions where the binlog does not have them: what they were at each position.
//!
//! A [`History`] begins with what `information_schema` says at the start, and each statement in the binlog that changes a
//! definition moves it on at its own position. See `docs/design/schema-history.md`.

mod alter;
mod entry;
pub mod error;
pub mod hidden;
pub mod history;
mod log;
mod owner;
pub mod point;
pub mod table;

pub use error::HistoryError;
pub use history::{Change, History, Lookup, Surroundings};
pub use owner::Owner;
pub use point::Point;
pub use table::{ColumnSchema, TableSchema};
