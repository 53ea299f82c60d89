//! `${VAR}`, `${VAR:-default}` and `${file:/run/secrets/x}` in a scalar's text.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::store::{FileStore, Store};

/// Where `${…}` is filled from. The core itself looks at neither variables nor files.
pub trait Environment {
    /// The value of an environment variable; `None` if it is unset or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    /// If it is missing, unreadable or not UTF-8.
    fn file(&self, path: &str) -> io::Result<String>;

    /// Where components keep things if `state.directory` is given.
    fn store(&self, directory: &Path) -> Arc<dyn Store> {
        Arc::new(FileStore::new(directory))
    }

    /// Whether a path, which need not exist, is in what the program may open: a guest sees only the directories that it is
    /// given.
    fn reaches(&self, path: &Path) -> bool {
        let _ = path;
        true
    }
}

/// A text whose `${…}` are filled in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    pub text: String,
    /// Whether something of it came from a variable or a file: who put it there and not into the configuration may have had a
    /// reason, whatever its name is.
    pub secret: bool,
    /// A variable that is set to nothing, and has no default that says that this is meant.
    pub empty: Option<String>,
}

/// A `${…}` that cannot be filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfilled {
    /// The `${…}` as it was written, to be found again in the source.
    pub written: String,
    pub message: String,
    pub hint: String,
}

/// Fills in each `${…}`; `None` if there is none. `$${` stands for a literal `${`.
pub(crate) fn interpolate(
    text: &str,
    environment: &dyn Environment,
) -> Option<Result<Filled, Unfilled>> {
    text.contains("${").then(|| fill(text, environment))
}

fn fill(text: &str, environment: &dyn Environment) -> Result<Filled, Unfilled> {
    let mut filled = Filled {
        text: String::new(),
        secret: false,
        empty: None,
    };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let inside = from.get(2..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            filled.text.push_str(before);
            filled.text.push_str("${");
            rest = inside;
            continue;
        }
        filled.text.push_str(before);
        let Some((reference, after)) = inside.split_once('}') else {
            return Err(Unfilled {
                written: from.to_owned(),
                message: format!("`{from}` begins a variable and does not end it"),
                hint: "write `${NAME}`, or `$${` for a literal `${`".to_owned(),
            });
        };
        value(reference, environment, &mut filled)?;
        rest = after;
    }
    filled.text.push_str(rest);
    Ok(filled)
}

/// Appends what a reference, the text between the braces, stands for.
fn value(
    reference: &str,
    environment: &dyn Environment,
    filled: &mut Filled,
) -> Result<(), Unfilled> {
    let unfilled = |message: String, hint: String| Unfilled {
        written: format!("${{{reference}}}"),
        message,
        hint,
    };
    if let Some(path) = reference.strip_prefix("file:") {
        let text = environment.file(path).map_err(|error| {
            unfilled(
                format!("cannot read `{path}`: {error}"),
                "the program sees only what `--dir` gives it, under the name that it has there"
                    .to_owned(),
            )
        })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        filled
            .text
            .push_str(text.strip_suffix('\r').unwrap_or(text));
        filled.secret = true;
        return Ok(());
    }
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if default.is_some_and(|default| default.contains("${")) {
        return Err(unfilled(
            format!("the default of `{name}` holds another variable"),
            "a default is plain text".to_owned(),
        ));
    }
    if !is_name(name) {
        return Err(unfilled(
            format!("`${{{reference}}}` is not a variable"),
            "write `${NAME}`, `${NAME:-default}` or `${file:/path}`".to_owned(),
        ));
    }
    let set = environment.variable(name);
    let set = set.filter(|value| default.is_none() || !value.is_empty());
    match (set, default) {
        (Some(value), _) => {
            filled.text.push_str(&value);
            filled.secret |= !value.is_empty();
            if value.is_empty() && default.is_none() {
                filled.empty.get_or_insert_with(|| name.to_owned());
            }
        }
        (None, Some(default)) => filled.text.push_str(default),
        (None, None) => {
            return Err(unfilled(
                format!("the variable `{name}` is not set"),
                format!("set it (`wasmedge --env {name}=…`) or write `${{{name}:-default}}`"),
            ));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Environment for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            match name {
                "HOST" => Some("db".to_owned()),
                "EMPTY" => Some(String::new()),
                "DB_PASSWORD" => Some("a${HOST}b".to_owned()),
                _ => None,
            }
        }

        fn file(&self, path: &str) -> io::Result<String> {
            match path {
                "/run/secrets/x" => Ok("s3\r\n".to_owned()),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }
    }

    fn filled(text: &str) -> Option<Result<Filled, Unfilled>> {
        interpolate(text, &Fixed)
    }

    #[test]
    fn variables_defaults_and_files_are_filled_in() {
        for (text, expected, secret) in [
            ("${HOST}:${PORT:-3306}", "db:3306", true),
            ("${EMPTY}", "", false),
            ("${EMPTY:-x}", "x", false),
            ("${NOPE:-}", "", false),
            ("${NOPE:-a:-b}", "a:-b", false),
            ("<${file:/run/secrets/x}>", "<s3>", true),
            ("${DB_PASSWORD}", "a${HOST}b", true),
            ("$${HOST} ${HOST}", "${HOST} db", true),
        ] {
            let filled = filled(text).unwrap().unwrap();
            let is_empty = filled.empty.is_some();
            assert_eq!((&*filled.text, filled.secret), (expected, secret), "{text}");
            assert_eq!(is_empty, text == "${EMPTY}", "{text}");
        }
    }

    #[test]
    fn other_dollars_are_left_alone() {
        for text in ["", "$", "$HOST", "a$", "%{/table}", "{}"] {
            assert_eq!(filled(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_says_why() {
        for (text, written, message) in [
            ("a${NOPE}", "${NOPE}", "the variable `NOPE` is not set"),
            ("${", "${", "`${` begins a variable and does not end it"),
            ("${}", "${}", "`${}` is not a variable"),
            ("${A B}", "${A B}", "`${A B}` is not a variable"),
            ("${HOST-x}", "${HOST-x}", "`${HOST-x}` is not a variable"),
            (
                "${A:-${B}}",
                "${A:-${B}",
                "the default of `A` holds another variable",
            ),
            (
                "${file:/nope}",
                "${file:/nope}",
                "cannot read `/nope`: entity not found",
            ),
        ] {
            let error = filled(text).unwrap().unwrap_err();
            assert_eq!(
                (error.written.as_str(), error.message.as_str()),
                (written, message)
            );
        }
    }
}
