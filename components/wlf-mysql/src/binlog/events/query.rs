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
    XaStart(&'a [u8]),
    XaCommit(&'a [u8]),
    XaRollback(&'a [u8]),
    /// It neither ends nor begins anything: SAVEPOINT, ROLLBACK TO, XA END.
    Neutral,
    /// A change of rows that was logged as text.
    Dml,
    /// Anything else, which stands alone: mostly DDL.
    Other,
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
        let sql = self.sql.trim_ascii();
        let after = |words: &str| {
            let (front, rest) = sql.split_at_checked(words.len())?;
            front
                .eq_ignore_ascii_case(words.as_bytes())
                .then_some(rest.trim_ascii())
        };
        let is = |words: &str| sql.eq_ignore_ascii_case(words.as_bytes());
        if let Some(id) = after("XA START ") {
            Statement::XaStart(id)
        } else if let Some(id) = after("XA COMMIT ") {
            Statement::XaCommit(id)
        } else if let Some(id) = after("XA ROLLBACK ") {
            Statement::XaRollback(id)
        } else if is("BEGIN") || is("START TRANSACTION") {
            Statement::Begin
        } else if is("COMMIT") {
            Statement::Commit
        } else if is("ROLLBACK") {
            Statement::Rollback
        } else if [
            "SAVEPOINT ",
            "ROLLBACK TO ",
            "RELEASE SAVEPOINT ",
            "XA END ",
        ]
        .iter()
        .any(|words| after(words).is_some())
        {
            Statement::Neutral
        } else if ["INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "LOAD DATA "]
            .iter()
            .any(|words| after(words).is_some())
        {
            Statement::Dml
        } else {
            Statement::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_statements_apart() {
        let statement = |sql: &'static str| {
            Query {
                thread_id: 0,
                error: 0,
                database: b"",
                variables: b"",
                sql: sql.as_bytes(),
            }
            .statement()
        };
        assert_eq!(statement("BEGIN"), Statement::Begin);
        assert_eq!(statement("ROLLBACK"), Statement::Rollback);
        assert_eq!(statement("ROLLBACK TO `a`"), Statement::Neutral);
        assert_eq!(statement("SAVEPOINT `a`"), Statement::Neutral);
        assert_eq!(statement("XA END X'61',X'',1"), Statement::Neutral);
        assert_eq!(
            statement("XA START X'61',X'',1"),
            Statement::XaStart(b"X'61',X'',1")
        );
        assert_eq!(
            statement("XA COMMIT X'61',X'',1"),
            Statement::XaCommit(b"X'61',X'',1")
        );
        assert_eq!(statement("CREATE TABLE begin (a int)"), Statement::Other);
        assert_eq!(statement("insert into t values (1)"), Statement::Dml);
    }
}
