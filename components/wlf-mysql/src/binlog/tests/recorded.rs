//! Recorded binlogs of a real server: replaying their rows must give what the server said its tables held.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use base64::Engine;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use wlf_core::Batch;
use wlf_core::format::{Encoder, Format};

use crate::binlog::events::header::Header;
use crate::binlog::{Assembler, ColumnDefinition, Error, Fate, Limits, OnStatement, Taken};
use crate::ddl::TableName;
use crate::positions::SavedPosition;
use crate::schema::{ColumnSchema, History, Owner, TableSchema};

pub(super) const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 1 << 20,
    transaction: 4 << 20,
};

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

pub(super) fn files(name: &str) -> Vec<(String, Bytes)> {
    let mut files: Vec<_> = std::fs::read_dir(fixture(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "binlog"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, Bytes::from(std::fs::read(path).unwrap()))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The ranges of a file's events.
pub(super) fn events(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut at = 4;
    let mut events = Vec::new();
    while at < file.len() {
        let length = Header::decode(&file[at..]).unwrap().length as usize;
        events.push(at..at + length);
        at += length;
    }
    events
}

/// Reads all files, cutting as a collector does, and then what is left.
pub(super) fn batches(name: &str, limits: Limits) -> Result<Vec<Batch>, Error> {
    let mut assembler = Assembler::new(limits).with_on_statement(OnStatement::Warn);
    let mut batches = Vec::new();
    for (name, file) in files(name) {
        assembler.next_file(&name);
        for event in events(&file) {
            let at = event.start as u64;
            loop {
                let taken = assembler.take(&file, event.clone(), Some(at))?;
                while assembler.is_full() {
                    if assembler.needs_fate() {
                        let dropped = Vec::new();
                        assembler.decide(Fate::Committed { dropped });
                    }
                    match assembler.cut() {
                        Some(batch) => batches.push(batch),
                        None => break,
                    }
                }
                if taken != Taken::More {
                    assert_eq!(taken, Taken::Event);
                    break;
                }
            }
        }
    }
    batches.extend(assembler.cut());
    assert_eq!(assembler.cut().map(|batch| batch.rows()), None);
    Ok(batches)
}

pub(super) fn lines(batches: &[Batch]) -> Vec<String> {
    let mut encoder = Encoder::new(Format::default()).with_keys();
    for event in batches.iter().flat_map(|batch| &batch.events) {
        encoder.encode(event).unwrap();
    }
    let rows = encoder.records();
    rows.map(|row| String::from_utf8(row.value.unwrap().to_vec()).unwrap())
        .collect()
}

pub(super) type Values = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
pub(super) struct Line {
    database: String,
    pub(super) table: String,
    pub(super) r#type: String,
    pub(super) data: Values,
    #[serde(default)]
    pub(super) old: Values,
}

#[derive(Deserialize)]
pub(super) struct Expected {
    database: String,
    table: String,
    primary_key: Vec<String>,
    pub(super) columns: Vec<ExpectedColumn>,
    rows: Vec<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
pub(super) struct ExpectedColumn {
    pub(super) name: String,
    r#type: String,
    charset: Option<String>,
}

pub(super) fn expected(name: &str) -> Vec<Expected> {
    let directory = std::fs::read_dir(fixture(name).join("expected")).unwrap();
    directory
        .map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let mut table: Expected = serde_json::from_str(&text).unwrap();
            for column in &mut table.columns {
                // To information_schema MariaDB's JSON is a LONGTEXT.
                if column.r#type == "longtext" && ["doc", "more"].contains(&&*column.name) {
                    column.r#type = "json".to_owned();
                }
            }
            table
        })
        .collect()
}

/// Applies the lines to empty tables.
struct Replay {
    tables: BTreeMap<(String, String), Vec<Values>>,
}

impl Replay {
    fn of(lines: &[String], keys: &BTreeMap<(String, String), Vec<String>>) -> Self {
        let mut replay = Self {
            tables: BTreeMap::new(),
        };
        for line in lines {
            let line: Line = serde_json::from_str(line).unwrap();
            let name = (line.database, line.table);
            let key = keys.get(&name).cloned().unwrap_or_default();
            let table = replay.tables.entry(name).or_default();
            let mut before = line.data.clone();
            before.extend(line.old);
            let is_row = |row: &Values| {
                let text = |values: &Values, column: &str| {
                    values.get(column).map(|value| value.get().to_owned())
                };
                if key.is_empty() {
                    before
                        .keys()
                        .all(|column| text(row, column) == text(&before, column))
                } else {
                    key.iter()
                        .all(|column| text(row, column) == text(&before, column))
                }
            };
            match line.r#type.as_str() {
                "insert" => table.push(line.data),
                "update" => {
                    let row = table.iter_mut().find(|row| is_row(row)).unwrap();
                    row.extend(line.data);
                }
                "delete" => {
                    let at = table.iter().position(is_row).unwrap();
                    table.remove(at);
                }
                other => panic!("{other}"),
            }
        }
        replay
    }
}

/// Our rendering in the words of the server's.
fn as_the_server(column_type: &str, value: &RawValue) -> Option<String> {
    let raw = value.get();
    if raw == "null" {
        return None;
    }
    let text = || serde_json::from_str::<String>(raw).unwrap();
    let word: String = column_type
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let hex = |bytes: Vec<u8>| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    Some(match word.as_str() {
        "year" if raw == "0" => "0000".to_owned(),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" | "bit" => {
            raw.to_owned()
        }
        "float" => format!("{:?}", raw.parse::<f32>().unwrap()),
        "double" => format!("{:?}", raw.parse::<f64>().unwrap()),
        "binary" | "varbinary" | "blob" | "tinyblob" | "mediumblob" | "longblob" => {
            hex(base64::engine::general_purpose::STANDARD
                .decode(text())
                .unwrap())
        }
        "vector" => {
            let numbers: Vec<f32> = serde_json::from_str(raw).unwrap();
            hex(numbers.into_iter().flat_map(f32::to_le_bytes).collect())
        }
        "set" => serde_json::from_str::<Vec<String>>(raw).unwrap().join(","),
        "json" => raw.to_owned(),
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geomcollection" | "geometrycollection" => plain_numbers(
            &text()
                .replace(" (", "(")
                .replace(", ", ",")
                .replace(" EMPTY", "EMPTY"),
        ),
        _ => text(),
    })
}

/// The server's rendering where ours keeps less.
fn normalized(column_type: &str, value: &str) -> String {
    let word: String = column_type
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    match word.as_str() {
        "float" => format!("{:?}", value.parse::<f64>().unwrap() as f32),
        "double" => format!("{:?}", value.parse::<f64>().unwrap()),
        "int" | "bigint" | "smallint" | "mediumint" | "tinyint"
            if column_type.contains("zerofill") =>
        {
            value
                .trim_start_matches('0')
                .parse::<u64>()
                .unwrap_or(0)
                .to_string()
        }
        "json" => compact(value),
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geomcollection" | "geometrycollection" => {
            plain_numbers(&value.replace(" EMPTY", "EMPTY"))
        }
        _ => value.to_owned(),
    }
}

/// The shape's numbers all in one form.
fn plain_numbers(wkt: &str) -> String {
    // MariaDB writes a MULTIPOINT's points without parentheses.
    let points = wkt.strip_prefix("MULTIPOINT(").map(|points| {
        let points = points.replace(['(', ')'], "");
        format!("MULTIPOINT({points})")
    });
    let wkt = points.as_deref().unwrap_or(wkt);
    wkt.split_inclusive(['(', ')', ',', ' '])
        .map(|piece| {
            let number = piece.trim_end_matches(['(', ')', ',', ' ']);
            match number.parse::<f64>() {
                Ok(parsed) => format!("{parsed:?}{}", &piece[number.len()..]),
                Err(_) => piece.to_owned(),
            }
        })
        .collect()
}

/// JSON without the spaces between its parts.
fn compact(json: &str) -> String {
    let mut out = String::new();
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside || c != ' ' {
            out.push(c);
        }
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
    }
    out
}

/// Compares every table at the end of the fixture with what the server said of it.
pub(super) fn assert_same(name: &str, limits: Limits) {
    assert_same_from(name, limits, 0, |_| true);
}

/// The same from the row `first` on, and only those tables.
pub(super) fn assert_same_from(
    name: &str,
    limits: Limits,
    first: usize,
    compared: fn(&str) -> bool,
) {
    let lines = lines(&batches(name, limits).unwrap()).split_off(first);
    assert_same_lines(name, lines, compared);
}

/// The same of lines that were read in another way.
pub(super) fn assert_same_lines(name: &str, lines: Vec<String>, compared: fn(&str) -> bool) {
    let mut expected = expected(name);
    expected.retain(|table| compared(&table.table));
    assert!(!expected.is_empty());
    let keys = expected.iter().map(|table| {
        let name = (table.database.clone(), table.table.clone());
        (name, table.primary_key.clone())
    });
    let replay = Replay::of(&lines, &keys.collect());
    let mut wrong = Vec::new();
    for table in &expected {
        let title = (table.database.clone(), table.table.clone());
        let empty = Vec::new();
        let rows = replay.tables.get(&title).unwrap_or(&empty);
        let mut ours: Vec<_> = rows.iter().map(|row| render(table, row)).collect();
        let mut theirs: Vec<_> = table
            .rows
            .iter()
            .map(|row| render_expected(table, row))
            .collect();
        ours.sort();
        theirs.sort();
        if ours.len() != theirs.len() {
            wrong.push(format!(
                "{title:?}: {} rows, not {}",
                ours.len(),
                theirs.len()
            ));
        }
        for (ours, theirs) in ours.iter().zip(&theirs) {
            for (column, (ours, theirs)) in table.columns.iter().zip(ours.iter().zip(theirs)) {
                if ours != theirs {
                    let name = &column.name;
                    wrong.push(format!(
                        "{title:?} {name}:\n  ours   {ours:?}\n  server {theirs:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn render(table: &Expected, row: &Values) -> Vec<Option<String>> {
    let columns = table.columns.iter();
    columns
        .map(|column| {
            let value = row.get(&column.name);
            as_the_server(
                &column.r#type,
                value.unwrap_or_else(|| panic!("{} is missing", column.name)),
            )
        })
        .collect()
}

fn render_expected(
    table: &Expected,
    row: &BTreeMap<String, Option<String>>,
) -> Vec<Option<String>> {
    let columns = table.columns.iter();
    columns
        .map(|column| {
            row[&column.name]
                .as_ref()
                .map(|value| normalized(&column.r#type, value))
        })
        // A document that is `null` and no document look alike.
        .map(|value| value.filter(|value| value != "null"))
        .collect()
}

#[test]
fn every_type_is_what_the_server_shows() {
    assert_same("types", LIMITS);
}

/// The types that TABLE_MAP tells are those of `information_schema`, but for ZEROFILL and the widths of numbers.
#[test]
fn declared_types_are_what_the_server_says() {
    let mut tables = BTreeMap::new();
    for event in batches("types", LIMITS)
        .unwrap()
        .iter()
        .flat_map(|batch| &batch.events)
    {
        tables.insert(event.table.name.clone(), event.table.clone());
    }
    let mut compared = 0;
    for expected in expected("types") {
        let table = &tables[&expected.table];
        for (column, expected) in table.columns.iter().zip(&expected.columns) {
            let declared = ColumnDefinition::from_information_schema(
                &expected.name,
                &expected.r#type,
                expected.charset.as_deref(),
                true,
            );
            assert_eq!(column.name, declared.name);
            // information_schema has no characters beyond U+FFFF in labels.
            let ours = column.data_type.to_string().replace('😀', "?");
            assert_eq!(
                (ours, column.data_type.charset()),
                (declared.data_type.to_string(), declared.data_type.charset()),
                "{}",
                expected.name
            );
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn ddl_xa_and_tables_without_transactions() {
    // The rows before were put in before ALTER, RENAME and TRUNCATE, which are no events of rows.
    assert_same_from("control", LIMITS, 4, |_| true);
}

#[test]
fn other_settings_of_the_server() {
    for name in ["no-checksum", "rotation", "crashed"] {
        assert_same(name, LIMITS);
    }
    // These two were also changed while binlog_format was STATEMENT.
    assert_same_from("no-gtid", LIMITS, 0, |table| {
        !["isam", "statements"].contains(&table)
    });
}

/// Compares the columns that the rows were given; a table without primary key is told apart by its first column.
pub(super) fn assert_given_same(lines: &[String], expected: &[Expected]) {
    let keys = expected.iter().map(|table| {
        let name = (table.database.clone(), table.table.clone());
        let mut key = table.primary_key.clone();
        if key.is_empty() {
            key.push(table.columns[0].name.clone());
        }
        (name, key)
    });
    let replay = Replay::of(lines, &keys.collect());
    let mut compared = 0;
    for table in expected {
        let title = (table.database.clone(), table.table.clone());
        let rows = &replay.tables[&title];
        assert_eq!(rows.len(), table.rows.len(), "{title:?}");
        for row in rows {
            let given: Vec<_> = table
                .columns
                .iter()
                .filter(|column| row.contains_key(&column.name))
                .collect();
            let is_same = |theirs: &BTreeMap<String, Option<String>>| {
                given.iter().all(|column| {
                    let theirs = theirs[&column.name].as_ref();
                    theirs.map(|value| normalized(&column.r#type, value))
                        == as_the_server(&column.r#type, &row[&column.name])
                })
            };
            assert!(table.rows.iter().any(is_same), "{title:?} {row:?}");
            compared += given.len();
        }
    }
    assert!(compared > 10, "{compared}");
}

/// MINIMAL and NOBLOB images leave columns out.
#[test]
fn images_without_all_columns() {
    let lines = lines(&batches("minimal-image", LIMITS).unwrap());
    assert_given_same(&lines, &expected("minimal-image"));
}

/// A history in memory that knows nothing.
pub(super) fn history() -> History {
    let base = SavedPosition {
        file: "binlog.000001".to_owned(),
        position: 4,
        gtid_set: None,
        server_uuid: None,
    };
    let mut history = History::create(Owner::default(), base, false).unwrap();
    wlf_core::testing::at_once(history.begin()).unwrap();
    history
}

/// Statements in the binlog make up for names that it does not have.
#[test]
fn definitions_in_place_of_metadata() {
    let expected = expected("minimal-metadata");
    let mut assembler = Assembler::new(LIMITS).with_definitions();
    assembler.set_history(Some(history()));
    let (name, file) = files("minimal-metadata").remove(0);
    assembler.next_file(&name);
    for event in events(&file) {
        let at = Some(event.start as u64);
        // Nothing has to be asked for.
        assert_eq!(assembler.take(&file, event, at).unwrap(), Taken::Event);
    }
    let lines = lines(&[assembler.cut().unwrap()]);
    assert_given_same(&lines, &expected);
    assert!(
        lines[0].contains(r#""usmall":255,"state":"new","tags":["a","b"]"#),
        "{}",
        lines[0]
    );
}

#[test]
fn a_table_that_was_changed_since_is_not_guessed() {
    let (name, file) = files("minimal-metadata").remove(0);
    let mut assembler = Assembler::new(LIMITS).with_definitions();
    assembler.set_history(Some(history()));
    assembler.next_file(&name);
    let mut report = String::new();
    let schema = TableSchema {
        charset: "utf8mb4".to_owned(),
        columns: vec![ColumnSchema {
            name: "only".to_owned(),
            column_type: "int".to_owned(),
            charset: None,
            nullable: true,
            ..ColumnSchema::default()
        }],
        primary_key: vec!["only".to_owned()],
        ..TableSchema::default()
    };
    for event in events(&file) {
        let people = TableName {
            database: "plain".to_owned(),
            table: "people".to_owned(),
        };
        let history = assembler.history().unwrap();
        history.learn(&people, schema.clone()).unwrap();
        let at = Some(event.start as u64);
        assert_eq!(assembler.take(&file, event, at).unwrap(), Taken::Event);
    }
    for event in &assembler.cut().unwrap().events {
        let error = Encoder::new(Format::default()).encode(event).unwrap_err();
        assert_eq!(error.fault.exit(), wlf_core::Exit::Data);
        report += &format!("{}\n", error.fault);
    }
    let first = report.lines().next().unwrap();
    assert_eq!(
        first,
        "read the binlog: binlog.000001:1093: rows of `plain`.`people` cannot be decoded: its rows have 13 columns, and its \
         definition has 1"
    );
}

#[test]
fn a_large_transaction_in_pieces() {
    assert_same("large-transaction", LIMITS);
    let small = Limits {
        rows: 100,
        bytes: 10_000,
        transaction: 20_000,
    };
    assert_same("large-transaction", small);
    let batches = batches("large-transaction", small).unwrap();
    let streamed: Vec<_> = batches
        .iter()
        .filter(|batch| batch.mark.is_inside())
        .collect();
    assert!(streamed.len() > 3, "{}", streamed.len());
    let ended = batches.iter().find_map(|batch| batch.ended).unwrap();
    assert!(ended.xid.is_some());
    for event in streamed.iter().flat_map(|batch| &batch.events) {
        assert_eq!(
            (event.transaction.unwrap().number, event.xid()),
            (ended.number, None)
        );
    }
    assert!(batches.last().unwrap().mark.position().is_some());
}

#[test]
fn positions_have_all_transactions_and_the_files_end() {
    let batches = batches("rotation", LIMITS).unwrap();
    let position = batches.last().unwrap().mark.position().cloned().unwrap();
    let position: SavedPosition = serde_json::from_value(position.0).unwrap();
    let (name, last) = files("rotation").pop().unwrap();
    assert_eq!(
        (position.file, position.position),
        (name, last.len() as u64)
    );
    let set = position.gtid_set.unwrap();
    assert!(
        set.starts_with("5ec0d3d0-0000-11f1-8000-0242ac110002:1-"),
        "{set}"
    );
}

#[test]
fn numbers_grow_and_each_transaction_has_one_xid() {
    let batches = batches("types", LIMITS).unwrap();
    let mut last = (NonZeroU64::MIN, None);
    for event in batches.iter().flat_map(|batch| &batch.events) {
        let transaction = (event.transaction.unwrap().number, event.xid());
        assert!(
            transaction.0 > last.0 || transaction == last,
            "{transaction:?} after {last:?}"
        );
        assert!(transaction.1.is_some());
        last = transaction;
    }
}
