//! Which statement it is, and what it has effects on.

use super::alter;
use super::cursor::{Cursor, NotUnderstood};
use super::element::{AddedKey, Element, is_in_memory};
use super::lexer::{Dialect, Lexer, Token};
use super::options::default_charset;
use super::{Clause, Effect, Extras, TableContent, TableName, UniqueKey};

/// The effects of a statement on definitions, in their order; empty for one that has none.
///
/// `database` is the default one.
pub fn parse(sql: &str, database: &str, dialect: Dialect) -> Vec<Effect> {
    // Most of what comes here is long and means nothing: procedures, grants.
    let first: Vec<Token> = Lexer::new(sql, dialect).take(FRONT).collect();
    if !may_define(Cursor::new(&first)) {
        return Vec::new();
    }
    let tokens: Vec<Token> = Lexer::new(sql, dialect)
        .filter(|token| *token != Token::Symbol(';'))
        .collect();
    statement(Cursor::new(&tokens), database, dialect)
}

/// How many tokens stand before what it is that a statement makes, at most:
/// `CREATE OR REPLACE ALGORITHM = UNDEFINED DEFINER = a @ b SQL SECURITY DEFINER VIEW`.
const FRONT: usize = 24;

/// Whether the statement is one of those that are read on.
fn may_define(mut cursor: Cursor<'_>) -> bool {
    if cursor.is_at("SET STATEMENT") || cursor.eat_any(&["DROP", "RENAME", "TRUNCATE"]) {
        return true;
    }
    if !cursor.eat_any(&["CREATE", "ALTER"]) {
        return false;
    }
    const FLAGS: [&str; 6] = [
        "OR REPLACE",
        "TEMPORARY",
        "IGNORE",
        "ONLINE",
        "OFFLINE",
        "UNIQUE",
    ];
    while cursor.eat_any(&FLAGS) {}
    view_options(&mut cursor);
    ["TABLE", "DATABASE", "SCHEMA", "SEQUENCE", "VIEW", "INDEX"]
        .iter()
        .any(|word| cursor.is_at(word))
}

/// Steps over what may stand before VIEW, and before procedures and such.
fn view_options(cursor: &mut Cursor<'_>) {
    loop {
        if cursor.eat("ALGORITHM") {
            cursor.eat_symbol('=');
            cursor.next();
        } else if cursor.eat("DEFINER") {
            cursor.eat_symbol('=');
            cursor.next();
            if cursor.eat_symbol('@') {
                cursor.next();
            } else if cursor.is_at_symbol('(') && cursor.skip().is_err() {
                return;
            }
        } else if cursor.eat("SQL SECURITY") {
            cursor.next();
        } else {
            return;
        }
    }
}

fn statement(mut cursor: Cursor<'_>, database: &str, dialect: Dialect) -> Vec<Effect> {
    // MariaDB: SET STATEMENT variable=value FOR …
    if cursor.eat("SET STATEMENT") {
        while !cursor.is_empty() && !cursor.eat("FOR") {
            cursor.next();
        }
        return statement(cursor, database, dialect);
    }
    if cursor.eat("CREATE") {
        let or_replace = cursor.eat("OR REPLACE");
        if cursor.eat("TABLE") {
            return create_table(cursor, database, dialect, or_replace);
        }
        if cursor.eat("SEQUENCE") {
            return sequence(cursor, database);
        }
        if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
            return or_unclear(create_database(cursor, or_replace));
        }
        if cursor.eat("UNIQUE INDEX") {
            return create_unique_index(cursor, database, dialect);
        }
        view_options(&mut cursor);
        if cursor.eat("VIEW") {
            cursor.eat("IF NOT EXISTS");
            return view(cursor, database);
        }
        return Vec::new();
    }
    if cursor.eat("ALTER") {
        while cursor.eat_any(&["IGNORE", "ONLINE", "OFFLINE"]) {}
        view_options(&mut cursor);
        if cursor.eat("VIEW") {
            return view(cursor, database);
        }
        if cursor.eat("TABLE") {
            return alter_table(cursor, database, dialect);
        }
        if cursor.eat("SEQUENCE") {
            return sequence(cursor, database);
        }
        if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
            return or_unclear(alter_database(cursor, database));
        }
        return Vec::new();
    }
    if cursor.eat("DROP") {
        if cursor.eat_any(&["TABLE", "TABLES", "SEQUENCE"]) {
            return or_unclear(drop_tables(cursor, database));
        }
        if cursor.eat_any(&["DATABASE", "SCHEMA"]) {
            cursor.eat("IF EXISTS");
            let name = cursor.name();
            return or_unclear(name.map(|name| vec![Effect::DropDatabase { name }]));
        }
        if cursor.eat("INDEX") {
            return or_unclear(drop_index(cursor, database, dialect));
        }
        if cursor.eat("VIEW") {
            return drop_views(cursor, database);
        }
        return Vec::new();
    }
    if cursor.eat("RENAME") {
        if cursor.eat_any(&["TABLE", "TABLES"]) {
            return or_unclear(rename_tables(cursor, database));
        }
        return Vec::new();
    }
    if cursor.eat("TRUNCATE") {
        cursor.eat("TABLE");
        let table = cursor.table_name(database);
        // It changes no definition, whichever table it was.
        return table.map_or_else(
            |_| Vec::new(),
            |table| vec![Effect::TruncateTable { table }],
        );
    }
    Vec::new()
}

fn or_unclear(effects: Result<Vec<Effect>, NotUnderstood>) -> Vec<Effect> {
    effects.unwrap_or_else(|_| vec![Effect::Unclear { table: None }])
}

fn create_database(mut cursor: Cursor<'_>, or_replace: bool) -> Result<Vec<Effect>, NotUnderstood> {
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    let name = cursor.name()?;
    let charset = default_charset(cursor)?;
    let mut effects = Vec::new();
    if or_replace {
        effects.push(Effect::DropDatabase { name: name.clone() });
    }
    effects.push(Effect::CreateDatabase {
        name,
        charset,
        if_not_exists,
    });
    Ok(effects)
}

fn alter_database(mut cursor: Cursor<'_>, database: &str) -> Result<Vec<Effect>, NotUnderstood> {
    const OPTIONS: [&str; 10] = [
        "DEFAULT",
        "CHARACTER SET",
        "CHARSET",
        "CHAR SET",
        "COLLATE",
        "COMMENT",
        "ENCRYPTION",
        "READ ONLY",
        "UPGRADE",
        "OPTIONS",
    ];
    let name = if OPTIONS.iter().any(|words| cursor.is_at(words)) {
        database.to_owned()
    } else {
        cursor.name()?
    };
    let charset = default_charset(cursor)?;
    Ok(vec![Effect::AlterDatabase { name, charset }])
}

fn create_table(
    mut cursor: Cursor<'_>,
    database: &str,
    dialect: Dialect,
    or_replace: bool,
) -> Vec<Effect> {
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    let Ok(table) = cursor.table_name(database) else {
        return vec![Effect::Unclear { table: None }];
    };
    match content(cursor, database, dialect) {
        Ok(content) => vec![Effect::CreateTable {
            table,
            content,
            if_not_exists: if_not_exists && !or_replace,
        }],
        Err(NotUnderstood) => vec![Effect::Unclear { table: Some(table) }],
    }
}

fn content(
    mut cursor: Cursor<'_>,
    database: &str,
    dialect: Dialect,
) -> Result<TableContent, NotUnderstood> {
    if cursor.eat("LIKE") {
        return Ok(TableContent::Like(cursor.table_name(database)?));
    }
    let mut body = cursor.parenthesized()?;
    if body.eat("LIKE") {
        return Ok(TableContent::Like(body.table_name(database)?));
    }
    // Its columns are those of a query; with rows in the binlog the server writes them out instead.
    let (mut options, mut versioned) = (cursor, false);
    while !options.is_empty() {
        if options.eat("WITH SYSTEM VERSIONING") {
            versioned = true;
            continue;
        }
        if ["SELECT", "AS", "WITH"]
            .iter()
            .any(|words| options.is_at(words))
        {
            return Err(NotUnderstood);
        }
        options.skip()?;
    }
    if dialect.is_oracle() {
        return Err(NotUnderstood);
    }
    let (mut columns, mut primary_key, mut unique_keys) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(item) = body.item() {
        match Element::read(item, dialect)? {
            Element::Column(column, _) => {
                let unique = column.unique;
                unique_keys.extend(unique.map(|hash| UniqueKey::of_column(&column.name, hash)));
                versioned |= column.versioned;
                columns.push(column);
            }
            Element::PrimaryKey(key) => primary_key = key.columns().collect(),
            Element::Unique(key) => unique_keys.push(key.key),
            Element::Other => {}
        }
    }
    if !dialect.is_mariadb || is_in_memory(cursor) {
        unique_keys.clear();
    }
    let in_place = columns.iter().filter(|column| column.primary_key);
    primary_key.extend(in_place.map(|column| column.name.clone()));
    if columns.is_empty() {
        return Err(NotUnderstood);
    }
    Ok(TableContent::Columns {
        columns,
        primary_key,
        charset: default_charset(cursor)?,
        extras: Extras {
            versioned,
            unique_keys,
        },
    })
}

fn view(mut cursor: Cursor<'_>, database: &str) -> Vec<Effect> {
    let view = cursor.table_name(database);
    view.map_or_else(|_| Vec::new(), |view| vec![Effect::CreateView { view }])
}

fn drop_views(mut cursor: Cursor<'_>, database: &str) -> Vec<Effect> {
    cursor.eat("IF EXISTS");
    let mut effects = Vec::new();
    while let Some(mut item) = cursor.item() {
        let view = item.table_name(database);
        effects.extend(view.map(|view| Effect::DropView { view }));
    }
    effects
}

/// `CREATE UNIQUE INDEX [IF NOT EXISTS] i ON t (…)`, in which MariaDB may keep hashes.
fn create_unique_index(mut cursor: Cursor<'_>, database: &str, dialect: Dialect) -> Vec<Effect> {
    if !dialect.is_mariadb {
        return Vec::new();
    }
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    let (name, mut is_hash) = (cursor.name().ok(), false);
    while !cursor.is_empty() && !cursor.eat("ON") {
        is_hash |= cursor.is_at("USING HASH");
        cursor.next();
    }
    let Ok(table) = cursor.table_name(database) else {
        return Vec::new();
    };
    match AddedKey::read(&mut cursor) {
        Ok(AddedKey { mut key, .. }) => {
            key.hash |= is_hash;
            key.name = name;
            let clauses = vec![Clause::AddUnique { key, if_not_exists }];
            vec![Effect::AlterIndexes { table, clauses }]
        }
        Err(NotUnderstood) => vec![Effect::Unclear { table: Some(table) }],
    }
}

/// MariaDB's sequences are tables, with rows in the binlog.
fn sequence(mut cursor: Cursor<'_>, database: &str) -> Vec<Effect> {
    cursor.eat("IF NOT EXISTS");
    cursor.eat("IF EXISTS");
    let table = cursor.table_name(database).ok();
    vec![Effect::Unclear { table }]
}

fn alter_table(mut cursor: Cursor<'_>, database: &str, dialect: Dialect) -> Vec<Effect> {
    cursor.eat("IF EXISTS");
    let Ok(table) = cursor.table_name(database) else {
        return vec![Effect::Unclear { table: None }];
    };
    // MariaDB: these make a table or take one away.
    let mut ahead = cursor;
    while !ahead.is_empty() {
        if ahead.is_at("CONVERT PARTITION") || ahead.is_at("CONVERT TABLE") {
            return vec![Effect::Unclear { table: None }];
        }
        ahead.next();
    }
    match alter::clauses(cursor, database, dialect) {
        Ok(_) if dialect.is_oracle() => vec![Effect::Unclear { table: Some(table) }],
        Ok(clauses) => vec![Effect::AlterTable { table, clauses }],
        // It may also have been renamed.
        Err(NotUnderstood) if has_rename(cursor) => vec![Effect::Unclear { table: None }],
        Err(NotUnderstood) => vec![Effect::Unclear { table: Some(table) }],
    }
}

fn has_rename(mut cursor: Cursor<'_>) -> bool {
    while !cursor.is_empty() {
        if cursor.is_at("RENAME") {
            return true;
        }
        cursor.next();
    }
    false
}

fn drop_tables(mut cursor: Cursor<'_>, database: &str) -> Result<Vec<Effect>, NotUnderstood> {
    let if_exists = cursor.eat("IF EXISTS");
    let mut effects = Vec::new();
    while let Some(mut item) = cursor.item() {
        let table = item.table_name(database)?;
        effects.push(Effect::DropTable { table, if_exists });
    }
    Ok(effects)
}

/// `DROP INDEX PRIMARY ON t` takes the primary key away.
fn drop_index(
    mut cursor: Cursor<'_>,
    database: &str,
    dialect: Dialect,
) -> Result<Vec<Effect>, NotUnderstood> {
    cursor.eat("IF EXISTS");
    let index = cursor.name()?;
    if !cursor.eat("ON") {
        return Ok(Vec::new());
    }
    let table = cursor.table_name(database)?;
    Ok(if index.eq_ignore_ascii_case("PRIMARY") {
        let clauses = vec![Clause::DropPrimaryKey];
        vec![Effect::AlterTable { table, clauses }]
    } else if dialect.is_mariadb {
        let clauses = vec![Clause::DropIndex(index)];
        vec![Effect::AlterIndexes { table, clauses }]
    } else {
        Vec::new()
    })
}

fn rename_tables(mut cursor: Cursor<'_>, database: &str) -> Result<Vec<Effect>, NotUnderstood> {
    cursor.eat("IF EXISTS");
    let mut effects = Vec::new();
    while let Some(mut item) = cursor.item() {
        let from: TableName = item.table_name(database)?;
        if item.eat("WAIT") {
            item.next();
        }
        item.eat("NOWAIT");
        if !item.eat("TO") {
            return Err(NotUnderstood);
        }
        let to = item.table_name(database)?;
        effects.push(Effect::RenameTable { from, to });
    }
    Ok(effects)
}
