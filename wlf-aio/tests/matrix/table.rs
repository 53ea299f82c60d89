//! Tables of the matrix and the statements that fill and change them.

use crate::column::{Column, Kind, Source, identifier};
use crate::setting::{Image, Metadata, Setting, Writing};

/// The parts of a history; the state is compared at the end of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Every value, and a row of nulls.
    Insert,
    /// Each column by itself, and none at all.
    Columns,
    /// From all values to null and back.
    Nulls,
    /// Parts of JSON documents.
    Documents,
    /// Primary keys.
    Keys,
    /// Every third row goes.
    Delete,
}

impl Phase {
    pub const ALL: [Phase; 6] = [
        Phase::Insert,
        Phase::Columns,
        Phase::Nulls,
        Phase::Documents,
        Phase::Keys,
        Phase::Delete,
    ];
}

/// In which settings a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// In all of them.
    Everywhere,
    /// Where the binlog has the columns' labels: `information_schema` shows no characters beyond U+FFFF.
    FullMetadata,
    /// Once plain and once compressed, because there is much of it; its state is compared at the history's end.
    Large,
}

#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The primary key's columns; none: rows are told apart by all they hold.
    pub key: Vec<String>,
    /// Set before `CREATE TABLE`.
    pub session: &'static str,
    /// Behind the columns of `CREATE TABLE`.
    pub options: &'static str,
    pub extent: Extent,
}

/// Statements longer than this are cut between rows.
const STATEMENT: usize = 4 << 20;

/// More columns than this are not updated one by one.
const ONE_BY_ONE: usize = 64;

impl Table {
    /// A table with the row's number as its primary key, in front of the columns.
    pub fn new(name: &str, columns: impl IntoIterator<Item = Column>) -> Self {
        let id = Column {
            source: Source::Number,
            ..Column::new("id", "INT", Kind::Integer, [""]).not_null()
        };
        Self {
            name: name.to_owned(),
            columns: [id].into_iter().chain(columns).collect(),
            key: vec!["id".to_owned()],
            session: "",
            options: "",
            extent: Extent::Everywhere,
        }
    }

    /// With another primary key, or none.
    pub fn with_key<const N: usize>(self, key: [&str; N]) -> Self {
        Self {
            key: key.map(str::to_owned).to_vec(),
            ..self
        }
    }

    pub fn large(self) -> Self {
        Self {
            extent: Extent::Large,
            ..self
        }
    }

    /// Whether the table is written under a setting.
    pub fn is_of(&self, setting: &Setting) -> bool {
        match self.extent {
            Extent::Everywhere => true,
            Extent::FullMetadata => setting.metadata == Metadata::Full,
            Extent::Large => setting.has_large(),
        }
    }

    /// How many rows have values; one of nulls comes behind them, if there may be nulls.
    fn rows(&self) -> usize {
        let lengths = self.columns.iter().map(|column| column.values.len());
        lengths.max().unwrap_or(1)
    }

    /// The name of the column by which statements find a row.
    fn handle(&self) -> String {
        let number = (self.columns.iter()).find(|column| column.source == Source::Number);
        identifier(number.map_or("my_row_id", |column| &column.name))
    }

    fn given(&self) -> impl Iterator<Item = &Column> {
        (self.columns.iter()).filter(|column| column.source == Source::Given)
    }

    pub fn create(&self) -> String {
        // What the server adds by itself is not declared.
        let declared = (self.columns.iter()).filter(|column| !column.definition.is_empty());
        let mut parts: Vec<String> = declared
            .map(|column| format!("{} {}", identifier(&column.name), column.definition))
            .collect();
        if !self.key.is_empty() && self.session.is_empty() {
            let key: Vec<String> = self.key.iter().map(|name| identifier(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let name = identifier(&self.name);
        format!(
            "CREATE TABLE {name} ({}) {}",
            parts.join(", "),
            self.options
        )
    }

    /// The statements of a phase, each a transaction's part.
    pub fn statements(&self, phase: Phase, setting: &Setting) -> Vec<String> {
        // The binlog would have the difference of two documents and none of the two: the program stops there.
        let is_blind = setting.writing == Writing::PartialJson && setting.image != Image::Full;
        match phase {
            Phase::Documents if is_blind => Vec::new(),
            Phase::Insert => self.inserts(),
            Phase::Columns => self.column_updates(),
            Phase::Nulls => self.null_updates(),
            Phase::Documents => self.document_updates(),
            Phase::Keys => self.key_updates(!is_blind),
            Phase::Delete => {
                let (name, handle) = (identifier(&self.name), self.handle());
                vec![format!("DELETE FROM {name} WHERE {handle} % 3 = 0")]
            }
        }
    }

    fn inserts(&self) -> Vec<String> {
        let into: Vec<&Column> = (self.columns.iter())
            .filter(|column| column.source != Source::Server)
            .collect();
        let names: Vec<String> = into.iter().map(|column| identifier(&column.name)).collect();
        let head = format!(
            "INSERT INTO {} ({}) VALUES ",
            identifier(&self.name),
            names.join(", ")
        );
        let count = self.rows();
        let mut statements = Vec::new();
        let mut statement = String::new();
        let has_nulls = self.given().any(|column| column.nullable);
        for row in 0..count + usize::from(has_nulls) {
            let values: Vec<String> = into
                .iter()
                .map(|column| match column.source {
                    Source::Number => (row + 1).to_string(),
                    _ if row == count && column.nullable => "NULL".to_owned(),
                    _ => column.value(row).to_owned(),
                })
                .collect();
            if statement.len() > STATEMENT {
                statements.push(std::mem::take(&mut statement));
            }
            statement.push_str(if statement.is_empty() { &head } else { ", " });
            statement.push_str(&format!("({})", values.join(", ")));
        }
        statements.push(statement);
        statements
    }

    fn update(&self, assignments: &[String], row: usize) -> String {
        let (name, handle) = (identifier(&self.name), self.handle());
        let number = row + 1;
        format!(
            "UPDATE {name} SET {} WHERE {handle} = {number}",
            assignments.join(", ")
        )
    }

    /// Gives each column of some row that row's next value; the rows take turns.
    fn column_updates(&self) -> Vec<String> {
        let given: Vec<&Column> = self.given().collect();
        let step = given.len().div_ceil(ONE_BY_ONE).max(1);
        let mut statements: Vec<String> = (given.iter().enumerate().step_by(step))
            .map(|(index, column)| {
                let row = index % self.rows();
                let value = column.value(row + 1);
                self.update(&[format!("{} = {value}", identifier(&column.name))], row)
            })
            .collect();
        if let Some(column) = given.first() {
            let name = identifier(&column.name);
            statements.push(self.update(&[format!("{name} = {name}")], 0));
        }
        statements
    }

    fn null_updates(&self) -> Vec<String> {
        let nullable: Vec<&Column> = self.given().filter(|column| column.nullable).collect();
        if nullable.is_empty() {
            return Vec::new();
        }
        let set = |value: &dyn Fn(&Column) -> String| -> Vec<String> {
            (nullable.iter())
                .map(|column| format!("{} = {}", identifier(&column.name), value(column)))
                .collect()
        };
        vec![
            self.update(&set(&|_| "NULL".to_owned()), 0),
            self.update(&set(&|column| column.value(0).to_owned()), self.rows()),
        ]
    }

    /// Changes documents by functions that a server may log as differences.
    fn document_updates(&self) -> Vec<String> {
        let name = identifier(&self.name);
        let documents = self.given().filter(|column| column.kind == Kind::Json);
        documents
            .flat_map(|column| {
                let column = identifier(&column.name);
                [
                    format!("JSON_SET({column}, '$.a', 'longer than it was', '$.new', JSON_OBJECT('k', 1.5))"),
                    format!("JSON_REPLACE({column}, '$[1]', CAST(7 AS SIGNED), '$.b', NULL)"),
                    format!("JSON_REMOVE({column}, '$.aa', '$[0]')"),
                ]
                .map(|value| format!("UPDATE {name} SET {column} = {value}"))
            })
            .collect()
    }

    /// With `documents` also of a JSON column, which a server may log as the difference to itself.
    fn key_updates(&self, documents: bool) -> Vec<String> {
        if self
            .columns
            .iter()
            .all(|column| column.source != Source::Number)
        {
            return Vec::new();
        }
        let (name, handle) = (identifier(&self.name), self.handle());
        let mut statements = vec![format!(
            "UPDATE {name} SET {handle} = {handle} + 100000 WHERE {handle} IN (2, 3)"
        )];
        let others = self
            .given()
            .filter(|column| documents || column.kind != Kind::Json);
        if let Some(column) = others.last() {
            let other = format!("{} = {}", identifier(&column.name), column.value(2));
            statements.push(self.update(&[format!("{handle} = 200000"), other], 0));
        }
        statements
    }
}
