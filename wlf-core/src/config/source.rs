//! The text of a file, and places in it.

use std::fmt;

use super::secret_places::{is_secret_line, secrets};

/// A place in a file's text, for a message to point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters, on this line; at least 1.
    pub length: usize,
}

impl Span {
    pub(crate) const START: Span = Span {
        line: 1,
        column: 1,
        length: 1,
    };
}

/// A file's name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As the user wrote it.
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Writes the line that the span is in, and a label below it that points there.
    pub(crate) fn excerpt(
        &self,
        f: &mut fmt::Formatter<'_>,
        span: Span,
        label: &str,
        texts: &[String],
    ) -> fmt::Result {
        let Some(line) = self.text.lines().nth(span.line.saturating_sub(1)) else {
            return Ok(());
        };
        let hidden = self.hidden(span.line, line, texts);
        let excerpt = Excerpt::hiding(line, span, &hidden);
        let number = span.line.to_string();
        let gap = " ".repeat(number.len());
        writeln!(f, "{gap} |")?;
        writeln!(f, "{number} | {}", excerpt.text.trim_end())?;
        let carets = "^".repeat(excerpt.length);
        let pointer = format!("{}{carets} {label}", " ".repeat(excerpt.column));
        writeln!(f, "{gap} | {}", pointer.trim_end())
    }

    /// The bytes of a line that are not shown: secrets by their place, and wherever they stand `texts`, which are some.
    fn hidden(&self, number: usize, line: &str, texts: &[String]) -> Vec<(usize, usize)> {
        if self.is_inside_secret(number) {
            return vec![(indentation(line), line.len())];
        }
        let mut hidden = secrets(line);
        for text in texts {
            let found = line.match_indices(text.as_str());
            hidden.extend(found.map(|(at, text)| (at, at + text.len())));
        }
        hidden
    }

    /// The texts that stand where secrets do.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            for (from, to) in self.hidden(index + 1, line, &[]) {
                let text = line.get(from..to).unwrap_or_default();
                texts.extend(super::secret_places::meant(text));
            }
        }
        texts
    }

    /// Says whether a line, counted from 1, is part of a value whose key is on a line above: a block of text, a list or
    /// a mapping where a secret should be.
    fn is_inside_secret(&self, line: usize) -> bool {
        let mut above = self.text.lines().take(line).collect::<Vec<_>>();
        let Some(own) = above.pop() else {
            return false;
        };
        let mut indent = indentation(own) + usize::from(own.trim_start().starts_with("- "));
        for line in above.into_iter().rev() {
            let text = line.trim_start();
            // The key of `- key:` stands behind the dash.
            let key = text.trim_start_matches(['-', ' ']);
            if key.is_empty() || line.len() - key.len() >= indent {
                continue;
            }
            indent = line.len() - key.len();
            let opens = text
                .trim_end()
                .ends_with([':', '|', '>', '-', '+', '[', '{']);
            if opens && is_secret_line(text) {
                return true;
            }
        }
        false
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The part of a line that is shown: secrets out, tabs as spaces, and not more than fits.
struct Excerpt {
    text: String,
    /// Where the carets begin, from 0.
    column: usize,
    length: usize,
}

/// The longest excerpt, in characters.
const WIDTH: usize = 120;

impl Excerpt {
    fn hiding(line: &str, span: Span, hidden: &[(usize, usize)]) -> Self {
        let is_hidden = |at: usize| hidden.iter().any(|(from, to)| (*from..*to).contains(&at));
        let shown: Vec<char> = line
            .char_indices()
            .map(|(at, c)| match c {
                _ if is_hidden(at) => '*',
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        let column = span.column.saturating_sub(1).min(shown.len());
        let length = span.length.min(shown.len() - column).max(1);
        let end = column + length;
        if shown.len() <= WIDTH {
            return Excerpt {
                text: shown.into_iter().collect(),
                column,
                length,
            };
        }
        let from = if end > WIDTH {
            column.saturating_sub(WIDTH / 2)
        } else {
            0
        };
        let mut text = String::new();
        if from > 0 {
            text.push('…');
        }
        text.extend(shown.iter().skip(from).take(WIDTH));
        if shown.len() > from + WIDTH {
            text.push('…');
        }
        let column = column - from + usize::from(from > 0);
        Excerpt {
            text,
            column,
            length: length.min((WIDTH + 1).saturating_sub(column)).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, column: usize, length: usize) -> (String, usize, usize) {
        let span = Span {
            line: 1,
            column,
            length,
        };
        let excerpt = Excerpt::hiding(line, span, &secrets(line));
        (excerpt.text, excerpt.column, excerpt.length)
    }

    #[test]
    fn secrets_are_not_shown() {
        for (line, expected) in [
            ("    pasword: hunter2", "    pasword: *******"),
            ("password: \"é\" # x", "password: *******"),
            ("password: ${PASSWORD}", "password: ${PASSWORD}"),
            ("password:", "password:"),
            (
                "url: redis://me:hunter2@host:6379/0",
                "url: redis://me:*******@host:6379/0",
            ),
            ("url: redis//me:hunter2@host", "url: redis//me:*******@host"),
            (
                "url: 'redis://me:hunt/er2@host:x'",
                "url: 'redis://me:********@host:x'",
            ),
            ("brokers: [\"a:1\", \"b:2\"]", "brokers: [\"a:1\", \"b:2\"]"),
            ("password: ${P:-hunter2}", "password: *************"),
            ("url: redis://host:6379/0", "url: redis://host:6379/0"),
            ("topic: secret-orders", "topic: secret-orders"),
            (
                "servers: ['nats://me:hunter2@a:1', nats://me:h@ter2@b:1, c:2]",
                "servers: ['nats://me:*******@a:1', nats://me:******@b:1, c:2]",
            ),
            (
                "{url: 'redis://me:hunter2@a', password: x}",
                "{url: 'redis://me:*******@a', password: **",
            ),
        ] {
            assert_eq!(shown(line, 1, 3).0, expected, "{line}");
        }
    }

    #[test]
    fn secrets_on_lines_below_their_key_are_not_shown() {
        let source = Source::new(
            "x",
            "a:\n  - user: me\n    password:\n    - hunter2\n  - secret: |\n      one\n\n        two\n    topic: x\n",
        );
        let hidden: Vec<usize> = (1..=9)
            .filter(|&line| source.is_inside_secret(line))
            .collect();
        assert_eq!(hidden, [4, 6, 8]);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}wrong{}", "a".repeat(300), "b".repeat(300));
        let (text, column, length) = shown(&line, 301, 5);
        let marked: String = text.chars().skip(column).take(length).collect();
        assert_eq!(marked, "wrong");
        assert_eq!(text.chars().count(), WIDTH + 2);
        assert!(text.starts_with('…') && text.ends_with('…'));
    }

    #[test]
    fn a_place_past_the_end_is_shown_at_the_end() {
        assert_eq!(shown("ab", 9, 4), ("ab".to_owned(), 2, 1));
        assert_eq!(shown("", 1, 1), (String::new(), 0, 1));
    }
}
