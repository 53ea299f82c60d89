//! What is told of rows that were refused: the first at once, the others in sums.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use wlf_data::format::{Encoder, Format};

use crate::config::Places;
use crate::event::Event;
use crate::fault::Fault;

/// How often sums are told.
const SUM: Duration = Duration::from_secs(10);
/// So many reasons are told apart at a time.
const MOST: usize = 16;
/// The most of a key that is shown, in characters.
const KEY: usize = 200;

/// What the components of a pipeline refused of late.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    kinds: Mutex<Vec<Kind>>,
    some: Notify,
    /// Where the entries of the components stand in the configuration.
    places: Mutex<HashMap<String, Places>>,
}

/// Rows that one component refused for one reason.
#[derive(Debug)]
struct Kind {
    component: String,
    reason: String,
    /// What became of them.
    what: String,
    /// How many are not told of yet.
    rows: u64,
    example: Option<Example>,
}

/// One of the rows, for a person to find it.
#[derive(Debug, Clone)]
pub(super) struct Example {
    why: String,
    table: String,
    /// What identifies the row: of all its values only those of its key are ever shown.
    key: Option<String>,
    position: Option<String>,
    /// The line of the template or option that is spoken of.
    line: Option<String>,
}

impl Refusals {
    /// Notes where the entry of a component stands.
    pub fn add_places(&self, id: String, places: Places) {
        let mut all = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, places);
    }

    /// What there is to say of a refused row.
    pub fn example(&self, id: &str, row: Option<&Event>, fault: &Fault) -> Example {
        let why = fault.to_string();
        let said = fault.hint.as_deref().unwrap_or_default();
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let line = places
            .get(id)
            .and_then(|places| places.spoken_of(&why).or_else(|| places.spoken_of(said)));
        let table = row.map_or_else(String::new, |row| match row.table.database.as_str() {
            "" => row.table.name.clone(),
            database => format!("{database}.{}", row.table.name),
        });
        Example {
            why,
            table,
            key: row.and_then(key),
            position: row.and_then(|row| row.changes.place(row)),
            line,
        }
    }

    /// Notes rows that a component refused for one reason, of which `first` is one. The first of a reason are told at once.
    pub fn add(&self, id: &str, what: &str, rows: u64, first: Option<&Event>, fault: &Fault) {
        let reason = reason(first, fault);
        let mut kinds = self.kinds();
        self.some.notify_one();
        let is_known = |kind: &&mut Kind| kind.component == id && kind.reason == reason;
        if let Some(kind) = kinds.iter_mut().find(is_known) {
            kind.rows += rows;
            if kind.example.is_none() {
                kind.example = Some(self.example(id, first, fault));
            }
            return;
        }
        let of_component = kinds.iter().filter(|kind| kind.component == id).count();
        if of_component >= MOST {
            // The last of them stands for all others.
            let others = kinds.iter_mut().rfind(|kind| kind.component == id);
            if let Some(kind) = others {
                kind.rows += rows;
                kind.example
                    .get_or_insert_with(|| self.example(id, first, fault));
            }
            return;
        }
        let example = self.example(id, first, fault);
        let text = match rows {
            1 => format!("a row was refused and {what}: {}", example.why),
            rows => format!(
                "{rows} rows were refused and {what}; the first: {}",
                example.why
            ),
        };
        example.warn(id, &text);
        kinds.push(Kind {
            component: id.to_owned(),
            reason,
            what: what.to_owned(),
            rows: 0,
            example: None,
        });
    }

    /// Tells sums while there is something to sum up; runs for ever.
    pub async fn sum_up(&self) {
        loop {
            self.some.notified().await;
            sleep(SUM).await;
            self.tell();
        }
    }

    /// Tells of what was not told of yet.
    pub fn tell(&self) {
        let mut kinds = self.kinds();
        kinds.retain_mut(|kind| {
            let rows = std::mem::take(&mut kind.rows);
            if let Some(example) = kind.example.take() {
                let (what, why) = (&kind.what, &example.why);
                let text = match rows {
                    1 => format!("1 more row was refused and {what}: {why}"),
                    rows => format!("{rows} more rows were refused and {what}; one of them: {why}"),
                };
                example.warn(&kind.component, &text);
            }
            rows > 0
        });
        if !kinds.is_empty() {
            self.some.notify_one();
        }
    }

    fn kinds(&self) -> MutexGuard<'_, Vec<Kind>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Example {
    fn warn(&self, id: &str, text: &str) {
        let Self {
            table,
            key,
            position,
            line,
            ..
        } = self;
        let (key, position, config) = (key.as_deref(), position.as_deref(), line.as_deref());
        tracing::warn!(component = id, table, key, position, config, "{text}");
    }

    /// The same as words of an error's help.
    pub fn in_words(&self) -> String {
        let mut words = String::new();
        let mut add = |word: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                let separator = if words.is_empty() { "" } else { ", " };
                words.push_str(&format!("{separator}{word} {value}"));
            }
        };
        add("table", Some(&self.table));
        add("key", self.key.as_deref());
        add("position", self.position.as_deref());
        add("configuration", self.line.as_deref());
        words
    }
}

/// What tells reasons apart: numbers in them may be those of a row.
fn reason(row: Option<&Event>, fault: &Fault) -> String {
    let mut reason = row.map_or_else(String::new, |row| {
        format!("{}.{} ", row.table.database, row.table.name)
    });
    let mut is_number = false;
    for c in fault.to_string().chars() {
        let was_number = std::mem::replace(&mut is_number, c.is_ascii_digit());
        match (is_number, was_number) {
            (true, true) => {}
            (true, false) => reason.push('#'),
            (false, _) => reason.push(c),
        }
    }
    reason
}

/// The key of a row, as JSON, or of a message.
fn key(row: &Event) -> Option<String> {
    let is_message = row.changes.messages().is_some();
    if !is_message && row.table.primary_key.is_empty() {
        return None;
    }
    let mut one = row.clone();
    let one = one.split_to(1);
    let mut encoder = Encoder::new(Format::default()).with_keys();
    one.changes.encode(&one, &mut encoder).ok()?;
    let record = encoder.records().next()?;
    let key = String::from_utf8_lossy(record.key?);
    let mut shown: String = key.chars().take(KEY).collect();
    if shown.len() < key.len() {
        shown.push('…');
    }
    Some(shown)
}
