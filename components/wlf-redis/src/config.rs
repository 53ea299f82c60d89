//! What a `RedisDispatcher`'s entry may say.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::Template;
use wlf_core::config::Secret;
use wlf_core::format::{Format, MessageFormat};
use wlf_net::Tls;

use crate::url::Url;

/// Writes each row with a Redis command: publishes it, pushes it on a list, or adds it to a stream.
///
/// All rows of a batch are sent at once, and are delivered when the server has answered all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server: `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS, with `tls: {mode:
    /// verify_identity}` if `tls` does not say otherwise.
    #[serde(default)]
    pub url: Url,
    /// The user, if not in `url`; the server's default user without one.
    #[serde(default)]
    pub username: Option<String>,
    /// The password, if not in `url`. It is taken as it is: nothing in it has to be written otherwise.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Which command, and which channel or key.
    pub mode: Mode,
    /// The form of the message.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
    /// How the connection is secured. Without it `redis://` is plain, as the word says.
    #[serde(default)]
    pub tls: Option<Tls>,
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
