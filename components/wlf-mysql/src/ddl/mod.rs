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
mod column;
mod cursor;
mod lexer;
mod logged;
mod sequence;
mod statement;
mod temporary;
#[cfg(test)]
mod tests;
mod type_name;

pub use lexer::Dialect;
pub use logged::{Logged, RowsStatement, first_word, logged};
pub use sequence::{SequenceStatement, sequence_statement};
pub use statement::parse;
pub use temporary::{Temporary, temporary};
pub use type_name::{
    TextSize, TypeName, charset_name, charset_of_collation, charset_width, plain_type,
};

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
    },
    Like(TableName),
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
    },
    Rename(TableName),
    Convert {
        charset: CharsetName,
        /// A TEXT that the same statement defines grows with its charset too, as it does in MySQL and not in MariaDB.
        grows_all: bool,
    },
    Charset(CharsetName),
    AddPrimaryKey(Vec<String>),
    DropPrimaryKey,
}
