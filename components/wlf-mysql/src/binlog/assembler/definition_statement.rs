//! A statement as a QUERY event has it.

use mysql_common::collations::{Collation, CollationId};

use crate::binlog::events::query::Query;
use crate::binlog::events::status_variables::StatusVariables;
use crate::charset::{Charset, Encoding};
use crate::ddl::{self, Client, Dialect, Effect, SequenceStatement, charset_name};

/// A statement as a server has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementText {
    pub sql: String,
    /// The default one.
    pub database: String,
    pub dialect: Dialect,
    /// `character_set_server` of its session.
    pub server_charset: Option<String>,
    /// What tokens are looked for in, where that is not `sql`.
    lexed: Option<String>,
    /// The same, as if it were UTF-8, where it is not said to be.
    utf8: Option<String>,
    /// It was logged because it had a part of its effects.
    has_failed: bool,
    /// The server has written it without the table's options, its charset among them, as it does with `sql_mode=ANSI`.
    lacks_options: bool,
}

impl StatementText {
    /// Reads the statement as a server of this version has written it.
    pub fn decode(query: &Query<'_>, server_version: &str) -> Self {
        // What cannot be read of the settings is as if it were not there: the statement itself is whole.
        let variables = StatusVariables::decode(query.variables).unwrap_or_default();
        let client = variables.client_collation.map(Charset::of_collation);
        let is_rewritten = is_rewritten(query.sql);
        let charset = match client {
            // What the server writes is UTF-8, whatever the session's charset is said to be.
            Some(client) if !is_rewritten => client,
            _ => Charset::UTF8MB4,
        };
        let sql = charset.decode(query.sql);
        let (lexed, client) = match charset.encoding {
            Encoding::Swe7 => (Some(as_ascii(query.sql)), Client::Swe7),
            Encoding::Utf8 if std::str::from_utf8(query.sql).is_err() => {
                let lexed = sql.replace(char::REPLACEMENT_CHARACTER, "?");
                (Some(lexed), Client::Utf8)
            }
            Encoding::Utf8 => (None, Client::Utf8),
            _ if charset.longest == 1 => (None, Client::OneByte),
            _ => (None, Client::SeveralBytes),
        };
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
            sql,
            database: String::from_utf8_lossy(query.database).into_owned(),
            dialect,
            server_charset: server,
            lexed,
            utf8: (client != Client::Utf8 && !query.sql.is_ascii())
                .then(|| String::from_utf8_lossy(query.sql).into_owned()),
            has_failed: query.error != 0,
            lacks_options: is_rewritten
                && dialect.is_ansi()
                && !query.sql.windows(9).any(|part| part == b") ENGINE="),
        }
    }

    /// What tokens are looked for in.
    pub fn text(&self) -> &str {
        self.lexed.as_deref().unwrap_or(&self.sql)
    }

    /// Whether the statement begins with this word.
    pub fn starts_with(&self, word: &str) -> bool {
        ddl::first_word(self.text(), self.dialect)
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    }

    /// Whether it is about sequences.
    pub fn about_sequences(&self) -> Option<SequenceStatement> {
        ddl::sequence_statement(self.text(), self.dialect)
    }

    /// What it changes in definitions; nothing of most.
    pub fn effects(&self) -> Vec<Effect> {
        let mut effects = ddl::parse(self.text(), &self.database, self.dialect);
        if let (Some(utf8), [Effect::CreateView { .. }]) = (&self.utf8, &*effects) {
            // Of a view servers write the name in UTF-8, and the query behind it as it came.
            let dialect = Dialect {
                client: Client::Utf8,
                ..self.dialect
            };
            effects = ddl::parse(utf8, &self.database, dialect);
        }
        if self.has_failed {
            effects.iter_mut().for_each(fail);
        } else if self.lacks_options {
            effects.iter_mut().for_each(forget);
        }
        effects
    }
}

/// A table that could not be made in the place of another (MariaDB's CREATE OR REPLACE TABLE) is gone.
fn fail(effect: &mut Effect) {
    if let Effect::CreateTable { table, .. } = effect {
        *effect = Effect::DropTable {
            table: table.clone(),
            if_exists: true,
        };
    }
}

/// A table that is made of a statement without its charset has one that is not known.
fn forget(effect: &mut Effect) {
    if let Effect::CreateTable { table, .. } = effect {
        let table = Some(table.clone());
        *effect = Effect::Unclear { table };
    }
}

/// Whether the server has written the statement itself, as it does for CREATE TABLE … SELECT, LIKE with a temporary table and
/// generated keys (`store_create_info` of `sql/sql_show.cc`).
fn is_rewritten(sql: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(sql) else {
        return false;
    };
    let is_one = |quote: char| {
        let rest = text.strip_prefix("CREATE ")?;
        let rest = rest.strip_prefix("OR REPLACE ").unwrap_or(rest);
        let rest = rest.strip_prefix("TABLE ")?;
        let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
        let (front, columns) = rest.split_once(" (\n  ")?;
        Some(front.starts_with(quote) && front.ends_with(quote) && columns.starts_with(quote))
    };
    ['`', '"']
        .into_iter()
        .any(|quote| is_one(quote) == Some(true))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &[u8], collation: u8) -> String {
        let query = Query {
            thread_id: 1,
            error: 0,
            database: b"d",
            variables: &[4, collation, 0, collation, 0, 255, 0],
            sql,
        };
        format!("{:?}", StatementText::decode(&query, "9.7.4").effects())
    }

    #[test]
    fn a_statement_is_in_the_charset_of_its_client() {
        let cp1251 = read("CREATE TABLE t (`é` ENUM('é '))".as_bytes(), 51);
        assert!(
            cp1251.contains("\"Г©\"") && cp1251.contains("\"Г© \""),
            "{cp1251}"
        );
    }

    #[test]
    fn a_statement_that_the_server_has_written_is_utf_8() {
        let sql = "CREATE TABLE `t` (\n  `é` int DEFAULT NULL\n) START TRANSACTION";
        assert!(read(sql.as_bytes(), 51).contains("\"é\""));
        // So is none that only looks like it.
        let sql = b"CREATE TABLE `t` (\n  `\xe9` int DEFAULT NULL\n)";
        assert!(read(sql, 51).contains("\"й\""));
    }

    #[test]
    fn a_charset_that_the_server_left_out_is_not_guessed() {
        let query = Query {
            thread_id: 1,
            error: 0,
            database: b"d",
            // SQL_MODE: ANSI, ANSI_QUOTES
            variables: &[1, 4, 0, 4, 0, 0, 0, 0, 0],
            sql: b"CREATE TABLE \"t\" (\n  \"a\" int DEFAULT NULL\n)",
        };
        let effects = StatementText::decode(&query, "9.7.4").effects();
        assert!(matches!(&*effects, [Effect::Unclear { table: Some(_) }]));
    }
}
