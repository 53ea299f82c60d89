//! What a `RedisDispatcher`'s entry may say.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::format::{Format, MessageFormat};
use wlf_core::{ComponentKind, Template};

use crate::dispatcher::RedisDispatcher;
use crate::url::Url;

/// Writes each row with a Redis command: publishes it, pushes it on a list, or adds it to a stream.
///
/// All rows of a batch are sent at once, and are delivered when the server has answered all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server: `redis://[user[:password]@]host[:port][/database]`.
    #[serde(default)]
    pub url: Url,
    /// Which command, and which channel or key.
    pub mode: Mode,
    /// The form of the message.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
    #[serde(default)]
    #[schemars(skip)]
    pub tls: Option<IgnoredAny>,
}

/// How a row is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(tag = "type")]
pub enum Mode {
    /// Publishes the row: `PUBLISH channel row`. Who does not listen at that moment never gets it.
    Pub {
        /// The channel.
        channel: Template,
    },
    /// Puts the row at the head of a list: `LPUSH key row`.
    LPush {
        /// The list.
        key: Template,
    },
    /// Puts the row at the end of a list: `RPUSH key row`.
    RPush {
        /// The list.
        key: Template,
    },
    /// Adds the row to a stream: `XADD key * message row`. Needs Redis 5.
    XAdd {
        /// The stream.
        key: Template,
        /// Drops the oldest entries when there are about this many more (`MAXLEN ~`); without it the stream only grows.
        #[serde(default)]
        max_len: Option<NonZeroU64>,
    },
}

impl Build for Config {
    const TYPE: &'static str = "RedisDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        if self.tls.is_some() {
            return Err(
                Invalid::new("tls", "`tls` is not supported by the RedisDispatcher yet")
                    .with_hint("use a port without TLS"),
            );
        }
        Ok(Component::Dispatcher(Box::new(RedisDispatcher::new(self))))
    }
}
