//! Columns and keys as CREATE TABLE and ALTER TABLE define them.

use super::cursor::{Cursor, NotUnderstood};
use super::lexer::{Dialect, Token};
use super::type_name::{TextSize, TypeName, charset_name, charset_of_collation};
use super::{CharsetName, ColumnClause, Placement};

/// One entry of a table's definition.
#[derive(Debug)]
pub enum Element {
    Column(ColumnClause, Option<Placement>),
    PrimaryKey(Vec<String>),
    /// An index or constraint, which changes no column.
    Other,
}

impl Element {
    /// Reads an entry of CREATE TABLE, or what ADD adds.
    pub fn read(mut item: Cursor<'_>, dialect: Dialect) -> Result<Self, NotUnderstood> {
        if item.eat("CONSTRAINT") {
            // MariaDB
            item.eat("IF NOT EXISTS");
            if !item.is_at("PRIMARY KEY") && !is_constraint(&item) {
                item.name()?;
            }
        }
        if item.eat("PRIMARY KEY") {
            return Ok(Self::PrimaryKey(primary_key(&mut item)?));
        }
        const OTHERS: [&str; 12] = [
            "INDEX",
            "KEY",
            "UNIQUE",
            "FULLTEXT",
            "SPATIAL",
            "FOREIGN",
            "CHECK",
            "PERIOD FOR",
            "VECTOR INDEX",
            "VECTOR KEY",
            "INDEX IF",
            "CONSTRAINT",
        ];
        if OTHERS.iter().any(|words| item.is_at(words)) {
            return Ok(Self::Other);
        }
        let (column, placement) = column(&mut item, dialect)?;
        Ok(Self::Column(column, placement))
    }
}

fn is_constraint(item: &Cursor<'_>) -> bool {
    ["UNIQUE", "FOREIGN", "CHECK"]
        .iter()
        .any(|word| item.is_at(word))
}

/// The columns behind PRIMARY KEY.
fn primary_key(item: &mut Cursor<'_>) -> Result<Vec<String>, NotUnderstood> {
    while !item.is_at_symbol('(') {
        if item.next().is_none() {
            return Err(NotUnderstood);
        }
    }
    let mut inside = item.parenthesized()?;
    let mut columns = Vec::new();
    while let Some(mut part) = inside.item() {
        columns.push(part.name()?);
    }
    Ok(columns)
}

/// A column's name, type and attributes.
pub fn column(
    item: &mut Cursor<'_>,
    dialect: Dialect,
) -> Result<(ColumnClause, Option<Placement>), NotUnderstood> {
    let name = item.column_name()?;
    let named_charset = |name: &str| Some(CharsetName::Named(name.to_owned()));
    let is_serial = item.is_at("SERIAL");
    let mut charset = if item.is_at("NATIONAL") || item.is_at("NCHAR") || item.is_at("NVARCHAR") {
        named_charset("utf8mb3")
    } else if dialect.is_mariadb && item.is_at("JSON") {
        named_charset("utf8mb4")
    } else {
        None
    };
    let type_name = TypeName::read(item, dialect)?;
    let mut column = ColumnClause {
        name,
        type_name,
        charset: None,
        nullable: !is_serial,
        primary_key: false,
    };
    let mut placement = None;
    while !item.is_empty() {
        if let Some(found) = charset_option(item)? {
            charset = Some(found);
        } else if item.eat("COLLATE") {
            item.eat_symbol('=');
            let collation = text_or_name(item)?;
            charset = charset.or_else(|| charset_of_collation(&collation).map(CharsetName::Named));
        } else if item.eat("BYTE") {
            charset = named_charset("binary");
        } else if item.eat("ASCII") {
            charset = named_charset("latin1");
        } else if item.eat("UNICODE") {
            charset = named_charset("ucs2");
        } else if item.eat("NOT NULL")
            || item.eat("AUTO_INCREMENT")
            || item.eat("AS ROW")
            || item.eat("SERIAL DEFAULT VALUE")
        {
            column.nullable = false;
        } else if item.eat("SET NULL") || item.eat("SET DEFAULT") || item.eat("NOT") {
            // Of REFERENCES … ON DELETE, and of NOT VISIBLE and such.
        } else if item.eat("NULL") {
            column.nullable = true;
        } else if item.eat("UNIQUE") {
            item.eat("KEY");
        } else if item.eat("PRIMARY") {
            item.eat("KEY");
            column.primary_key = true;
        } else if item.eat("KEY") {
            column.primary_key = true;
        } else if dialect.is_mariadb && item.eat("CHECK") {
            if is_json_check(item.parenthesized()?, &column.name)
                && column.type_name == TypeName::Text(TextSize::Long)
            {
                column.type_name = TypeName::Json;
            }
        } else if item.eat("DEFAULT") || item.eat("ON UPDATE") {
            value(item)?;
        } else if item.eat("FIRST") {
            placement = Some(Placement::First);
        } else if item.eat("AFTER") {
            placement = Some(Placement::After(item.column_name()?));
        } else if item.eat("COMMENT") || item.eat("REFERENCES") || item.eat("CONSTRAINT") {
            item.next();
        } else {
            item.skip()?;
        }
    }
    column.charset = charset;
    column.nullable &= !column.primary_key;
    Ok((column, placement))
}

/// Whether a check is the one that makes MariaDB's JSON of a LONGTEXT, as SHOW CREATE TABLE and dumps have it.
fn is_json_check(mut check: Cursor<'_>, column: &str) -> bool {
    check.eat("JSON_VALID")
        && check.parenthesized().is_ok_and(|mut inside| {
            inside.column_name().is_ok_and(|name| name == column) && inside.is_empty()
        })
        && check.is_empty()
}

/// Steps over a default: a literal, an expression in parentheses, or a function.
fn value(item: &mut Cursor<'_>) -> Result<(), NotUnderstood> {
    if item.is_at_symbol('(') {
        return item.skip();
    }
    item.eat_symbol('-');
    item.eat_symbol('+');
    item.skip()?;
    if item.is_at_symbol('(') {
        item.skip()?;
    }
    Ok(())
}

/// Reads `CHARACTER SET x` and its like; `None` if it is something else.
pub fn charset_option(cursor: &mut Cursor<'_>) -> Result<Option<CharsetName>, NotUnderstood> {
    if !cursor.eat("CHARACTER SET") && !cursor.eat("CHARSET") && !cursor.eat("CHAR SET") {
        return Ok(None);
    }
    cursor.eat_symbol('=');
    if cursor.eat("DEFAULT") {
        return Ok(Some(CharsetName::Default));
    }
    let name = text_or_name(cursor)?;
    Ok(Some(CharsetName::Named(charset_name(&name))))
}

fn text_or_name(cursor: &mut Cursor<'_>) -> Result<String, NotUnderstood> {
    match cursor.peek() {
        Some(Token::Text(text)) => {
            cursor.next();
            Ok(text.clone())
        }
        _ => cursor.name(),
    }
}

/// The default charset among a table's or database's options; the last one counts, and a collation only without one.
pub fn default_charset(mut cursor: Cursor<'_>) -> Result<Option<CharsetName>, NotUnderstood> {
    let (mut charset, mut of_collation) = (None, None);
    while !cursor.is_empty() {
        if let Some(found) = charset_option(&mut cursor)? {
            charset = Some(found);
        } else if cursor.eat("COLLATE") {
            cursor.eat_symbol('=');
            if cursor.eat("DEFAULT") {
                of_collation = Some(CharsetName::Default);
            } else {
                let collation = text_or_name(&mut cursor)?;
                of_collation = charset_of_collation(&collation).map(CharsetName::Named);
            }
        } else if cursor.eat("COMMENT") {
            cursor.eat_symbol('=');
            cursor.next();
        } else {
            cursor.skip()?;
        }
    }
    Ok(charset.or(of_collation))
}
