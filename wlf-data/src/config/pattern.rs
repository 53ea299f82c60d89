use std::fmt;
use std::str::FromStr;

use regex_lite::Regex;

use super::{InvalidValue, serialize_as_text, text_value};

/// A pattern for names: a literal, a glob with `*` and `?`, or a `/regex/` that is found anywhere in the name.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Literal,
    Glob(Vec<char>),
    Regex(Regex),
}

impl Pattern {
    /// Says whether `name` matches; letter case counts.
    pub fn is_match(&self, name: &str) -> bool {
        match &self.form {
            Form::Literal => self.text == name,
            Form::Glob(glob) => glob_matches(glob, name),
            Form::Regex(regex) => regex.is_match(name),
        }
    }

    /// Whether it surely matches each name that the other matches.
    pub fn covers(&self, other: &Pattern) -> bool {
        let all = match &self.form {
            Form::Literal => false,
            Form::Glob(glob) => glob.iter().all(|c| *c == '*'),
            Form::Regex(_) => matches!(self.text.as_str(), "//" | "/.*/" | "/^/" | "/^.*$/"),
        };
        all || self.text == other.text
            || matches!(other.form, Form::Literal) && self.is_match(&other.text)
    }

    /// Whether it is a `/regex/`.
    pub fn is_regex(&self) -> bool {
        matches!(self.form, Form::Regex(_))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Matches with one step back to the last `*`, so in time `glob × name` at most.
fn glob_matches(glob: &[char], name: &str) -> bool {
    let mut at = 0;
    let mut rest = name.chars();
    let mut star = None;
    loop {
        if glob.get(at) == Some(&'*') {
            at += 1;
            star = Some((at, rest.clone()));
            continue;
        }
        match (rest.next(), glob.get(at)) {
            (None, None) => return true,
            (Some(c), Some(&g)) if g == '?' || g == c => at += 1,
            (None, Some(_)) => return false,
            (Some(_), _) => {
                let Some((after, tried)) = &mut star else {
                    return false;
                };
                tried.next();
                at = *after;
                rest = tried.clone();
            }
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            return Err(InvalidValue::new("an empty pattern matches no name")
                .with_hint("write a name, a glob such as `shop_*`, or a `/regex/`"));
        }
        let form =
            if let Some(open) = text.strip_prefix('/') {
                let regex = open.strip_suffix('/').ok_or_else(|| {
                    InvalidValue::new(format!("`{text}` begins a regex and does not end it"))
                        .with_hint(format!("write `{text}/`"))
                })?;
                Form::Regex(Regex::new(regex).map_err(|error| {
                    InvalidValue::new(format!("`{text}` is not a regex: {error}"))
                })?)
            } else if text.contains(['*', '?']) {
                Form::Glob(text.chars().collect())
            } else {
                Form::Literal
            };
        Ok(Pattern {
            text: text.to_owned(),
            form,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Patterns are equal if they were written equally.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

serialize_as_text!(Pattern);
text_value!(Pattern, "pattern", "a name, a glob or a `/regex/`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_globs_and_regexes_match() {
        for (pattern, name, matches) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("orders", "Orders", false),
            ("*", "", true),
            ("*", "anything", true),
            ("shop_*", "shop_eu", true),
            ("shop_*", "shop", false),
            ("*_log", "a_log_log", true),
            ("a*b*c", "aXbXbYc", true),
            ("a*b*c", "aXbXbY", false),
            ("t?", "t1", true),
            ("t?", "t", false),
            ("t?", "tä", true),
            ("**", "x", true),
            ("a.b*", "aXb", false),
            ("/^t[0-9]+$/", "t42", true),
            ("/^t[0-9]+$/", "xt42", false),
            ("/log/", "catalogue", true),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.is_match(name), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_glob_of_many_stars_ends() {
        let pattern: Pattern = "*a*a*a*a*a*a*a*a*a*a*b".parse().unwrap();
        assert!(!pattern.is_match(&"a".repeat(5000)));
    }

    #[test]
    fn broken_patterns_are_refused() {
        for text in ["", "/abc", "/(/", "/"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
