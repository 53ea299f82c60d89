//! NATS as a destination, with JetStream and without.
//!
//! `protocol` is without input and output, `opening` secures a connection and logs in, `connection` is one task for each
//! connection, and `sink` makes messages of records.

mod config;
mod connection;
mod error;
mod incoming;
mod opening;
pub mod protocol;
mod sink;
mod waiting;

use wlf_core::config::ComponentType;

pub use config::{Config, NatsDispatcher};

pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()
    .with_schema(include_str!("../../../docs/reference/NatsDispatcher.json"))];
