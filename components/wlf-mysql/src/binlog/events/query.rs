//! QUERY: a statement as text; with rows in the binlog, the beginning and end of a transaction, and DDL.

use crate::reader::{Malformed, Reader};

/// A statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// The connection that gave it.
    pub thread_id: u32,
    /// What the statement failed with, which was logged since it had effects all the same; 0 if it did not.
    pub error: u16,
    /// The default database's name, in UTF-8.
    pub database: &'a [u8],
    /// Settings that it depends on.
    pub variables: &'a [u8],
    /// In whatever charset the client had.
    pub sql: &'a [u8],
}

/// What a statement means for the rows around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement<'a> {
    Begin,
    Commit,
    Rollback,
    Savepoint(SavepointName<'a>),
    RollbackTo(SavepointName<'a>),
    ReleaseSavepoint(SavepointName<'a>),
    XaStart(&'a [u8]),
    XaCommit(&'a [u8]),
    XaRollback(&'a [u8]),
    /// It neither ends nor begins anything: XA END, or nothing but a comment.
    Neutral,
    /// Anything else: DDL mostly, which stands alone, or a change of rows that was logged as text.
    Other,
}

/// A savepoint's name as a statement writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavepointName<'a>(&'a [u8]);

impl SavepointName<'_> {
    /// The name without its quotes.
    pub fn unquoted(self) -> String {
        let written = text::skip_blanks(self.0);
        let name = match written.split_first() {
            Some((quote @ (b'`' | b'"' | b'\''), rest)) => {
                let mut name = Vec::new();
                let mut bytes = rest.iter().copied().peekable();
                while let Some(byte) = bytes.next() {
                    if byte == *quote && bytes.next_if_eq(quote).is_none() {
                        break;
                    }
                    name.push(byte);
                }
                name
            }
            _ => {
                let end =
                    |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'/' | b'#');
                let name = written.split(end).next();
                name.unwrap_or_default().to_vec()
            }
        };
        String::from_utf8_lossy(&name).into_owned()
    }
}

impl<'a> Query<'a> {
    /// Reads the event without header and checksum.
    #[inline(always)]
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        // int<4>: thread id, int<4>: execution time
        let thread_id = reader.u32("the thread id")?;
        reader.u32("the execution time")?;
        // int<1>: length of the database's name
        let database = reader.u8("the database")?;
        // int<2>: error code
        let error = reader.u16("the error code")?;
        // int<2>: length of the status variables
        let variables = reader.u16("the status variables")?;
        Self::decode_rest(reader, thread_id, error, database, variables)
    }

    /// Reads EXECUTE_LOAD_QUERY, a QUERY of LOAD DATA, without header and checksum.
    pub fn decode_load(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let thread_id = reader.u32("the thread id")?;
        reader.u32("the execution time")?;
        let database = reader.u8("the database")?;
        let error = reader.u16("the error code")?;
        let variables = reader.u16("the status variables")?;
        // int<4>: file id, int<4>, int<4>: where in the statement the file's name is, int<1>: what becomes of duplicates
        reader.bytes(13, "the file")?;
        Self::decode_rest(reader, thread_id, error, database, variables)
    }

    #[inline(always)]
    fn decode_rest(
        mut reader: Reader<'a>,
        thread_id: u32,
        error: u16,
        database: u8,
        variables: u16,
    ) -> Result<Self, Malformed> {
        let variables = reader.bytes(usize::from(variables), "the status variables")?;
        // string<n>: database, and a zero byte
        let database = reader.bytes(usize::from(database), "the database")?;
        reader.u8("the database")?;
        Ok(Self {
            thread_id,
            error,
            database,
            variables,
            sql: reader.rest(),
        })
    }

    #[inline(always)]
    pub fn statement(&self) -> Statement<'a> {
        match self.sql {
            b"BEGIN" => Statement::Begin,
            b"COMMIT" => Statement::Commit,
            _ => self.rarer(),
        }
    }

    fn rarer(&self) -> Statement<'a> {
        let sql = text::skip_blanks(self.sql);
        let (first, rest) = text::word(sql);
        let is = |word: &[u8], expected: &str| word.eq_ignore_ascii_case(expected.as_bytes());
        let (second, behind) = text::word(rest);
        let ends = |rest| matches!(text::skip_blanks(rest), b"" | b";");
        if is(first, "XA") {
            let id = behind.trim_ascii();
            if is(second, "START") || is(second, "BEGIN") {
                Statement::XaStart(id)
            } else if is(second, "COMMIT") {
                Statement::XaCommit(id)
            } else if is(second, "ROLLBACK") {
                Statement::XaRollback(id)
            } else {
                Statement::Neutral
            }
        } else if is(first, "BEGIN") && (ends(rest) || is(second, "WORK"))
            || is(first, "START") && is(second, "TRANSACTION")
        {
            Statement::Begin
        } else if is(first, "COMMIT") {
            Statement::Commit
        } else if is(first, "ROLLBACK") {
            rollback(rest)
        } else if is(first, "SAVEPOINT") {
            Statement::Savepoint(SavepointName(rest))
        } else if is(first, "RELEASE") && is(second, "SAVEPOINT") {
            Statement::ReleaseSavepoint(SavepointName(behind))
        } else if ends(sql) {
            Statement::Neutral
        } else {
            Statement::Other
        }
    }
}

/// `ROLLBACK [WORK]`, `ROLLBACK [WORK] TO [SAVEPOINT] name`; what is behind ROLLBACK.
fn rollback(rest: &[u8]) -> Statement<'_> {
    let eat = |rest, expected: &str| {
        let (word, behind) = text::word(rest);
        word.eq_ignore_ascii_case(expected.as_bytes())
            .then_some(behind)
    };
    let rest = eat(rest, "WORK").unwrap_or(rest);
    match eat(rest, "TO") {
        None => Statement::Rollback,
        Some(name) => {
            // It may be called so.
            let behind = eat(name, "SAVEPOINT");
            let behind = behind.filter(|behind| !matches!(text::skip_blanks(behind), b"" | b";"));
            Statement::RollbackTo(SavepointName(behind.unwrap_or(name)))
        }
    }
}

/// A statement's first words, of whatever charset: none has other bytes for these.
mod text {
    /// Steps over white space and comments; of one that the server runs only over its beginning.
    pub fn skip_blanks(mut sql: &[u8]) -> &[u8] {
        loop {
            sql = sql.trim_ascii_start();
            sql = match sql {
                [0, rest @ ..] => rest,
                [b'#', rest @ ..] => behind(rest, b"\n"),
                [b'-', b'-', rest @ ..] if rest.first().is_none_or(|byte| *byte <= b' ') => {
                    behind(rest, b"\n")
                }
                [b'/', b'*', b'!', rest @ ..] | [b'/', b'*', b'M', b'!', rest @ ..] => {
                    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    rest.get(digits..).unwrap_or_default()
                }
                [b'/', b'*', rest @ ..] => behind(rest, b"*/"),
                _ => return sql,
            };
        }
    }

    fn behind<'a>(sql: &'a [u8], end: &[u8]) -> &'a [u8] {
        let at = sql.windows(end.len()).position(|bytes| bytes == end);
        at.and_then(|at| sql.get(at + end.len()..))
            .unwrap_or_default()
    }

    /// The next word, and what is behind it.
    pub fn word(sql: &[u8]) -> (&[u8], &[u8]) {
        let sql = skip_blanks(sql);
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = sql.iter().position(|byte| !is_word(byte));
        sql.split_at_checked(end.unwrap_or(sql.len()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str) -> Statement<'_> {
        Query {
            thread_id: 0,
            error: 0,
            database: b"",
            variables: b"",
            sql: sql.as_bytes(),
        }
        .statement()
    }

    #[test]
    fn tells_statements_apart() {
        for (sql, expected) in [
            ("BEGIN", Statement::Begin),
            ("/* a */ begin /* b */", Statement::Begin),
            ("START\tTRANSACTION READ WRITE", Statement::Begin),
            ("BEGIN NOT ATOMIC DELETE FROM t; END", Statement::Other),
            ("COMMIT", Statement::Commit),
            ("-- done\nCOMMIT WORK", Statement::Commit),
            ("ROLLBACK", Statement::Rollback),
            ("rollback work", Statement::Rollback),
            ("ROLLBACK /* generated by server */", Statement::Rollback),
            ("XA END X'61',X'',1", Statement::Neutral),
            ("# Dummy event replacing event type 161", Statement::Neutral),
            ("XA START X'61',X'',1", Statement::XaStart(b"X'61',X'',1")),
            ("XA COMMIT X'61',X'',1", Statement::XaCommit(b"X'61',X'',1")),
            ("CREATE TABLE begin (a int)", Statement::Other),
            ("insert into t values (1)", Statement::Other),
            ("", Statement::Neutral),
        ] {
            assert_eq!(statement(sql), expected, "{sql}");
        }
    }

    #[test]
    fn savepoints_have_their_names_in_every_spelling() {
        for (sql, name) in [
            ("SAVEPOINT `a`", "a"),
            ("savepoint a", "a"),
            ("SAVEPOINT\n\t\"a b\" ", "a b"),
            ("/* x */ SAVEPOINT /* y */ `a``b`/* z */", "a`b"),
            ("SAVEPOINT `é€`", "é€"),
            ("SAVEPOINT a;", "a"),
        ] {
            match statement(sql) {
                Statement::Savepoint(found) => assert_eq!(found.unquoted(), name, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
        for (sql, name) in [
            ("ROLLBACK TO `a`", "a"),
            ("ROLLBACK TO SAVEPOINT a", "a"),
            (
                "rollback /* x */ work to\nsavepoint `SAVEPOINT`",
                "SAVEPOINT",
            ),
            ("ROLLBACK TO savepoint", "savepoint"),
            ("ROLLBACK TO `to`", "to"),
        ] {
            match statement(sql) {
                Statement::RollbackTo(found) => assert_eq!(found.unquoted(), name, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
        assert!(
            matches!(statement("RELEASE  SAVEPOINT `a`"), Statement::ReleaseSavepoint(name) if name.unquoted() == "a")
        );
    }
}
