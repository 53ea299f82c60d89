//! The engine of wlf: what flows, how components are written, and the runtime that keeps the promises of `docs/delivery.md`.
//!
//! It knows no component by name and opens no file or socket of its own accord.

pub mod ahead;
pub mod checksum;
pub mod component;
pub mod config;
pub mod data_type;
pub mod event;
pub mod fault;
pub mod format;
pub mod origin;
pub mod replaced;
pub mod router;
pub mod runtime;
mod same;
pub mod schema_change;
mod simd;
pub mod template;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod turn;
pub mod value;

pub use ahead::Ahead;
pub use component::{
    Collector, ComponentApi, ComponentKind, Dispatcher, Progress, Transformer, WriteError,
};
pub use data_type::{BlobSize, DataType, GeometryType};
pub use event::{
    Batch, Changes, Column, EncodeError, Ended, Event, Operation, Position, Run, Table, Transaction,
};
pub use fault::{Exit, Fault, Severity};
pub use origin::Origin;
pub use router::{Delivery, EventRouter, RouterError};
pub use runtime::{Pipeline, Receipt};
pub use same::same;
pub use schema_change::{ChangePlace, SchemaChange, SchemaChangeKind, TableDefinition};
pub use template::{Template, TemplateError};
