//! MySQL as a source: its client/server protocol, its binlog, and the collectors that read them.

pub mod binlog;
pub mod collector;
pub mod connection;
pub mod ddl;
pub mod error;
pub mod file_collector;
pub mod protocol;
pub mod schema;

pub use error::Error;

use wlf_core::config::ComponentType;

/// The collectors of this crate.
pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<collector::Config>()
        .with_schema(include_str!("../../../docs/reference/BinlogCollector.json")),
    ComponentType::of::<file_collector::Config>().with_schema(include_str!(
        "../../../docs/reference/BinlogFileCollector.json"
    )),
];
