//! A history that follows a server, statement by statement, and is compared with what the server says.

use std::time::Duration;

use tokio::time::timeout;
use wlf_core::Operation;
use wlf_core::format::{Encoder, Format};
use wlf_mysql::binlog::{Assembler, Limits, Taken};
use wlf_mysql::collector::read_back;
use wlf_mysql::collector::replica::Replica;
use wlf_mysql::collector::stream::{Dump, Item, Stream};
use wlf_mysql::connection::{Connection, Endpoint};
use wlf_mysql::ddl::TableName;
use wlf_mysql::positions::{GtidSet, SavedPosition};
use wlf_mysql::schema::{ColumnSchema, History, Lookup, Owner, TableSchema};

/// A history that follows a server.
pub struct Following {
    admin: Connection,
    oracle: Connection,
    stream: Stream,
    assembler: Assembler,
    database: String,
    /// The last statement, and why the server refused the last that it did.
    last: String,
    pub refusal: String,
    /// Statements that the server has taken.
    pub taken: usize,
    /// Tables that were to be asked for.
    pub unknown: usize,
    /// What the server had when it was looked at last.
    pub tables: Vec<(TableName, TableSchema)>,
    /// Rows that were read.
    pub rows: usize,
    /// Why rows could not be.
    undecodable: Vec<String>,
}

impl Following {
    /// Begins with an empty database of this name.
    pub async fn new(endpoint: &Endpoint, database: &str) -> Self {
        let mut admin = Connection::open(endpoint).await.expect("a connection");
        for sql in [
            format!("DROP DATABASE IF EXISTS `{database}`"),
            format!("CREATE DATABASE `{database}` CHARACTER SET utf8mb4"),
            format!("USE `{database}`"),
        ] {
            admin.query(&sql).await.expect("a database");
        }
        let (file, position, executed) = status(&mut admin).await;
        let place = SavedPosition {
            file: file.clone(),
            position,
            gtid_set: None,
            server_uuid: Some("it".to_owned()),
        };
        let mut history = History::create(Owner::default(), place, true).expect("a history");
        history.add_database(database, "utf8mb4").expect("added");
        wlf_core::testing::at_once(history.begin()).expect("begun");
        let limits = Limits {
            rows: 1000,
            bytes: 1 << 20,
            transaction: 1 << 20,
        };
        let mut assembler = Assembler::new(limits).with_definitions().with_ddl();
        assembler.start(&file, position, None);
        assembler.set_history(Some(history));
        let replica = Replica::new(database, "tests", "here", None, Duration::from_secs(1));
        let dump = match executed.parse::<GtidSet>() {
            // A server may say that it is at a place inside of a transaction.
            Ok(executed) if !executed.is_empty() => Dump::Gtids(executed.encode()),
            _ => Dump::Position {
                file,
                position: u32::try_from(position).expect("a small file"),
            },
        };
        let connection = Connection::open(endpoint).await.expect("a connection");
        let stream = Stream::open(connection, &replica, &dump, false, "here".to_owned());
        Self {
            admin,
            oracle: Connection::open(endpoint).await.expect("a connection"),
            stream: stream.await.expect("a stream"),
            assembler,
            database: database.to_owned(),
            last: String::new(),
            refusal: String::new(),
            taken: 0,
            unknown: 0,
            tables: Vec::new(),
            rows: 0,
            undecodable: Vec::new(),
        }
    }

    /// Runs a statement, whatever comes of it; `false` if the server refuses it.
    pub async fn run(&mut self, sql: &str) -> bool {
        sql.clone_into(&mut self.last);
        match self.admin.query(sql).await {
            Ok(_) => {
                self.taken += 1;
                true
            }
            Err(error) => {
                self.refusal = format!("{:?}", std::error::Error::source(&error));
                if std::env::var_os("WLF_FUZZ_REFUSED").is_some() {
                    println!("refused: {sql}: {}", self.refusal);
                }
                false
            }
        }
    }

    /// Reads up to where the server is now.
    pub async fn catch_up(&mut self) {
        let (file, position, _) = status(&mut self.oracle).await;
        while *self.assembler.coordinates().file != *file
            || self.assembler.coordinates().position < position
        {
            match self.stream.received().expect("received") {
                Some(Item::Event(event)) => self.take(event).await,
                Some(Item::End) => panic!("the stream has no end"),
                None => {
                    let received = timeout(Duration::from_secs(20), self.stream.receive()).await;
                    received.expect("events in time").expect("events");
                }
            }
        }
    }

    async fn take(&mut self, event: std::ops::Range<usize>) {
        let block = self.stream.block().clone();
        loop {
            match self.assembler.take(&block, event.clone(), None) {
                Ok(Taken::NeedsDefinition) => {}
                Ok(_) => break,
                Err(error) => {
                    self.undecodable.push(format!("{error:?}"));
                    break;
                }
            }
            let table = self.assembler.needed().expect("a table").clone();
            let schema = read_back::table(&mut self.oracle, &table).await;
            let history = self.assembler.history().expect("a history");
            self.unknown += 1;
            match schema.expect("asked") {
                Some(schema) => history.learn(&table, schema).expect("learnt"),
                None => history.refuse(&table, "it is gone".to_owned()),
            }
        }
        let events = self
            .assembler
            .cut()
            .into_iter()
            .flat_map(|batch| batch.events);
        for event in events.filter(|event| event.operation == Operation::Insert) {
            self.rows += 1;
            if let Err(error) = Encoder::new(Format::default()).encode(&event) {
                self.undecodable.push(error.fault.to_string());
            }
        }
    }

    /// Inserts a row of defaults, if the table takes one, and reads it.
    pub async fn insert(&mut self, table: &str) {
        let sql = format!("INSERT INTO {table} () VALUES ()");
        if self.admin.query(&sql).await.is_ok() {
            self.last = sql;
            self.catch_up().await;
        }
    }

    /// The server's tables that the history has otherwise, with both definitions.
    pub async fn differences(&mut self) -> Vec<String> {
        let sql = format!(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{}%'",
            self.database
        );
        let databases = self.oracle.query(&sql).await.expect("databases");
        let mut tables = Vec::new();
        for row in &databases.rows {
            let database = row.text(0).expect("a name");
            let all = read_back::tables_of(&mut self.oracle, database).await;
            for (table, schema) in all.expect("tables") {
                let database = database.to_owned();
                tables.push((TableName { database, table }, schema));
            }
        }
        let mut differences = std::mem::take(&mut self.undecodable);
        for n in 0..6 {
            for table in [format!("T {n}"), format!("T?{n}")] {
                let database = self.database.clone();
                let name = TableName { database, table };
                let is_there = tables.iter().any(|(other, _)| *other == name);
                let history = self.assembler.history().expect("a history");
                if !is_there && let Lookup::Known(ours) = history.lookup(&name).expect("looked up")
                {
                    differences.push(format!("{name:?} is gone, or a view: {ours:?}"));
                }
            }
        }
        self.tables.clone_from(&tables);
        for (name, server) in tables {
            let history = self.assembler.history().expect("a history");
            match history.lookup(&name).expect("looked up") {
                Lookup::Known(ours) if is_same(&ours, &server) => {}
                Lookup::Known(ours) => {
                    differences.push(difference(&name, &ours, &server));
                    // Said once.
                    history.learn(&name, server).expect("learnt");
                }
                Lookup::Unknown | Lookup::Refused(_) => {
                    println!("not worked out: {name:?} after {}", self.last);
                    self.unknown += 1;
                    history.learn(&name, server).expect("learnt");
                }
            }
        }
        differences
    }
}

/// Whether two definitions are the same for rows: of which key a hash is does not matter.
fn is_same(ours: &TableSchema, server: &TableSchema) -> bool {
    let without = |schema: &TableSchema| {
        let mut schema = schema.clone();
        schema.hidden.unique_keys.clear();
        schema
    };
    // What is said of the keys of geometries changes with the day.
    let is_told = !server.columns.iter().any(ColumnSchema::is_geometry);
    (ours.hidden.hashes() == server.hidden.hashes() || !is_told) && without(ours) == without(server)
}

fn difference(name: &TableName, ours: &TableSchema, server: &TableSchema) -> String {
    let mut text = format!("{}.{}:", name.database, name.table);
    let columns = ours.columns.len().max(server.columns.len());
    for n in 0..columns {
        let (ours, server) = (ours.columns.get(n), server.columns.get(n));
        if ours != server {
            text += &format!("\n    ours   {ours:?}\n    server {server:?}");
        }
    }
    if ours.hidden != server.hidden {
        text += &format!(
            "\n    ours   {:?}\n    server {:?}",
            ours.hidden, server.hidden
        );
    }
    if (&ours.primary_key, &ours.charset) != (&server.primary_key, &server.charset) {
        text += &format!(
            "\n    ours   {:?} {}\n    server {:?} {}",
            ours.primary_key, ours.charset, server.primary_key, server.charset
        );
    }
    text
}

async fn status(connection: &mut Connection) -> (String, u64, String) {
    let version = connection
        .query("SELECT VERSION()")
        .await
        .expect("a version");
    let version = version
        .rows
        .first()
        .and_then(|row| row.text(0))
        .expect("a version");
    let sql = if version.contains("MariaDB") {
        "SHOW MASTER STATUS"
    } else {
        "SHOW BINARY LOG STATUS"
    };
    let rows = connection.query(sql).await.expect("a status");
    let row = rows.rows.first().expect("a row");
    let file = row.text(0).expect("a file").to_owned();
    let position = row.text(1).and_then(|text| text.parse().ok());
    let executed = rows.text(row, "Executed_Gtid_Set").unwrap_or_default();
    let executed = executed.replace(char::is_whitespace, "");
    (file, position.expect("a position"), executed)
}
