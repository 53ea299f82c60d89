//! Writes each row as a line of standard output.

use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::format::{Encoder, Format, LetterForm, MessageFormat};
use wlf_core::{ComponentKind, Dispatcher, Event, Fault, Walk, WriteError};

use crate::lines::{Lines, fault};

/// Writes each row as a line of standard output.
///
/// A row is delivered when the system has taken it; what becomes of it behind a pipe nobody tells.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The form of a line.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
}

impl Build for Config {
    const TYPE: &'static str = "StdoutDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        let out = Box::new(Stdout::new());
        Ok(Component::Dispatcher(Box::new(StdoutDispatcher::new(
            self, out,
        ))))
    }
}

/// Writes each row as a line.
pub struct StdoutDispatcher {
    encoder: Encoder,
    lines: Lines,
    out: Box<dyn Write + Send>,
}

impl StdoutDispatcher {
    pub fn new(config: Config, out: Box<dyn Write + Send>) -> Self {
        Self {
            encoder: Encoder::new(config.format)
                .with_messages_as(config.messages)
                .with_letters_as(LetterForm::Json),
            lines: Lines::default(),
            out,
        }
    }
}

#[async_trait]
impl Dispatcher for StdoutDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut walk = Walk::of(events);
        while walk.encode(&mut self.encoder).await {
            self.lines.clear();
            walk.rows(&self.encoder, |row| {
                let place = (row.index, row.row);
                // Only a log that is compacted has a use for tombstones.
                for value in row.records().filter_map(|record| record.value) {
                    self.lines.push(place, value);
                }
                Ok(())
            });
            if let Err(failed) = self.lines.write_to(self.out.as_mut()).await {
                let fault = fault("write to standard output".to_owned(), failed.error);
                let first = self.lines.row_after(failed.written);
                return Err(walk.ended_at(first, fault));
            }
        }
        walk.outcome()
    }
}

/// Standard output without std's buffer, which would take each line for written when the output is closed.
#[derive(Debug)]
struct Stdout(ManuallyDrop<File>);

impl Stdout {
    fn new() -> Self {
        // SAFETY: descriptor 1 belongs to the process as a whole and is never closed, here neither.
        Self(ManuallyDrop::new(unsafe { File::from_raw_fd(1) }))
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};

    use wlf_core::value::OwnedRows;
    use wlf_core::{Column, Exit, Severity, Table, Transaction};

    use super::*;

    /// Takes at most `room` bytes, a few at a time, and then fails.
    struct Narrow {
        taken: Arc<Mutex<Vec<u8>>>,
        room: usize,
        then: io::ErrorKind,
        stumbles: u8,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.stumbles = self.stumbles.wrapping_add(1);
            match self.stumbles % 8 {
                3 => return Err(io::ErrorKind::Interrupted.into()),
                5 => return Err(io::ErrorKind::WouldBlock.into()),
                _ => {}
            }
            let mut taken = self.taken.lock().expect("the lock");
            let n = bytes.len().min(50).min(self.room - taken.len());
            if n == 0 {
                return Err(self.then.into());
            }
            taken.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn events() -> Vec<Event> {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
        let event = |ids: std::ops::Range<i32>| {
            let mut event = OwnedRows::insert(&table, ids.map(|id| vec![id.into()]));
            event.transaction = Some(Transaction {
                offset: 10,
                ..Transaction::new(NonZeroU64::MIN, None)
            });
            event
        };
        vec![event(10..12), event(12..15)]
    }

    async fn written(room: usize, then: io::ErrorKind) -> (String, Result<(), WriteError>) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let out = Narrow {
            taken: taken.clone(),
            room,
            then,
            stumbles: 0,
        };
        let config = Config {
            format: Format::default(),
            messages: MessageFormat::default(),
        };
        let mut stdout = StdoutDispatcher::new(config, Box::new(out));
        stdout.connect().await.expect("connect");
        let result = stdout.write(&events()).await;
        let text = String::from_utf8(taken.lock().expect("the lock").clone());
        (text.expect("UTF-8"), result)
    }

    fn line(id: i32, offset: i32) -> String {
        format!(
            "{{\"database\":\"shop\",\"table\":\"t\",\"type\":\"insert\",\"ts\":0,\"xoffset\":{offset},\"data\":{{\"id\":{id}}}}}\n"
        )
    }

    #[tokio::test]
    async fn each_row_is_a_line() {
        let (text, result) = written(usize::MAX, io::ErrorKind::Other).await;
        result.expect("written");
        let expected = [
            line(10, 10),
            line(11, 11),
            line(12, 10),
            line(13, 11),
            line(14, 12),
        ];
        assert_eq!(text, expected.concat());
    }

    #[tokio::test]
    async fn whole_lines_count_when_the_output_ends_in_the_middle() {
        let length = line(10, 10).len();
        for (room, durable, rows) in [
            (0, 0, 0),
            (length - 1, 0, 0),
            (length, 0, 1),
            (2 * length, 1, 0),
            (4 * length + 3, 1, 2),
        ] {
            let (_, result) = written(room, io::ErrorKind::BrokenPipe).await;
            let error = result.expect_err("a broken pipe");
            assert_eq!((error.durable, error.rows), (durable, rows), "{room}");
            assert_eq!(
                error.faults().next().unwrap().severity,
                Severity::Stop(Exit::Io)
            );
            assert_eq!(
                error.faults().next().unwrap().hint.as_deref(),
                Some("the program that read the output has ended")
            );
        }
    }

    #[tokio::test]
    async fn a_row_may_be_several_lines_or_none() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let out = Narrow {
            taken: taken.clone(),
            room: usize::MAX,
            then: io::ErrorKind::BrokenPipe,
            stumbles: 0,
        };
        let options = serde_json::json!({"format": {"debezium": {"skipped_operations": ["c"]}}});
        let config: Config = serde_json::from_value(options).expect("a configuration");
        let mut stdout = StdoutDispatcher::new(config, Box::new(out));
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
        let events = [
            OwnedRows::insert(&table, [vec![1.into()]]),
            OwnedRows::update(&table, [(vec![1.into()], vec![2.into()])]),
            OwnedRows::delete(&table, [vec![2.into()]]),
        ];
        stdout.write(&events).await.expect("write");
        let text = String::from_utf8(taken.lock().expect("the lock").clone()).expect("UTF-8");
        let op = |line: &str| -> serde_json::Value {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            event["op"].clone()
        };
        let ops: Vec<_> = text.lines().map(op).collect();
        assert_eq!(ops, ["d", "c", "d"]);
    }
}
