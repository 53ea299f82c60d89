//! Redis' protocol, as far as commands that write need it (RESP2).
//!
//! Commands are written straight into the buffer that is sent, and of the replies only the errors are looked at.
//!
//! Source: <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use std::fmt;

use wlf_core::format::Buffer;

/// No reply that is expected here is longer, in bytes.
const LONGEST: usize = 1 << 20;

/// Appends the head of a command with `arguments` arguments, its name included.
pub fn head(arguments: usize, out: &mut Buffer) {
    out.byte(b'*');
    number(arguments, out);
}

/// Appends an argument.
pub fn argument(bytes: &[u8], out: &mut Buffer) {
    out.byte(b'$');
    last_of(bytes, out);
}

/// Appends an argument whose `$` is there already.
pub fn last_of(bytes: &[u8], out: &mut Buffer) {
    number(bytes.len(), out);
    out.put(bytes);
    out.put(b"\r\n");
}

fn number(n: usize, out: &mut Buffer) {
    out.unsigned(n as u64);
    out.put(b"\r\n");
}

/// An answer that is none of Redis'.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not one of Redis: {0}")]
pub struct NotRedis(pub &'static str);

/// What the server said to a command.
pub type Reply = Result<(), ErrorReply>;

/// An error as the server wrote it: a word that clients know it by, and words for people.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorReply(String);

impl ErrorReply {
    pub fn new(line: &[u8]) -> Self {
        Self(String::from_utf8_lossy(line).into_owned())
    }

    pub fn code(&self) -> &str {
        self.parts().0
    }

    pub fn detail(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(' ').unwrap_or((&self.0, ""))
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes the first reply off `bytes`: its length in bytes and what it says; `None` if it has not all come yet.
pub fn reply(bytes: &[u8]) -> Result<Option<(usize, Reply)>, NotRedis> {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return if bytes.len() > LONGEST {
            Err(NotRedis("a line without end"))
        } else {
            Ok(None)
        };
    };
    let after = end + 1;
    let line = bytes.get(..end).unwrap_or_default();
    let Some((kind, text)) = line.strip_suffix(b"\r").and_then(|line| line.split_first()) else {
        return Err(NotRedis("a line that is empty, or does not end in CR LF"));
    };
    match kind {
        b'+' | b':' => Ok(Some((after, Ok(())))),
        b'-' => Ok(Some((after, Err(ErrorReply::new(text))))),
        b'$' if text == b"-1" => Ok(Some((after, Ok(())))),
        b'$' => {
            let length = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<usize>().ok())
                .filter(|length| *length <= LONGEST)
                .ok_or(NotRedis("a string of impossible length"))?;
            let end = after + length + 2;
            Ok((bytes.len() >= end).then_some((end, Ok(()))))
        }
        _ => Err(NotRedis(
            "neither a status, a number, a string nor an error",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_library() {
        let mut ours = Buffer::new();
        head(3, &mut ours);
        argument(b"PUBLISH", &mut ours);
        argument(b"channel", &mut ours);
        argument(b"a message\r\n", &mut ours);
        let theirs = redis::cmd("PUBLISH")
            .arg("channel")
            .arg("a message\r\n")
            .get_packed_command();
        assert_eq!(ours.as_slice(), theirs);
    }

    #[test]
    fn replies_are_taken_one_by_one_and_only_when_they_are_complete() {
        let all = b"+OK\r\n:12\r\n$15\r\n1700000000000-0\r\n$-1\r\n-WRONGTYPE no list\r\n+X\r\n";
        let ends = [5, 10, 32, 37, 57, 61];
        let mut start = 0;
        for (n, end) in ends.into_iter().enumerate() {
            for cut in start..end {
                assert!(
                    matches!(reply(&all[start..cut]), Ok(None)),
                    "{start}..{cut}"
                );
            }
            let (length, said) = reply(&all[start..]).expect("a reply").expect("complete");
            assert_eq!(length, end - start);
            assert_eq!(said.is_err(), n == 4);
            if let Err(error) = said {
                assert_eq!((error.code(), error.detail()), ("WRONGTYPE", "no list"));
            }
            start = end;
        }
    }

    #[test]
    fn other_answers_are_refused() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"\n",
            b"+OK\n",
            b"$9999999999\r\n",
            b"$x\r\n",
            b"*1\r\n+OK\r\n",
            b"\x15\x03\x01\x00\x02\x02\n",
        ] {
            assert!(reply(bytes).is_err(), "{bytes:?}");
        }
        assert!(reply(&vec![b'+'; LONGEST + 1]).is_err());
    }
}
