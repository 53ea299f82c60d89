//! How ALTER TABLE makes another table of one.

use super::table::{ColumnSchema, Conflict, GENERATED_KEY, TableSchema};
use crate::charset::Charset;
use crate::ddl::{CharsetName, Clause, Placement, TextSize, TypeName, same};

impl TableSchema {
    /// The table after the clauses, but for its name; `database_charset` is what DEFAULT stands for.
    ///
    /// As servers do it: first all that is there is kept, changed in its place, or dropped; then, in the statement's order,
    /// new columns come in and others move. Behind AFTER are names as they are then.
    pub fn alter(&self, clauses: &[Clause], database_charset: &str) -> Result<Self, Conflict> {
        let named = |name: &CharsetName| match name {
            CharsetName::Named(name) => name.clone(),
            CharsetName::Default => database_charset.to_owned(),
        };
        // A new name alone leaves the table as it is, and a condition that does not hold does not.
        let is_rebuilt = !clauses
            .iter()
            .all(|clause| matches!(clause, Clause::Rename(_)));
        let all = clauses.len();
        let clauses = &*self.effective(clauses);
        // Whether MariaDB makes keys anew over conditions that do not hold is another matter for each of them.
        if clauses.is_empty() && all > 0 && self.hidden.hashes() > 0 {
            return Err(Conflict);
        }
        let mut table = Self {
            charset: self.charset.clone(),
            columns: Vec::with_capacity(self.columns.len()),
            primary_key: Vec::new(),
            hidden: self.hidden.clone(),
        };
        let mut converted = None;
        for clause in clauses {
            match clause {
                Clause::Charset(charset) => table.charset = named(charset),
                Clause::Convert {
                    charset,
                    is_mariadb,
                } => {
                    table.charset = named(charset);
                    converted = Some((named(charset), *is_mariadb));
                }
                _ => {}
            }
        }
        if converted.is_some() && !is_conversion_clear(clauses) {
            return Err(Conflict);
        }
        self.check_targets(clauses)?;
        for column in &self.columns {
            table.columns.extend(keep(column, clauses, &table.charset)?);
        }
        for clause in clauses {
            table.place(clause)?;
        }
        self.keep_generated_key_first(&mut table, clauses);
        // New columns too, whichever charset they name.
        if let Some((charset, is_mariadb)) = converted {
            for column in &mut table.columns {
                let grows = !is_defined(&column.name, clauses, is_mariadb);
                column.convert(&charset, grows)?;
            }
        }
        let key = self.key_after(clauses);
        table.set_primary_key(&key)?;
        table.change_versioning(clauses)?;
        table.hidden.alter(clauses, is_rebuilt, &table.columns);
        Ok(table)
    }

    /// The clauses whose conditions hold, which MariaDB looks for in the table as it was before the statement
    /// (`handle_if_exists_options` of `sql/sql_table.cc`).
    fn effective<'a>(&self, clauses: &'a [Clause]) -> Vec<&'a Clause> {
        let mut effective: Vec<&Clause> = Vec::with_capacity(clauses.len());
        let mut defined: Vec<&str> = Vec::new();
        let mut dropped: Vec<&str> = Vec::new();
        let is_in = |names: &[&str], name: &str| names.iter().any(|other| same(other, name));
        for clause in clauses {
            let holds = match clause {
                Clause::Add {
                    column,
                    if_not_exists: true,
                    ..
                } => {
                    self.find(&column.name).is_none()
                        && !self.hidden.has_column(&column.name)
                        && !is_in(&defined, &column.name)
                }
                Clause::Change {
                    old,
                    if_exists: true,
                    ..
                }
                | Clause::RenameColumn {
                    old,
                    if_exists: true,
                    ..
                } => self.find(old).is_some(),
                Clause::Drop {
                    column,
                    if_exists: true,
                } => self.find(column).is_some() && !is_in(&dropped, column),
                Clause::AddPrimaryKey {
                    if_not_exists: true,
                    ..
                } => self.primary_key.is_empty(),
                Clause::AddUnique {
                    key,
                    if_not_exists: true,
                } => !self.hidden.has_key(key.name()),
                _ => true,
            };
            if let Clause::Change { column, .. } = clause {
                // Whether it holds is looked at behind those of all new columns.
                defined.push(&column.name);
            }
            if !holds {
                continue;
            }
            match clause {
                Clause::Add { column, .. } => defined.push(&column.name),
                Clause::Drop { column, .. } => dropped.push(column),
                _ => {}
            }
            effective.push(clause);
        }
        effective
    }

    /// MySQL keeps a generated key before all that a statement places (`sql/sql_gipk.cc`).
    fn keep_generated_key_first(&self, after: &mut Self, clauses: &[&Clause]) {
        let is_generated = |column: &ColumnSchema| {
            column.generated_key && matches!(&*self.primary_key, [key] if same(key, &column.name))
        };
        if !self.columns.first().is_some_and(is_generated) {
            return;
        }
        let is_named = |name: &str| same(name, GENERATED_KEY);
        let is_touched = clauses.iter().any(|clause| match clause {
            Clause::Drop { column, .. } => is_named(column),
            Clause::Change {
                old,
                placement: Some(_),
                ..
            } => is_named(old),
            _ => false,
        });
        if !is_touched && let Some(at) = after.find(GENERATED_KEY) {
            let key = after.columns.remove(at);
            after.columns.insert(0, key);
        }
    }

    /// What is changed must be there, and is changed once.
    fn check_targets(&self, clauses: &[&Clause]) -> Result<(), Conflict> {
        let mut targets: Vec<&str> = Vec::new();
        for clause in clauses {
            let (Clause::Drop { column: name, .. }
            | Clause::Change { old: name, .. }
            | Clause::RenameColumn { old: name, .. }) = clause
            else {
                continue;
            };
            // MariaDB takes a column that is dropped and changed at once.
            if self.find(name).is_none() || targets.iter().any(|other| same(other, name)) {
                return Err(Conflict);
            }
            targets.push(name);
        }
        Ok(())
    }

    /// Does what a clause does once the old columns are there.
    fn place(&mut self, clause: &Clause) -> Result<(), Conflict> {
        let (column, placement) = match clause {
            Clause::Add {
                column, placement, ..
            } => {
                if self.find(&column.name).is_some() {
                    return Err(Conflict);
                }
                (column.resolve(&self.charset)?, placement.as_ref())
            }
            Clause::Change {
                column,
                placement: Some(placement),
                ..
            } => {
                let at = self.find(&column.name).ok_or(Conflict)?;
                (self.columns.remove(at), Some(placement))
            }
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

    /// ADD SYSTEM VERSIONING and DROP SYSTEM VERSIONING of a table that names no columns for a row's time.
    fn change_versioning(&mut self, clauses: &[&Clause]) -> Result<(), Conflict> {
        let names_columns = clauses.iter().any(
            |clause| matches!(clause, Clause::Add { column, .. } if column.system_time.is_some()),
        );
        for clause in clauses {
            match clause {
                Clause::AddSystemVersioning if !names_columns && !self.hidden.system_time => {
                    self.hidden.system_time = true;
                }
                Clause::DropSystemVersioning if self.hidden.system_time => {
                    self.hidden.system_time = false;
                }
                Clause::AddSystemVersioning | Clause::DropSystemVersioning => {
                    return Err(Conflict);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The names in the primary key after the clauses.
    fn key_after(&self, clauses: &[&Clause]) -> Vec<String> {
        let mut key = Vec::new();
        if !clauses.contains(&&Clause::DropPrimaryKey) {
            key.extend(self.primary_key.iter().filter_map(|part| {
                let mut name = Some(part.clone());
                for clause in clauses {
                    match clause {
                        Clause::Drop { column, .. } if same(column, part) => {
                            name = new_column(part, clauses);
                        }
                        Clause::RenameColumn { old, new, .. } if same(old, part) => {
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
            if let Clause::AddPrimaryKey { columns, .. } = clause {
                key.clone_from(columns);
            }
        }
        key
    }
}

/// Whether servers agree in what CONVERT TO does beside the other clauses: they do not where a charset stands beside it, nor in
/// what becomes of a TEXT that is defined and converted at once.
fn is_conversion_clear(clauses: &[&Clause]) -> bool {
    clauses.iter().all(|clause| match clause {
        Clause::Charset(_) => false,
        Clause::Add { column, .. } => {
            !matches!(column.type_name, TypeName::Text(TextSize::Characters(_)))
        }
        Clause::Change { column, .. } => match &column.type_name {
            TypeName::Text(_) => false,
            TypeName::Plain(name) => !name.ends_with("blob"),
            _ => true,
        },
        _ => true,
    })
}

/// The new column of this name, which takes the place of a dropped one in its keys.
fn new_column(name: &str, clauses: &[&Clause]) -> Option<String> {
    clauses.iter().find_map(|clause| match clause {
        Clause::Add { column, .. } if same(&column.name, name) => Some(column.name.clone()),
        _ => None,
    })
}

/// What becomes of an old column in its place; `None` if it is dropped.
fn keep(
    column: &ColumnSchema,
    clauses: &[&Clause],
    charset: &str,
) -> Result<Option<ColumnSchema>, Conflict> {
    let mut kept = column.clone();
    for clause in clauses {
        match clause {
            Clause::Drop { column: name, .. } if same(name, &column.name) => return Ok(None),
            Clause::RenameColumn { old, new, .. } if same(old, &column.name) => {
                kept.name.clone_from(new);
                kept.generated_key &= same(new, GENERATED_KEY);
            }
            Clause::Change {
                old, column: new, ..
            } if same(old, &column.name) => kept = new.resolve(charset)?,
            _ => {}
        }
    }
    Ok(Some(kept))
}

/// Whether one of the clauses defines the column; in MySQL, whether it is new.
fn is_defined(name: &str, clauses: &[&Clause], is_mariadb: bool) -> bool {
    clauses.iter().any(|clause| match clause {
        Clause::Add { column, .. } => same(&column.name, name),
        Clause::Change { column, .. } => is_mariadb && same(&column.name, name),
        _ => false,
    })
}

/// Charsets in which a character of ASCII has more than its byte: servers convert a column's charset and not the bytes of its
/// labels.
const WIDE: [&str; 4] = ["ucs2", "utf16", "utf16le", "utf32"];

/// The most bytes that a character takes in the charset.
fn width(charset: &str) -> u64 {
    Charset::named(charset).longest.into()
}

impl ColumnSchema {
    /// CONVERT TO CHARACTER SET; a TEXT may grow so that it holds as many characters as before.
    fn convert(&mut self, to: &str, grows: bool) -> Result<(), Conflict> {
        let Some(from) = self.charset.take() else {
            return Ok(());
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
            _ if bytes > 0 && !grows => TypeName::Text(TextSize::Characters(bytes / width(to))),
            _ if bytes > 0 => TypeName::Text(TextSize::Characters(bytes / width(&from))),
            // ENUM and SET keep their labels, as far as both charsets have them, or their bytes.
            _ => {
                let is_same = Charset::named(to).converted(&self.column_type) == self.column_type;
                let are = |charsets: &[&str]| charsets.contains(&&*from) && charsets.contains(&to);
                let is_wide = [&*from, to].iter().any(|charset| WIDE.contains(charset));
                // Labels that were mixed up before are not shown as they are.
                let is_doubtful = self.column_type.contains('?') || self.column_type.contains("''");
                let is_plain = self.column_type.is_ascii() && !is_doubtful;
                let mixes_up = is_wide || !is_plain && !are(&["utf8mb3", "utf8mb4"]);
                if !is_same || to == "binary" || from != to && mixes_up {
                    return Err(Conflict);
                }
                self.charset = Some(to.to_owned());
                return Ok(());
            }
        };
        (self.column_type, self.charset) = type_name.resolve(to);
        Ok(())
    }
}
