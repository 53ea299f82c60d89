//! What stays on this machine, and what is sent where others can read it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::tls::Stream;

/// Tells whether a connection to `host`, a name or an address without brackets, does not leave this machine: `localhost`,
/// what is below it, `127.0.0.0/8` and `::1`. No name is looked up.
pub fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Warns once that a secret goes over connections that others can read.
///
/// One belongs to a component, over all of its connections; clones count as one.
#[derive(Debug, Clone, Default)]
pub struct Exposure(Arc<AtomicBool>);

impl Exposure {
    /// Logs a warning, if it did not before, when `stream` is not secured and leads to another machine: to be called before
    /// a secret is sent to `host` and `port`. `secret` says what it is and not how it reads, as in `the password`.
    pub fn warn(&self, stream: &Stream, host: &str, port: u16, secret: &str) {
        let Stream::Plain(tcp) = stream else {
            return;
        };
        let peer = tcp.peer_addr().ok().map(|address| address.ip());
        if self.is_news(host, peer) {
            let server = crate::dial::server(host, port);
            tracing::warn!("{secret} goes to {server} in the clear: set `tls`");
        }
    }

    /// Whether the other end of a plain connection is elsewhere, for the first time. A name may stand for this machine too.
    fn is_news(&self, host: &str, peer: Option<IpAddr>) -> bool {
        let is_here = peer.is_some_and(|address| address.to_canonical().is_loopback());
        !is_here && !is_loopback(host) && !self.0.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_here_is_known_by_its_name() {
        for host in [
            "localhost",
            "LocalHost.",
            "db.localhost",
            "127.0.0.1",
            "127.8.9.1",
            "::1",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example", "10.0.0.1", "::2", "[::1]", "db"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_secret_that_leaves_this_machine_is_warned_of_once() {
        for (host, peer, is_exposed) in [
            ("10.0.0.1", Some("10.0.0.1"), true),
            ("db.example", Some("2001:db8::1"), true),
            ("db.example", None, true),
            ("db.example", Some("127.0.0.1"), false),
            ("db.example", Some("::ffff:127.0.0.1"), false),
            ("localhost", None, false),
        ] {
            let peer = peer.map(|peer| peer.parse().unwrap());
            let exposure = Exposure::default();
            assert_eq!(exposure.is_news(host, peer), is_exposed, "{host} {peer:?}");
            assert!(!exposure.clone().is_news(host, peer));
        }
    }
}
