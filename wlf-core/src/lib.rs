//! The engine of wlf: how components are written, and the runtime that keeps the promises of `docs/delivery.md`.
//!
//! It knows no component by name and opens no socket; the only files that it opens are those of a [`FileStore`]. What flows is in `wlf-data`, which is given
//! on from here, so that a component needs one dependency.

pub mod component;
pub mod config;
pub mod router;
pub mod runtime;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod turn;

pub use wlf_data::{
    checksum, data_type, event, fault, format, message, origin, replaced, schema_change,
};
pub use wlf_data::{template, value};

pub use component::{
    Collector, ComponentApi, ComponentKind, Dispatcher, Limits, Piece, Progress, Refusal, Request,
    Requests, Sending, Sink, Tokens, Transformer, Walk, WriteError,
};
pub use router::{Delivery, EventRouter, RouterError};
pub use runtime::{Desk, Emissions, Held, Out, Pipeline, Receipt, Settled};
pub use store::{FileStore, Store, Unchanged};
pub use wlf_data::{
    Batch, BlobSize, ChangePlace, Changes, Column, DataType, DeadLetter, EncodeError, Ended, Event,
    Exit, Fault, GeometryType, Headers, JsonText, Mark, Message, MessageBlock, Messages, Operation,
    Origin, Position, Reason, Run, SchemaChange, SchemaChangeKind, Severity, Table,
    TableDefinition, Template, TemplateError, Transaction, same,
};
