//! `BinlogCollector`: reads the binlog of a live server.

pub mod beginning;
pub mod config;
pub mod definitions;
pub mod locate;
pub mod replica;
pub mod server;
pub mod settings;
pub mod stream;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use wlf_core::component::Progress;
use wlf_core::config::{Context, Delivery};
use wlf_core::{Batch, Collector, Desk, Exit, Fault, Mark, Position, Settled, turn};

pub use config::Config;

use self::beginning::{Beginning, Search};
use self::definitions::Definitions;
use self::replica::Replica;
use self::server::{BinlogFile, BinlogStatus, Server};
use self::stream::{Item, Stream};
use crate::binlog::{Assembler, Executed, Limits, Place, SavedPosition, Taken};
use crate::connection::{Connection, Endpoint};
use crate::error::Error;
use crate::schema::Source;

/// Whether others on this thread should get their turn is asked at the latest when so many bytes were read.
const TURN: usize = 128 * 1024;

/// Reads the binlog of a live server.
#[derive(Debug)]
pub struct BinlogCollector {
    config: Config,
    endpoint: Endpoint,
    replica: Replica,
    definitions: Definitions,
    limits: Limits,
    /// Where the first connection began: `latest` means the same thing to the second.
    began: Option<SavedPosition>,
    /// Where a bounded run ends.
    end: Option<End>,
    running: Option<Running>,
    /// Between two connections: it goes on with the numbers of transactions.
    idle: Option<Assembler>,
}

/// Where a bounded run ends: where the server was when it started.
#[derive(Debug, Clone)]
struct End {
    server_uuid: String,
    status: BinlogStatus,
    files: Vec<BinlogFile>,
    /// How far the run is in `files`, in bytes, where it began.
    began: Option<u64>,
}

/// A stream that is being read.
#[derive(Debug)]
struct Running {
    stream: Stream,
    assembler: Assembler,
    server_uuid: String,
    /// An event that waits for its table's definition: where it is in the stream's block.
    waiting: Option<Range<usize>>,
    /// Said once at the beginning, so that a position is saved before the first row.
    first: Option<Position>,
    /// How many bytes were taken since others had their turn.
    taken: usize,
    state: State,
    /// The file that was read last, and the position in it from which on a bounded run is at its end.
    bound: Option<(Arc<str>, u64)>,
    /// What went wrong, once everything that was read before it has gone on.
    fault: Option<Fault>,
}

/// Why no more events were taken.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    /// All that was received was taken.
    All,
    /// A batch is full, or the end is reached.
    Enough,
    /// Others should have their turn.
    Turn,
    /// The definition of a table has to be asked for first.
    Definition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// Everything up to the end was taken.
    Reached,
    Ended,
}

impl BinlogCollector {
    fn new(config: Config, context: &Context) -> Self {
        let endpoint = Endpoint {
            host: config.host.clone(),
            port: config.port.get(),
            user: config.user.clone(),
            password: config.password.clone(),
        };
        let replica = Replica::new(
            &context.id,
            &context.pipeline,
            &endpoint.to_string(),
            config.server_id.map(|id| id.get()),
            config.heartbeat.get(),
        );
        let scout = Replica::new(
            &format!("{} looks ahead", context.id),
            &context.pipeline,
            &endpoint.to_string(),
            None,
            config.heartbeat.get(),
        );
        let source = Source {
            collector: context.id.clone(),
            path: context.state_file(".schema"),
            ..Source::default()
        };
        Self {
            config,
            definitions: Definitions::new(endpoint.clone(), scout, source),
            endpoint,
            replica,
            limits: limits(&context.delivery),
            began: None,
            end: None,
            running: None,
            idle: None,
        }
    }

    async fn open(&mut self, after: Option<&Position>) -> Result<(), Error> {
        // The server first learns that the old connection is gone.
        if let Some(running) = self.running.take() {
            self.idle = Some(running.assembler);
        }
        let mut connection = Connection::open(&self.endpoint).await?;
        let server = Server::inspect(&mut connection).await?;
        server
            .check(&mut connection, self.replica.server_id)
            .await?;
        let status = server.status(&mut connection).await?;
        if self.config.stop_at_end && self.end.is_none() {
            self.end = Some(End {
                server_uuid: server.identity().to_owned(),
                status: status.clone(),
                files: server.binlogs(&mut connection).await?,
                began: None,
            });
        }
        let saved = match after {
            Some(position) => Some(beginning::saved(position)?),
            None => self.began.clone(),
        };
        let mut search = Search {
            endpoint: &self.endpoint,
            replica: &self.replica,
            server: &server,
            connection: &mut connection,
        };
        let beginning = match saved {
            Some(saved) => search.resume(saved).await?,
            None => search.start(&self.config.start, &status).await?,
        };
        if after.is_none() {
            self.began = Some(beginning.place.clone());
        }
        let mut assembler = self.assembler();
        let needs_history = self.config.ddl || !server.has_full_metadata();
        let prepared = self
            .definitions
            .prepare(
                &mut assembler,
                &server,
                &beginning,
                after.is_some(),
                needs_history,
            )
            .await;
        self.idle = Some(assembler);
        prepared?;
        self.run(connection, &server, beginning, after.is_none())
            .await
    }

    /// The one of the last connection, or the first.
    fn assembler(&mut self) -> Assembler {
        self.idle.take().unwrap_or_else(|| {
            // MariaDB's binlog does not say everything even with full metadata.
            let assembler = Assembler::new(self.limits)
                .decrypted_by_the_server()
                .with_definitions();
            if self.config.ddl {
                assembler.with_ddl()
            } else {
                assembler
            }
        })
    }

    async fn run(
        &mut self,
        connection: Connection,
        server: &Server,
        beginning: Beginning,
        is_first: bool,
    ) -> Result<(), Error> {
        let Beginning { place, origin } = beginning;
        let executed: Option<Executed> = match &place.gtid_set {
            Some(set) => Some(server.executed(set)?),
            None => None,
        };
        let stream = Stream::open(
            connection,
            &self.replica,
            &origin,
            self.config.stop_at_end,
            beginning::shown(&place),
        )
        .await?;
        let mut assembler = self.assembler();
        assembler.set_server_uuid(place.server_uuid.clone());
        assembler.start(&place.file, place.position, executed);
        tracing::info!(
            server = server.address(),
            version = server.version(),
            from = beginning::shown(&place),
            "reads the binlog"
        );
        let mut running = Running {
            stream,
            first: is_first.then(|| assembler.position()),
            assembler,
            server_uuid: server.identity().to_owned(),
            waiting: None,
            taken: 0,
            state: State::Reading,
            bound: None,
            fault: None,
        };
        if let Some(end) = &mut self.end {
            if end.began.is_none() {
                end.began = end.offset(&running.assembler.place());
            }
            if running.has_reached(end) {
                running.state = State::Reached;
            }
        }
        self.running = Some(running);
        Ok(())
    }
}

impl BinlogCollector {
    /// Forgets the definitions that no start needs any more.
    fn forget_until(&mut self, settled: Settled) -> Result<(), Fault> {
        let running = self.running.as_mut().map(|running| &mut running.assembler);
        let history = running.or(self.idle.as_mut()).and_then(Assembler::history);
        if let (Settled::Saved(position), Some(history)) = (settled, history) {
            let position = beginning::saved(&position)?;
            history.commit(&position).map_err(Error::from)?;
        }
        Ok(())
    }
}

fn limits(delivery: &Delivery) -> Limits {
    Limits {
        rows: delivery.batch.rows.into(),
        bytes: delivery.batch.bytes.as_usize(),
        transaction: delivery
            .transaction_buffer
            .min(delivery.max_in_flight)
            .as_usize(),
    }
}

#[async_trait]
impl Collector for BinlogCollector {
    async fn connect(&mut self, after: Option<&Position>) -> Result<(), Fault> {
        Ok(self.open(after).await?)
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        while let Some(settled) = desk.settled_or_room().await {
            self.forget_until(settled)?;
        }
        let Some(running) = &mut self.running else {
            let bug = "a collector is read before it is connected";
            return Err(Fault::stop(Exit::Software, "read from MySQL", bug));
        };
        running.read(self.end.as_ref(), &mut self.definitions).await
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.forget_until(settled)?;
        }
        Ok(())
    }

    fn position(&self) -> Option<Position> {
        let running = self.running.as_ref()?;
        Some(running.assembler.position())
    }

    fn progress(&self) -> Option<Progress> {
        let end = self.end.as_ref()?;
        let running = self.running.as_ref()?;
        let began = end.began?;
        let last = end.offset(&Place {
            file: end.status.file.as_str().into(),
            position: end.status.position,
        })?;
        let total = last.saturating_sub(began);
        let done = match running.state {
            State::Reading => end
                .offset(&running.assembler.place())?
                .saturating_sub(began)
                .min(total),
            State::Reached | State::Ended => total,
        };
        Some(Progress { done, total })
    }
}

impl End {
    /// How many bytes of the server's binlog are before the place.
    fn offset(&self, place: &Place) -> Option<u64> {
        let at = self
            .files
            .iter()
            .position(|file| *file.name == *place.file)?;
        let before: u64 = self.files.iter().take(at).map(|file| file.size).sum();
        Some(before + place.position)
    }

    /// The position in a file from which on everything was read that the server had at the start; none is large enough
    /// in a file before the last.
    fn bound(&self, file: &str, server_uuid: &str) -> u64 {
        // Another server that took over has files of its own: it says itself when it has no more.
        if server_uuid != self.server_uuid {
            return u64::MAX;
        }
        beginning::bound(file, &self.status.file, self.status.position)
    }
}

impl Running {
    /// Cancel-safe: an event is taken out of the block when it was taken by the assembler, which no wait interrupts.
    async fn read(
        &mut self,
        end: Option<&End>,
        definitions: &mut Definitions,
    ) -> Result<Option<Batch>, Fault> {
        if let Some(position) = self.first.take() {
            return Ok(Some(Batch {
                mark: Mark::Upto(position),
                ..Batch::default()
            }));
        }
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            let is_all = match self.state {
                State::Reading => match self.take_received(end, definitions).await {
                    Ok(is_all) => is_all,
                    Err(fault) => {
                        self.fault = Some(fault);
                        false
                    }
                },
                State::Reached => false,
                State::Ended => return Ok(None),
            };
            if let Some(batch) = self.assembler.cut() {
                // What is behind its position must be found again.
                if let Some(history) = self.assembler.history() {
                    history.sync().map_err(Error::from)?;
                }
                return Ok(Some(batch));
            }
            match self.state {
                State::Reading if self.fault.is_some() => {}
                State::Reading if is_all => self.stream.receive().await?,
                State::Reading => {}
                State::Reached | State::Ended => self.state = State::Ended,
            }
        }
    }

    /// Takes what was received, until a batch is full or the end is reached; `true` if it was all.
    async fn take_received(
        &mut self,
        end: Option<&End>,
        definitions: &mut Definitions,
    ) -> Result<bool, Fault> {
        loop {
            match self.take_events(end)? {
                Stopped::Turn => {
                    self.taken = 0;
                    turn::pass_on().await;
                }
                Stopped::Definition => definitions.answer(&mut self.assembler).await?,
                Stopped::All => return Ok(true),
                Stopped::Enough => return Ok(false),
            }
        }
    }

    /// Takes events that were received. A function that nothing waits in: what an event is while it is taken stays in
    /// registers.
    fn take_events(&mut self, end: Option<&End>) -> Result<Stopped, Fault> {
        while self.taken < TURN {
            let event = match self.waiting.take() {
                Some(event) => event,
                None => match self.stream.received()? {
                    Some(Item::Event(event)) => {
                        let block = self.stream.block();
                        self.assembler
                            .check_ahead(block, event.start, || self.stream.events());
                        event
                    }
                    Some(Item::End) => {
                        self.reach(end)?;
                        return Ok(Stopped::Enough);
                    }
                    None => return Ok(Stopped::All),
                },
            };
            let length = event.len();
            match self
                .assembler
                .take(self.stream.block(), event.clone(), None)?
            {
                Taken::Event => self.taken += length,
                Taken::More => {
                    self.waiting = Some(event);
                    self.taken = TURN;
                }
                Taken::NeedsDefinition => {
                    self.waiting = Some(event);
                    return Ok(Stopped::Definition);
                }
            }
            if end.is_some_and(|end| self.has_reached(end)) {
                self.state = State::Reached;
                return Ok(Stopped::Enough);
            }
            if self.assembler.is_full() {
                return Ok(Stopped::Enough);
            }
        }
        Ok(Stopped::Turn)
    }

    /// Whether a bounded run is at its end. Asked for each event: names of files are compared once for each file.
    #[inline(always)]
    fn has_reached(&mut self, end: &End) -> bool {
        if self.assembler.is_unfinished() {
            return false;
        }
        let (file, position) = self.assembler.at();
        match &self.bound {
            Some((known, bound)) if Arc::ptr_eq(known, file) => position >= *bound,
            _ => {
                let bound = end.bound(file, &self.server_uuid);
                self.bound = Some((file.clone(), bound));
                position >= bound
            }
        }
    }

    /// The server has sent all that it has.
    fn reach(&mut self, end: Option<&End>) -> Result<(), Error> {
        // A stream that was asked to go on ends only because the server goes away: it says so in an orderly way.
        let Some(end) = end else {
            return Err(self.stream.ended());
        };
        // A server that shuts down ends the stream too, wherever it is; and another server has files of its own.
        if !self.has_reached(end) {
            let server = self.stream.server();
            let position = beginning::saved(&self.assembler.position())?;
            let has_all = match &position.gtid_set {
                Some(read) => beginning::executed(server, read)?
                    .contains(&beginning::executed(server, &end.status.executed)?),
                None => false,
            };
            if !has_all {
                return Err(Error::NotThereYet {
                    server: server.to_owned(),
                    end: match &*end.status.executed {
                        "" => format!("{}:{}", end.status.file, end.status.position),
                        gtids => gtids.to_owned(),
                    },
                });
            }
        }
        self.state = State::Reached;
        Ok(())
    }
}
