use std::fmt;
use std::str::FromStr;

use super::{InvalidValue, serialize_as_text, text_value};

/// A server's address, written `host:port`; an IPv6 address stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let example = "write `host:port`, as in `127.0.0.1:9092` or `[::1]:9092`";
        // What stands before an `@` may be a password.
        if let Some((login, address)) = text.rsplit_once('@') {
            let scheme = login.split_once("://").map(|(scheme, _)| scheme);
            let scheme = scheme.map(|scheme| format!("{scheme}://"));
            let scheme = scheme.unwrap_or_default();
            return Err(InvalidValue::new(format!(
                "`{scheme}…@{address}` has a login, and an address has none"
            ))
            .with_hint(format!(
                "user and password have options of their own: {example}"
            )));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(
                InvalidValue::new(format!("`{text}` is a URL, not an address"))
                    .with_hint(format!("leave `{scheme}://` out: {example}")),
            );
        }
        let bracketed = text.starts_with('[');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bracketed || host.ends_with(']') => (host, port),
            _ => {
                return Err(InvalidValue::new(format!("`{text}` has no port")).with_hint(example));
            }
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if !bracketed && host.contains(':') {
            return Err(InvalidValue::new(format!("`{text}` is not an address")).with_hint(example));
        }
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(
                InvalidValue::new(format!("`{text}` has no usable host")).with_hint(example)
            );
        }
        match port.parse() {
            Ok(port) if port != 0 => Ok(HostPort {
                host: host.to_owned(),
                port,
            }),
            _ => Err(InvalidValue::new(format!("`{port}` is not a port"))
                .with_hint("a port is a whole number from 1 to 65535")),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

serialize_as_text!(HostPort);
text_value!(HostPort, "host:port", "an address, as in `127.0.0.1:9092`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_were_written() {
        for text in ["127.0.0.1:9092", "kafka-1.example:9092", "[::1]:9092"] {
            let address: HostPort = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.port, 9092);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "kafka",
            ":9092",
            "kafka:",
            "kafka:0",
            "kafka:65536",
            "::1:9092",
            "[::1]",
            "a b:1",
            "tcp://kafka:9092",
            "me@kafka:9092",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for text in [
            "nats://me:hunter2@kafka:9092",
            "me:hunter2@kafka:9092",
            "me:hunter2@kafka",
            "://hunter2@",
            "nats://me:hunter2@ter2@kafka:1",
        ] {
            let InvalidValue { message, hint } = text.parse::<HostPort>().unwrap_err();
            assert!(!format!("{message} {hint:?}").contains("ter2"), "{message}");
        }
    }
}
