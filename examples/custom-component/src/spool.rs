//! A collector of messages: each file of a folder is one, and is removed when it is durable everywhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, EventKinds, Invalid};
use wlf_core::{Batch, Collector, ComponentKind, Desk, Exit, Fault, Message, MessageBlock};
use wlf_core::{Position, Settled, Table, Tokens};

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
        Ok(Component::Collector(Box::new(SpoolCollector {
            stream: Arc::new(Table::stream(self.folder.display().to_string())),
            config: self,
            files: Tokens::default(),
        })))
    }
}

struct SpoolCollector {
    config: Config,
    stream: Arc<Table>,
    /// Those that are under way.
    files: Tokens<PathBuf>,
}

impl SpoolCollector {
    /// The first file that is not under way.
    fn next(&self) -> Result<Option<PathBuf>, Fault> {
        let files = fs::read_dir(&self.config.folder).map_err(fault)?;
        let files = files.map(|file| Ok(file?.path()));
        let files: Vec<PathBuf> = files.collect::<Result<_, _>>().map_err(fault)?;
        let is_next = |file: &PathBuf| {
            file.extension() != Some("refused".as_ref())
                && self.files.under_way().all(|given| given != file)
        };
        Ok(files.into_iter().filter(is_next).min())
    }

    fn settle(&mut self, settled: Settled) -> Result<(), Fault> {
        match self.files.settle(settled) {
            Some((file, refused)) if refused.is_empty() => fs::remove_file(file),
            Some((file, _)) => fs::rename(&file, file.with_added_extension("refused")),
            None => Ok(()),
        }
        .map_err(fault)
    }
}

fn fault(error: io::Error) -> Fault {
    Fault::stop(Exit::NoInput, "read the spool's folder", error)
}

#[async_trait]
impl Collector for SpoolCollector {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        self.next().map(drop)
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        loop {
            while let Some(settled) = desk.settled_or_room().await {
                self.settle(settled)?;
            }
            if let Some(file) = self.next()? {
                let value = fs::read(&file).map_err(fault)?;
                let message = MessageBlock::single(&Message {
                    key: file.file_name().map(|name| name.as_encoded_bytes()),
                    value: Some(&value),
                    ..Message::default()
                });
                let mark = self.files.give(file);
                return Ok(Some(message.into_batch(&self.stream, mark)));
            }
            if self.config.stop_at_end && self.files.is_empty() {
                return Ok(None);
            }
            if let Ok(settled) = tokio::time::timeout(Duration::from_secs(1), desk.settled()).await
            {
                self.settle(settled)?;
            }
        }
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.settle(settled)?;
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
