//! Asks a server for a table's definition, for a binlog that has no names in it.

use crate::binlog::definition::{ColumnDefinition, Definition};
use crate::connection::Connection;
use crate::error::Error;

/// Reads the definition that the table has now; `None` if there is no such table, or none that the user may see.
///
/// The names are those of TABLE_MAP, which are those of the server's dictionary.
pub async fn definition(
    connection: &mut Connection,
    database: &str,
    table: &str,
) -> Result<Option<Definition>, Error> {
    let place = format!(
        "TABLE_SCHEMA = {} AND TABLE_NAME = {}",
        literal(database),
        literal(table)
    );
    let columns = connection
        .query(&format!(
            "SELECT COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE FROM information_schema.COLUMNS \
             WHERE {place} ORDER BY ORDINAL_POSITION"
        ))
        .await?;
    let columns: Vec<ColumnDefinition> = columns
        .rows
        .iter()
        .filter_map(|row| {
            Some(ColumnDefinition::from_information_schema(
                row.text(0)?,
                row.text(1)?,
                row.text(2),
                row.text(3) != Some("NO"),
            ))
        })
        .collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let key = connection
        .query(&format!(
            "SELECT COLUMN_NAME FROM information_schema.STATISTICS \
             WHERE {place} AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"
        ))
        .await?;
    let primary_key = key
        .rows
        .iter()
        .filter_map(|row| {
            let name = row.text(0)?;
            columns.iter().position(|column| column.name == name)
        })
        .collect();
    let mut definition = Definition {
        columns,
        primary_key,
    };
    // MySQL has JSON itself, and takes what only MariaDB is to read for a comment.
    let checks = connection
        .query(&format!(
            "SELECT '' FROM DUAL WHERE FALSE /*M!100222 UNION ALL \
             SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
             WHERE CONSTRAINT_SCHEMA = {} AND TABLE_NAME = {} */",
            literal(database),
            literal(table)
        ))
        .await?;
    for check in checks.rows.iter().filter_map(|row| row.text(0)) {
        definition.apply_check(check);
    }
    Ok(Some(definition))
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
