//! Statements that change definitions, read as far as they change how rows are decoded.
//!
//! It is no SQL parser: clauses that change no column are stepped over, and what is not understood is reported as such, so
//! that the table's definition is asked for instead of guessed. Statements are hostile like everything in a binlog.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

mod alter;
mod client;
mod column;
mod cursor;
mod element;
mod lexer;
mod logged;
mod names;
mod options;
mod sequence;
mod statement;
mod temporary;
#[cfg(test)]
mod tests;
mod type_name;

pub use client::Client;
pub use lexer::Dialect;
pub use logged::{Logged, RowsStatement, first_word, logged};
pub use names::{folded, same};
pub use sequence::{SequenceStatement, sequence_statement};
pub use statement::parse;
pub use temporary::{Temporary, temporary};
pub use type_name::{TextSize, TypeName, charset_name, charset_of_collation, plain_type};

use serde::{Deserialize, Serialize};

/// A table's name with its database's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub database: String,
    pub table: String,
}

/// One effect of a statement on definitions; a statement has none, one or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    CreateDatabase {
        name: String,
        charset: Option<CharsetName>,
        if_not_exists: bool,
    },
    AlterDatabase {
        name: String,
        charset: Option<CharsetName>,
    },
    DropDatabase {
        name: String,
    },
    CreateTable {
        table: TableName,
        content: TableContent,
        if_not_exists: bool,
    },
    AlterTable {
        table: TableName,
        clauses: Vec<Clause>,
    },
    RenameTable {
        from: TableName,
        to: TableName,
    },
    DropTable {
        table: TableName,
        if_exists: bool,
    },
    /// A view, which shares its names with tables, is made, or stands where it stood.
    CreateView {
        view: TableName,
    },
    DropView {
        view: TableName,
    },
    /// Indexes alone: what MariaDB keeps in columns of its own for some of them.
    AlterIndexes {
        table: TableName,
        clauses: Vec<Clause>,
    },
    TruncateTable {
        table: TableName,
    },
    /// The table may have changed, in a way that was not understood; `None`: any table may have.
    Unclear {
        table: Option<TableName>,
    },
}

/// What a new table consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableContent {
    Columns {
        columns: Vec<ColumnClause>,
        primary_key: Vec<String>,
        charset: Option<CharsetName>,
        extras: Extras,
    },
    Like(TableName),
}

/// What MariaDB makes columns of that a statement does not name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// The table keeps its history.
    pub versioned: bool,
    pub unique_keys: Vec<UniqueKey>,
}

/// A unique key, as far as MariaDB may keep a hash of it in a column of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Without one the server gives it that of its first column, with a number behind if it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub parts: Vec<KeyPart>,
    /// USING HASH; of a key that is there, whether it is kept as one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hash: bool,
}

/// A column of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    pub column: String,
    /// How many characters of it are in the key, if that is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
}

/// Which end of a row's time in the table a column holds (MariaDB's `AS ROW START` and `AS ROW END`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemTime {
    Start,
    End,
}

/// A charset as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CharsetName {
    Named(String),
    /// `DEFAULT`: that of what is around.
    Default,
}

/// A column as a statement defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnClause {
    pub name: String,
    pub type_name: TypeName,
    /// `None`: the table's.
    pub charset: Option<CharsetName>,
    pub nullable: bool,
    pub primary_key: bool,
    pub auto_increment: bool,
    /// It is a unique key of its own, USING HASH or not.
    pub unique: Option<bool>,
    pub system_time: Option<SystemTime>,
    /// WITH SYSTEM VERSIONING, of which one makes the table keep its history.
    pub versioned: bool,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    First,
    After(String),
}

/// A clause of ALTER TABLE that changes columns or names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    Add {
        column: ColumnClause,
        placement: Option<Placement>,
        if_not_exists: bool,
    },
    /// CHANGE, and MODIFY with both names equal.
    Change {
        old: String,
        column: ColumnClause,
        placement: Option<Placement>,
        if_exists: bool,
    },
    Drop {
        column: String,
        if_exists: bool,
    },
    RenameColumn {
        old: String,
        new: String,
        if_exists: bool,
    },
    Rename(TableName),
    Convert {
        charset: CharsetName,
        /// In MariaDB a TEXT that the same statement changes does not grow with its charset.
        is_mariadb: bool,
    },
    Charset(CharsetName),
    AddPrimaryKey {
        columns: Vec<String>,
        if_not_exists: bool,
    },
    DropPrimaryKey,
    AddUnique {
        key: UniqueKey,
        if_not_exists: bool,
    },
    /// Some other index.
    DropIndex(String),
    AddSystemVersioning,
    DropSystemVersioning,
}

impl Clause {
    /// Whether it changes nothing but indexes, of which MariaDB may keep hashes in columns of their own.
    pub fn is_about_indexes(&self) -> bool {
        matches!(self, Self::AddUnique { .. } | Self::DropIndex(_))
    }
}
