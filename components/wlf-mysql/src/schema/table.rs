//! A table as it is defined at some position, and how ALTER TABLE makes another of it.

use serde::{Deserialize, Serialize};

use crate::ddl::{CharsetName, Clause, ColumnClause, Placement, TextSize, TypeName, charset_width};

/// A table's definition, as far as it decides how rows are decoded and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The default for new columns.
    pub charset: String,
    pub columns: Vec<ColumnSchema>,
    /// The columns of the primary key, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
}

/// A column's definition, in the words of `information_schema.COLUMNS`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    pub name: String,
    /// COLUMN_TYPE without display widths.
    #[serde(rename = "type")]
    pub column_type: String,
    /// CHARACTER_SET_NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// IS_NULLABLE
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
}

/// A statement that does not go with the definition before it: so that one is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

impl TableSchema {
    /// One of MariaDB's sequences (`sequence_structure` in `sql/sql_sequence.cc`).
    pub fn sequence() -> Self {
        const BIGINT: &str = "bigint";
        let columns = [
            ("next_not_cached_value", BIGINT),
            ("minimum_value", BIGINT),
            ("maximum_value", BIGINT),
            ("start_value", BIGINT),
            ("increment", BIGINT),
            ("cache_size", "bigint unsigned"),
            ("cycle_option", "tinyint unsigned"),
            ("cycle_count", BIGINT),
        ];
        let column = |(name, column_type): (&str, &str)| ColumnSchema {
            name: name.to_owned(),
            column_type: column_type.to_owned(),
            charset: None,
            nullable: false,
        };
        Self {
            charset: "utf8mb4".to_owned(),
            columns: columns.map(column).into(),
            primary_key: Vec::new(),
        }
    }

    /// The table that CREATE TABLE makes, with the default charset that it says or its database has.
    pub fn create(
        columns: &[ColumnClause],
        primary_key: &[String],
        charset: &str,
    ) -> Result<Self, Conflict> {
        let mut table = Self {
            charset: charset.to_owned(),
            columns: columns
                .iter()
                .map(|column| column.resolve(charset))
                .collect(),
            primary_key: Vec::new(),
        };
        table.set_primary_key(primary_key)?;
        Ok(table)
    }

    /// The table after the clauses, but for its name; `database_charset` is what DEFAULT stands for.
    ///
    /// As servers do it: first all that is there is kept, changed in its place, or dropped; then, in the statement's order,
    /// new columns come in and others move. Behind AFTER are names as they are then.
    pub fn alter(&self, clauses: &[Clause], database_charset: &str) -> Result<Self, Conflict> {
        let named = |name: &CharsetName| match name {
            CharsetName::Named(name) => name.clone(),
            CharsetName::Default => database_charset.to_owned(),
        };
        let mut table = Self {
            charset: self.charset.clone(),
            columns: Vec::with_capacity(self.columns.len()),
            primary_key: Vec::new(),
        };
        let mut converted = None;
        // Which of the two counts is another matter in each server.
        let has = |is: fn(&Clause) -> bool| clauses.iter().any(is);
        if has(|clause| matches!(clause, Clause::Charset(_)))
            && has(|clause| matches!(clause, Clause::Convert { .. }))
        {
            return Err(Conflict);
        }
        for clause in clauses {
            match clause {
                Clause::Charset(charset) => table.charset = named(charset),
                Clause::Convert { charset, grows_all } => {
                    table.charset = named(charset);
                    converted = Some((named(charset), *grows_all));
                }
                _ => {}
            }
        }
        self.check_targets(clauses)?;
        for column in &self.columns {
            table.columns.extend(keep(column, clauses, &table.charset));
        }
        for clause in clauses {
            table.place(clause)?;
        }
        // New columns too, whichever charset they name.
        if let Some((charset, grows_all)) = converted {
            for column in &mut table.columns {
                let grows = grows_all || !is_defined(&column.name, clauses);
                column.convert(&charset, grows);
            }
        }
        let key = self.key_after(clauses);
        table.set_primary_key(&key)?;
        Ok(table)
    }

    /// What is changed must be there.
    fn check_targets(&self, clauses: &[Clause]) -> Result<(), Conflict> {
        let missing = |name: &str| self.find(name).is_none();
        for clause in clauses {
            let is_wrong = match clause {
                Clause::Drop { column, if_exists } => !if_exists && missing(column),
                Clause::Change { old, if_exists, .. } => !if_exists && missing(old),
                Clause::RenameColumn { old, .. } => missing(old),
                _ => false,
            };
            if is_wrong {
                return Err(Conflict);
            }
        }
        Ok(())
    }

    /// Learns a CHECK_CLAUSE of MariaDB's `information_schema.CHECK_CONSTRAINTS`: one of `json_valid` makes a LONGTEXT the
    /// JSON that DDL says.
    pub fn apply_check(&mut self, clause: &str) {
        let checked = self.columns.iter_mut().find(|column| {
            let name = column.name.replace('`', "``");
            clause.eq_ignore_ascii_case(&format!("json_valid(`{name}`)"))
        });
        if let Some(column) = checked
            && column.column_type == "longtext"
        {
            column.column_type = "json".to_owned();
        }
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| same(&column.name, name))
    }

    /// Does what a clause does once the old columns are there.
    fn place(&mut self, clause: &Clause) -> Result<(), Conflict> {
        let (column, placement) = match clause {
            Clause::Add {
                column,
                placement,
                if_not_exists,
            } => {
                if self.find(&column.name).is_some() {
                    return if *if_not_exists {
                        Ok(())
                    } else {
                        Err(Conflict)
                    };
                }
                (column.resolve(&self.charset), placement.as_ref())
            }
            Clause::Change {
                column,
                placement: Some(placement),
                ..
            } => match self.find(&column.name) {
                Some(at) => (self.columns.remove(at), Some(placement)),
                // IF EXISTS
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let at = match placement {
            None => self.columns.len(),
            Some(Placement::First) => 0,
            Some(Placement::After(name)) => self.find(name).ok_or(Conflict)? + 1,
        };
        self.columns.insert(at.min(self.columns.len()), column);
        Ok(())
    }

    /// The names in the primary key after the clauses.
    fn key_after(&self, clauses: &[Clause]) -> Vec<String> {
        let mut key = Vec::new();
        if !clauses.contains(&Clause::DropPrimaryKey) {
            key.extend(self.primary_key.iter().filter_map(|part| {
                let mut name = Some(part.clone());
                for clause in clauses {
                    match clause {
                        Clause::Drop { column, .. } if same(column, part) => name = None,
                        Clause::RenameColumn { old, new } if same(old, part) => {
                            name = Some(new.clone());
                        }
                        Clause::Change { old, column, .. } if same(old, part) => {
                            name = Some(column.name.clone());
                        }
                        _ => {}
                    }
                }
                name
            }));
        }
        for clause in clauses {
            match clause {
                Clause::AddPrimaryKey(columns) => key.clone_from(columns),
                Clause::Add { column, .. } | Clause::Change { column, .. }
                    if column.primary_key =>
                {
                    key = vec![column.name.clone()];
                }
                _ => {}
            }
        }
        key
    }

    fn set_primary_key(&mut self, names: &[String]) -> Result<(), Conflict> {
        self.primary_key.clear();
        for name in names {
            let at = self.find(name).ok_or(Conflict)?;
            let column = self.columns.get_mut(at).ok_or(Conflict)?;
            column.nullable = false;
            self.primary_key.push(column.name.clone());
        }
        Ok(())
    }
}

/// What becomes of an old column in its place; `None` if it is dropped.
fn keep(column: &ColumnSchema, clauses: &[Clause], charset: &str) -> Option<ColumnSchema> {
    let mut kept = column.clone();
    for clause in clauses {
        match clause {
            Clause::Drop { column: name, .. } if same(name, &column.name) => return None,
            Clause::RenameColumn { old, new } if same(old, &column.name) => {
                kept.name.clone_from(new);
            }
            Clause::Change {
                old, column: new, ..
            } if same(old, &column.name) => kept = new.resolve(charset),
            _ => {}
        }
    }
    Some(kept)
}

/// Whether one of the clauses defines the column.
fn is_defined(name: &str, clauses: &[Clause]) -> bool {
    clauses.iter().any(|clause| match clause {
        Clause::Add { column, .. } | Clause::Change { column, .. } => same(&column.name, name),
        _ => false,
    })
}

/// Whether two names mean the same column, as they do in any case.
fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

impl ColumnClause {
    /// The column in a table with this default charset.
    fn resolve(&self, charset: &str) -> ColumnSchema {
        let charset = match &self.charset {
            Some(CharsetName::Named(name)) => name,
            Some(CharsetName::Default) | None => charset,
        };
        let (column_type, charset) = self.type_name.resolve(charset);
        ColumnSchema {
            name: self.name.clone(),
            column_type,
            charset,
            nullable: self.nullable,
        }
    }
}

impl ColumnSchema {
    /// The type that values are read by: documents of MariaDB that were converted to another charset are text.
    pub fn readable_type(&self) -> &str {
        match (&*self.column_type, self.charset.as_deref()) {
            ("json", None | Some("utf8mb4" | "utf8mb3")) => "json",
            ("json", Some(_)) => "longtext",
            (other, _) => other,
        }
    }

    /// CONVERT TO CHARACTER SET; a TEXT may grow so that it holds as many characters as before.
    fn convert(&mut self, to: &str, grows: bool) {
        let Some(from) = self.charset.take() else {
            return;
        };
        let (word, rest) = match self.column_type.split_once('(') {
            Some((word, rest)) => (word, rest.trim_end_matches(')')),
            None => (&*self.column_type, ""),
        };
        let bytes: u64 = match word {
            "tinytext" => 0xff,
            "text" => 0xffff,
            "mediumtext" => 0xff_ffff,
            "longtext" => 0xffff_ffff,
            _ => 0,
        };
        let type_name = match word {
            "char" => TypeName::Char(rest.parse().unwrap_or(1)),
            "varchar" => TypeName::VarChar(rest.parse().unwrap_or(1)),
            "json" => TypeName::Json,
            _ if bytes > 0 && !grows => {
                TypeName::Text(TextSize::Characters(bytes / charset_width(to).max(1)))
            }
            _ if bytes > 0 => {
                TypeName::Text(TextSize::Characters(bytes / charset_width(&from).max(1)))
            }
            // ENUM and SET keep their labels.
            _ => {
                self.charset = (to != "binary").then(|| to.to_owned());
                return;
            }
        };
        (self.column_type, self.charset) = type_name.resolve(to);
    }
}
