//! The clauses of ALTER TABLE.

use super::column::column;
use super::cursor::{Cursor, NotUnderstood};
use super::element::{AddedKey, Element};
use super::lexer::{Dialect, Token};
use super::options::{charset_option, collation_option, default_charset};
use super::{CharsetName, Clause, ColumnClause, UniqueKey};

/// What the reader of clauses goes on with.
enum Next {
    Clauses,
    /// What follows belongs to this clause, and changes no column.
    Nothing,
}

/// Reads the clauses behind the table's name.
pub fn clauses(
    mut cursor: Cursor<'_>,
    database: &str,
    dialect: Dialect,
) -> Result<Vec<Clause>, NotUnderstood> {
    let mut clauses = Vec::new();
    while let Some(item) = cursor.item() {
        // Partitions may follow the last clause without a comma.
        let (item, is_last) = item.before(&["PARTITION BY", "REMOVE PARTITIONING"]);
        if is_last && item.is_empty() {
            break;
        }
        if let Next::Nothing = clause(item, database, dialect, &mut clauses)? {
            break;
        }
    }
    if !dialect.is_mariadb {
        // Its indexes have no columns of their own in rows.
        clauses.retain(|clause| !clause.is_about_indexes());
    }
    Ok(clauses)
}

fn clause(
    mut item: Cursor<'_>,
    database: &str,
    dialect: Dialect,
    out: &mut Vec<Clause>,
) -> Result<Next, NotUnderstood> {
    // WAIT of MariaDB stands before the first clause.
    if item.eat("WAIT") {
        item.next();
    }
    item.eat("NOWAIT");
    if item.eat("ADD") {
        return add(item, dialect, out);
    }
    if item.eat("CHANGE") {
        item.eat("COLUMN");
        let if_exists = item.eat("IF EXISTS");
        let old = item.column_name()?;
        let (column, placement) = column(&mut item, dialect)?;
        let keys = keys_of(&column, if_exists);
        out.push(Clause::Change {
            old,
            column,
            placement,
            if_exists,
        });
        out.extend(keys);
    } else if item.eat("MODIFY") {
        item.eat("COLUMN");
        let if_exists = item.eat("IF EXISTS");
        let (column, placement) = column(&mut item, dialect)?;
        let keys = keys_of(&column, if_exists);
        out.push(Clause::Change {
            old: column.name.clone(),
            column,
            placement,
            if_exists,
        });
        out.extend(keys);
    } else if item.eat("DROP") {
        return drop(item, out);
    } else if item.eat("RENAME") {
        rename(item, database, out)?;
    } else if item.eat("CONVERT TO") {
        out.push(Clause::Convert {
            charset: convert(item)?,
            is_mariadb: dialect.is_mariadb,
        });
    } else if is_partitioning(&item) {
        return Ok(Next::Nothing);
    } else if item.eat("ORDER BY") {
        // Its columns have commas between them, and nothing but options can follow.
        return Ok(Next::Nothing);
    } else if is_option(&item) {
        if let Some(charset) = default_charset(item)? {
            out.push(Clause::Charset(charset));
        }
    } else {
        return Err(NotUnderstood);
    }
    Ok(Next::Clauses)
}

fn add(
    mut item: Cursor<'_>,
    dialect: Dialect,
    out: &mut Vec<Clause>,
) -> Result<Next, NotUnderstood> {
    let is_column = item.eat("COLUMN");
    if !is_column && item.is_at("PARTITION") {
        return Ok(Next::Nothing);
    }
    if !is_column && item.is_at("SYSTEM VERSIONING") {
        out.push(Clause::AddSystemVersioning);
        return Ok(Next::Clauses);
    }
    let if_not_exists = item.eat("IF NOT EXISTS");
    if item.is_at_symbol('(') {
        let mut inside = item.parenthesized()?;
        while let Some(element) = inside.item() {
            push(Element::read(element, dialect)?, if_not_exists, out);
        }
        return Ok(Next::Clauses);
    }
    let element = if is_column {
        let (column, placement) = column(&mut item, dialect)?;
        Element::Column(column, placement)
    } else {
        Element::read(item, dialect)?
    };
    push(element, if_not_exists, out);
    Ok(Next::Clauses)
}

fn push(element: Element, if_not_exists: bool, out: &mut Vec<Clause>) {
    match element {
        Element::Column(column, placement) => {
            let keys = keys_of(&column, if_not_exists);
            out.push(Clause::Add {
                column,
                placement,
                if_not_exists,
            });
            out.extend(keys);
        }
        Element::PrimaryKey(key) => out.push(Clause::AddPrimaryKey {
            if_not_exists: key.if_not_exists,
            columns: key.columns().collect(),
        }),
        Element::Unique(AddedKey { key, if_not_exists }) => {
            out.push(Clause::AddUnique { key, if_not_exists });
        }
        Element::Other => {}
    }
}

/// The keys that a column's attributes add, whether its own clause has an effect or not; under a condition for the column
/// they are added unless they are there.
fn keys_of(column: &ColumnClause, if_not_exists: bool) -> Vec<Clause> {
    let mut keys = Vec::new();
    if let Some(hash) = column.unique {
        let key = UniqueKey::of_column(&column.name, hash);
        keys.push(Clause::AddUnique { key, if_not_exists });
    }
    if column.primary_key {
        keys.push(Clause::AddPrimaryKey {
            columns: vec![column.name.clone()],
            if_not_exists,
        });
    }
    keys
}

fn drop(mut item: Cursor<'_>, out: &mut Vec<Clause>) -> Result<Next, NotUnderstood> {
    let is_column = item.eat("COLUMN");
    if !is_column {
        if item.is_at("PARTITION") {
            return Ok(Next::Nothing);
        }
        if item.eat("PRIMARY KEY") {
            out.push(Clause::DropPrimaryKey);
            return Ok(Next::Clauses);
        }
        if item.eat_any(&["INDEX", "KEY", "CONSTRAINT"]) {
            item.eat("IF EXISTS");
            let name = item.name()?;
            out.push(match name.eq_ignore_ascii_case("PRIMARY") {
                true => Clause::DropPrimaryKey,
                false => Clause::DropIndex(name),
            });
            return Ok(Next::Clauses);
        }
        if item.is_at("FOREIGN KEY") || item.is_at("PERIOD FOR") {
            return Ok(Next::Clauses);
        }
        if item.is_at("SYSTEM VERSIONING") {
            out.push(Clause::DropSystemVersioning);
            return Ok(Next::Clauses);
        }
        // CHECK is a reserved word.
        if item.is_at("CHECK") {
            return Ok(Next::Clauses);
        }
    }
    let if_exists = item.eat("IF EXISTS");
    let column = item.column_name()?;
    item.eat_any(&["RESTRICT", "CASCADE"]);
    if !item.is_empty() {
        return Err(NotUnderstood);
    }
    out.push(Clause::Drop { column, if_exists });
    Ok(Next::Clauses)
}

fn rename(
    mut item: Cursor<'_>,
    database: &str,
    out: &mut Vec<Clause>,
) -> Result<(), NotUnderstood> {
    if item.is_at("INDEX") || item.is_at("KEY") {
        return Ok(());
    }
    if item.eat("COLUMN") {
        let if_exists = item.eat("IF EXISTS");
        let old = item.column_name()?;
        if !item.eat("TO") {
            return Err(NotUnderstood);
        }
        let new = item.column_name()?;
        out.push(Clause::RenameColumn {
            old,
            new,
            if_exists,
        });
        return Ok(());
    }
    if !item.eat_any(&["TO", "AS"]) {
        item.eat_symbol('=');
    }
    out.push(Clause::Rename(item.table_name(database)?));
    Ok(())
}

fn convert(mut item: Cursor<'_>) -> Result<CharsetName, NotUnderstood> {
    let Some(charset) = charset_option(&mut item)? else {
        return Err(NotUnderstood);
    };
    // CONVERT TO CHARACTER SET DEFAULT COLLATE x
    if charset == CharsetName::Default
        && let Some(charset) = collation_option(&mut item)?
    {
        return Ok(charset);
    }
    Ok(charset)
}

fn is_partitioning(item: &Cursor<'_>) -> bool {
    const VERBS: [&str; 11] = [
        "TRUNCATE",
        "DISCARD",
        "IMPORT",
        "COALESCE",
        "REORGANIZE",
        "EXCHANGE",
        "ANALYZE",
        "CHECK",
        "OPTIMIZE",
        "REBUILD",
        "REPAIR",
    ];
    let mut behind = *item;
    behind.eat_any(&VERBS)
        && ["PARTITION", "TABLESPACE"]
            .iter()
            .any(|word| behind.is_at(word))
}

/// Whether the clause is one of the table's options, or another that changes no column.
fn is_option(item: &Cursor<'_>) -> bool {
    const WORDS: [&str; 24] = [
        "ALGORITHM",
        "LOCK",
        "FORCE",
        "ENABLE KEYS",
        "DISABLE KEYS",
        "WITH VALIDATION",
        "WITHOUT VALIDATION",
        "ALTER",
        "DEFAULT CHARACTER",
        "DEFAULT CHARSET",
        "DEFAULT COLLATE",
        "DEFAULT CHAR",
        "CHARACTER SET",
        "CHARSET",
        "CHAR SET",
        "COLLATE",
        "ENGINE",
        "COMMENT",
        "AUTO_INCREMENT",
        "ROW_FORMAT",
        "SECONDARY_LOAD",
        "SECONDARY_UNLOAD",
        "TABLESPACE",
        "UNION",
    ];
    if item.is_empty() || WORDS.iter().any(|words| item.is_at(words)) {
        return true;
    }
    // Options that are not listed here: `NAME = value`.
    let mut behind = *item;
    matches!(behind.next(), Some(Token::Word(_))) && {
        // DATA DIRECTORY and INDEX DIRECTORY.
        behind.eat("DIRECTORY");
        behind.is_at_symbol('=')
    }
}
