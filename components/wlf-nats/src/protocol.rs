//! The client's side of the NATS protocol: bytes in, values out.
//!
//! Source: <https://docs.nats.io/reference/reference-protocols/nats-protocol> and, for headers, ADR-4
//! <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md>
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

use std::str;

use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes: `INFO` names all servers of a cluster.
const LONGEST_LINE: usize = 256 << 10;
/// The largest message that is read, in bytes. Only answers of JetStream come here.
const LARGEST_MESSAGE: usize = 1 << 20;
/// The longest subject that is sent, in bytes: a server takes lines of 4096 by default.
const LONGEST_SUBJECT: usize = 3072;

/// What a server says of itself, as far as it is of use here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Info {
    pub version: String,
    /// The most bytes of a message, headers included.
    #[serde(default = "max_payload")]
    pub max_payload: usize,
    pub headers: bool,
    /// The server goes on over TLS only.
    pub tls_required: bool,
    /// The server goes on over TLS, or without.
    pub tls_available: bool,
    /// Lame duck mode: the server is about to close its connections.
    pub ldm: bool,
}

/// What a server takes that is told nothing else.
fn max_payload() -> usize {
    1 << 20
}

/// What a client says of itself.
#[derive(Clone, Copy, Serialize)]
pub struct Connect<'a> {
    pub verbose: bool,
    pub pedantic: bool,
    pub tls_required: bool,
    pub name: &'a str,
    pub lang: &'a str,
    pub version: &'a str,
    pub protocol: u8,
    pub headers: bool,
    pub no_responders: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<&'a str>,
}

/// An operation of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation<'a> {
    Info(Info),
    Ping,
    Pong,
    Ok,
    /// `-ERR`, without its quotes.
    Err(&'a str),
    Message(Message<'a>),
}

/// A message for a subscription of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub subject: &'a str,
    /// The block of headers as it came; empty without.
    pub headers: &'a [u8],
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The status in the first line of the headers: `NATS/1.0 503`.
    pub fn status(&self) -> Option<u16> {
        let rest = self.headers.strip_prefix(b"NATS/1.0 ")?;
        str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
    }
}

/// What came is not what a NATS server says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNats {
    #[error("it says `{start}`")]
    Unknown { start: String },
    #[error("a line has more than {LONGEST_LINE} bytes")]
    LongLine,
    #[error("a message has {bytes} bytes, more than {LARGEST_MESSAGE}")]
    LargeMessage { bytes: usize },
    #[error("the arguments `{line}` are not those of a message")]
    Arguments { line: String },
    #[error("a message does not end where it should")]
    End,
    #[error("its INFO is not understood: {why}")]
    Info { why: String },
    #[error("it goes on behind its INFO, where it has to wait for us")]
    BehindInfo,
}

/// Reads the operation that `bytes` begin with, and how many bytes it has; `None` if it is not there as a whole.
///
/// # Errors
/// If no server says what `bytes` begin with.
pub fn decode(bytes: &[u8]) -> Result<Option<(usize, Operation<'_>)>, NotNats> {
    let head = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', head) else {
        if head.len() == LONGEST_LINE {
            return Err(NotNats::LongLine);
        }
        return Ok(None);
    };
    let line = head.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let after = end.saturating_add(1);
    let unknown = || NotNats::Unknown { start: shown(line) };
    let line = str::from_utf8(line).map_err(|_| unknown())?;
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    let operation = match word.to_ascii_uppercase().as_str() {
        "MSG" => return message(bytes, after, rest, false),
        "HMSG" => return message(bytes, after, rest, true),
        "PING" => Operation::Ping,
        "PONG" => Operation::Pong,
        "+OK" => Operation::Ok,
        "-ERR" => Operation::Err(rest.trim_matches('\'')),
        "INFO" => Operation::Info(serde_json::from_str(rest).map_err(|error| NotNats::Info {
            why: error.to_string(),
        })?),
        _ => return Err(unknown()),
    };
    Ok(Some((after, operation)))
}

/// `MSG <subject> <sid> [reply-to] <#bytes>`, and `HMSG` with the number of bytes of headers before the last.
fn message<'a>(
    bytes: &'a [u8],
    start: usize,
    arguments: &'a str,
    has_headers: bool,
) -> Result<Option<(usize, Operation<'a>)>, NotNats> {
    let wrong = || NotNats::Arguments {
        line: shown(arguments.as_bytes()),
    };
    let words: Vec<&str> = arguments.split_ascii_whitespace().take(6).collect();
    let number = |text: Option<&&str>| text.and_then(|text| text.parse::<usize>().ok());
    let mut rest = words.iter();
    let total = number(rest.next_back()).ok_or_else(wrong)?;
    let headers = match has_headers {
        true => number(rest.next_back()).ok_or_else(wrong)?,
        false => 0,
    };
    let (subject, is_complete) = match rest.as_slice() {
        [subject, _sid] | [subject, _sid, _] => (*subject, headers <= total),
        _ => return Err(wrong()),
    };
    if !is_complete {
        return Err(wrong());
    }
    if total > LARGEST_MESSAGE {
        return Err(NotNats::LargeMessage { bytes: total });
    }
    let end = start.saturating_add(total);
    let (Some(body), Some(tail)) = (bytes.get(start..end), bytes.get(end..end.saturating_add(2)))
    else {
        return Ok(None);
    };
    if tail != b"\r\n" {
        return Err(NotNats::End);
    }
    let (headers, payload) = body.split_at_checked(headers).ok_or_else(wrong)?;
    let message = Message {
        subject,
        headers,
        payload,
    };
    Ok(Some((end.saturating_add(2), Operation::Message(message))))
}

/// The beginning of what came, for a message.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..40).unwrap_or(bytes);
    start.escape_ascii().to_string()
}

/// Appends `CONNECT`.
pub fn connect(options: &Connect<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CONNECT ");
    // Texts and booleans can always be written.
    let _ = serde_json::to_writer(&mut *out, options);
    out.extend_from_slice(b"\r\n");
}

/// Why a text cannot be a subject to publish to; `None` if it can.
///
/// Source: <https://docs.nats.io/nats-concepts/subjects#characters-allowed-and-recommended-for-subject-names>
pub fn fault_of_subject(subject: &str) -> Option<&'static str> {
    if subject.len() > LONGEST_SUBJECT {
        return Some("it is longer than 3072 bytes");
    }
    if subject.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some("it has a space or a control character in it");
    }
    if subject.split('.').any(str::is_empty) {
        return Some(
            "there is nothing between two of its dots, or before the first, or behind the last",
        );
    }
    let is_wildcard = |token: &str| token == "*" || token == ">";
    let has_wildcard = subject.split('.').any(is_wildcard);
    has_wildcard.then_some("it has a wildcard in it")
}

/// Whether a header can have this name: visible letters and no colon.
pub fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_graphic() && c != b':')
}

/// Whether a header's value can be sent.
pub fn is_header_value(value: &[u8]) -> bool {
    memchr::memchr2(b'\r', b'\n', value).is_none()
}

const VERSION: &[u8] = b"NATS/1.0\r\n";

/// How many bytes the headers of a message have.
pub fn length_of_headers(headers: &[(&str, &[u8])]) -> usize {
    if headers.is_empty() {
        return 0;
    }
    let lines = headers.iter().map(|(name, value)| {
        let length = name.len().saturating_add(value.len());
        length.saturating_add(4)
    });
    let lines = lines.fold(0_usize, usize::saturating_add);
    lines.saturating_add(VERSION.len()).saturating_add(2)
}

/// Appends `PUB <subject> [reply-to] <#bytes>` or, with headers, `HPUB`, and the message.
///
/// The subject and the values have to be such as can be sent.
pub fn publish(
    subject: &str,
    reply: Option<&str>,
    headers: &[(&str, &[u8])],
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    let mut put = |bytes: &[u8]| out.extend_from_slice(bytes);
    let mut digits = itoa::Buffer::new();
    put(if headers.is_empty() {
        b"PUB "
    } else {
        b"HPUB "
    });
    put(subject.as_bytes());
    put(b" ");
    if let Some(reply) = reply {
        put(reply.as_bytes());
        put(b" ");
    }
    let length = length_of_headers(headers);
    if !headers.is_empty() {
        put(digits.format(length).as_bytes());
        put(b" ");
    }
    let total = length.saturating_add(payload.len());
    put(digits.format(total).as_bytes());
    put(b"\r\n");
    if !headers.is_empty() {
        put(VERSION);
        for (name, value) in headers {
            put(name.as_bytes());
            put(b": ");
            put(value);
            put(b"\r\n");
        }
        put(b"\r\n");
    }
    put(payload);
    put(b"\r\n");
}

/// What JetStream says of a message that was published.
#[derive(Debug, Deserialize)]
pub struct PubAck {
    pub error: Option<ApiError>,
    pub seq: Option<u64>,
}

/// Source: <https://github.com/nats-io/nats-server/blob/main/server/errors.json>
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiError {
    pub code: u16,
    pub err_code: u32,
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &[u8] =
        b"INFO {\"version\":\"2.9.10\",\"max_payload\":1048576,\"headers\":true,\"x\":[1]}\r\n\
        +OK\r\nPING\r\nPONG\r\n-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n\
        MSG _INBOX.x.1 1 5\r\nhel\r\n\r\nMSG _INBOX.x.2 1 reply 0\r\n\r\n\
        HMSG _INBOX.x.3 1 16 18\r\nNATS/1.0 503\r\n\r\nhi\r\n";

    fn all(mut bytes: &[u8]) -> Result<Vec<String>, NotNats> {
        let mut all = Vec::new();
        while let Some((length, operation)) = decode(bytes)? {
            all.push(format!("{operation:?}"));
            bytes = &bytes[length..];
        }
        Ok(all)
    }

    #[test]
    fn what_a_server_says_is_read() {
        let (length, info) = decode(SAID).unwrap().unwrap();
        let expected = Info {
            version: "2.9.10".to_owned(),
            max_payload: 1_048_576,
            headers: true,
            ..Info::default()
        };
        assert_eq!(info, Operation::Info(expected));
        let message = |subject, headers: &'static [u8], payload: &'static [u8]| {
            Operation::Message(Message {
                subject,
                headers,
                payload,
            })
        };
        let mut rest = &SAID[length..];
        for expected in [
            Operation::Ok,
            Operation::Ping,
            Operation::Pong,
            Operation::Err("Permissions Violation for Publish to \"a.b\""),
            message("_INBOX.x.1", b"", b"hel\r\n"),
            message("_INBOX.x.2", b"", b""),
            message("_INBOX.x.3", b"NATS/1.0 503\r\n\r\n", b"hi"),
        ] {
            let (length, operation) = decode(rest).unwrap().unwrap();
            assert_eq!(operation, expected);
            if let Operation::Message(message) = operation {
                let has_status = message.subject.ends_with('3');
                assert_eq!(message.status(), has_status.then_some(503));
            }
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn any_prefix_gives_what_is_there_as_a_whole() {
        let whole = all(SAID).unwrap();
        for length in 0..SAID.len() {
            let some = all(&SAID[..length]).unwrap();
            assert_eq!(some, whole[..some.len()], "{length}");
            assert!(some.len() < whole.len());
        }
    }

    #[test]
    fn what_no_server_says_is_an_error() {
        for said in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "INFO {\r\n",
            "MSG a 1\r\n",
            "MSG a 1 x\r\n",
            "MSG a 1 -1\r\n",
            "MSG a 1 r r 1\r\n",
            "MSG a 1 9999999999\r\n",
            "MSG a 1 99999999999999999999999\r\n",
            "HMSG a 1 5\r\n",
            "HMSG a 1 9 5\r\nabcde\r\n",
            "MSG a 1 1\r\nabc\r\n",
        ] {
            assert!(decode(said.as_bytes()).is_err(), "{said}");
        }
        assert_eq!(decode(&[b'x'; LONGEST_LINE]), Err(NotNats::LongLine));
        assert!(decode(b"\xff\xfe\n").is_err());
    }

    #[test]
    fn any_bytes_give_an_answer() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut bytes = SAID.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            let _ = all(&bytes);
        }
    }

    #[test]
    fn messages_are_written() {
        let mut out = Vec::new();
        publish("a.b", None, &[], b"hi", &mut out);
        publish("a", Some("_INBOX.1"), &[], b"", &mut out);
        let headers: [(&str, &[u8]); 2] = [("k", b"v"), ("Nats-Msg-Id", b"7")];
        publish("a", Some("r"), &headers, b"hello", &mut out);
        publish("a", None, &headers[..1], b"x", &mut out);
        let expected = "PUB a.b 2\r\nhi\r\nPUB a _INBOX.1 0\r\n\r\n\
            HPUB a r 34 39\r\nNATS/1.0\r\nk: v\r\nNats-Msg-Id: 7\r\n\r\nhello\r\n\
            HPUB a 18 19\r\nNATS/1.0\r\nk: v\r\n\r\nx\r\n";
        assert_eq!(str::from_utf8(&out).unwrap(), expected);
        assert_eq!(
            length_of_headers(&headers),
            "NATS/1.0\r\nk: v\r\nNats-Msg-Id: 7\r\n\r\n".len()
        );
    }

    #[test]
    fn not_every_text_is_a_subject() {
        for subject in ["a", "a.b", "logFlex.shop.Bücher", "a>b", "$JS.a*"] {
            assert_eq!(fault_of_subject(subject), None, "{subject}");
        }
        for subject in [
            "", ".", "a.", ".a", "a..b", "a b", "a\r\nPUB", "a.*", ">", "a.>", "a\0",
        ] {
            assert!(fault_of_subject(subject).is_some(), "{subject}");
        }
        assert!(fault_of_subject(&"x".repeat(4000)).is_some());
    }
}
