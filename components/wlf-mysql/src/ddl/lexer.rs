//! A statement's tokens.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use super::client::Client;

/// How the server that wrote a statement reads its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dialect {
    /// `sql_mode` as QUERY has it.
    pub sql_mode: u64,
    /// As in 80036 for 8.0.36.
    pub version: u32,
    pub is_mariadb: bool,
    /// Of the session's `character_set_client`.
    pub client: Client,
    /// Without `explicit_defaults_for_timestamp` a TIMESTAMP that is not said to be NULL is NOT NULL.
    pub timestamps_not_null: bool,
}

impl Dialect {
    const REAL_AS_FLOAT: u64 = 1;
    const ANSI_QUOTES: u64 = 4;
    const ORACLE: u64 = 512;
    const ANSI: u64 = 1 << 18;
    const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;

    /// Reads the version out of a format description's, as in `11.8.6-MariaDB-log`.
    pub fn of_server(version: &str, sql_mode: u64) -> Self {
        let mut numbers = version
            .split(['.', '-'])
            .map(|part| part.parse().unwrap_or(0_u32));
        let mut next = || numbers.next().unwrap_or(0).min(99);
        let (mut major, mut minor, mut patch) = (next(), next(), next());
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        // MariaDB once put 5.5.5- before its version, for old replicas.
        if is_mariadb && (major, minor, patch) == (5, 5, 5) {
            (major, minor, patch) = (next(), next(), next());
        }
        Self {
            sql_mode,
            version: major * 10_000 + minor * 100 + patch,
            is_mariadb,
            ..Self::default()
        }
    }

    pub fn real_is_float(self) -> bool {
        self.sql_mode & Self::REAL_AS_FLOAT != 0
    }

    /// Whether types have Oracle's names and meanings.
    pub fn is_oracle(self) -> bool {
        self.is_mariadb && self.sql_mode & Self::ORACLE != 0
    }

    /// Whether the server leaves a table's options out of what it shows.
    pub fn is_ansi(self) -> bool {
        self.sql_mode & Self::ANSI != 0
    }

    fn ansi_quotes(self) -> bool {
        self.sql_mode & Self::ANSI_QUOTES != 0
    }

    fn backslash_escapes(self) -> bool {
        self.sql_mode & Self::NO_BACKSLASH_ESCAPES == 0
    }

    /// Whether the server runs what stands in a comment such as `/*!80023 … */`.
    fn runs(self, version: u32, only_mariadb: bool) -> bool {
        if only_mariadb && !self.is_mariadb {
            return false;
        }
        // MariaDB takes numbers from 5.7 on for MySQL's, unless they have six digits.
        if self.is_mariadb && !only_mariadb && (50_700..=99_999).contains(&version) {
            return false;
        }
        version <= self.version
    }
}

/// A piece of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A keyword, or a name without quotes.
    Word(String),
    /// A name in quotes.
    Quoted(String),
    Text(String),
    Symbol(char),
}

/// Takes a statement apart, one token after the other.
#[derive(Debug)]
pub struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    dialect: Dialect,
    /// Inside of a comment that the server runs.
    in_comment: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(sql: &'a str, dialect: Dialect) -> Self {
        Self {
            chars: sql.chars().peekable(),
            dialect,
            in_comment: false,
        }
    }

    fn eat(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    fn skip_line(&mut self) {
        while self.chars.next().is_some_and(|c| c != '\n') {}
    }

    /// Steps over the rest of a comment, in which there may be as many comments more, one inside of the other
    /// (`consume_comment` of `sql/sql_lex.cc`).
    fn skip_comment(&mut self, nested: usize) {
        while let Some(c) = self.chars.next() {
            if c == '*' && self.eat('/') {
                return;
            }
            if nested > 0 && c == '/' && self.eat('*') {
                self.skip_comment(nested - 1);
            }
        }
    }

    /// Behind `/*`.
    fn comment(&mut self) {
        let mut ahead = self.chars.clone();
        let only_mariadb = ahead.next_if(|c| *c == 'M').is_some();
        if self.in_comment || ahead.next() != Some('!') {
            return self.skip_comment(0);
        }
        // A number of five or six digits is a version; a shorter one belongs to what is run.
        let digits: String = ahead
            .clone()
            .take(6)
            .take_while(char::is_ascii_digit)
            .collect();
        let version = match digits.len() {
            5 | 6 => {
                ahead.nth(digits.len() - 1);
                digits.parse().unwrap_or(0)
            }
            _ => 0,
        };
        self.chars = ahead;
        if self.dialect.runs(version, only_mariadb) {
            self.in_comment = true;
        } else {
            self.skip_comment(1);
        }
    }

    fn quoted_name(&mut self, quote: char) -> Token {
        let text = self.quoted(quote, false);
        Token::Quoted(self.name(self.decoded(text, true)))
    }

    /// Behind the opening quote.
    fn quoted(&mut self, quote: char, escapes: bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            if c == quote {
                if !self.eat(quote) {
                    break;
                }
                text.push(quote);
            } else if c == '\\' && escapes {
                match self.chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('b') => text.push('\u{8}'),
                    Some('0') => text.push('\0'),
                    Some('Z') => text.push('\u{1a}'),
                    Some(wildcard @ ('%' | '_')) => {
                        text.push('\\');
                        text.push(wildcard);
                    }
                    Some(other) => text.push(other),
                    None => break,
                }
            } else {
                text.push(c);
            }
        }
        text
    }
}

impl Lexer<'_> {
    fn is_word(&self, c: char) -> bool {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '$')
            || !c.is_ascii()
            || self.dialect.client.is_letter(c)
    }

    /// White space is that of the client's charset: of several bytes is none.
    fn is_space(&self, c: char) -> bool {
        matches!(c, ' ' | '\t'..='\r' | '\0') || c == '\u{a0}' && self.dialect.client.is_one_byte()
    }

    /// A name as the server keeps it: it has no characters beyond those of utf8mb3, and writes `?` in their place.
    fn name(&self, text: String) -> String {
        if text.chars().all(|c| c <= '\u{ffff}') {
            return text;
        }
        let kept = |c| if c <= '\u{ffff}' { c } else { '?' };
        text.chars().map(kept).collect()
    }

    fn decoded(&self, text: String, keeps_torn: bool) -> String {
        match self.dialect.client.decoded(&text, keeps_torn) {
            Cow::Borrowed(same) if same.len() == text.len() => text,
            decoded => decoded.into_owned(),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let c = self.chars.next()?;
            return Some(match c {
                _ if self.is_space(c) => continue,
                '#' => {
                    self.skip_line();
                    continue;
                }
                '-' if self.chars.peek() == Some(&'-') => {
                    let mut ahead = self.chars.clone();
                    ahead.next();
                    // `--` begins a comment only before white space.
                    if ahead
                        .next()
                        .is_none_or(|c| c.is_whitespace() || c.is_control())
                    {
                        self.skip_line();
                        continue;
                    }
                    Token::Symbol('-')
                }
                '/' if self.eat('*') => {
                    self.comment();
                    continue;
                }
                '*' if self.in_comment && self.eat('/') => {
                    self.in_comment = false;
                    continue;
                }
                '`' => self.quoted_name('`'),
                '"' if self.dialect.ansi_quotes() => self.quoted_name('"'),
                '\'' | '"' => {
                    let text = self.quoted(c, self.dialect.backslash_escapes());
                    Token::Text(self.decoded(text, self.dialect.is_mariadb))
                }
                _ if self.is_word(c) => {
                    let mut word = String::from(c);
                    while let Some(c) = self.chars.peek().copied()
                        && self.is_word(c)
                    {
                        word.push(c);
                        self.chars.next();
                    }
                    Token::Word(self.name(word))
                }
                _ => Token::Symbol(c),
            });
        }
    }
}
