//! Collectors against the server, and what they read.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use wlf_core::config::{Build, ByteSize, Component, Context, Delivery};
use wlf_core::event::Ended;
use wlf_core::format::{Encoder, Format};
use wlf_core::{Batch, Collector, Desk, Event, Fault, FileStore, Position, Store};
use wlf_mysql::collector::Config;

use crate::Server;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector, and the rows of one database that it has read.
pub struct Reading {
    collector: Box<dyn Collector>,
    desk: Desk,
    database: String,
    pub rows: Vec<Value>,
    /// Whether rows are encoded, or only counted.
    encodes: bool,
    /// The number of batches that ended inside a transaction.
    pub unfinished: usize,
    /// The numbers of the transactions, in the order in which they came.
    pub numbers: Vec<NonZeroU64>,
    /// The ends of the transactions that such batches began.
    pub ended: Vec<Ended>,
    pub position: Option<Position>,
    /// Why a row could not be encoded.
    unencodable: Option<Fault>,
}

impl Reading {
    /// A collector with these options besides host, port, user and password, for the rows of `database`.
    pub fn new(server: &Server, database: &str, options: Value) -> Self {
        Self::with_delivery(server, database, options, Delivery::default(), None)
    }

    /// The same with a state directory.
    pub fn with_state(server: &Server, database: &str, options: Value, state: &Path) -> Self {
        Self::with_delivery(server, database, options, Delivery::default(), Some(state))
    }

    /// Learns that everything up to the position is saved.
    pub async fn commit(&mut self) {
        let position = self.position.clone().expect("a position");
        let desk = Desk::with_saved(position);
        self.collector.close(&desk).await.expect("heard");
    }

    /// The same with a transaction buffer of so many bytes.
    pub fn with_transaction_buffer(
        server: &Server,
        database: &str,
        options: Value,
        bytes: u64,
    ) -> Self {
        let delivery = Delivery {
            transaction_buffer: ByteSize::new(bytes),
            ..Delivery::default()
        };
        Self::with_delivery(server, database, options, delivery, None)
    }

    fn with_delivery(
        server: &Server,
        database: &str,
        options: Value,
        delivery: Delivery,
        state: Option<&Path>,
    ) -> Self {
        let mut config = json!({
            "host": server.endpoint.host,
            "port": server.endpoint.port,
            "user": server.endpoint.user,
            "password": server.endpoint.password.expose(),
        });
        for (key, value) in options.as_object().expect("options are an object") {
            config[key] = value.clone();
        }
        let config: Config = serde_json::from_value(config).expect("the options are right");
        let context = Context {
            id: format!("collector-of-{database}"),
            pipeline: "tests".to_owned(),
            delivery,
            destinations: vec!["nowhere".to_owned()],
            store: state.map(|state| Arc::new(FileStore::new(state)) as Arc<dyn Store>),
        };
        let Ok(Component::Collector(collector)) = config.build(&context) else {
            panic!("a collector is built");
        };
        Self {
            collector,
            desk: Desk::alone(),
            database: database.to_owned(),
            rows: Vec::new(),
            encodes: true,
            unfinished: 0,
            numbers: Vec::new(),
            ended: Vec::new(),
            position: None,
            unencodable: None,
        }
    }

    /// Only counts the rows, which may be large: each is `null`.
    pub fn only_counting(mut self) -> Self {
        self.encodes = false;
        self
    }

    /// Connects behind `after`.
    pub async fn connect_after(&mut self, after: Option<&Position>) -> Result<(), Fault> {
        timeout(PATIENCE, self.collector.connect(after))
            .await
            .expect("connects in time")
    }

    /// Connects behind what was read.
    pub async fn connect(&mut self) -> &mut Self {
        let after = self.position.clone();
        if let Err(fault) = self.connect_after(after.as_ref()).await {
            panic!("{fault}");
        }
        self
    }

    /// Reads one batch; `false` at the end.
    pub async fn read(&mut self) -> Result<bool, Fault> {
        let batch = timeout(PATIENCE, self.collector.read(&self.desk))
            .await
            .expect("reads in time")?;
        Ok(match batch {
            Some(batch) => {
                self.take(batch);
                if let Some(fault) = &self.unencodable {
                    panic!("rows can be encoded: {fault}");
                }
                true
            }
            None => false,
        })
    }

    /// Reads for a while, whether anything comes or not, and gives up in the middle.
    pub async fn read_for(&mut self, time: Duration) {
        if let Ok(read) = timeout(time, self.collector.read(&self.desk)).await {
            match read {
                Ok(Some(batch)) => self.take(batch),
                Ok(None) => panic!("the end"),
                Err(fault) => panic!("{fault}"),
            }
        }
    }

    fn take(&mut self, batch: Batch) {
        let mut encoder = Encoder::new(Format::default());
        let own = |event: &&Event| event.table.database == self.database;
        for event in batch.events.iter().filter(own) {
            let number = event.transaction.expect("a transaction").number;
            if self.numbers.last() != Some(&number) {
                self.numbers.push(number);
            }
        }
        if !self.encodes {
            let count: u32 = batch.events.iter().filter(own).map(Event::len).sum();
            self.rows.extend((0..count).map(|_| Value::Null));
        }
        for event in batch.events.iter().filter(own).filter(|_| self.encodes) {
            if let Err(error) = encoder.encode(event) {
                self.unencodable.get_or_insert(error.fault);
            }
        }
        let rows = encoder.records();
        self.rows.extend(rows.map(|row| {
            let row: Value =
                serde_json::from_slice(row.value.expect("a value")).expect("rows are JSON");
            row
        }));
        self.ended.extend(batch.ended);
        match batch.mark.position() {
            Some(position) => self.position = Some(position.clone()),
            None => self.unfinished += 1,
        }
    }

    /// Reads until there are so many rows.
    pub async fn read_rows(&mut self, count: usize) -> &mut Self {
        while self.rows.len() < count {
            match self.read().await {
                Ok(true) => {}
                Ok(false) => panic!("the end after {} rows", self.rows.len()),
                Err(fault) => panic!("{fault}"),
            }
        }
        self
    }

    /// Reads to the end.
    pub async fn read_all(&mut self) -> &mut Self {
        loop {
            match self.read().await {
                Ok(true) => {}
                Ok(false) => return self,
                Err(fault) => panic!("{fault}"),
            }
        }
    }

    /// Reads until there are rows that cannot be encoded, and says why.
    pub async fn read_to_unencodable(&mut self) -> Fault {
        loop {
            let batch = timeout(PATIENCE, self.collector.read(&self.desk)).await;
            let batch = batch.expect("reads in time").expect("reads");
            self.take(batch.expect("not the end"));
            if let Some(fault) = self.unencodable.take() {
                return fault;
            }
        }
    }

    /// Reads until something goes wrong.
    pub async fn read_to_fault(&mut self) -> Fault {
        loop {
            match self.read().await {
                Ok(true) => {}
                Ok(false) => panic!("the end"),
                Err(fault) => return fault,
            }
        }
    }

    /// The values of a column in all rows.
    pub fn column(&self, name: &str) -> Vec<Value> {
        let data = self.rows.iter().map(|row| row["data"][name].clone());
        data.collect()
    }

    /// A member of the position.
    pub fn place(&self, member: &str) -> Value {
        self.position.as_ref().expect("a position").0[member].clone()
    }
}

impl Server {
    /// Makes an empty database with a table `t` of `id` and `name`.
    pub async fn with_table(&mut self, database: &str) {
        self.run_all(&[
            &format!("DROP DATABASE IF EXISTS {database}"),
            &format!("CREATE DATABASE {database}"),
            &format!("CREATE TABLE {database}.t (id INT PRIMARY KEY, name VARCHAR(50))"),
        ])
        .await;
    }

    pub async fn insert(&mut self, database: &str, ids: std::ops::Range<u32>) {
        for id in ids {
            self.run(&format!("INSERT INTO {database}.t VALUES ({id}, 'n{id}')"))
                .await;
        }
    }

    pub async fn text(&mut self, sql: &str) -> String {
        let rows = self.run(sql).await;
        let text = rows.rows.first().and_then(|row| row.text(0));
        text.unwrap_or_default().to_owned()
    }

    /// The newest binlog file and its length.
    pub async fn end(&mut self) -> (String, u64) {
        let rows = self.run("SHOW BINARY LOGS").await;
        let row = rows.rows.last().expect("a binlog file");
        let size = row.text(1).and_then(|size| size.parse().ok());
        (
            row.text(0).expect("a name").to_owned(),
            size.expect("a size"),
        )
    }
}

/// Fails unless the position has all transactions that the server has executed.
pub async fn assert_whole(server: &mut Server, reading: &Reading) {
    let set = reading.place("gtid_set");
    let set = set.as_str().expect("a set of GTIDs");
    let missing = server
        .text(&format!(
            "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{set}')"
        ))
        .await;
    assert_eq!(missing, "", "missing in {set}");
}
