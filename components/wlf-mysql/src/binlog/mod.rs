//! The binlog without input or output: bytes of events in, batches of transactions out.
//!
//! - [`events`]: one file an event, under the name that the servers give it.
//! - [`tables`]: what TABLE_MAP says of a table, or a definition from elsewhere, and the plan that is made of it, once for
//!   each version of a table ([`tables::table_plan`]).
//! - [`images`]: where in a row its columns are; rows are decoded by the formats that write them.
//! - [`values`], [`json`], and [`charset`](crate::charset): the values in their binary forms.
//! - [`transactions`]: what becomes a batch; [`assembler`] puts all of it together.
//!
//! Every length in an event is taken for hostile: reads are checked, and nothing is allocated that the bytes at hand do not
//! justify.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

pub mod assembler;
pub mod error;
pub mod events;
pub mod fate;
pub mod images;
pub mod json;
pub mod tables;
#[cfg(test)]
pub(crate) mod tests;
pub mod transactions;
pub mod values;

pub use assembler::{Assembler, OnStatement, Taken};
pub use error::Error;
pub use fate::Fate;
pub use tables::definition::{ColumnDefinition, Definition};
pub use transactions::Limits;
pub use transactions::origin::Flavor;
