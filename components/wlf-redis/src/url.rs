//! Where a Redis server is.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wlf_core::config::InvalidValue;

/// A server's address and the login for it: `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS.
///
/// Its password is never shown.
#[derive(Clone)]
pub struct Url {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
    is_secured: bool,
}

impl Url {
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn user(&self) -> Option<&str> {
        self.login.username.as_deref()
    }

    pub fn password(&self) -> Option<&str> {
        self.login.password.as_deref()
    }

    pub fn database(&self) -> i64 {
        self.login.db
    }

    /// Whether it begins with `rediss`.
    pub fn is_secured(&self) -> bool {
        self.is_secured
    }
}

const FORM: &str = "write `redis://[user[:password]@]host[:port][/database]`, `rediss://` for TLS; a password with `/`, `?`, `#`, `@` or `%` in it goes into `password`";

impl FromStr for Url {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // The text may hold a password, so no message repeats it.
        let (is_secured, plain) = match text.strip_prefix("rediss:") {
            // The library knows the scheme only together with its own TLS.
            Some(rest) => (true, format!("redis:{rest}")),
            None => (false, text.to_owned()),
        };
        if text.contains('#') {
            return Err(InvalidValue::new("the URL of a Redis server has no part behind a `#`")
                .with_hint("write a `#` in a password as `%23`, or put the password into `password`; how TLS is done is said by `tls`"));
        }
        let info = plain.into_connection_info().map_err(|error| {
            let detail = error.detail().map(|detail| format!(": {detail}"));
            InvalidValue::new(format!(
                "this is not the URL of a Redis server{}",
                detail.unwrap_or_default()
            ))
            .with_hint(FORM)
        })?;
        match info.addr {
            ConnectionAddr::Tcp(host, port) if !host.is_empty() => Ok(Self {
                host,
                port,
                login: info.redis,
                is_secured,
            }),
            ConnectionAddr::Tcp(..) => {
                Err(InvalidValue::new("the URL names no host").with_hint(FORM))
            }
            ConnectionAddr::TcpTls { .. } | ConnectionAddr::Unix(_) => {
                Err(InvalidValue::new("a Redis server is reached over TCP only").with_hint(FORM))
            }
        }
    }
}

/// Where the server is, without the login.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secured { "rediss" } else { "redis" };
        write!(f, "{scheme}://{self}")
    }
}

impl Default for Url {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            login: RedisConnectionInfo::default(),
            is_secured: false,
        }
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Url;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, as in `redis://127.0.0.1:6379`")
            }

            // Errors from in here are reported at the value's place.
            fn visit_str<E: Error>(self, text: &str) -> Result<Url, E> {
                text.parse()
                    .map_err(|error| E::custom(format_args!("{error:#}")))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// For the documentation of the default.
impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl JsonSchema for Url {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Url".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "uri"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        let url: Url = "redis://me:s%40cret@cache.example:6380/5"
            .parse()
            .expect("a URL");
        assert_eq!(url.user(), Some("me"));
        assert_eq!(url.password(), Some("s@cret"));
        assert_eq!(url.database(), 5);
        assert!(!url.is_secured());
        assert_eq!(url.to_string(), "cache.example:6380");
        assert_eq!(format!("{url:?}"), "redis://cache.example:6380");
        let url: Url = "redis://[::1]".parse().expect("a URL");
        assert_eq!(url.to_string(), "[::1]:6379");
        let url: Url = "rediss://:s3cret@cache.example".parse().expect("a URL");
        assert!(url.is_secured());
        assert_eq!(format!("{url:?}"), "rediss://cache.example:6379");
        assert_eq!(url.password(), Some("s3cret"));
    }

    #[test]
    fn what_cannot_be_reached_is_refused_without_showing_the_password() {
        for text in [
            "",
            "127.0.0.1:6379",
            "http://127.0.0.1",
            "redis://",
            "redis://:s3cret@host/x",
            "rediss://",
            "rediss://:s3cret@host/x",
            "rediss://:s3cret@host#insecure",
            "redis://:s3cret/#?@host",
            "redis://:s3cret?@host",
            "redis://:s3cret/@host",
            "redis+unix:///s3cret",
        ] {
            let error = text.parse::<Url>().expect_err(text);
            assert!(!format!("{error:#}").contains("s3cret"), "{text}: {error}");
            assert!(error.hint.is_some());
        }
    }
}
