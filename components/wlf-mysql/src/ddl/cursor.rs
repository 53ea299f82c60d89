//! A walk over a statement's tokens.

use super::TableName;
use super::lexer::Token;

/// What was not understood; the statement's effect is asked for instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUnderstood;

/// A walk over tokens.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    tokens: &'a [Token],
}

impl<'a> Cursor<'a> {
    pub fn new(tokens: &'a [Token]) -> Self {
        Self { tokens }
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Whether the next words are these; a name in quotes is no word.
    pub fn is_at(&self, words: &str) -> bool {
        let mut tokens = self.tokens.iter();
        words.split(' ').all(|word| match tokens.next() {
            Some(Token::Word(found)) => found.eq_ignore_ascii_case(word),
            _ => false,
        })
    }

    /// Takes the words if they are next.
    pub fn eat(&mut self, words: &str) -> bool {
        let found = self.is_at(words);
        if found {
            let count = words.split(' ').count();
            self.tokens = self.tokens.get(count..).unwrap_or_default();
        }
        found
    }

    /// Takes one of the words if it is next.
    pub fn eat_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(word))
    }

    pub fn is_at_symbol(&self, symbol: char) -> bool {
        self.peek() == Some(&Token::Symbol(symbol))
    }

    pub fn eat_symbol(&mut self, symbol: char) -> bool {
        let found = self.is_at_symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    /// A name, with or without quotes.
    pub fn name(&mut self) -> Result<String, NotUnderstood> {
        match self.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => Ok(name.clone()),
            _ => Err(NotUnderstood),
        }
    }

    /// `table`, `database.table` or `.table`.
    pub fn table_name(&mut self, database: &str) -> Result<TableName, NotUnderstood> {
        let first = if self.is_at_symbol('.') {
            database.to_owned()
        } else {
            self.name()?
        };
        let (database, table) = if self.eat_symbol('.') {
            (first, self.name()?)
        } else {
            (database.to_owned(), first)
        };
        if database.is_empty() || table.is_empty() {
            return Err(NotUnderstood);
        }
        Ok(TableName { database, table })
    }

    /// A column's name, which may have its table's before it.
    pub fn column_name(&mut self) -> Result<String, NotUnderstood> {
        let mut name = self.name()?;
        while self.eat_symbol('.') {
            name = self.name()?;
        }
        Ok(name)
    }

    /// A number.
    pub fn number(&mut self) -> Result<u64, NotUnderstood> {
        match self.next() {
            Some(Token::Word(digits)) => digits.parse().map_err(|_| NotUnderstood),
            _ => Err(NotUnderstood),
        }
    }

    /// What stands before the first of these words that is in no parentheses, and whether there is one.
    pub fn before(self, words: &[&str]) -> (Self, bool) {
        let mut depth = 0_usize;
        for (n, token) in self.tokens.iter().enumerate() {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth = depth.saturating_sub(1),
                Token::Word(_) if depth == 0 => {
                    let rest = Self::new(self.tokens.get(n..).unwrap_or_default());
                    if words.iter().any(|words| rest.is_at(words)) {
                        return (Self::new(self.tokens.get(..n).unwrap_or_default()), true);
                    }
                }
                _ => {}
            }
        }
        (self, false)
    }

    /// What stands in the parentheses that begin here.
    pub fn parenthesized(&mut self) -> Result<Cursor<'a>, NotUnderstood> {
        if !self.eat_symbol('(') {
            return Err(NotUnderstood);
        }
        let mut depth = 1_usize;
        for (n, token) in self.tokens.iter().enumerate() {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inside = self.tokens.get(..n).unwrap_or_default();
                self.tokens = self.tokens.get(n + 1..).unwrap_or_default();
                return Ok(Cursor::new(inside));
            }
        }
        Err(NotUnderstood)
    }

    /// Steps over one token, or over all that is in the parentheses that begin here.
    pub fn skip(&mut self) -> Result<(), NotUnderstood> {
        if self.is_at_symbol('(') {
            self.parenthesized()?;
        } else {
            self.next();
        }
        Ok(())
    }

    /// The tokens up to the next comma that is in no parentheses, which is stepped over; `None` at the end.
    pub fn item(&mut self) -> Option<Cursor<'a>> {
        if self.tokens.is_empty() {
            return None;
        }
        let mut depth = 0_usize;
        let end = self.tokens.iter().position(|token| {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth = depth.saturating_sub(1),
                Token::Symbol(',') if depth == 0 => return true,
                _ => {}
            }
            false
        });
        let (item, rest) = match end {
            Some(end) => (self.tokens.get(..end), self.tokens.get(end + 1..)),
            None => (Some(self.tokens), None),
        };
        self.tokens = rest.unwrap_or_default();
        Some(Cursor::new(item.unwrap_or_default()))
    }
}
