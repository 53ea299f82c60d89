//! What the recorded binlogs hold, taken apart: their events, their transactions, and the values in their rows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wlf_mysql::binlog::events::event_type as types;
use wlf_mysql::binlog::events::format_description::FormatDescription;
use wlf_mysql::binlog::events::header::Header;
use wlf_mysql::binlog::events::rows::RowsEvent;
use wlf_mysql::binlog::events::table_map::{self, TableMap};
use wlf_mysql::binlog::tables::table_plan::{Kind, TablePlan};

use crate::targets::events::Step;

/// A recorded event without its checksum.
pub struct Event {
    pub header: Header,
    pub body: Vec<u8>,
}

/// The file's magic number.
pub const MAGIC: &[u8] = b"\xfebin";

/// The events of each recorded file.
pub fn files() -> &'static [Vec<Event>] {
    static FILES: OnceLock<Vec<Vec<Event>>> = OnceLock::new();
    FILES.get_or_init(read_files)
}

fn read_files() -> Vec<Vec<Event>> {
    let fixtures =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../components/wlf-mysql/tests/fixtures");
    let mut paths: Vec<PathBuf> = directories(&fixtures)
        .iter()
        .flat_map(|fixture| directories(fixture))
        .collect();
    paths.retain(|path| path.file_stem().is_some_and(|stem| stem == "binlog"));
    paths.sort();
    assert!(paths.len() > 10, "only {} recorded files", paths.len());
    let read = |path: &PathBuf| std::fs::read(path).expect("a recorded file");
    paths.iter().map(|path| events(&read(path))).collect()
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path);
    let entries = entries.into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

fn events(file: &[u8]) -> Vec<Event> {
    let mut rest = file.strip_prefix(MAGIC).expect("a binlog");
    let mut format = FormatDescription::default();
    let mut events = Vec::new();
    while let Ok(header) = Header::decode(rest) {
        let (event, behind) = rest.split_at(header.length as usize);
        let body = if header.code == types::FORMAT_DESCRIPTION {
            format = FormatDescription::decode(event).expect("how the file is read");
            format.checksum.verify_format_description(event)
        } else {
            format.checksum.verify(event)
        };
        let body = body.expect("an event").expect("an undamaged event");
        let body = body[Header::LENGTH..].to_vec();
        let is_encrypted_behind = header.code == types::MARIADB_START_ENCRYPTION;
        events.push(Event { header, body });
        if is_encrypted_behind {
            break;
        }
        rest = behind;
    }
    events
}

/// The bodies of all events of these types, each once.
pub fn bodies(codes: &[u8]) -> Vec<Vec<u8>> {
    let events = files().iter().flatten();
    let mut bodies: Vec<_> = events
        .filter(|event| codes.contains(&event.header.code))
        .map(|event| event.body.clone())
        .collect();
    bodies.sort();
    bodies.dedup();
    bodies
}

/// The transactions of all files, each with the event that says how it is read before it.
pub fn transactions() -> Vec<Vec<Step>> {
    let mut transactions = Vec::new();
    for file in files() {
        let mut description = None;
        let mut transaction = Vec::new();
        for event in file {
            let step = Step::of(event);
            if event.header.code == types::FORMAT_DESCRIPTION {
                description = Some(step.clone());
            }
            let begins = [
                types::GTID,
                types::ANONYMOUS_GTID,
                types::GTID_TAGGED,
                types::MARIADB_GTID,
            ]
            .contains(&event.header.code);
            if begins && let Some(description) = &description {
                transactions.push(std::mem::replace(
                    &mut transaction,
                    vec![description.clone()],
                ));
            }
            transaction.push(step);
        }
        transactions.push(transaction);
    }
    transactions
}

/// Each value that is in a row, with what it means and its TABLE_MAP's type.
pub fn values(mut each: impl FnMut(&Kind, &[u8])) {
    for file in files() {
        let mut plans = HashMap::new();
        let is_mariadb = |event: &Event| event.header.code == types::MARIADB_GTID_LIST;
        let is_mariadb = file.iter().any(is_mariadb);
        for event in file {
            let code = event.header.code;
            if code == types::TABLE_MAP {
                let (id, body) = table_map::split_id(&event.body, false).expect("a TABLE_MAP");
                if let Ok(Ok(map)) = TableMap::decode(body, is_mariadb) {
                    plans.insert(id, TablePlan::from_metadata(&map));
                }
            } else if is_rows(code) {
                let rows = RowsEvent::decode(code, &event.body, &FormatDescription::default())
                    .expect("rows");
                if let Some(plan) = plans.get(&rows.table_id) {
                    values_of(&rows, plan, &mut each);
                }
            }
        }
    }
}

/// Whether the event is one of rows in one of the plain forms.
pub fn is_rows(code: u8) -> bool {
    (types::WRITE_ROWS_V1..=types::DELETE_ROWS_V1).contains(&code)
        || (types::WRITE_ROWS..=types::DELETE_ROWS).contains(&code)
}

fn values_of(rows: &RowsEvent<'_>, plan: &TablePlan, each: &mut impl FnMut(&Kind, &[u8])) {
    let bit = |bits: &[u8], n: usize| bits[n / 8] >> (n % 8) & 1 == 1;
    let images = [rows.present, rows.present_after];
    let images = if rows.present_after.is_empty() {
        &images[..1]
    } else {
        &images[..]
    };
    let mut rest = rows.rows;
    while !rest.is_empty() {
        for present in images {
            let held: Vec<_> = (0..rows.columns).filter(|n| bit(present, *n)).collect();
            let (nulls, values) = rest.split_at(held.len().div_ceil(8));
            rest = values;
            for (n, column) in held.into_iter().enumerate() {
                let column = &plan.columns[column];
                if !bit(nulls, n) {
                    let [value, _, behind] = column.extent.split(rest).expect("a recorded row");
                    each(&column.kind, value);
                    rest = behind;
                }
            }
        }
    }
}
