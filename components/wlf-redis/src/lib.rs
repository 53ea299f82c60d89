//! Redis as a destination.
//!
//! URLs, and commands other than those that write rows, are the crate redis'. The rows' commands are written into one
//! buffer here, and their replies are counted one by one: the crate's pipeline tells of an error only that there was one,
//! and the row that it belongs to must be known.

mod command;
mod config;
mod connection;
mod dispatcher;
mod error;
mod resp;
#[cfg(test)]
mod scripted;
mod server;
mod url;

use wlf_core::ComponentKind;
use wlf_core::config::{Build, Component, ComponentType, Context, Invalid};

pub use config::{Config, Mode};
pub use dispatcher::RedisDispatcher;
pub use url::Url;

pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()
    .with_schema(include_str!("../../../docs/reference/RedisDispatcher.json"))];

impl Build for Config {
    const TYPE: &'static str = "RedisDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        let dispatcher = RedisDispatcher::new(self)?;
        Ok(Component::Dispatcher(Box::new(dispatcher)))
    }
}
