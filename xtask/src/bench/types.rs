//! What a value costs, by the type of its column.

mod column;
mod measure;

pub use measure::measure;

use super::recorder::Script;

/// A type of column, and what its values are.
pub struct Type {
    pub name: &'static str,
    /// As in CREATE TABLE.
    pub declared: &'static str,
    /// SQL for a value: `{x}` is a number that no other value of the table has.
    pub value: &'static str,
    pub change: Change,
}

/// What is done to the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    Insert,
    Update,
    Delete,
}

/// Columns of a table besides its id, and rows of a recording.
const COLUMNS: u64 = 10;
const ROWS: u64 = 20_000;

impl Type {
    /// The values of a row that are written.
    pub fn values(&self) -> u64 {
        match self.change {
            Change::Update => COLUMNS * 2,
            _ => COLUMNS,
        }
    }

    /// What records it.
    pub fn script(&self) -> Script {
        let columns: String = (0..COLUMNS)
            .map(|n| format!(", c{n} {}", self.declared))
            .collect();
        let table = format!("CREATE TABLE v (id INT PRIMARY KEY{columns});\n");
        let value = |n: u64, done: u64| {
            let x = format!("(({done} + n) * {COLUMNS} + {n})");
            self.value.replace("{x}", &x)
        };
        let chunk = |done: u64| {
            let values: String = (0..COLUMNS)
                .map(|n| format!(", {}", value(n, done)))
                .collect();
            format!("INSERT INTO v SELECT {done} + n{values} FROM thousand;\n")
        };
        let inserts: String = (0..ROWS).step_by(1000).map(chunk).collect();
        let between = |done: u64| format!("WHERE id > {done} AND id <= {done} + 1000;\n");
        let (before, sql) = match self.change {
            Change::Insert => (table, inserts),
            Change::Update => {
                let sets: Vec<_> = (0..COLUMNS)
                    .map(|n| format!("c{n} = REVERSE(c{n})"))
                    .collect();
                let update =
                    |done: u64| format!("UPDATE v SET {} {}", sets.join(", "), between(done));
                let updates = (0..ROWS).step_by(1000).map(update).collect();
                (table + &inserts, updates)
            }
            Change::Delete => {
                let delete = |done: u64| format!("DELETE FROM v {}", between(done));
                (
                    table + &inserts,
                    (0..ROWS).step_by(1000).map(delete).collect(),
                )
            }
        };
        let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        Script {
            name: format!("type-{}", self.name.chars().map(name).collect::<String>()),
            before,
            sql: format!("USE bench;\n{sql}"),
            rows: ROWS,
        }
    }
}

/// Rows that have an id and nothing else: what they cost is not their values'.
fn bare() -> Script {
    let insert = |done: u64| format!("INSERT INTO v SELECT {done} + n FROM thousand;\n");
    let inserts: String = (0..ROWS).step_by(1000).map(insert).collect();
    Script {
        name: "type-none".to_owned(),
        before: "CREATE TABLE v (id INT PRIMARY KEY);\n".to_owned(),
        sql: format!("USE bench;\n{inserts}"),
        rows: ROWS,
    }
}
