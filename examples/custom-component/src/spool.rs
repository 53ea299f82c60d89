//! A collector of messages: each file of a folder is one, and is removed when it is durable everywhere.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::sleep;
use wlf_core::config::{Build, Component, Context, EventKinds, Invalid};
use wlf_core::{Batch, Collector, ComponentKind, Desk, Exit, Fault, Mark, Message, MessageBlock};
use wlf_core::{Position, Settled, Table};

/// Gives each file of a folder as a message, in the order of their names, and removes it when it is durable.
///
/// A file that a destination refuses gets the ending `.refused`, with `delivery.on_reject: nack`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder.
    folder: PathBuf,
    /// Ends when the folder is empty.
    #[serde(default)]
    stop_at_end: bool,
}

impl Build for Config {
    const TYPE: &'static str = "SpoolCollector";
    const KIND: ComponentKind = ComponentKind::Collector;
    const GIVES: Option<EventKinds> = Some(EventKinds::Messages);

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        let stream = Arc::new(Table::stream(self.folder.display().to_string()));
        Ok(Component::Collector(Box::new(SpoolCollector {
            config: self,
            stream,
            given: HashMap::new(),
            next: 0,
        })))
    }
}

struct SpoolCollector {
    config: Config,
    stream: Arc<Table>,
    /// The files that are under way, by the tokens of their batches.
    given: HashMap<u64, PathBuf>,
    next: u64,
}

impl SpoolCollector {
    /// The first file that is not under way.
    fn waiting(&self) -> io::Result<Option<PathBuf>> {
        let files = fs::read_dir(&self.config.folder)?.map(|file| Ok(file?.path()));
        let files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
        let is_new = |file: &PathBuf| {
            let is_given = self.given.values().any(|given| given == file);
            !is_given && file.extension().is_none_or(|ending| ending != "refused")
        };
        Ok(files.into_iter().filter(is_new).min())
    }

    fn batch(&mut self, file: PathBuf) -> io::Result<Batch> {
        let value = fs::read(&file)?;
        let name = file.file_name().map(|name| name.to_string_lossy());
        let block = MessageBlock::single(&Message {
            key: name.as_ref().map(|name| name.as_bytes()),
            value: Some(&value),
            ..Message::default()
        });
        let (token, bytes) = (self.next, block.bytes());
        self.next += 1;
        self.given.insert(token, file);
        Ok(Batch {
            events: block.into_events(&self.stream),
            mark: Mark::Token(token),
            bytes,
            ..Batch::default()
        })
    }

    fn acknowledge(&mut self, settled: Settled) -> Result<(), Fault> {
        let Settled::Done { token, refused } = settled else {
            return Ok(());
        };
        let Some(file) = self.given.remove(&token) else {
            return Ok(());
        };
        let done = match refused.as_slice() {
            [] => fs::remove_file(&file),
            _ => fs::rename(&file, file.with_added_extension("refused")),
        };
        done.map_err(|error| self.fault(error))
    }

    fn fault(&self, error: io::Error) -> Fault {
        let folder = self.config.folder.display();
        Fault::stop(Exit::NoInput, format!("read the folder {folder}"), error)
    }
}

#[async_trait]
impl Collector for SpoolCollector {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        self.waiting().map(drop).map_err(|error| self.fault(error))
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        loop {
            while let Some(settled) = desk.settled_or_room().await {
                self.acknowledge(settled)?;
            }
            if let Some(file) = self.waiting().map_err(|error| self.fault(error))? {
                return self
                    .batch(file)
                    .map(Some)
                    .map_err(|error| self.fault(error));
            }
            if self.config.stop_at_end && self.given.is_empty() {
                return Ok(None);
            }
            tokio::select! {
                settled = desk.settled() => self.acknowledge(settled)?,
                () = sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.acknowledge(settled)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wlf_core::Pipeline;
    use wlf_core::config::{Delivery, OnReject};
    use wlf_core::testing::{Answer, MemoryDispatcher};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn files_are_removed_when_they_are_durable_and_refused_ones_are_kept() {
        let place = tempfile::tempdir().unwrap();
        for name in ["1", "2", "3"] {
            fs::write(place.path().join(name), name).unwrap();
        }
        let delivery = Delivery {
            on_reject: OnReject::Nack,
            ..Delivery::default()
        };
        let context = Context {
            id: "spool".to_owned(),
            pipeline: "test".to_owned(),
            delivery: delivery.clone(),
            destinations: vec!["d".to_owned()],
            store: None,
        };
        let config = Config {
            folder: place.path().to_owned(),
            stop_at_end: true,
        };
        let mut pipeline = Pipeline::new(delivery, None);
        let spool = config.build(&context).unwrap();
        pipeline.add("spool", spool, vec!["d".to_owned()]).unwrap();
        let stored = Arc::default();
        let refused = Answer::Fail(1, Fault::reject("write", "no"));
        let sink = MemoryDispatcher::new(Arc::clone(&stored)).answering([refused]);
        pipeline
            .add("d", Component::Dispatcher(Box::new(sink)), vec![])
            .unwrap();
        pipeline.run().await.unwrap();
        assert_eq!(stored.lock().unwrap().len(), 2);
        let left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(left, ["2.refused"]);
    }
}
