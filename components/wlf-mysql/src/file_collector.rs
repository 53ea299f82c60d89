//! Reads binlog files, in the order of their numbers, from a saved position or the first one's beginning to the end of the
//! last.

mod binlog_file;
mod blocks;
mod error;
mod listing;

use std::path::Path;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::component::Progress;
use wlf_core::config::{Context, Environment, Invalid, unreachable};
use wlf_core::{Batch, Collector, Desk, Fault, Position, Settled, turn};

use self::binlog_file::BinlogFile;
use self::blocks::Blocks;
use self::error::Error;
use self::listing::Listed;
use crate::binlog::fate::FateSearch;
use crate::binlog::{self, Assembler, Fate, Limits, OnStatement, Taken};
use crate::positions::SavedPosition;
use crate::schema::{History, Owner};

/// Reads binlog files of MySQL or MariaDB, and ends at the end of the last.
///
/// The files have to have the columns' names in them: `binlog_row_metadata=FULL`. Those of MariaDB do not tell some types
/// even then: UUID, INET4 and INET6 come as BINARY, VECTOR as VARBINARY, JSON as LONGTEXT, and tables with times in the form
/// of before 10.1 are refused. A file that is damaged, or that ends in
/// the middle of a transaction, is an error after all whole transactions before it were delivered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The files, or globs such as `data/binlog.*`. They are read in the order of the numbers at the names' ends; what a
    /// glob finds with the ending `.index` is left out.
    paths: Vec<String>,
    /// Gives schema changes (DDL: `CREATE`, `ALTER`, `RENAME`, `DROP` and `TRUNCATE` of tables, `CREATE`,
    /// `ALTER` and `DROP` of databases) as events of type `ddl`, in their places between the rows. What a table was before
    /// is known as far as the files have told it.
    #[serde(default)]
    ddl: bool,
    /// What becomes of statements that may have changed rows and are in the files as text, as sessions with another
    /// `binlog_format` than `ROW` log them: `stop` ends the program with 65, unless a filter drops the table that the
    /// statement names; `warn` passes them over, and says so at most every 10 s.
    #[serde(default)]
    on_statement: OnStatement,
}

impl Config {
    /// Paths whose files cannot be there.
    pub(crate) fn unreachable(&self, environment: &dyn Environment) -> Vec<Invalid> {
        let paths = self.paths.iter().enumerate();
        let doubts = paths.filter_map(|(index, path)| {
            let fixed = path.split(['*', '?', '[']).next().unwrap_or_default();
            let folder = match fixed.rsplit_once('/') {
                Some(("", _)) => "/",
                Some((folder, _)) => folder,
                None => ".",
            };
            unreachable(&format!("paths[{index}]"), Path::new(folder), environment)
        });
        doubts.collect()
    }
}

/// The collector.
#[derive(Debug)]
pub struct BinlogFileCollector {
    paths: Vec<String>,
    assembler: Assembler,
    limits: Limits,
    blocks: Blocks,
    files: Vec<Listed>,
    /// The index of the file that is being read; behind the last at the end.
    current: usize,
    file: Option<BinlogFile>,
    /// Shown once all that was read before it is.
    fault: Option<Fault>,
    ended: bool,
    /// Looks how a transaction ends that is too large to be held: the file once more, and what was found so far.
    ahead: Option<(BinlogFile, FateSearch)>,
    on_statement: OnStatement,
    /// Where to keep the history of definitions, if changes of them are wanted.
    history: Option<Owner>,
}

impl BinlogFileCollector {
    /// Reads what a configuration names, in batches as its pipeline wants them.
    pub(crate) fn configured(config: Config, context: &Context) -> Result<Self, Invalid> {
        if config.paths.is_empty() {
            return Err(Invalid::new("paths", "`paths` is empty")
                .with_hint("name at least one binlog file, or a glob such as `data/binlog.*`"));
        }
        for path in &config.paths {
            if let Err(error) = glob::Pattern::new(path) {
                return Err(Invalid::new(
                    "paths",
                    format!("`{path}` is not a glob: {}", error.msg),
                ));
            }
        }
        let delivery = &context.delivery;
        let limits = Limits {
            rows: delivery.batch.rows.into(),
            bytes: delivery.batch.bytes.as_usize(),
            transaction: delivery.transaction_buffer.as_usize(),
        };
        let mut collector = Self::new(config.paths, limits);
        collector.on_statement = config.on_statement;
        collector.history = config.ddl.then(|| Owner::new(context));
        Ok(collector)
    }

    /// Reads the files that `paths` name.
    pub fn new(paths: Vec<String>, limits: Limits) -> Self {
        Self {
            paths,
            assembler: Assembler::new(limits),
            limits,
            blocks: Blocks::default(),
            files: Vec::new(),
            current: 0,
            file: None,
            fault: None,
            ended: false,
            ahead: None,
            on_statement: OnStatement::default(),
            history: None,
        }
    }

    fn new_assembler(&self) -> Assembler {
        Assembler::new(self.limits).with_on_statement(self.on_statement)
    }

    /// Goes on with the history as it was at the position, or begins one.
    async fn prepare_history(&mut self, after: Option<&Position>) -> Result<(), Error> {
        let Some(owner) = self.history.clone() else {
            return Ok(());
        };
        self.assembler = self.new_assembler().with_ddl();
        let at = match after {
            Some(after) => saved(after)?,
            None => SavedPosition {
                file: self
                    .files
                    .first()
                    .map_or_else(String::new, |file| file.name.clone()),
                position: 4,
                gtid_set: None,
                server_uuid: None,
            },
        };
        let kept = match after {
            Some(_) => History::open(owner.clone(), &at).await?,
            None => None,
        };
        let history = match kept {
            Some(history) => history,
            None => {
                let mut history = History::create(owner, at, false)?;
                history.begin().await?;
                history
            }
        };
        self.assembler.set_history(Some(history));
        Ok(())
    }

    /// Gives a batch away once what it has taught is on the disk.
    async fn give(&mut self, batch: Batch) -> Result<Option<Batch>, Error> {
        if let Some(history) = self.assembler.history() {
            history.sync().await?;
        }
        Ok(Some(batch))
    }

    /// Goes to the position in one of the files.
    fn resume(&mut self, after: &Position) -> Result<(), Error> {
        let saved = saved(after)?;
        let place = || format!("{}:{}", saved.file, saved.position);
        let index = self.files.iter().position(|file| file.name == saved.file);
        let Some(index) = index else {
            return Err(Error::Gone { place: place() });
        };
        let set = saved.gtid_set.as_deref().map(str::parse).transpose();
        let executed = set.map_err(|source| Error::SavedGtids { source })?;
        if saved.position > self.files[index].size {
            return Err(Error::Beyond {
                place: place(),
                size: self.files[index].size,
            });
        }
        self.current = index;
        let mut file = BinlogFile::open(&self.files[index])?;
        file.take_format(&mut self.assembler)?;
        self.assembler.start(&saved.file, saved.position, executed);
        file.go_to(saved.position)?;
        self.file = Some(file);
        Ok(())
    }

    /// Reads until a batch is full, or a block is used up: `None` then, and there may be more.
    fn read_block(&mut self) -> Result<Option<Batch>, Error> {
        if self.ahead.is_some() {
            self.look_ahead()?;
            return Ok(None);
        }
        let Some(file) = &mut self.file else {
            let Some(listed) = self.files.get(self.current) else {
                self.ended = true;
                return Ok(self.assembler.cut());
            };
            let file = BinlogFile::open(listed)?;
            self.assembler.next_file(&listed.name);
            self.file = Some(file);
            return Ok(None);
        };
        while let Some((block, event, at)) = file.next_event()? {
            self.assembler
                .check_ahead(block, event.start, || file.events());
            let taken = self.assembler.take(block, event.clone(), Some(at))?;
            if taken != Taken::More {
                file.taken(event);
            }
            if self.assembler.is_full()
                && let Some(batch) = self.assembler.cut()
            {
                return Ok(Some(batch));
            }
            if self.assembler.needs_fate() {
                return self.begin_to_look_ahead().map(|()| None);
            }
            if taken == Taken::More {
                return Ok(None);
            }
        }
        if file.read(&mut self.blocks)? {
            return Ok(None);
        }
        file.check_end(self.assembler.coordinates())?;
        if let Some(place) = self.assembler.unfinished() {
            let end = self.assembler.coordinates();
            return Err(binlog::Error::TornTransaction { place, end }.into());
        }
        self.file = None;
        self.current += 1;
        Ok(None)
    }
}

impl BinlogFileCollector {
    /// Begins to look how the unfinished transaction ends.
    fn begin_to_look_ahead(&mut self) -> Result<(), Error> {
        let (Some(listed), Some(place)) =
            (self.files.get(self.current), self.assembler.unfinished())
        else {
            return Ok(());
        };
        let mut file = BinlogFile::open(listed)?;
        file.go_to(place.position)?;
        let format = self.assembler.format().clone();
        let search = FateSearch::new(place.position, format, self.limits.transaction);
        self.ahead = Some((file, search));
        Ok(())
    }

    /// Looks on, by one block.
    fn look_ahead(&mut self) -> Result<(), Error> {
        let Some((file, search)) = &mut self.ahead else {
            return Ok(());
        };
        let mut fate = None;
        while fate.is_none()
            && let Some((block, event, _)) = file.next_event()?
        {
            let seen = search.see(block.get(event.clone()).unwrap_or_default());
            fate = seen.map_err(|source| {
                let place = self.assembler.coordinates();
                let place = self.assembler.unfinished().unwrap_or(place);
                source.at(place, self.limits.transaction)
            })?;
            file.taken(event);
        }
        // A transaction that has no end was never committed: the server died while it wrote it.
        if fate.is_none() && !file.read(&mut Blocks::default())? {
            fate = Some(Fate::RolledBack);
        }
        if let Some(fate) = fate {
            self.assembler.decide(fate);
            self.ahead = None;
        }
        Ok(())
    }
}

fn saved(position: &Position) -> Result<SavedPosition, Error> {
    serde_json::from_value(position.0.clone()).map_err(|source| Error::SavedPosition { source })
}

impl BinlogFileCollector {
    /// Forgets the definitions that no start needs any more.
    async fn forget_until(&mut self, settled: Settled) -> Result<(), Fault> {
        if let (Settled::Saved(position), Some(history)) = (settled, self.assembler.history()) {
            history
                .commit(&saved(&position)?)
                .await
                .map_err(Error::from)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Collector for BinlogFileCollector {
    async fn connect(&mut self, after: Option<&Position>) -> Result<(), Fault> {
        self.files = listing::list(&self.paths)?;
        self.assembler = self.new_assembler();
        self.ahead = None;
        self.current = 0;
        self.file = None;
        self.fault = None;
        self.ended = false;
        self.prepare_history(after).await?;
        if let Some(after) = after {
            self.resume(after)?;
        }
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        while let Some(settled) = desk.settled_or_room().await {
            self.forget_until(settled).await?;
        }
        loop {
            if let Some(fault) = self.fault.take() {
                self.ended = true;
                return Err(fault);
            }
            if self.ended {
                return Ok(None);
            }
            match self.read_block() {
                Ok(Some(batch)) => return Ok(self.give(batch).await?),
                // A file can always be read, so that others get their turn only here.
                Ok(None) => turn::pass_on().await,
                Err(error) => {
                    self.fault = Some(error.into());
                    if let Some(batch) = self.assembler.cut() {
                        return Ok(self.give(batch).await?);
                    }
                }
            }
        }
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.forget_until(settled).await?;
        }
        Ok(())
    }

    fn progress(&self) -> Option<Progress> {
        let before = self.files.iter().take(self.current);
        let before: u64 = before.map(|file| file.size).sum();
        Some(Progress {
            done: before + self.file.as_ref().map_or(0, BinlogFile::position),
            total: self.files.iter().map(|file| file.size).sum(),
        })
    }
}

#[cfg(test)]
mod tests;
