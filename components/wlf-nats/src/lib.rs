//! NATS as a destination, with JetStream and without.
//!
//! `protocol` is without input and output, `opening` secures a connection and logs in, `connection` is one task for each
//! connection, and `sink` makes messages of records; `dispatcher` puts them together.

mod config;
mod connection;
mod dispatcher;
mod error;
mod opening;
mod operations;
pub mod protocol;
mod sink;
mod waiting;

use wlf_core::ComponentKind;
use wlf_core::config::{Build, Component, ComponentType, Context, Invalid};

pub use config::Config;
pub use dispatcher::NatsDispatcher;

pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()
    .with_schema(include_str!("../../../docs/reference/NatsDispatcher.json"))];

impl Build for Config {
    const TYPE: &'static str = "NatsDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, context: &Context) -> Result<Component, Invalid> {
        let dispatcher = self.dispatcher(&context.pipeline)?;
        Ok(Component::Dispatcher(Box::new(dispatcher)))
    }
}
