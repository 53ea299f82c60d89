//! Folds events into the state of tables, and compares it with what the client read at the end of each phase.

use std::collections::BTreeMap;

use crate::agreement::{Value, agrees, shown};
use crate::client::{Cell, Rows};
use crate::column::Source;
use crate::format::{Change, Fields, Format, Operation};
use crate::history::{MARKS, Written};
use crate::json::Json;
use crate::setting::{Image, Setting};
use crate::table::{Phase, Table};

/// What became of the cells of a setting in a format.
#[derive(Debug, Default)]
pub struct Folded {
    pub agreed: usize,
    /// What the row images did not hold because the server filled it in by itself.
    pub absent: usize,
    pub disagreed: usize,
    /// By setting, format and place: how many, and the first of them.
    pub disagreements: BTreeMap<String, (usize, String)>,
}

/// The rendered values of a row, by column; one that no image held is missing.
type Row = Vec<Option<Json>>;

/// A row's primary key as the client reads it, or its number where there is none.
type Key = Vec<Vec<u8>>;

struct State<'a> {
    table: &'a Table,
    columns: BTreeMap<&'a str, usize>,
    rows: BTreeMap<Key, Row>,
    /// Rows that have come so far, for a table without a key.
    come: u64,
    /// The row that was deleted last, and its place: it may come back under another key.
    deleted: Option<(String, Row)>,
}

struct Fold<'a> {
    written: &'a Written,
    setting: &'a Setting,
    format: Format,
    tables: BTreeMap<&'a str, State<'a>>,
    result: Folded,
}

/// Reads a setting's events and compares its tables at the end of each phase.
pub fn fold(written: &Written, setting: &Setting, format: Format, events: &str) -> Folded {
    let mut fold = Fold {
        written,
        setting,
        format,
        tables: BTreeMap::new(),
        result: Folded::default(),
    };
    for table in written.tables(setting) {
        fold.tables.insert(&table.name, State::new(table));
    }
    let mut phases = Phase::ALL.into_iter();
    for line in events.lines() {
        match format.changes(line, setting.image) {
            Ok(changes) => {
                for change in changes {
                    if change.table == MARKS {
                        match phases.next() {
                            Some(phase) => fold.compare(phase),
                            None => fold.wrong(MARKS, "a phase too many".to_owned()),
                        }
                    } else if let Err(why) = fold.apply(&change) {
                        fold.wrong(&change.table, format!("{why} in {}", cut(line)));
                    }
                }
            }
            Err(why) => fold.wrong("event", format!("{why} in {}", cut(line))),
        }
    }
    for phase in phases {
        fold.wrong(MARKS, format!("the end of phase {phase:?} did not come"));
    }
    fold.result
}

fn cut(line: &str) -> String {
    line.chars().take(1000).collect()
}

impl<'a> Fold<'a> {
    fn wrong(&mut self, place: &str, what: String) {
        self.result.disagreed += 1;
        let place = format!("{} {} {place}", self.setting.database(), self.format.name());
        let (count, _) = self.result.disagreements.entry(place).or_insert((0, what));
        *count += 1;
    }

    fn apply(&mut self, change: &Change) -> Result<(), String> {
        let state = (self.tables.get_mut(change.table.as_str()))
            .ok_or_else(|| format!("no table {}", change.table))?;
        let mut row = match change.operation {
            Operation::Insert => state.begun(change, self.setting.image),
            Operation::Update | Operation::Delete => state.take(change, self.format)?,
        };
        if change.operation != Operation::Insert {
            state.check(&row, &change.before)?;
        }
        if change.operation == Operation::Delete {
            state.deleted = change.place.clone().map(|place| (place, row));
            return Ok(());
        }
        for (name, value) in &change.after {
            let index = state.column(name)?;
            row[index] = Some(value.clone());
        }
        let key = state.key(&row, self.format)?;
        match state.rows.insert(key, row) {
            Some(_) => Err("the row is there already".to_owned()),
            None => Ok(()),
        }
    }

    fn compare(&mut self, phase: Phase) {
        let database = self.setting.database();
        let names: Vec<&'a str> = self.tables.keys().copied().collect();
        for name in names {
            let holdings = &self.written.holdings[&phase];
            let Some(expected) = holdings.get(&(database.clone(), name.to_owned())) else {
                continue;
            };
            let expected = std::rc::Rc::clone(expected);
            self.compare_table(phase, name, &expected);
        }
    }

    fn compare_table(&mut self, phase: Phase, name: &'a str, expected: &Rows) {
        let state = &self.tables[name];
        let table = state.table;
        let mut wrong = Vec::new();
        let (mut agreed, mut absent) = (0, 0);
        let found = match state.found(self.format) {
            Ok(found) => found,
            Err(why) => {
                self.wrong(name, format!("after {phase:?}: {why}"));
                return;
            }
        };
        let mut expected: BTreeMap<Key, &Vec<Cell>> = state.expected(expected);
        for (key, values) in found {
            let shown_key: Vec<String> = (key.iter())
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect();
            let row = format!("row {} after {phase:?}", shown_key.join(","));
            let Some(cells) = expected.remove(&key) else {
                wrong.push((
                    name.to_owned(),
                    format!("{row}: the server has no such row"),
                ));
                continue;
            };
            for ((column, value), cell) in table.columns.iter().zip(values).zip(cells) {
                let found = match value {
                    None if column.source == Source::Server
                        && self.setting.image != Image::Full =>
                    {
                        absent += 1;
                        continue;
                    }
                    None => Err("no image held it".to_owned()),
                    Some(json) => (self.format.value(column, json))
                        .and_then(|value| agrees(&value, cell))
                        .map_err(|why| {
                            format!(
                                "expected {why}, found {}",
                                shown(format!("{json:?}").as_bytes())
                            )
                        }),
                };
                match found {
                    Ok(()) => agreed += 1,
                    // What it was before the update is all that the binlog says.
                    Err(_) if column.is_generated() && self.written.leaves_generated_out => {
                        absent += 1;
                    }
                    Err(why) => {
                        let place = format!("{name}.{} {}", column.name, column.definition);
                        wrong.push((place, format!("{row}: {why}")));
                    }
                }
            }
        }
        for key in expected.keys() {
            wrong.push((
                name.to_owned(),
                format!("after {phase:?}: the row {key:?} is missing"),
            ));
        }
        self.result.agreed += agreed;
        self.result.absent += absent;
        for (place, what) in wrong {
            self.wrong(&place, what);
        }
    }
}

impl<'a> State<'a> {
    fn new(table: &'a Table) -> Self {
        let names = table.columns.iter().map(|column| column.name.as_str());
        Self {
            table,
            columns: names
                .enumerate()
                .map(|(index, name)| (name, index))
                .collect(),
            rows: BTreeMap::new(),
            come: 0,
            deleted: None,
        }
    }

    /// A new row: an empty one, or the one that moves to another key if the image does not hold all of it.
    fn begun(&mut self, change: &Change, image: Image) -> Row {
        match self.deleted.take() {
            Some((place, row)) if image != Image::Full && change.place.as_ref() == Some(&place) => {
                row
            }
            _ => vec![None; self.columns.len()],
        }
    }

    fn column(&self, name: &str) -> Result<usize, String> {
        let index = self.columns.get(name).copied();
        index.ok_or_else(|| format!("the server has no column {name}"))
    }

    /// The key of a row; a number of its own if there is no primary key.
    fn key(&mut self, row: &Row, format: Format) -> Result<Key, String> {
        if self.table.key.is_empty() {
            self.come += 1;
            return Ok(vec![self.come.to_be_bytes().to_vec()]);
        }
        (self.table.key.iter())
            .map(|name| {
                let index = self.column(name)?;
                let value = row[index]
                    .as_ref()
                    .ok_or_else(|| format!("the key {name} is missing"))?;
                self.part(index, value, format)
            })
            .collect()
    }

    fn part(&self, index: usize, value: &Json, format: Format) -> Result<Vec<u8>, String> {
        let column = &self.table.columns[index];
        match format.value(column, value)? {
            Value::Facet(0, bytes) => Ok(bytes),
            Value::Null => Ok(b"NULL".to_vec()),
            other => Err(format!("{other:?} cannot be a key")),
        }
    }

    /// Takes the row that a change is about out of the state.
    fn take(&mut self, change: &Change, format: Format) -> Result<Row, String> {
        // Only what the key needs, unless all of the row is the key.
        let is_whole = self.table.key.is_empty();
        let field = |name: &str| {
            let both = [&change.before, &change.after];
            both.into_iter().find_map(|fields: &Fields| {
                let (_, value) = fields.iter().find(|(field, _)| field == name)?;
                Some(value.clone())
            })
        };
        let columns = self.table.columns.iter();
        let row: Row = columns
            .map(|column| {
                let is_needed = is_whole || self.table.key.contains(&column.name);
                is_needed.then(|| field(&column.name)).flatten()
            })
            .collect();
        let key = if is_whole {
            let same = self.rows.iter().find(|(_, held)| **held == row);
            same.map(|(key, _)| key.clone())
                .ok_or("no such row was held")?
        } else {
            self.key(&row, format)?
        };
        self.rows
            .remove(&key)
            .ok_or_else(|| "no row of its key was held".to_owned())
    }

    /// What an event says of a row before its change is what was held.
    fn check(&self, row: &Row, before: &Fields) -> Result<(), String> {
        for (name, value) in before {
            let index = self.column(name)?;
            // What no image has held cannot be compared.
            if let Some(held) = &row[index]
                && held != value
            {
                return Err(format!("{name} was {held:?} and not {value:?}"));
            }
        }
        Ok(())
    }

    /// The rows by key; without one, by all they hold and their number among those that hold the same.
    fn found(&self, format: Format) -> Result<BTreeMap<Key, &Row>, String> {
        if !self.table.key.is_empty() {
            return Ok(self
                .rows
                .iter()
                .map(|(key, row)| (key.clone(), row))
                .collect());
        }
        let mut found = BTreeMap::new();
        for row in self.rows.values() {
            let parts: Result<Key, String> = (row.iter().enumerate())
                .map(|(index, value)| {
                    let value = value.as_ref().ok_or("a column without key is missing")?;
                    self.part(index, value, format)
                })
                .collect();
            insert_numbered(&mut found, parts?, row);
        }
        Ok(found)
    }

    fn expected<'r>(&self, rows: &'r Rows) -> BTreeMap<Key, &'r Vec<Cell>> {
        let mut expected = BTreeMap::new();
        let part = |cell: &Cell| match cell {
            Some(facets) => facets[0].clone(),
            None => b"NULL".to_vec(),
        };
        for row in rows {
            if self.table.key.is_empty() {
                insert_numbered(&mut expected, row.iter().map(part).collect(), row);
            } else {
                let key = self
                    .table
                    .key
                    .iter()
                    .map(|name| part(&row[self.columns[name.as_str()]]));
                expected.insert(key.collect(), row);
            }
        }
        expected
    }
}

fn insert_numbered<T>(rows: &mut BTreeMap<Key, T>, mut key: Key, row: T) {
    key.push(vec![0]);
    while rows.contains_key(&key) {
        if let Some(number) = key.last_mut() {
            number[0] += 1;
        }
    }
    rows.insert(key, row);
}
