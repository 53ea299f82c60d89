//! A statement that changes definitions, as a QUERY event has it.

use std::borrow::Cow;

use mysql_common::collations::{Collation, CollationId};

use crate::binlog::events::query::Query;
use crate::binlog::events::status_variables::StatusVariables;
use crate::charset::{Charset, Encoding};
use crate::ddl::{self, Client, Dialect, Effect, charset_name};

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
        let charset = client.unwrap_or(Charset::UTF8MB4);
        let sql = charset.decode(query.sql);
        let (read, client) = match charset.encoding {
            Encoding::Swe7 => (Cow::Owned(as_ascii(query.sql)), Client::Swe7),
            _ if charset.longest == 1 => (Cow::Borrowed(&*sql), Client::OneByte),
            _ => (Cow::Borrowed(&*sql), Client::SeveralBytes),
        };
        let database = String::from_utf8_lossy(query.database);
        let dialect = Dialect::of_server(server_version, variables.sql_mode);
        let dialect = Dialect {
            client,
            timestamps_not_null: variables.timestamps_not_null(dialect),
            ..dialect
        };
        let server = variables.server_collation.map(|collation| {
            let collation = Collation::resolve(CollationId::from(collation));
            charset_name(collation.charset())
        });
        Self {
            effects: ddl::parse(&read, &database, dialect),
            sql,
            server_charset: server,
        }
    }
}

/// The bytes as the ASCII characters that the server takes them for where it looks for tokens.
fn as_ascii(sql: &[u8]) -> String {
    let kept = |byte: &u8| {
        if byte.is_ascii() {
            char::from(*byte)
        } else {
            '?'
        }
    };
    sql.iter().map(kept).collect()
}
