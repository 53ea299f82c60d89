//! Paths into JSON documents, as the server writes them into differences (mysql-server, `sql-common/json_path.cc`).

use crate::reader::{Malformed, Reader};

/// A step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leg {
    Member(Vec<u8>),
    /// Counted from the front.
    Cell(usize),
    /// Counted from the back: 0 is the last.
    Last(usize),
}

/// The longest path that is followed: documents are no deeper.
const LEGS: usize = 100;

/// Reads a path, which has no wildcards: `$.name."two words"[3][last-1]`.
pub fn path(text: &[u8]) -> Result<Vec<Leg>, Malformed> {
    const WRONG: Malformed = Malformed::Invalid("a path in a JSON document");
    let mut reader = Reader::new(text);
    if reader.u8("a path")? != b'$' {
        return Err(WRONG);
    }
    let mut legs = Vec::new();
    while !reader.is_empty() {
        if legs.len() >= LEGS {
            return Err(WRONG);
        }
        let rest = reader.rest();
        let (leg, length) = match rest {
            [b'.', b'"', ..] => quoted(rest).ok_or(WRONG)?,
            [b'.', ..] => {
                let name = rest.iter().skip(1);
                let length = name.take_while(|byte| !matches!(byte, b'.' | b'[')).count();
                let name = rest.get(1..=length).filter(|name| !name.is_empty());
                (Leg::Member(name.ok_or(WRONG)?.to_vec()), 1 + length)
            }
            [b'[', ..] => indexed(rest).ok_or(WRONG)?,
            _ => return Err(WRONG),
        };
        legs.push(leg);
        reader.bytes(length, "a path")?;
    }
    Ok(legs)
}

/// Reads `."name"`, which is a JSON string, and gives its length.
fn quoted(text: &[u8]) -> Option<(Leg, usize)> {
    let mut is_escaped = false;
    let end = text.iter().skip(2).position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })?;
    let length = 2 + end + 1;
    let name: String = serde_json::from_slice(text.get(1..length)?).ok()?;
    Some((Leg::Member(name.into_bytes()), length))
}

/// Reads `[3]`, `[last]` or `[last-3]`, and gives its length.
fn indexed(text: &[u8]) -> Option<(Leg, usize)> {
    let end = text.iter().position(|byte| *byte == b']')?;
    let inside = std::str::from_utf8(text.get(1..end)?).ok()?;
    let number = |text: &str| text.trim().parse().ok();
    let leg = match inside.trim().strip_prefix("last") {
        None => Leg::Cell(number(inside)?),
        Some("") => Leg::Last(0),
        Some(back) => Leg::Last(number(back.trim().strip_prefix('-')?)?),
    };
    Some((leg, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths() {
        let member = |name: &str| Leg::Member(name.into());
        for (text, legs) in [
            ("$", vec![]),
            ("$.a", vec![member("a")]),
            ("$.ä[10].b", vec![member("ä"), Leg::Cell(10), member("b")]),
            (
                r#"$."a.b[\"\u00e4\"]"[last][last-3]"#,
                vec![member("a.b[\"ä\"]"), Leg::Last(0), Leg::Last(3)],
            ),
        ] {
            assert_eq!(path(text.as_bytes()), Ok(legs), "{text}");
        }
        for wrong in ["", "a", "$.", "$a", "$[", "$[x]", "$[*]", "$.\"a", "$**.a"] {
            assert!(path(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(path(format!("${}", "[0]".repeat(101)).as_bytes()).is_err());
    }
}
