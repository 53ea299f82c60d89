//! A server, how it is reached, and who we are to it.

use std::fmt;

use wlf_core::config::{Invalid, Secret};
use wlf_net::{Connector, Exposure, Mode, Tls};

use crate::url::Url;

/// A server, how it is reached, and who we are to it.
#[derive(Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub login: Option<Login>,
    pub database: i64,
    pub connector: Connector,
    pub exposure: Exposure,
}

/// Who we are to a server.
#[derive(Debug)]
pub struct Login {
    /// `None`: the server's default user.
    pub user: Option<String>,
    pub password: Secret,
}

impl Server {
    /// Puts together what an entry says of the server.
    ///
    /// # Errors
    /// If it says something twice, or what does not go together.
    pub fn new(
        url: &Url,
        username: Option<String>,
        password: Option<Secret>,
        tls: Option<Tls>,
    ) -> Result<Self, Invalid> {
        let twice = |key, what| {
            Invalid::new(
                key,
                format!("the {what} is given twice, by `{key}` and in `url`"),
            )
            .with_hint("leave it out of `url`")
        };
        if username.is_some() && url.user().is_some() {
            return Err(twice("username", "user"));
        }
        if password.is_some() && url.password().is_some() {
            return Err(twice("password", "password"));
        }
        let user = username.or_else(|| url.user().map(str::to_owned));
        let password = password.or_else(|| url.password().map(Secret::new));
        let login = match (user, password) {
            (user, Some(password)) => Some(Login { user, password }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(
                    Invalid::new("username", "a user is given without a password").with_hint(
                        "give `password`; a user whom Redis knows as `nopass` may have any",
                    ),
                );
            }
        };
        Ok(Self {
            host: url.host().to_owned(),
            port: url.port(),
            login,
            database: url.database(),
            connector: Connector::new(&secured(url, tls)?)?,
            exposure: Exposure::default(),
        })
    }
}

/// What the URL's scheme and `tls` say together.
fn secured(url: &Url, tls: Option<Tls>) -> Result<Tls, Invalid> {
    let is_given = tls.is_some();
    let mut tls = tls.unwrap_or_default();
    match tls.mode {
        None if url.is_secured() => tls.mode = Some(Mode::VerifyIdentity),
        None if !is_given => tls.mode = Some(Mode::Disabled),
        Some(mode @ (Mode::Disabled | Mode::Preferred)) if url.is_secured() => {
            let message = format!("`url` asks for TLS with `rediss`, and `tls.mode` is `{mode}`");
            return Err(Invalid::new("tls.mode", message).with_hint("write `redis://` in `url`"));
        }
        _ => {}
    }
    Ok(tls)
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Config;

    fn server(entry: Value) -> Result<Server, Invalid> {
        let mut entry = entry;
        entry["mode"] = json!({"Pub": {"channel": "x"}});
        let config: Config = serde_json::from_value(entry).expect("an entry");
        Server::new(&config.url, config.username, config.password, config.tls)
    }

    #[test]
    fn the_scheme_and_the_section_say_together_whether_there_is_tls() {
        for (entry, mode) in [
            (json!({}), Mode::Disabled),
            (json!({"url": "redis://cache.example"}), Mode::Disabled),
            (
                json!({"url": "redis://cache.example", "tls": {}}),
                Mode::Preferred,
            ),
            (
                json!({"url": "redis://localhost", "tls": {}}),
                Mode::Disabled,
            ),
            (
                json!({"url": "redis://x", "tls": {"mode": "required"}}),
                Mode::Required,
            ),
            (
                json!({"url": "redis://x", "tls": {"ca": "system"}}),
                Mode::VerifyIdentity,
            ),
            (json!({"url": "rediss://localhost"}), Mode::VerifyIdentity),
            (
                json!({"url": "rediss://x", "tls": {}}),
                Mode::VerifyIdentity,
            ),
            (
                json!({"url": "rediss://x", "tls": {"mode": "verify_ca"}}),
                Mode::VerifyCa,
            ),
            (
                json!({"url": "rediss://x", "tls": {"mode": "required"}}),
                Mode::Required,
            ),
        ] {
            let server = server(entry.clone()).expect("an entry that goes together");
            assert_eq!(server.connector.mode(&server.host), mode, "{entry}");
        }
    }

    #[test]
    fn the_login_is_that_of_the_url_or_that_beside_it() {
        for (entry, user, password) in [
            (
                json!({"url": "redis://me:s%2Fcret@x"}),
                Some("me"),
                "s/cret",
            ),
            (json!({"url": "redis://:s%2Fcret@x"}), None, "s/cret"),
            (
                json!({"username": "me", "password": "a/b#c?d%41@:"}),
                Some("me"),
                "a/b#c?d%41@:",
            ),
            (json!({"password": "only"}), None, "only"),
            (
                json!({"url": "redis://me@x", "password": "p"}),
                Some("me"),
                "p",
            ),
        ] {
            let server = server(entry.clone()).expect("an entry that goes together");
            let shown = format!("{server:?}");
            assert!(!shown.contains(&format!("{password:?}")), "{shown}");
            let login = server.login.expect("a login");
            assert_eq!(
                (login.user.as_deref(), login.password.expose()),
                (user, password)
            );
        }
        assert!(server(json!({})).expect("an entry").login.is_none());
    }

    #[test]
    fn what_is_said_twice_or_does_not_go_together_is_refused() {
        for (entry, key, message) in [
            (
                json!({"url": "redis://me:p@x", "username": "you"}),
                "username",
                "the user is given twice, by `username` and in `url`",
            ),
            (
                json!({"url": "redis://:p@x", "password": "q"}),
                "password",
                "the password is given twice, by `password` and in `url`",
            ),
            (
                json!({"username": "me"}),
                "username",
                "a user is given without a password",
            ),
            (
                json!({"url": "rediss://x", "tls": {"mode": "disabled"}}),
                "tls.mode",
                "`url` asks for TLS with `rediss`, and `tls.mode` is `disabled`",
            ),
            (
                json!({"url": "rediss://x", "tls": {"cert": "c"}}),
                "tls.cert",
                "`tls.cert` is given without `tls.key`",
            ),
        ] {
            let invalid = server(entry.clone()).expect_err(message);
            assert_eq!(
                (invalid.key.as_str(), invalid.message.as_str()),
                (key, message),
                "{entry}"
            );
            assert!(invalid.hint.is_some());
        }
    }
}
