//! Encodes events and discards them.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::format::{Encoder, Format, MessageFormat};
use wlf_core::{ComponentKind, Dispatcher, Event, Fault, Walk, WriteError};

/// Encodes each row and discards it: for measurements, and to try out a configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The form in which rows are encoded.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
}

impl Build for Config {
    const TYPE: &'static str = "NullDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(NullDispatcher::new(self))))
    }
}

/// Encodes each row and discards it.
#[derive(Debug)]
pub struct NullDispatcher {
    encoder: Encoder,
}

impl NullDispatcher {
    pub fn new(config: Config) -> Self {
        Self {
            encoder: Encoder::new(config.format).with_messages_as(config.messages),
        }
    }
}

#[async_trait]
impl Dispatcher for NullDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut walk = Walk::of(events);
        while walk.encode(&mut self.encoder).await {}
        walk.outcome()
    }
}
