//! WasmEdge's error numbers as errors with a kind and words.

use std::io::{self, ErrorKind};

/// `__WASI_ERRNO_AIADDRFAMILY` to `__WASI_ERRNO_AISYSTEM`: WasmEdge's own numbers for what getaddrinfo(3) says. The standard
/// library has no words for them.
const LOOKUP: [&str; 11] = [
    "the name has no address of this family",
    "the name server is busy or cannot be reached",
    "invalid flags",
    "the name server failed",
    "the address family is not supported",
    "out of memory",
    "the name has no address",
    "the name is not known",
    "the service is not known",
    "the socket type is not supported",
    "the system failed",
];
const FIRST_LOOKUP: i32 = 77;

/// Makes an error of a number. Those of connections say only what happened: their numbers are WASI's, not the host's, and
/// would mislead whoever looks them up.
pub(crate) fn error(errno: i32) -> io::Error {
    let kind = match errno {
        libc::ECONNREFUSED => ErrorKind::ConnectionRefused,
        libc::ECONNRESET => ErrorKind::ConnectionReset,
        libc::ECONNABORTED => ErrorKind::ConnectionAborted,
        libc::EHOSTUNREACH => ErrorKind::HostUnreachable,
        libc::ENETUNREACH => ErrorKind::NetworkUnreachable,
        libc::ENETDOWN => ErrorKind::NetworkDown,
        libc::ETIMEDOUT => ErrorKind::TimedOut,
        libc::ENOTCONN => ErrorKind::NotConnected,
        libc::EPIPE => ErrorKind::BrokenPipe,
        libc::EADDRINUSE => ErrorKind::AddrInUse,
        libc::EADDRNOTAVAIL => ErrorKind::AddrNotAvailable,
        libc::EAFNOSUPPORT => {
            return io::Error::new(
                ErrorKind::Unsupported,
                "this address family is not supported here",
            )
        }
        _ => {
            let lookup = usize::try_from(errno - FIRST_LOOKUP).ok();
            return match lookup.and_then(|at| LOOKUP.get(at)) {
                Some(words) => io::Error::new(ErrorKind::NotFound, *words),
                None => io::Error::from_raw_os_error(errno),
            };
        }
    };
    kind.into()
}
