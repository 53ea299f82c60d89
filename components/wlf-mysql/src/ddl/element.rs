//! The entries of a table's definition: columns, keys and constraints.

use super::column::column;
use super::cursor::{Cursor, NotUnderstood};
use super::lexer::{Dialect, Token};
use super::{ColumnClause, KeyPart, Placement, UniqueKey};

/// One entry of a table's definition.
#[derive(Debug)]
pub enum Element {
    Column(ColumnClause, Option<Placement>),
    PrimaryKey(AddedKey),
    Unique(AddedKey),
    /// An index or constraint, which changes no column.
    Other,
}

/// A key, and whether it is added only if there is none of its name.
#[derive(Debug)]
pub struct AddedKey {
    pub key: UniqueKey,
    pub if_not_exists: bool,
}

impl AddedKey {
    /// The names of its columns.
    pub fn columns(self) -> impl Iterator<Item = String> {
        self.key.parts.into_iter().map(|part| part.column)
    }
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
            return Ok(Self::PrimaryKey(AddedKey::read(&mut item)?));
        }
        if item.eat("UNIQUE") {
            return Ok(Self::Unique(AddedKey::read(&mut item)?));
        }
        if item.eat("PERIOD FOR") {
            // Of any other name its columns become NOT NULL.
            return match item.eat("SYSTEM_TIME") {
                true => Ok(Self::Other),
                false => Err(NotUnderstood),
            };
        }
        const OTHERS: [&str; 6] = ["INDEX", "KEY", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK"];
        if OTHERS.iter().any(|words| item.is_at(words)) || is_vector_index(item) {
            return Ok(Self::Other);
        }
        let (column, placement) = column(&mut item, dialect)?;
        Ok(Self::Column(column, placement))
    }
}

/// VECTOR begins an index of MariaDB's, or is the name of a column.
fn is_vector_index(mut item: Cursor<'_>) -> bool {
    item.eat("VECTOR") && (item.is_at_symbol('(') || item.is_at("INDEX") || item.is_at("KEY"))
}

fn is_constraint(item: &Cursor<'_>) -> bool {
    ["UNIQUE", "FOREIGN", "CHECK"]
        .iter()
        .any(|word| item.is_at(word))
}

impl AddedKey {
    /// Reads a key behind UNIQUE or PRIMARY KEY: `[INDEX] [IF NOT EXISTS] [name] [USING …] (…) [USING …]`.
    pub fn read(item: &mut Cursor<'_>) -> Result<Self, NotUnderstood> {
        let (mut hash, mut name) = (false, None);
        item.eat_any(&["INDEX", "KEY"]);
        let if_not_exists = item.eat("IF NOT EXISTS");
        if !item.is_at("USING") && !item.is_at("TYPE") && !item.is_at_symbol('(') {
            name = Some(item.name()?);
        }
        while !item.is_at_symbol('(') {
            hash |= item.eat("USING HASH");
            if !item.is_at_symbol('(') && item.next().is_none() {
                return Err(NotUnderstood);
            }
        }
        let mut inside = item.parenthesized()?;
        while !item.is_empty() {
            hash |= item.eat("USING HASH");
            item.next();
        }
        let mut parts = Vec::new();
        while let Some(mut part) = inside.item() {
            // An expression has no column.
            if part.is_at_symbol('(') {
                continue;
            }
            let column = part.name()?;
            let length = match part.is_at_symbol('(') {
                true => Some(part.parenthesized()?.number()?),
                false => None,
            };
            part.eat_any(&["ASC", "DESC"]);
            // MariaDB: `p WITHOUT OVERLAPS` stands for the columns of the period.
            if !part.is_empty() {
                return Err(NotUnderstood);
            }
            parts.push(KeyPart { column, length });
        }
        Ok(Self {
            key: UniqueKey { name, parts, hash },
            if_not_exists,
        })
    }
}

impl UniqueKey {
    /// The key of a column that is UNIQUE itself.
    pub(super) fn of_column(column: &str, hash: bool) -> Self {
        let part = KeyPart {
            column: column.to_owned(),
            length: None,
        };
        Self {
            name: None,
            parts: vec![part],
            hash,
        }
    }
}

/// Whether a table's options say an engine that has hashes of its own for indexes.
pub fn is_in_memory(mut options: Cursor<'_>) -> bool {
    while !options.is_empty() {
        if options.eat("ENGINE") || options.eat("TYPE") {
            options.eat_symbol('=');
            return match options.next() {
                Some(Token::Word(engine) | Token::Quoted(engine) | Token::Text(engine)) => {
                    ["MEMORY", "HEAP"]
                        .iter()
                        .any(|name| engine.eq_ignore_ascii_case(name))
                }
                _ => false,
            };
        }
        options.next();
    }
    false
}
