//! Why a value of the tree does not become what a struct wants, in the words of the file's author.

use std::fmt;
use std::ptr;

use serde::de::{self, Expected, Unexpected};

use super::closest;
use super::problem::Problem;
use super::source::Span;
use super::told::Culprit;
use super::tree::{Node, Provenance, Scalar, Value};
use crate::config::scalar::Plain;

/// A value that could not be read. It gets its place on the way out of the tree.
///
/// It is behind a pointer because reading is compiled for each type that a configuration has, and each piece of that hands
/// it on.
#[derive(Debug)]
pub(crate) struct ReadError(Box<Unread>);

#[derive(Debug)]
struct Unread {
    reason: Reason,
    span: Option<Span>,
    /// Whether it is about the key that was read last.
    about_key: bool,
    culprit: Option<Culprit>,
    /// What a misspelt key was meant to be.
    meant: Option<String>,
    /// The address of the mapping that a key is missing in.
    mapping: Option<usize>,
    known_missing: Option<&'static str>,
}

#[derive(Debug)]
enum Reason {
    /// Something else was expected than what is there.
    Expected {
        what: String,
        found: String,
        hint: String,
    },
    Missing {
        key: &'static str,
    },
    Other {
        message: String,
        hint: String,
    },
    /// The tree's own problem, told already.
    Told,
}

impl ReadError {
    pub fn told() -> Self {
        Self::of(Reason::Told)
    }

    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::of(Reason::Other {
            message: message.into(),
            hint: hint.into(),
        })
    }

    /// `node` is not what is expected.
    pub fn expected(what: impl Into<String>, node: &Node) -> Self {
        if matches!(&node.value, Value::Scalar(scalar) if scalar.provenance == Provenance::Unfilled)
        {
            return Self::told();
        }
        Self::of(Reason::Expected {
            what: what.into(),
            found: describe(node),
            hint: String::new(),
        })
        .at(node.span)
    }

    /// A word that is none of those that are known.
    pub fn unknown(what: &str, word: &str, known: &[&str]) -> Self {
        let message = match known {
            [] => format!("unknown {what} `{word}`; there are none here"),
            [one] => format!("unknown {what} `{word}`, expected `{one}`"),
            known => format!("unknown {what} `{word}`, expected one of {}", list(known)),
        };
        let hint = closest(word, known.iter().copied())
            .map(|closest| format!("did you mean `{closest}`?"))
            .unwrap_or_default();
        Self::new(message, hint)
    }

    /// Says which entry or item it is about, unless it is known.
    #[must_use]
    pub fn by(mut self, culprit: impl FnOnce() -> Culprit) -> Self {
        self.0.culprit.get_or_insert_with(culprit);
        self
    }

    pub fn culprit(&self) -> Option<&Culprit> {
        self.0.culprit.as_ref()
    }

    pub fn is_blamed(&self) -> bool {
        self.0.culprit.is_some()
    }

    pub fn meant(&self) -> Option<&str> {
        self.0.meant.as_deref()
    }

    /// Says which mapping a key is missing in, unless that is known.
    #[must_use]
    pub fn of_mapping(mut self, node: &Node) -> Self {
        self.0.mapping.get_or_insert(ptr::from_ref(node).addr());
        self
    }

    /// Whether it is this mapping that a key is missing in.
    pub fn is_of(&self, node: &Node) -> bool {
        self.0.mapping == Some(ptr::from_ref(node).addr())
    }

    /// The same as something that was told already.
    #[must_use]
    pub fn known(mut self) -> Self {
        if let Reason::Missing { key } = self.0.reason {
            self.0.known_missing = Some(key);
        }
        self.0.reason = Reason::Told;
        self
    }

    /// The key that is missing because of what was told already.
    pub fn known_missing(&self) -> Option<&'static str> {
        self.0.known_missing
    }

    /// As [`known`](Self::known), except for a key that is missing.
    #[must_use]
    pub fn unless_missing(self) -> Self {
        match self.0.reason {
            Reason::Missing { .. } => self,
            _ => self.known(),
        }
    }

    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        if let Reason::Expected { hint, .. } | Reason::Other { hint, .. } = &mut self.0.reason {
            *hint = text.into();
        }
        self
    }

    /// Gives the error a place unless it has a closer one.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// Gives an error about a key the place of the last one.
    #[must_use]
    pub fn at_key(self, last: Option<Span>) -> Self {
        match last {
            Some(span) if self.0.about_key => self.at(span),
            _ => self,
        }
    }

    /// Says what is there, where serde's own visitors said only what they expect.
    #[must_use]
    pub fn found(mut self, node: &Node) -> Self {
        if let Reason::Expected { found, .. } = &mut self.0.reason
            && found.is_empty()
        {
            *found = describe(node);
        }
        if self.0.span.is_none() && !matches!(self.0.reason, Reason::Missing { .. }) {
            self.0.span = Some(node.span);
            self.hide(node);
        }
        self
    }

    /// Leaves what a variable or a file has filled in out of what is said about it.
    fn hide(&mut self, node: &Node) {
        if let Reason::Other { message, hint } = &mut self.0.reason
            && let Some(text) = node.secret()
        {
            *message = without(message, text);
            *hint = without(hint, text);
        }
    }

    /// The key that is missing, if that is the error.
    pub fn missing(&self) -> Option<&'static str> {
        match self.0.reason {
            Reason::Missing { key } => Some(key),
            _ => None,
        }
    }

    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// The problem to tell; `None` if it was told already. `fallback` is the place of an error that found none.
    pub fn into_problem(self, fallback: Span) -> Option<Problem> {
        let span = self.0.span.unwrap_or(fallback);
        match self.0.reason {
            Reason::Told => None,
            Reason::Expected { what, found, hint } => {
                let message = format!("expected {what}, found {found}");
                Some(Problem::new(span, message).label(hint))
            }
            Reason::Missing { key } => Some(
                Problem::new(span, format!("missing key `{key}`"))
                    .label(format!("add `{key}:` here")),
            ),
            Reason::Other { message, hint } => Some(Problem::new(span, message).label(hint)),
        }
    }

    fn of(reason: Reason) -> Self {
        Self(Box::new(Unread {
            reason,
            span: None,
            about_key: false,
            culprit: None,
            meant: None,
            mapping: None,
            known_missing: None,
        }))
    }
}

/// What is said, without what it quotes of a text that is not to be shown: between backticks stands what was given, whole or
/// in parts, and an example of ours only by chance.
pub(crate) fn without(said: &str, text: &str) -> String {
    /// Shorter parts are in anything.
    const SHORTEST: usize = 3;
    // It would end what quotes it.
    if text.contains('`') && said.contains('`') {
        return "the value does not fit here, and is not shown".to_owned();
    }
    let parts = text.split(|c: char| !c.is_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| part.len() >= SHORTEST).collect();
    let tells = |quoted: &str| {
        !text.is_empty() && quoted == text || parts.iter().any(|part| quoted.contains(part))
    };
    let pieces = said.split('`').enumerate().map(|(n, piece)| {
        let is_quoted = n % 2 == 1;
        if is_quoted && tells(piece) {
            "…"
        } else {
            piece
        }
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// What there is, in a message's words.
fn describe(node: &Node) -> String {
    match &node.value {
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Scalar(scalar) => describe_scalar(scalar),
    }
}

fn describe_scalar(scalar: &Scalar) -> String {
    let filled = matches!(scalar.provenance, Provenance::Filled { .. });
    if scalar.provenance == (Provenance::Filled { secret: true }) {
        return "a text that is not shown".to_owned();
    }
    let plain = if scalar.plain && !(filled && Plain::of(&scalar.text) == Plain::Null) {
        Plain::of(&scalar.text)
    } else {
        Plain::Text
    };
    let mut text: String = scalar.text.chars().take(40).collect();
    if text.len() < scalar.text.len() {
        text.push('…');
    }
    match plain {
        Plain::Null => "nothing".to_owned(),
        Plain::Bool(value) => format!("`{value}`"),
        Plain::Unsigned(_) | Plain::Signed(_) | Plain::Float(_) => format!("the number {text}"),
        Plain::Text if text.is_empty() => "an empty text".to_owned(),
        Plain::Text => format!("text `{text}`"),
    }
}

/// Words as `a`, `b`, `c`.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a &'a str>) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push('`');
        out.push_str(word);
        out.push('`');
    }
    out
}

/// Serde's names for what it expects, in a user's words.
pub(crate) fn in_words(expected: &str) -> String {
    let words = match expected {
        "a boolean" | "bool" => "`true` or `false`",
        "a string" | "a borrowed string" | "str" | "string" => "text",
        "a character" => "a single character",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "unit" | "null" => "nothing",
        "a nonzero u8" => "a whole number from 1 to 255",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" => "a whole number from 1 to 18446744073709551615",
        "path string" => "a path",
        other => {
            if other.starts_with("struct ") || other.starts_with("tuple struct ") {
                "a mapping"
            } else {
                other
            }
        }
    };
    words.to_owned()
}

impl de::Error for ReadError {
    /// A second line of the message is its hint.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        let (message, hint) = text.split_once('\n').unwrap_or((&text, ""));
        Self::new(message, hint.replace('\n', " "))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(Reason::Expected {
            what: in_words(&expected.to_string()),
            found: String::new(),
            hint: String::new(),
        })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(
            format!(
                "expected {}, found {length} values",
                in_words(&expected.to_string())
            ),
            "",
        )
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("choice", variant, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::unknown("key", field, expected);
        error.0.about_key = true;
        error.0.meant = closest(field, expected.iter().copied()).map(str::to_owned);
        error
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(Reason::Missing { key: field })
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(
            format!("the key `{field}` is given twice"),
            "it may have been given under another name",
        )
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.reason {
            Reason::Expected { what, found, .. } => write!(f, "expected {what}, found {found}"),
            Reason::Missing { key } => write!(f, "missing key `{key}`"),
            Reason::Other { message, .. } => f.write_str(message),
            Reason::Told => f.write_str("a variable is not set"),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn nothing_is_told_of_a_text_that_is_not_shown() {
        for (said, text, expected) in [
            ("`hunter2` has no port", "hunter2", "`…` has no port"),
            ("`er2` is not a port", "hunt:er2", "`…` is not a port"),
            ("write `host:port`", "hunter2", "write `host:port`"),
            ("`x` has no port", "x", "`…` has no port"),
        ] {
            assert_eq!(without(said, text), expected);
        }
        let said = without("`hunt`er2` has no port", "hunt`er2");
        assert!(!said.contains("er2"), "{said}");
    }
}
