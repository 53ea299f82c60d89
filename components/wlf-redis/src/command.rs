//! The command that writes a row.

use std::collections::HashMap;

use wlf_core::format::{Buffer, EncodedRecord};
use wlf_core::template::View;
use wlf_core::{Event, Headers, Operation, Template, TemplateError};

use crate::config::Mode;
use crate::resp::{argument, head, last_of};

/// Table versions that are remembered; more than this and all are made anew.
const REMEMBERED: usize = 10_000;

/// Appends commands to a buffer, each but for the row prepared once for each table version.
#[derive(Debug)]
pub struct Commands {
    mode: Mode,
    prepared: HashMap<(u64, Operation), Vec<u8>>,
    /// What was used last, and for what.
    last: Option<(u64, Operation)>,
    start: Buffer,
    key: String,
}

impl Commands {
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            prepared: HashMap::new(),
            last: None,
            start: Buffer::new(),
            key: String::new(),
        }
    }

    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self.mode {
            Mode::Pub { .. } => "PUBLISH",
            Mode::LPush { .. } => "LPUSH",
            Mode::RPush { .. } => "RPUSH",
            Mode::XAdd { .. } => "XADD",
        }
    }

    pub fn template(&self) -> &Template {
        match &self.mode {
            Mode::Pub { channel: key }
            | Mode::LPush { key }
            | Mode::RPush { key }
            | Mode::XAdd { key, .. } => key,
        }
    }

    /// Says whether the channel or key looks into the row.
    pub fn look_into_rows(&self) -> bool {
        !self.template().is_per_table()
    }

    /// Whether a record's headers go with it, as fields of a stream's entry.
    pub fn have_headers(&self) -> bool {
        matches!(self.mode, Mode::XAdd { .. })
    }

    /// Appends the command for a record, whose value is `message`.
    pub fn write(
        &mut self,
        event: &Event,
        record: &EncodedRecord<'_>,
        message: &[u8],
        out: &mut Buffer,
    ) -> Result<(), TemplateError> {
        if self.have_headers() && !record.headers.is_empty() {
            let key = self.key(event, record)?;
            start(&self.mode, self.name(), key.as_bytes(), record.headers, out);
        } else {
            let id = (event.table.version, event.operation);
            if self.last != Some(id) {
                self.prepare(event, record)?;
            }
            out.put(&self.start);
        }
        last_of(message, out);
        Ok(())
    }

    /// The channel or key of a record.
    pub fn key(&self, event: &Event, record: &EncodedRecord<'_>) -> Result<String, TemplateError> {
        let mut key = String::new();
        let mut view = View::of_record(event, record);
        self.template().render(&mut view, &mut key)?;
        Ok(key)
    }

    /// The channel or key of a table's records, for a template that looks into none.
    pub fn key_of_table(&self, event: &Event) -> String {
        let mut key = String::new();
        self.template()
            .render_table(&event.table, event.operation, &mut key);
        key
    }

    /// Makes the start of the command for a row, and for all of its table if the key looks at nothing else.
    fn prepare(&mut self, event: &Event, record: &EncodedRecord<'_>) -> Result<(), TemplateError> {
        let id = (event.table.version, event.operation);
        let per_table = self.template().is_per_table();
        if per_table && let Some(start) = self.prepared.get(&id) {
            self.start.clear();
            self.start.put(start);
            self.last = Some(id);
            return Ok(());
        }
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let mut view = View::of_record(event, record);
        let rendered = self.template().render(&mut view, &mut key);
        self.start.clear();
        let none = Headers::default();
        start(
            &self.mode,
            self.name(),
            key.as_bytes(),
            none,
            &mut self.start,
        );
        self.key = key;
        rendered?;
        if per_table {
            if self.prepared.len() >= REMEMBERED {
                self.prepared.clear();
            }
            self.prepared.insert(id, self.start.to_vec());
            self.last = Some(id);
        }
        Ok(())
    }
}

/// Appends a command up to the `$` of its last argument, which is the row.
fn start(mode: &Mode, name: &str, key: &[u8], headers: Headers<'_>, out: &mut Buffer) {
    match mode {
        Mode::Pub { .. } | Mode::LPush { .. } | Mode::RPush { .. } => {
            head(3, out);
            argument(name.as_bytes(), out);
            argument(key, out);
        }
        Mode::XAdd { max_len, .. } => {
            let fields = 2 * headers.iter().count();
            head(if max_len.is_some() { 8 } else { 5 } + fields, out);
            argument(name.as_bytes(), out);
            argument(key, out);
            if let Some(max_len) = max_len {
                argument(b"MAXLEN", out);
                argument(b"~", out);
                argument(max_len.to_string().as_bytes(), out);
            }
            argument(b"*", out);
            for (name, value) in headers.iter() {
                argument(name.as_bytes(), out);
                argument(value, out);
            }
            argument(b"message", out);
        }
    }
    out.byte(b'$');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use wlf_core::format::{Encoder, Format};
    use wlf_core::value::OwnedRows;
    use wlf_core::{Column, Table};

    use super::*;

    fn event(table: &str, id: i32) -> Event {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", table, columns, vec![0]));
        OwnedRows::insert(&table, [vec![id.into()]])
    }

    fn written(mode: serde_json::Value, rows: &[(&Event, &str)]) -> Vec<u8> {
        let mode = serde_json::from_value(mode).expect("a mode");
        let mut commands = Commands::new(mode);
        let mut out = Buffer::new();
        for (event, payload) in rows {
            let encoder = Encoder::new(Format::default());
            let mut encoder = encoder.with_templates([commands.template()]);
            encoder.encode(event).expect("encoded");
            let record = encoder.records().next().expect("a record");
            commands
                .write(event, &record, payload.as_bytes(), &mut out)
                .expect("write");
        }
        out.to_vec()
    }

    fn packed(commands: &[&[&str]]) -> Vec<u8> {
        let pack = |arguments: &&[&str]| {
            let mut command = redis::Cmd::new();
            arguments
                .iter()
                .for_each(|argument| _ = command.arg(*argument));
            command.get_packed_command()
        };
        commands.iter().flat_map(pack).collect()
    }

    #[test]
    fn each_mode_writes_its_command() {
        let (a, b) = (event("a", 1), event("b", 1));
        let rows = [(&a, "{1}"), (&a, "{2}"), (&b, "{3}"), (&a, "{4}")];
        for (mode, name, before) in [
            (
                json!({"Pub": {"channel": "x.%{/database}.%{/table}"}}),
                "PUBLISH",
                &[][..],
            ),
            (
                json!({"LPush": {"key": "x.%{/database}.%{/table}"}}),
                "LPUSH",
                &[],
            ),
            (
                json!({"RPush": {"key": "x.%{/database}.%{/table}"}}),
                "RPUSH",
                &[],
            ),
            (
                json!({"XAdd": {"key": "x.%{/database}.%{/table}"}}),
                "XADD",
                &["*", "message"],
            ),
            (
                json!({"XAdd": {"key": "x.%{/database}.%{/table}", "max_len": 1000}}),
                "XADD",
                &["MAXLEN", "~", "1000", "*", "message"],
            ),
        ] {
            let command = |table, row| [&[name, table], before, &[row]].concat();
            let expected = [
                command("x.shop.a", "{1}"),
                command("x.shop.a", "{2}"),
                command("x.shop.b", "{3}"),
                command("x.shop.a", "{4}"),
            ];
            let expected: Vec<_> = expected.iter().map(Vec::as_slice).collect();
            assert_eq!(written(mode, &rows), packed(&expected), "{name}");
        }
    }

    #[test]
    fn a_key_may_look_into_the_row() {
        let (first, second) = (event("a", 1), event("a", 2));
        let rows = [(&first, "{1}"), (&second, "{2}")];
        assert_eq!(
            written(json!({"RPush": {"key": "row.%{/data/id}"}}), &rows),
            packed(&[&["RPUSH", "row.1", "{1}"], &["RPUSH", "row.2", "{2}"],])
        );
    }
}
