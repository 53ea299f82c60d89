//! The binlog without input or output: bytes of events in, batches of transactions out.
//!
//! One file an event, under the name that MySQL gives it. Every length in an event is taken for hostile: reads are checked,
//! and nothing is allocated that the bytes at hand do not justify. Rows are decoded by the formats that write them
//! ([`row_image`]), over a plan that is made once for each version of a table ([`table_plan`]).
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

pub mod address;
pub mod assembler;
pub mod block;
pub mod charset;
pub mod checksum;
pub mod column_type;
pub mod commit_timestamp;
#[cfg(test)]
mod composed;
pub mod compressed;
pub mod decimal;
pub mod declared_type;
pub mod definition;
pub mod described_type;
pub mod error;
pub mod event_type;
pub mod executed;
pub mod extent;
pub mod format_description;
pub mod gtid;
pub mod gtid_set;
pub mod header;
pub mod heartbeat;
pub mod incident;
pub mod inflate;
pub mod json_document;
mod json_double;
pub mod json_path;
pub mod json_text;
pub mod jsonb;
pub mod mariadb_gtid;
pub mod mariadb_position;
#[cfg(test)]
mod mariadb_types;
pub mod metadata;
pub mod old_temporal;
pub mod partial_update;
#[cfg(test)]
mod payload_events;
pub mod place;
pub mod position;
pub mod query;
pub mod reader;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recorded_images;
#[cfg(test)]
mod recorded_mariadb;
#[cfg(test)]
mod recorded_origin;
#[cfg(test)]
mod replaced_text;
#[cfg(test)]
mod rewritten_events;
pub mod rotate;
pub mod row_image;
pub mod rows;
pub mod status_variables;
pub mod table_map;
pub mod table_plan;
pub mod tables;
pub mod temporal;
pub mod transaction_origin;
pub mod transaction_payload;
pub mod transactions;
pub mod xa_prepare;
pub mod xid;

pub use assembler::{Assembler, Taken};
pub use definition::{ColumnDefinition, Definition};
pub use error::Error;
pub use executed::Executed;
pub use gtid_set::GtidSet;
pub use mariadb_position::MariadbPosition;
pub use place::Place;
pub use position::SavedPosition;
pub use transactions::Limits;
