//! From the configuration to the dispatcher.

use wlf_core::config::Invalid;
use wlf_core::format::Encoder;
use wlf_core::{Requests, Template};
use wlf_net::{Connector, Exposure, Mode, Tls};

use crate::config::Config;
use crate::opening::Way;
use crate::sink::NatsSink;

/// The dispatcher that an entry becomes.
pub type NatsDispatcher = Requests<NatsSink>;

impl Config {
    /// Makes the dispatcher of the pipeline called `pipeline`, which is its connections' name at the server.
    ///
    /// # Errors
    /// If values do not go together.
    pub fn dispatcher(self, pipeline: &str) -> Result<NatsDispatcher, Invalid> {
        if self.servers.is_empty() {
            return Err(Invalid::new("servers", "there is no server to connect to")
                .with_hint("name at least one, as in `servers: [127.0.0.1:4222]`"));
        }
        if self.user.is_some() != self.password.is_some() {
            let (has, needs) = match self.user {
                Some(_) => ("user", "password"),
                None => ("password", "user"),
            };
            return Err(Invalid::new(
                has,
                format!("`{has}` needs `{needs}` beside it"),
            ));
        }
        if self.user.is_some() && self.token.is_some() {
            return Err(Invalid::new(
                "token",
                "a server wants a `token` or a `user`, not both",
            ));
        }
        if self.message_id.is_some() && !self.jetstream {
            return Err(
                Invalid::new("message_id", "`message_id` is for JetStream alone")
                    .with_hint("add `jetstream: true`"),
            );
        }
        let way = Way {
            connector: Connector::new(&self.secured()?)?,
            tls_first: self.tls_first,
            exposure: Exposure::default(),
        };
        let mut encoder = Encoder::new(self.format.clone()).with_messages_as(self.messages);
        let templates = std::iter::once(&self.subject).chain(&self.message_id);
        if !templates.clone().all(Template::is_per_table) {
            encoder = encoder.with_templates(templates).with_keys();
        }
        // Without JetStream messages fail with their connection only, and then nothing overtakes another.
        if self.jetstream {
            encoder = encoder.with_keys();
        }
        Ok(Requests::new(NatsSink::new(self, way, pipeline), encoder))
    }
}

impl Config {
    /// What `tls` and `tls_first` say together.
    fn secured(&self) -> Result<Tls, Invalid> {
        let mut tls = self.tls.clone();
        match tls.mode {
            Some(mode @ (Mode::Disabled | Mode::Preferred)) if self.tls_first => {
                let message = format!("TLS comes first, and `tls.mode` is `{mode}`");
                return Err(Invalid::new("tls_first", message).with_hint("leave `tls_first` out"));
            }
            None if self.tls_first => tls.mode = Some(Mode::VerifyIdentity),
            Some(_) | None => {}
        }
        Ok(tls)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(entry: serde_json::Value) -> String {
        let config: Config = serde_json::from_value(entry).expect("a configuration");
        config.dispatcher("wlf").expect_err("refused").key
    }

    #[test]
    fn values_that_do_not_go_together_are_refused_where_they_stand() {
        let config: Config = serde_json::from_value(json!({})).expect("all have defaults");
        config.dispatcher("wlf").expect("built");
        assert_eq!(refused(json!({"servers": []})), "servers");
        assert_eq!(refused(json!({"user": "me"})), "user");
        assert_eq!(refused(json!({"password": "s3cret"})), "password");
        assert_eq!(
            refused(json!({"user": "me", "password": "x", "token": "y"})),
            "token"
        );
        assert_eq!(refused(json!({"message_id": "%{/data/id}"})), "message_id");
        assert_eq!(refused(json!({"tls": {"key": "k"}})), "tls.key");
        let first = |mode: &str| json!({"tls_first": true, "tls": {"mode": mode}});
        assert_eq!(refused(first("disabled")), "tls_first");
        assert_eq!(refused(first("preferred")), "tls_first");
    }

    #[test]
    fn secrets_are_not_shown() {
        let entry = json!({"user": "me", "password": "hunter2", "jetstream": true});
        let config: Config = serde_json::from_value(entry).expect("a configuration");
        let dispatcher = config.clone().dispatcher("wlf").expect("built");
        assert!(!format!("{config:?} {dispatcher:?}").contains("hunter2"));
    }
}
