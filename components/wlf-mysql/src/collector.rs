//! `BinlogCollector`: reads the binlog of a live server.

pub mod beginning;
pub mod config;
pub mod definitions;
mod end;
mod fate;
pub mod later_changes;
pub mod locate;
pub mod read_back;
pub mod replica;
mod running;
pub mod server;
pub mod settings;
pub mod start;
pub mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use wlf_core::component::Progress;
use wlf_core::config::{Context, Delivery, Invalid};
use wlf_core::{Batch, Collector, Desk, Exit, Fault, Position, Settled};
use wlf_net::Connector;

pub use config::Config;

use self::beginning::{Beginning, Search};
use self::definitions::Definitions;
use self::end::End;
use self::replica::Replica;
use self::running::{Running, State};
use self::server::Server;
use self::stream::Stream;
use crate::binlog::{Assembler, Limits};
use crate::connection::{Connection, Endpoint};
use crate::error::Error;
use crate::positions::{Coordinates, Executed, SavedPosition};
use crate::schema::Owner;

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
    /// What the server is, for a person.
    found: Option<String>,
}

impl BinlogCollector {
    pub(crate) fn configured(config: Config, context: &Context) -> Result<Self, Invalid> {
        config.check()?;
        let endpoint = Endpoint {
            host: config.host.clone(),
            port: config.port.get(),
            user: config.user.clone(),
            password: config.password.clone(),
            connector: Arc::new(Connector::new(&config.tls)?),
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
        let owner = Owner::new(context);
        Ok(Self {
            config,
            definitions: Definitions::new(endpoint.clone(), scout, owner),
            endpoint,
            replica,
            limits: limits(&context.delivery),
            began: None,
            end: None,
            running: None,
            idle: None,
            found: None,
        })
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
                .with_definitions()
                .with_on_statement(self.config.on_statement);
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
        let Beginning { place, dump } = beginning;
        let executed: Option<Executed> = match &place.gtid_set {
            Some(set) => Some(server.executed(set)?),
            None => None,
        };
        let session = connection.session().map(|session| session.to_string());
        let stream = Stream::open(
            connection,
            &self.replica,
            &dump,
            self.config.stop_at_end,
            beginning::shown(&place),
        )
        .await?;
        let mut assembler = self.assembler();
        assembler.set_server_uuid(place.server_uuid.clone());
        assembler.set_lower_case_table_names(server.lower_case_table_names());
        assembler.start(&place.file, place.position, executed);
        tracing::info!(
            server = server.address(),
            version = server.version(),
            from = beginning::shown(&place),
            tls = session.as_deref().unwrap_or("none"),
            "reads the binlog"
        );
        let mut running = Running {
            stream,
            session,
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
                end.began = end.offset(&running.assembler.coordinates());
            }
            if running.has_reached(end) {
                running.state = State::Reached;
            }
        }
        self.running = Some(running);
        self.found = Some(server.described());
        Ok(())
    }
}

impl BinlogCollector {
    /// Forgets the definitions that no start needs any more.
    async fn forget_until(&mut self, settled: Settled) -> Result<(), Fault> {
        let running = self.running.as_mut().map(|running| &mut running.assembler);
        let history = running.or(self.idle.as_mut()).and_then(Assembler::history);
        if let (Settled::Saved(position), Some(history)) = (settled, history) {
            let position = beginning::saved(&position)?;
            history.commit(&position).await.map_err(Error::from)?;
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
            self.forget_until(settled).await?;
        }
        let Some(running) = &mut self.running else {
            let bug = "a collector is read before it is connected";
            return Err(Fault::stop(Exit::Software, "read from MySQL", bug));
        };
        running.read(self.end.as_ref(), &mut self.definitions).await
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.forget_until(settled).await?;
        }
        Ok(())
    }

    async fn probe(&mut self, after: Option<&Position>) -> Result<Vec<String>, Fault> {
        self.open(after).await?;
        Ok(self.found.take().into_iter().collect())
    }

    fn position(&self) -> Option<Position> {
        let running = self.running.as_ref()?;
        Some(running.assembler.position())
    }

    fn session(&self) -> Option<String> {
        self.running.as_ref()?.session.clone()
    }

    fn progress(&self) -> Option<Progress> {
        let end = self.end.as_ref()?;
        let running = self.running.as_ref()?;
        let began = end.began?;
        let last = end.offset(&Coordinates {
            file: end.status.file.as_str().into(),
            position: end.status.position,
        })?;
        let total = last.saturating_sub(began);
        let done = match running.state {
            State::Reading => end
                .offset(&running.assembler.coordinates())?
                .saturating_sub(began)
                .min(total),
            State::Reached | State::Ended => total,
        };
        Some(Progress { done, total })
    }
}
