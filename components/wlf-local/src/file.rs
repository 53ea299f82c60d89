//! Writes each row as a line of a file.

mod groups;
mod open;
mod path;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::Path;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use wlf_core::config::{Build, Component, Context, Environment, Invalid, unreachable};
use wlf_core::format::{Encoder, Format, LetterForm, MessageFormat};
use wlf_core::store::try_folder;
use wlf_core::{ComponentKind, Dispatcher, Event, Fault, Operation, Template, Walk, WriteError};

use self::groups::{Group, Groups, HELD};
use self::open::OpenFiles;
use crate::lines::fault;

/// Writes each row as a line of a file.
///
/// Rows are appended; folders that are missing are created. A batch is delivered when the system has put it on the disk.
/// A last line without its end, which a crash may leave, is cut off when the file is opened, and so is what a failed
/// write leaves.
///
/// A file that was moved away or removed, as by logrotate, begins anew with the next rows; one that was cut shorter
/// (`copytruncate`) goes on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file, as in `/out/%{/database}/%{/table}.jsonl`. In what comes from the event, `/`, `\`, `%`, control
    /// characters and a leading `.` are written as `%2F` and so on, so that no name leads out of its folder.
    pub path: Template,
    /// The form of a line.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
}

impl Build for Config {
    const TYPE: &'static str = "FileDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(FileDispatcher::new(self))))
    }

    fn doubts(&self, environment: &dyn Environment) -> Vec<Invalid> {
        let folder = Path::new(path::folder(&self.path));
        let doubt = unreachable("path", folder, environment);
        doubt.into_iter().collect()
    }
}

/// Table versions that are remembered; more than this and all are looked up anew.
const REMEMBERED: usize = 10_000;

/// Writes each row as a line of a file.
#[derive(Debug)]
pub struct FileDispatcher {
    path: Template,
    encoder: Encoder,
    open: OpenFiles,
    /// The path for a table's rows, if it is the same for all of them.
    paths: HashMap<(u64, Operation), String>,
    groups: Groups,
}

impl FileDispatcher {
    pub fn new(config: Config) -> Self {
        Self {
            encoder: encoder(config.format, config.messages, &config.path),
            path: config.path,
            open: OpenFiles::default(),
            paths: HashMap::new(),
            groups: Groups::default(),
        }
    }

    /// Encodes rows and gives each to its file, part by part, so that only a part is there twice.
    ///
    /// # Errors
    /// If the only file so far cannot be written: the first row that is not in it, and why.
    async fn prepare(&mut self, walk: &mut Walk<'_>) -> Result<(), ((usize, u32), Fault)> {
        while walk.encode(&mut self.encoder).await {
            let (path, paths, groups) = (&self.path, &mut self.paths, &mut self.groups);
            let mut last = None;
            walk.rows(&self.encoder, |row| {
                let (event, place) = (row.event, (row.index, row.row));
                let table = (event.table.version, event.operation);
                for record in row.records() {
                    // Only a log that is compacted has a use for tombstones.
                    let Some(value) = record.value else {
                        continue;
                    };
                    let group = match last {
                        Some((same, group)) if same == table => group,
                        _ if path.is_per_table() => {
                            if paths.len() >= REMEMBERED {
                                paths.clear();
                            }
                            let made = paths.entry(table);
                            let made = made.or_insert_with(|| path::of_table(path, event));
                            let group = groups.number(made, place);
                            last = Some((table, group));
                            group
                        }
                        _ => groups.number(&path::of_record(path, event, &record)?, place),
                    };
                    groups.push(group, place, value);
                }
                Ok(())
            });
            self.write_ahead(walk).await?;
        }
        Ok(())
    }

    /// Writes what is held for the only file so far, if that is much.
    async fn write_ahead(&mut self, walk: &mut Walk<'_>) -> Result<(), ((usize, u32), Fault)> {
        let Some(group) = self.groups.only() else {
            return Ok(());
        };
        if group.lines.len() < HELD {
            return Ok(());
        }
        let written = match self.open.file(&group.path) {
            Ok(file) => file.begin(&group.lines).await,
            Err(error) => refused(walk, group, error),
        };
        group.lines.clear();
        written.map_err(|fault| (group.first_row, fault))
    }

    /// Encodes all rows and puts them on the disk.
    async fn write_all(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut walk = Walk::of(events);
        if let Err((row, fault)) = self.prepare(&mut walk).await {
            return Err(walk.ended_at(row, fault));
        }
        // In the order of their first rows: if one fails, all rows before its first are in those that did not.
        for group in self.groups.list() {
            let written = match self.open.file(&group.path) {
                Ok(file) => file.append(&group.lines).await,
                Err(error) => refused(&mut walk, group, error),
            };
            if let Err(fault) = written {
                return Err(walk.ended_at(group.first_row, fault));
            }
        }
        walk.outcome()
    }
}

/// Rows as a template that points into them needs them.
fn encoder(format: Format, messages: MessageFormat, path: &Template) -> Encoder {
    let encoder = Encoder::new(format)
        .with_messages_as(messages)
        .with_letters_as(LetterForm::Json);
    if path.is_per_table() {
        encoder
    } else {
        encoder.with_templates([path]).with_keys()
    }
}

/// What becomes of rows whose file cannot be opened: a name that is too long is refused with all its rows, and no others.
fn refused(walk: &mut Walk<'_>, group: &Group, error: io::Error) -> Result<(), Fault> {
    let opening = || format!("open {}", group.path);
    if error.kind() != ErrorKind::InvalidFilename {
        return Err(fault(opening(), error));
    }
    walk.refuse(group.lines.rows(), || {
        Fault::reject(opening(), io::Error::from(error.kind()))
            .with_hint("`path` makes a name that is too long; see `delivery.on_reject`")
    });
    Ok(())
}

#[async_trait]
impl Dispatcher for FileDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        if self.path.is_constant() {
            let path = path::constant(&self.path);
            let opened = self.open.file(&path);
            opened.map_err(|error| fault(format!("open {path}"), error))?;
        }
        Ok(())
    }

    async fn probe(&mut self) -> Result<Vec<String>, Fault> {
        let opening = |path: &str| format!("open {path}");
        if self.path.is_constant() {
            let path = path::constant(&self.path);
            match OpenOptions::new().append(true).open(&path) {
                Ok(_) => return Ok(vec![format!("{path} can be written")]),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(fault(opening(&path), error)),
            }
        }
        let folder = path::folder(&self.path);
        let there = try_folder(Path::new(folder));
        let there = there.map_err(|error| fault(opening(folder), error))?;
        Ok(vec![match there {
            true => format!("files can be made in {folder}"),
            false => format!("{folder} can be made"),
        }])
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let written = self.write_all(events).await;
        self.groups.clear();
        written
    }
}
