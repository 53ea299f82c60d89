//! A column as CREATE TABLE and ALTER TABLE define it.

use super::cursor::{Cursor, NotUnderstood};
use super::lexer::{Dialect, Token};
use super::options::{charset_option, collation_option};
use super::type_name::{TextSize, TypeName};
use super::{CharsetName, ColumnClause, Placement, SystemTime};

/// Reads a column's name, type and attributes, and where it goes.
///
/// What is no attribute of any server is not stepped over: it could be the beginning of something else.
pub fn column(
    item: &mut Cursor<'_>,
    dialect: Dialect,
) -> Result<(ColumnClause, Option<Placement>), NotUnderstood> {
    let name = item.column_name()?;
    let is_serial = item.is_at("SERIAL");
    let is_timestamp = item.is_at("TIMESTAMP");
    let charset = if item.is_at("NATIONAL") || item.is_at("NCHAR") || item.is_at("NVARCHAR") {
        named("utf8mb3")
    } else if dialect.is_mariadb && item.is_at("JSON") {
        named("utf8mb4")
    } else {
        None
    };
    let type_name = TypeName::read(item, dialect)?;
    let mut column = ColumnClause {
        name,
        type_name,
        charset,
        nullable: !(is_serial || is_timestamp && dialect.timestamps_not_null),
        primary_key: false,
        auto_increment: is_serial && !dialect.is_mariadb,
        // "SERIAL is an alias for BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE".
        unique: is_serial.then_some(false),
        system_time: None,
        versioned: false,
    };
    let mut placement = None;
    while !item.is_empty() {
        if item.eat("FIRST") {
            placement = Some(Placement::First);
        } else if item.eat("AFTER") {
            placement = Some(Placement::After(item.column_name()?));
        } else {
            attribute(&mut column, item, dialect)?;
        }
    }
    Ok((column, placement))
}

fn named(charset: &str) -> Option<CharsetName> {
    Some(CharsetName::Named(charset.to_owned()))
}

/// Reads one attribute: `column_attribute` of `sql/sql_yacc.yy`, `attribute` of MariaDB's.
fn attribute(
    column: &mut ColumnClause,
    item: &mut Cursor<'_>,
    dialect: Dialect,
) -> Result<(), NotUnderstood> {
    if let Some(found) = charset_option(item)? {
        column.charset = Some(found);
    } else if let Some(found) = collation_option(item)? {
        if column.charset.is_none() && found != CharsetName::Default {
            column.charset = Some(found);
        }
    } else if item.eat("BYTE") {
        column.charset = named("binary");
    } else if item.eat("ASCII") {
        column.charset = named("latin1");
    } else if item.eat("UNICODE") {
        column.charset = named("ucs2");
    } else if item.eat("NOT NULL") {
        column.nullable = false;
    } else if item.eat("SERIAL DEFAULT VALUE") {
        column.nullable = false;
        column.auto_increment = !dialect.is_mariadb;
        column.unique.get_or_insert(false);
    } else if item.eat("AUTO_INCREMENT") {
        column.nullable = false;
        column.auto_increment = !dialect.is_mariadb;
    } else if item.eat("NULL") {
        column.nullable = true;
    } else if item.eat("UNIQUE") {
        item.eat("KEY");
        column.unique = Some(item.eat("USING HASH"));
    } else if item.eat("PRIMARY KEY") || item.eat("PRIMARY") || item.eat("KEY") {
        column.primary_key = true;
        column.nullable = false;
    } else if item.eat("GENERATED ALWAYS") || item.is_at("AS") {
        generated(column, item)?;
    } else if item.eat("CONSTRAINT") {
        if !item.is_at("CHECK") && !item.is_at("REFERENCES") {
            item.name()?;
        }
    } else if item.eat("CHECK") {
        let is_json = is_json_check(item.parenthesized()?, &column.name);
        match column.type_name {
            TypeName::Text(TextSize::Long) if dialect.is_mariadb && is_json => {
                column.type_name = TypeName::Json;
            }
            // It takes the place of the check that MariaDB's JSON has.
            TypeName::Json if !is_json => column.type_name = TypeName::Text(TextSize::Long),
            _ => {}
        }
    } else if item.eat("DEFAULT") || item.eat("ON UPDATE") {
        value(item)?;
    } else if item.eat("REFERENCES") {
        references(item)?;
    } else if item.eat("WITH SYSTEM VERSIONING") {
        column.versioned = true;
    } else {
        other(item, dialect)?;
    }
    Ok(())
}

/// Steps over an attribute that decides nothing here.
fn other(item: &mut Cursor<'_>, dialect: Dialect) -> Result<(), NotUnderstood> {
    const WORDS: [&str; 12] = [
        "BINARY",
        "UNSIGNED",
        "SIGNED",
        "ZEROFILL",
        "VISIBLE",
        "INVISIBLE",
        "NOT ENFORCED",
        "ENFORCED",
        "NOT SECONDARY",
        "WITHOUT SYSTEM VERSIONING",
        "VIRTUAL",
        "STORED",
    ];
    // Those with a value behind them, which may have `=` before it.
    const VALUED: [&str; 7] = [
        "COMMENT",
        "COLUMN_FORMAT",
        "STORAGE",
        "SRID",
        "REF_SYSTEM_ID",
        "ENGINE_ATTRIBUTE",
        "SECONDARY_ENGINE_ATTRIBUTE",
    ];
    if item.eat_any(&WORDS) {
        return Ok(());
    }
    if item.eat_any(&VALUED) {
        item.eat_symbol('=');
        return item.next().map(|_| ()).ok_or(NotUnderstood);
    }
    if dialect.is_mariadb {
        if item.eat("COMPRESSED") {
            if item.eat_symbol('=') {
                item.name()?;
            }
            return Ok(());
        }
        // An attribute of an engine, which may have any name.
        item.name()?;
        if item.eat_symbol('=') {
            return item.next().map(|_| ()).ok_or(NotUnderstood);
        }
    }
    Err(NotUnderstood)
}

/// `AS (…)` of a generated column, `AS ROW START` of one that MariaDB fills in.
fn generated(column: &mut ColumnClause, item: &mut Cursor<'_>) -> Result<(), NotUnderstood> {
    if !item.eat("AS") {
        return Err(NotUnderstood);
    }
    let system_time = if item.eat("ROW START") {
        SystemTime::Start
    } else if item.eat("ROW END") {
        SystemTime::End
    } else {
        item.parenthesized()?;
        item.eat_any(&["VIRTUAL", "STORED", "PERSISTENT"]);
        return Ok(());
    };
    column.system_time = Some(system_time);
    column.nullable = false;
    Ok(())
}

/// Whether a check is the one that makes MariaDB's JSON of a LONGTEXT, as SHOW CREATE TABLE and dumps have it.
fn is_json_check(mut check: Cursor<'_>, column: &str) -> bool {
    while check.is_at_symbol('(') {
        let Ok(inside) = check.parenthesized() else {
            return false;
        };
        if !check.is_empty() {
            return false;
        }
        check = inside;
    }
    check.eat("JSON_VALID")
        && check.parenthesized().is_ok_and(|mut inside| {
            inside
                .column_name()
                .is_ok_and(|name| super::same(&name, column))
                && inside.is_empty()
        })
        && check.is_empty()
}

/// What REFERENCES refers to.
fn references(item: &mut Cursor<'_>) -> Result<(), NotUnderstood> {
    item.table_name("any")?;
    if item.is_at_symbol('(') {
        item.parenthesized()?;
    }
    loop {
        if item.eat("MATCH") {
            item.name()?;
        } else if item.is_at("ON DELETE") || item.is_at("ON UPDATE") {
            let mut action = *item;
            action.eat_any(&["ON DELETE", "ON UPDATE"]);
            let actions = [
                "RESTRICT",
                "CASCADE",
                "SET NULL",
                "NO ACTION",
                "SET DEFAULT",
            ];
            if !action.eat_any(&actions) {
                // ON UPDATE CURRENT_TIMESTAMP
                return Ok(());
            }
            *item = action;
        } else {
            return Ok(());
        }
    }
}

/// Steps over a default: a literal, an expression in parentheses, or a function.
fn value(item: &mut Cursor<'_>) -> Result<(), NotUnderstood> {
    if item.is_at_symbol('(') {
        return item.skip();
    }
    if item.eat("NEXT VALUE FOR") {
        item.table_name("any")?;
        return Ok(());
    }
    while item.eat_symbol('-') || item.eat_symbol('+') {}
    match item.next() {
        None | Some(Token::Symbol(_)) if !item.is_at_symbol('.') => Err(NotUnderstood),
        Some(Token::Text(_)) => {
            literals(item);
            Ok(())
        }
        first => {
            let mut last = first;
            // A number of several tokens, as in 1.5e-3, or a name of several parts.
            while item.eat_symbol('.')
                || is_exponent(last) && (item.eat_symbol('-') || item.eat_symbol('+'))
            {
                last = item.next();
            }
            // b'1', x'41', _utf8'x', DATE'2020-01-01'
            literals(item);
            if item.is_at_symbol('(') {
                item.skip()?;
            }
            Ok(())
        }
    }
}

/// Literals beside each other are one.
fn literals(item: &mut Cursor<'_>) {
    while matches!(item.peek(), Some(Token::Text(_))) {
        item.next();
    }
}

fn is_exponent(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Word(word))
        if word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['e', 'E']))
}
