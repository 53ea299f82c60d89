//! What is wrong with a text that is not YAML, in the words of who wrote it.

use saphyr_parser::ScanError;

use super::problem::Problem;
use super::source::Span;

/// Parts of the parser's messages, what they mean, and what to do.
const MEANINGS: [(&[&str], &str, &str); 8] = [
    (
        &["unknown anchor", "scanning an anchor or alias"],
        "`*` begins an alias, and nothing before it has that anchor",
        "quote a pattern that begins with `*`",
    ),
    (&["tab"], "a tab does not indent", "indent by spaces"),
    (
        &["flow sequence", "flow construct"],
        "a list that begins with `[` goes on or ends wrongly",
        "items are separated by `,`, and `]` ends the list",
    ),
    (
        &["flow mapping"],
        "a mapping that begins with `{` goes on or ends wrongly",
        "entries are separated by `,`, and `}` ends the mapping",
    ),
    (
        &["unknown escape", "escape code", "hexadecimal"],
        "unknown escape after `\\` in a text in `\"`",
        "between `'` a backslash is a backslash",
    ),
    (
        &["trailing content after"],
        "there is something behind a quoted text",
        "quote the whole text",
    ),
    (
        &["quoted scalar"],
        "a quoted text does not end, or goes on with too little indentation",
        "close the quote",
    ),
    (
        &[
            "mapping values are not allowed",
            "placement of ':'",
            "expect ':'",
        ],
        "there is no key here that this `:` could belong to",
        "quote a text that holds `: `",
    ),
];

/// Messages that all mean the same.
const INDENTATION: [&str; 6] = [
    "'-' indicator",
    "expected key",
    "indent",
    "document start",
    "block sequence entries",
    "simple key expected",
];

/// The problem of a text that the parser refuses.
pub(crate) fn problem(error: &ScanError, lines: &[&str]) -> Problem {
    let span = place(error, lines);
    let info = error.info();
    let character = lines
        .get(span.line.saturating_sub(1))
        .and_then(|line| line.chars().nth(span.column.saturating_sub(1)));
    let (meaning, hint) = meaning(info, character);
    Problem::new(span, format!("this is not valid YAML: {meaning}")).label(hint)
}

fn meaning(info: &str, character: Option<char>) -> (String, &'static str) {
    let known = MEANINGS
        .iter()
        .find(|(parts, ..)| parts.iter().any(|part| info.contains(part)));
    if let Some((_, meaning, hint)) = known {
        return ((*meaning).to_owned(), hint);
    }
    if let Some(c @ ('%' | '@' | '`')) = character {
        return (
            format!("a text does not begin with `{c}`"),
            "quote the text",
        );
    }
    if INDENTATION.iter().any(|part| info.contains(part)) {
        return (
            "this does not belong to what is above it".to_owned(),
            "the keys of one mapping begin in the same column, the `-` of one list too",
        );
    }
    (info.to_owned(), "")
}

/// Where the parser stopped; the end of the last line for a text that ends too early.
fn place(error: &ScanError, lines: &[&str]) -> Span {
    let marker = error.marker();
    let (line, column) = match lines.get(marker.line().saturating_sub(1)) {
        Some(_) => (marker.line(), marker.col() + 1),
        None => {
            let last = lines
                .last()
                .map_or(0, |line| line.trim_end().chars().count());
            (lines.len().max(1), last + 1)
        }
    };
    Span {
        line: line.max(1),
        column,
        length: 1,
    }
}
