//! What flows through a pipeline, and how it is written: events, values, formats, templates, faults, and the words of a
//! configuration that mean something.
//!
//! It knows no component, waits for nothing, and opens no file or socket.

pub mod checksum;
pub mod config;
pub mod data_type;
mod dead_letter;
pub mod event;
pub mod fault;
pub mod format;
mod json_text;
pub mod message;
pub mod origin;
pub mod replaced;
mod same;
pub mod schema_change;
mod simd;
pub mod template;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod value;

pub use data_type::{BlobSize, DataType, GeometryType};
pub use dead_letter::{DeadLetter, Reason};
pub use event::{
    Batch, Changes, Column, EncodeError, Ended, Event, Mark, Operation, Position, Run, Table,
    Transaction,
};
pub use fault::{Exit, Fault, Severity};
pub use json_text::JsonText;
pub use message::{Headers, Message, MessageBlock, Messages};
pub use origin::Origin;
pub use same::same;
pub use schema_change::{ChangePlace, SchemaChange, SchemaChangeKind, TableDefinition};
pub use template::{Template, TemplateError};
