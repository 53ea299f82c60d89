//! A statement as a QUERY event has it.

use mysql_common::collations::{Collation, CollationId};

use crate::binlog::charset::Charset;
use crate::binlog::events::query::Query;
use crate::binlog::events::status_variables::StatusVariables;
use crate::ddl::{self, Dialect, Effect, SequenceStatement, charset_name};

/// A statement as a server has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementText {
    pub sql: String,
    /// The default one.
    pub database: String,
    pub dialect: Dialect,
    /// `character_set_server` of its session.
    pub server_charset: Option<String>,
}

impl StatementText {
    /// Reads the statement as a server of this version has written it.
    pub fn decode(query: &Query<'_>, server_version: &str) -> Self {
        // What cannot be read of the settings is as if it were not there: the statement itself is whole.
        let variables = StatusVariables::decode(query.variables).unwrap_or_default();
        let client = variables.client_collation.map(Charset::of_collation);
        let sql = client.unwrap_or(Charset::UTF8MB4).decode(query.sql);
        let server = variables.server_collation.map(|collation| {
            let collation = Collation::resolve(CollationId::from(collation));
            charset_name(collation.charset())
        });
        Self {
            sql,
            database: String::from_utf8_lossy(query.database).into_owned(),
            dialect: Dialect::of_server(server_version, variables.sql_mode),
            server_charset: server,
        }
    }

    /// Whether the statement begins with this word.
    pub fn starts_with(&self, word: &str) -> bool {
        ddl::first_word(&self.sql, self.dialect)
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    }

    /// Whether it is about sequences.
    pub fn about_sequences(&self) -> Option<SequenceStatement> {
        ddl::sequence_statement(&self.sql, self.dialect)
    }

    /// What it changes in definitions; nothing of most.
    pub fn effects(&self) -> Vec<Effect> {
        ddl::parse(&self.sql, &self.database, self.dialect)
    }
}
