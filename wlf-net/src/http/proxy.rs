//! Proxies as the environment names them.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use http::uri::{Authority, Scheme};
use wlf_data::config::Secret;

use crate::loopback::is_loopback;

/// The proxies that requests go through, and what goes without.
///
/// Nothing that stays on this machine goes through a proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    without: Vec<Without>,
}

/// A proxy, and who we are to it.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// It is spoken to over TLS.
    pub is_secured: bool,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<Secret>,
}

/// What goes without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Without {
    All,
    /// A host and all below it, to any port or to one.
    Host(String, Option<u16>),
    /// A network by its first address and the length of its prefix.
    Network(IpAddr, u8),
}

/// A variable that names no proxy. Its value may hold a password and is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not the URL of a proxy")]
pub struct InvalidProxy {
    pub variable: &'static str,
}

impl Proxies {
    /// Reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY, also in small letters, which then count first.
    ///
    /// # Errors
    /// If one of the first two is not of the form `http://[user[:password]@]host[:port]`, or `https://…` for a proxy that is
    /// spoken to over TLS.
    pub fn from_environment() -> Result<Self, InvalidProxy> {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The same with other variables than the environment's.
    ///
    /// # Errors
    /// As [`from_environment`](Self::from_environment).
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let value = |name: &str| {
            variable(&name.to_ascii_lowercase())
                .or_else(|| variable(name))
                .filter(|value| !value.trim().is_empty())
        };
        let proxy = |name: &'static str| match value(name) {
            None => Ok(None),
            Some(text) => Proxy::new(text.trim())
                .map(Some)
                .ok_or(InvalidProxy { variable: name }),
        };
        let without = value("NO_PROXY").unwrap_or_default();
        Ok(Self {
            http: proxy("HTTP_PROXY")?,
            https: proxy("HTTPS_PROXY")?,
            without: without.split(',').filter_map(Without::new).collect(),
        })
    }

    /// The proxy for requests to a server.
    pub(super) fn of(&self, scheme: &Scheme, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = match *scheme == Scheme::HTTPS {
            true => self.https.as_ref(),
            false => self.http.as_ref(),
        };
        let goes_without = || {
            is_loopback(host)
                || self
                    .without
                    .iter()
                    .any(|without| without.covers(host, port))
        };
        proxy.filter(|_| !goes_without())
    }
}

impl Proxy {
    fn new(text: &str) -> Option<Self> {
        let whole = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        let url: Uri = whole.parse().ok()?;
        let is_secured = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = url.authority()?;
        let login = authority.as_str().rsplit_once('@').map(|(login, _)| login);
        let authorization = login.map(|login| {
            let login = BASE64_STANDARD.encode(decoded(login));
            Secret::new(format!("Basic {login}"))
        });
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port = port(authority, if is_secured { 443 } else { 80 })?;
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
            is_secured,
            authorization,
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::dial::server(&self.host, self.port))
    }
}

/// The port of a URL, `usual` where it names none; `None` if what stands there is no port.
pub fn port(authority: &Authority, usual: u16) -> Option<u16> {
    let after_host = authority.as_str().rsplit(['@', ']']).next()?;
    match after_host.contains(':') {
        true => authority.port_u16(),
        false => Some(usual),
    }
}

/// The bytes that a text of a URL stands for.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

impl Without {
    fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return Some(Without::All);
        }
        if let Some((address, bits)) = text.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse(), bits.parse())
        {
            return Some(Without::Network(address, bits));
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Without::Host(address.to_string(), None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        let host = host.trim_start_matches("*.").trim_start_matches('.');
        Some(Without::Host(
            host.trim_matches(['[', ']']).to_owned(),
            port,
        ))
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        match self {
            Without::All => true,
            Without::Network(network, bits) => host
                .parse()
                .is_ok_and(|address: IpAddr| is_in(address, *network, *bits)),
            Without::Host(name, only) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let is_below = host
                    .strip_suffix(name.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'));
                is_below && only.is_none_or(|only| only == port)
            }
        }
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (
            u128::from(address.to_bits()),
            u128::from(network.to_bits()),
            32,
        ),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let shift = u32::from(width - bits.min(width));
    address.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, InvalidProxy> {
        Proxies::new(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = proxies(&[
            ("HTTP_PROXY", "http://one:3128/"),
            ("HTTPS_PROXY", "http://wrong:1"),
            ("https_proxy", "me:p%40ss:x@[::2]:3129"),
        ])
        .expect("proxies");
        let of = |scheme, host| proxies.of(scheme, host, 80);
        assert_eq!(
            of(&Scheme::HTTP, "example.com").expect("one").to_string(),
            "one:3128"
        );
        let two = of(&Scheme::HTTPS, "example.com").expect("two");
        assert_eq!(two.to_string(), "[::2]:3129");
        let authorization = two.authorization.as_ref().expect("a login").expose();
        assert_eq!(
            authorization,
            format!("Basic {}", BASE64_STANDARD.encode("me:p@ss:x"))
        );
        assert!(!format!("{proxies:?}").contains(authorization));
        for here in ["localhost", "127.0.0.1", "::1"] {
            assert!(of(&Scheme::HTTP, here).is_none());
        }
    }

    #[test]
    fn a_proxy_may_be_spoken_to_over_tls() {
        for (url, expected) in [
            ("https://x", ("x", 443, true)),
            ("https://:p@x:3128/", ("x", 3128, true)),
            ("http://x", ("x", 80, false)),
            ("x:3128", ("x", 3128, false)),
        ] {
            let proxy = Proxy::new(url).expect(url);
            assert_eq!((&*proxy.host, proxy.port, proxy.is_secured), expected);
        }
    }

    #[test]
    fn what_needs_none_gets_none() {
        let proxies = proxies(&[
            ("HTTP_PROXY", "one:3128"),
            (
                "NO_PROXY",
                "example.com, .intern,*.corp , 10.0.0.0/8,192.0.2.7,fd00::/8,db:3306",
            ),
        ])
        .expect("proxies");
        for (host, port, goes_through) in [
            ("example.com", 80, false),
            ("EXAMPLE.com.", 80, false),
            ("a.example.com", 80, false),
            ("anexample.com", 80, true),
            ("x.intern", 80, false),
            ("x.corp", 80, false),
            ("10.9.8.7", 80, false),
            ("11.9.8.7", 80, true),
            ("192.0.2.7", 80, false),
            ("192.0.2.77", 80, true),
            ("fd12::1", 80, false),
            ("fe80::1", 80, true),
            ("db", 3306, false),
            ("db", 3307, true),
            ("example.org", 80, true),
        ] {
            assert_eq!(
                proxies.of(&Scheme::HTTP, host, port).is_some(),
                goes_through,
                "{host}"
            );
        }
        assert!(Without::new("*").expect("all").covers("x", 1));
        assert!(Without::new("::1").expect("one").covers("::1", 1));
        assert!(is_in(
            "1.2.3.4".parse().unwrap(),
            "9.9.9.9".parse().unwrap(),
            0
        ));
        assert!(is_in("::1".parse().unwrap(), "::2".parse().unwrap(), 0));
    }

    #[test]
    fn other_values_are_refused_without_being_shown() {
        for value in [
            "socks5://:s3cret@x:1080",
            "ftp://:s3cret@x",
            "http://:s3cret@",
            "http://:s3cret@x:port",
        ] {
            let error = proxies(&[("HTTP_PROXY", value)]).expect_err(value);
            assert_eq!(error.to_string(), "HTTP_PROXY is not the URL of a proxy");
        }
        assert!(proxies(&[("HTTP_PROXY", "")]).expect("none").http.is_none());
    }
}
