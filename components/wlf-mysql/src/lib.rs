//! MySQL as a source: its client/server protocol, its binlog, and the collectors that read them.

pub mod binlog;
pub mod charset;
pub mod collector;
pub mod connection;
pub mod ddl;
pub mod error;
pub mod file_collector;
pub mod positions;
pub mod protocol;
pub mod reader;
pub mod schema;

pub use error::Error;

use wlf_core::ComponentKind;
use wlf_core::config::{
    Build, Component, ComponentType, Context, Environment, EventKinds, Invalid,
};

/// The collectors of this crate.
pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<collector::Config>()
        .with_schema(include_str!("../../../docs/reference/BinlogCollector.json")),
    ComponentType::of::<file_collector::Config>().with_schema(include_str!(
        "../../../docs/reference/BinlogFileCollector.json"
    )),
];

impl Build for collector::Config {
    const TYPE: &'static str = "BinlogCollector";
    const KIND: ComponentKind = ComponentKind::Collector;
    const GIVES: Option<EventKinds> = Some(EventKinds::Rows);

    fn build(self, context: &Context) -> Result<Component, Invalid> {
        let collector = collector::BinlogCollector::configured(self, context)?;
        Ok(Component::Collector(Box::new(collector)))
    }
}

impl Build for file_collector::Config {
    const TYPE: &'static str = "BinlogFileCollector";
    const KIND: ComponentKind = ComponentKind::Collector;
    const GIVES: Option<EventKinds> = Some(EventKinds::Rows);

    fn build(self, context: &Context) -> Result<Component, Invalid> {
        let collector = file_collector::BinlogFileCollector::configured(self, context)?;
        Ok(Component::Collector(Box::new(collector)))
    }

    fn doubts(&self, environment: &dyn Environment) -> Vec<Invalid> {
        self.unreachable(environment)
    }
}
