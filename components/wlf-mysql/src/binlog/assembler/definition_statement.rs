//! A statement that changes definitions, as a QUERY event has it.

use mysql_common::collations::{Collation, CollationId};

use crate::binlog::charset::Charset;
use crate::binlog::events::query::Query;
use crate::binlog::events::status_variables::StatusVariables;
use crate::ddl::{self, Dialect, Effect, charset_name};

/// A statement that changes definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionStatement {
    pub sql: String,
    /// None of it is left if it changes nothing.
    pub effects: Vec<Effect>,
    /// `character_set_server` of its session.
    pub server_charset: Option<String>,
}

impl DefinitionStatement {
    /// Reads the statement as a server of this version has written it.
    pub fn read(query: &Query<'_>, server_version: &str) -> Self {
        // What cannot be read of the settings is as if it were not there: the statement itself is whole.
        let variables = StatusVariables::decode(query.variables).unwrap_or_default();
        let client = variables.client_collation.map(Charset::of_collation);
        let sql = client.unwrap_or(Charset::UTF8MB4).decode(query.sql);
        let database = String::from_utf8_lossy(query.database);
        let dialect = Dialect::of_server(server_version, variables.sql_mode);
        let server = variables.server_collation.map(|collation| {
            let collation = Collation::resolve(CollationId::from(collation));
            charset_name(collation.charset())
        });
        Self {
            effects: ddl::parse(&sql, &database, dialect),
            sql,
            server_charset: server,
        }
    }
}
