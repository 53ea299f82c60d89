//! What a server says of its tables' definitions now.

use std::collections::HashMap;

use crate::connection::Connection;
use crate::ddl::{TableName, charset_name, charset_of_collation, plain_type};
use crate::error::Error;
use crate::protocol::text_resultset::Row;
use crate::schema::hidden::Hidden;
use crate::schema::{ColumnSchema, History, TableSchema};

/// Schemas that are no tables' homes.
const VIRTUAL: &str = "('information_schema', 'performance_schema', 'sys')";

/// MySQL alone generates keys; MariaDB takes what is said to MySQL 8.0.30 for a comment.
const COLUMNS: &str = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE, \
     FALSE /*!80030 OR COLUMN_NAME = 'my_row_id' AND COLUMN_TYPE = 'bigint unsigned' \
     AND EXTRA LIKE 'auto_increment%' */, FALSE /*M!100304 OR GENERATION_EXPRESSION = 'ROW START' */ \
     FROM information_schema.COLUMNS";

/// MySQL may be told not to show the keys that it generates.
const SHOW_GENERATED: &str =
    "SET @wlf = 0 /*!80030 , SESSION show_gipk_in_create_table_and_information_schema = ON */";

/// The parts of primary keys, and of MariaDB's unique keys, which may be kept as a hash in a hidden column. Indexes of MEMORY
/// are hashes in themselves.
const KEYS: &str = "SELECT TABLE_NAME, COLUMN_NAME, INDEX_NAME, SUB_PART, INDEX_TYPE = 'HASH' \
     FROM information_schema.STATISTICS AS s WHERE {place} AND (INDEX_NAME = 'PRIMARY' \
     /*M!100400 OR NON_UNIQUE = 0 AND NOT EXISTS (SELECT 1 FROM \
     information_schema.TABLES AS t WHERE t.TABLE_SCHEMA = s.TABLE_SCHEMA AND t.TABLE_NAME = s.TABLE_NAME \
     AND t.ENGINE = 'MEMORY') */) ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

/// Reads the definition that the table has now; `None` if there is no such table, or none that the user may see.
pub async fn table(
    connection: &mut Connection,
    name: &TableName,
) -> Result<Option<TableSchema>, Error> {
    let place = format!(
        "TABLE_SCHEMA = {} AND TABLE_NAME = {}",
        literal(&name.database),
        literal(&name.table)
    );
    let mut tables = read(connection, &place).await?;
    Ok(tables.pop().map(|(_, schema)| schema))
}

/// Adds all databases and tables of the server to a history, database by database.
pub async fn everything(connection: &mut Connection, history: &mut History) -> Result<(), Error> {
    let sql = format!(
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA \
         WHERE SCHEMA_NAME NOT IN {VIRTUAL}"
    );
    let databases = connection.query(&sql).await?;
    for row in &databases.rows {
        let (Some(database), Some(charset)) = (row.text(0), row.text(1)) else {
            continue;
        };
        history.add_database(database, &charset_name(charset))?;
        let named = |table| TableName {
            database: database.to_owned(),
            table,
        };
        for (table, schema) in tables_of(connection, database).await? {
            history.add_table(&named(table), schema)?;
        }
        let sql = format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = {} AND TABLE_TYPE LIKE '%VIEW'",
            literal(database)
        );
        for row in connection.query(&sql).await?.rows {
            if let Some(view) = row.text(0) {
                history.add_view(&named(view.to_owned()))?;
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Reads the definitions that all tables of a database have now, each with its name.
pub async fn tables_of(
    connection: &mut Connection,
    database: &str,
) -> Result<Vec<(String, TableSchema)>, Error> {
    let place = format!("TABLE_SCHEMA = {}", literal(database));
    read(connection, &place).await
}

/// The tables in a place, each with its name.
async fn read(
    connection: &mut Connection,
    place: &str,
) -> Result<Vec<(String, TableSchema)>, Error> {
    let mut tables: Vec<(String, TableSchema)> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    connection.query(SHOW_GENERATED).await?;
    let sql = format!(
        "SELECT TABLE_NAME, TABLE_COLLATION, TABLE_TYPE = 'SYSTEM VERSIONED' FROM information_schema.TABLES \
         WHERE {place} AND TABLE_TYPE NOT LIKE '%VIEW'"
    );
    let each = |row: Row| {
        let Some(name) = row.text(0) else { return };
        numbers.insert(name.to_owned(), tables.len());
        let charset = row.text(1).and_then(charset_of_collation);
        let schema = TableSchema {
            charset: charset.unwrap_or_else(|| "utf8mb4".to_owned()),
            columns: Vec::new(),
            primary_key: Vec::new(),
            hidden: Hidden {
                // Unless there turn out to be columns for it.
                system_time: row.text(2) == Some("1"),
                ..Hidden::default()
            },
        };
        tables.push((name.to_owned(), schema));
    };
    connection.query_each(&sql, each).await?;
    let sql = format!("{COLUMNS} WHERE {place} ORDER BY TABLE_NAME, ORDINAL_POSITION");
    let each = |row: Row| {
        let number = row.text(0).and_then(|name| numbers.get(name));
        let table = number.and_then(|number| tables.get_mut(*number));
        if let (Some((_, table)), Some(column)) = (table, column(&row)) {
            table.hidden.system_time &= row.text(6) != Some("1");
            table.columns.push(column);
        }
    };
    connection.query_each(&sql, each).await?;
    let each = |row: Row| {
        let number = row.text(0).and_then(|name| numbers.get(name));
        let table = number.and_then(|number| tables.get_mut(*number));
        let (Some((_, table)), Some(column)) = (table, row.text(1)) else {
            return;
        };
        match row.text(2) {
            Some("PRIMARY") | None => table.primary_key.push(column.to_owned()),
            Some(key) => {
                let length = row.text(3).and_then(|length| length.parse().ok());
                let is_hash = row.text(4) == Some("1");
                table.hidden.learn(key, column, length, is_hash);
            }
        }
    };
    let sql = KEYS.replace("{place}", place);
    connection.query_each(&sql, each).await?;
    // MariaDB's JSON is a LONGTEXT with a check. To the server too only that of a column is one.
    // MySQL has JSON itself, and takes what only MariaDB is to read for a comment.
    let checked = place.replacen("TABLE_SCHEMA", "CONSTRAINT_SCHEMA", 1);
    let sql = format!(
        "SELECT '', '' FROM DUAL WHERE FALSE /*M!100222 UNION ALL SELECT TABLE_NAME, CHECK_CLAUSE \
         FROM information_schema.CHECK_CONSTRAINTS WHERE {checked} AND CHECK_CLAUSE LIKE 'json_valid(%' */ \
         /*M!100600 AND LEVEL = 'Column' */"
    );
    let each = |row: Row| {
        let number = row.text(0).and_then(|name| numbers.get(name));
        let table = number.and_then(|number| tables.get_mut(*number));
        if let (Some((_, table)), Some(clause)) = (table, row.text(1)) {
            table.apply_check(clause);
        }
    };
    connection.query_each(&sql, each).await?;
    // A table that was dropped in between has none.
    tables.retain(|(_, table)| !table.columns.is_empty());
    Ok(tables)
}

fn column(row: &Row) -> Option<ColumnSchema> {
    Some(ColumnSchema {
        name: row.text(1)?.to_owned(),
        column_type: plain_type(row.text(2)?),
        // Of an ENUM or SET of bytes, which MySQL shows without it.
        charset: row
            .text(3)
            .filter(|charset| *charset != "binary")
            .map(charset_name),
        nullable: row.text(4) != Some("NO"),
        generated_key: row.text(5) == Some("1"),
    })
}

/// Writes text as a literal that means the same in every `sql_mode`.
fn literal(text: &str) -> String {
    use std::fmt::Write;
    let mut literal = String::from("_utf8mb4 0x");
    for byte in text.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(literal, "{byte:02x}");
    }
    if text.is_empty() {
        return "''".to_owned();
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_leave_its_literal() {
        assert_eq!(literal("a'b\\"), "_utf8mb4 0x6127625c");
        assert_eq!(literal(""), "''");
    }
}
