//! Connections through a proxy to servers that speak TLS.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::HttpError;
use super::proxy::Proxy;
use crate::tls::Stream;

/// The longest answer of a proxy to CONNECT, in bytes.
const LONGEST: usize = 16 << 10;

/// Asks the proxy at the other end of `stream` to connect to `server`.
///
/// # Errors
/// If it does not.
pub async fn open(stream: &mut Stream, proxy: &Proxy, server: &str) -> Result<(), HttpError> {
    let authorization = match &proxy.authorization {
        Some(value) => format!("Proxy-Authorization: {}\r\n", value.expose()),
        None => String::new(),
    };
    let request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n{authorization}\r\n");
    let status = match exchange(stream, request.as_bytes()).await {
        Some(head) => status(&head),
        None => None,
    };
    match status {
        Some(200..300) => Ok(()),
        Some(status) => Err(HttpError::ProxyRefused {
            proxy: proxy.to_string(),
            server: server.to_owned(),
            status,
        }),
        None => Err(HttpError::NotAProxy {
            proxy: proxy.to_string(),
        }),
    }
}

/// Sends the request and reads the head of the answer. Nothing comes behind it: with TLS the client speaks first.
async fn exchange(stream: &mut Stream, request: &[u8]) -> Option<Vec<u8>> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read_buf(&mut head).await.ok()?;
        if read == 0 || head.len() > LONGEST {
            return None;
        }
    }
    Some(head)
}

/// The status of `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.strip_prefix("HTTP/1.")?.split(' ').skip(1);
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_status_is_read_out_of_its_line() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407\r\n", Some(407)),
            ("HTTP/2 200\r\n", None),
            ("SSH-2.0-OpenSSH_9.2\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }
}
