//! What a `NatsDispatcher`'s entry may say.

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::Template;
use wlf_core::config::{HostPort, Secret};
use wlf_core::format::{Format, MessageFormat};
use wlf_net::Tls;

/// Writes each row as a NATS message, or into a JetStream stream.
///
/// Without JetStream a row is delivered when the server has it: who does not listen at that moment never gets it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The servers of one cluster, as `host:port`; the first that takes the connection is used.
    #[serde(default = "servers")]
    pub servers: Vec<HostPort>,
    /// The subject of a row's message.
    #[serde(default = "subject")]
    pub subject: Template,
    /// The form of the message.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
    /// The user's name, where the server wants one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// A token, for servers that want one instead of a user.
    pub token: Option<Secret>,
    /// Waits until JetStream has stored each message. There must be a stream that takes the subjects.
    #[serde(default)]
    pub jetstream: bool,
    /// The `Nats-Msg-Id` of a row's message, by which JetStream drops what it has already. It must be the same whenever
    /// the row is sent again, and that of no other row.
    pub message_id: Option<Template>,
    /// How connections are secured.
    #[serde(default)]
    pub tls: Tls,
    /// TLS comes first, for servers with `handshake_first`. Otherwise a server says without TLS whether it speaks it.
    #[serde(default)]
    pub tls_first: bool,
}

fn servers() -> Vec<HostPort> {
    vec![HostPort {
        host: "127.0.0.1".to_owned(),
        port: 4222,
    }]
}

#[expect(clippy::expect_used, reason = "a constant that a test reads")]
fn subject() -> Template {
    let subject = "logFlex.%{/database}.%{/table}";
    subject.parse().expect("a template")
}
