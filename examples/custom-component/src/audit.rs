//! A dispatcher that notes which rows changed, and none of their values.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::format::{Encoder, Format};
use wlf_core::{ComponentKind, Dispatcher, Event, Exit, Fault, Walk, WriteError};

/// Appends a line for each row to a file: when it changed, how, and its key, but none of its values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file; it is created when missing.
    path: PathBuf,
}

impl Build for Config {
    const TYPE: &'static str = "AuditDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(AuditDispatcher {
            path: self.path,
            file: None,
            encoder: Encoder::new(Format::default()).with_keys(),
        })))
    }
}

struct AuditDispatcher {
    path: PathBuf,
    file: Option<File>,
    encoder: Encoder,
}

impl AuditDispatcher {
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            // A line that a crash tore stays alone: its row was not confirmed, so it comes again.
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(file)
    }

    fn fault(&self, error: io::Error) -> Fault {
        Fault::stop(Exit::Io, format!("write {}", self.path.display()), error)
    }
}

#[async_trait]
impl Dispatcher for AuditDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.file = Some(self.open().map_err(|error| self.fault(error))?);
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut lines = Vec::new();
        let mut walk = Walk::of(events);
        while walk.encode(&mut self.encoder).await {
            walk.rows(&self.encoder, |row| {
                let change = format!("{} {} ", row.event.seconds(), row.event.operation.name());
                for record in row.records() {
                    lines.extend_from_slice(change.as_bytes());
                    lines.extend_from_slice(record.identity);
                    lines.push(b'\n');
                }
                Ok(())
            });
        }
        let durable = match &mut self.file {
            Some(file) => file.write_all(&lines).and_then(|()| file.sync_data()),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        durable.map_err(|error| WriteError::nothing(self.fault(error)))?;
        walk.outcome()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wlf_core::value::OwnedRows;
    use wlf_core::{Column, Severity, Table};

    use super::*;

    fn dispatcher(path: PathBuf) -> AuditDispatcher {
        AuditDispatcher {
            path,
            file: None,
            encoder: Encoder::new(Format::default()).with_keys(),
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.build().unwrap().block_on(future)
    }

    #[test]
    fn each_row_is_a_line_with_its_key_and_a_torn_line_stays_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("audit.log");
        std::fs::write(&path, "1767261600 ins").unwrap();
        let columns = ["id", "secret"].map(Column::untyped);
        let table = Arc::new(Table::new("shop", "orders", columns.into(), vec![0]));
        let mut event = OwnedRows::delete(&table, [1, 2].map(|id| vec![id.into(), "x".into()]));
        event.time = 1_767_261_601_000_000;

        let mut dispatcher = dispatcher(path.clone());
        run(dispatcher.connect()).unwrap();
        run(dispatcher.write(&[event])).unwrap();

        let expected = [
            "1767261600 ins",
            r#"1767261601 delete {"database":"shop","table":"orders","pk.id":1}"#,
            r#"1767261601 delete {"database":"shop","table":"orders","pk.id":2}"#,
        ];
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_file_that_cannot_be_opened_ends_the_program_with_74() {
        let place = tempfile::tempdir().unwrap();
        let fault = run(dispatcher(place.path().join("no/audit.log")).connect()).unwrap_err();
        assert_eq!(fault.severity, Severity::Stop(Exit::Io));
    }
}
