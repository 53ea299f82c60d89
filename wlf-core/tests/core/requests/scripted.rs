//! A sink whose requests do what a test says, and a world outside of it that remembers what it holds.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::time::sleep;
use wlf_core::format::{Encoder, Format};
use wlf_core::value::OwnedRows;
use wlf_core::{
    Column, Dispatcher, Event, Exit, Fault, Limits, Piece, Requests, Sending, Sink, Table,
    WriteError,
};

/// A row: its table and key, and a number that no other row has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub table: String,
    pub key: i64,
    pub n: i64,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum What {
    Written,
    /// The records with these numbers are refused.
    Refuse(Vec<usize>),
    /// The records with these numbers meet an outage, the others are stored.
    Miss(Vec<usize>),
    /// Nothing is stored.
    Fail,
    /// Nothing is stored, and a person has to look.
    Stop,
    /// All is refused.
    RefuseAll,
    /// Nothing is stored and no answer comes.
    Hang,
}

/// What becomes of a request, and after how many milliseconds.
#[derive(Debug, Clone)]
pub struct Play {
    pub after: u64,
    pub what: What,
}

/// What is outside of the sink and outlives it.
#[derive(Debug, Default)]
pub struct World {
    pub stored: Vec<Row>,
    pub refused: BTreeSet<Row>,
    /// The sizes of the requests: records and bytes.
    pub requests: Vec<(usize, usize)>,
    pub most_under_way: usize,
    under_way: usize,
    busy: HashSet<(String, i64)>,
    script: VecDeque<Play>,
    /// Rows that `add` refuses.
    pub unfit: BTreeSet<i64>,
    pub connections: usize,
}

pub type Shared = Arc<Mutex<World>>;

pub fn look(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("the world")
}

pub fn world(script: impl IntoIterator<Item = Play>) -> Shared {
    Arc::new(Mutex::new(World {
        script: script.into_iter().collect(),
        ..World::default()
    }))
}

/// A sink of which up to `FLIGHT` requests of up to `RECORDS` records and 1000 bytes are under way.
#[derive(Debug)]
pub struct Scripted<const RECORDS: usize, const FLIGHT: usize, const ORDERED: bool> {
    world: Shared,
    connected: bool,
}

/// The dispatcher of a scripted sink.
pub fn requests<const RECORDS: usize, const FLIGHT: usize, const ORDERED: bool>(
    world: &Shared,
) -> Requests<Scripted<RECORDS, FLIGHT, ORDERED>> {
    formatted(world, Format::default())
}

pub fn formatted<const RECORDS: usize, const FLIGHT: usize, const ORDERED: bool>(
    world: &Shared,
    format: Format,
) -> Requests<Scripted<RECORDS, FLIGHT, ORDERED>> {
    let sink = Scripted {
        world: Arc::clone(world),
        connected: false,
    };
    Requests::new(sink, Encoder::new(format).with_keys())
}

/// Ends a request's time under way, also if it is dropped.
struct UnderWay(Shared, Vec<Row>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut world = look(&self.0);
        world.under_way -= 1;
        for row in &self.1 {
            world.busy.remove(&(row.table.clone(), row.key));
        }
    }
}

fn outage() -> Fault {
    Fault::retry("store", "the world is away")
}

fn no() -> Fault {
    Fault::reject("store", "no")
}

/// Does what is to be done with the rows, and says what the answer is.
fn play(world: &Shared, rows: &[Row], what: &What) -> Result<Vec<(usize, Fault)>, Fault> {
    let mut world = look(world);
    let (spared, fault): (&[usize], fn() -> Fault) = match what {
        What::Written => (&[], no),
        What::Refuse(which) => (which, no),
        What::Miss(which) => (which, outage),
        What::Fail | What::Hang => return Err(outage()),
        What::Stop => return Err(Fault::stop(Exit::Login, "store", "who are you")),
        What::RefuseAll => {
            world.refused.extend(rows.iter().cloned());
            return Err(no());
        }
    };
    let mut faults = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        if spared.contains(&number) {
            faults.push((number, fault()));
            if matches!(what, What::Refuse(_)) {
                world.refused.insert(row.clone());
            }
        } else {
            world.stored.push(row.clone());
        }
    }
    Ok(faults)
}

#[async_trait]
impl<const RECORDS: usize, const FLIGHT: usize, const ORDERED: bool> Sink
    for Scripted<RECORDS, FLIGHT, ORDERED>
{
    type Request = Vec<(Row, usize)>;
    const LIMITS: Limits = Limits {
        records: RECORDS,
        bytes: 1000,
        in_flight: FLIGHT,
    };
    const ORDERED: bool = ORDERED;

    async fn connect(&mut self) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        assert_eq!(look(&self.world).under_way, 0, "connected among requests");
        look(&self.world).connections += 1;
        self.connected = true;
        Ok(())
    }

    fn add(&mut self, piece: &Piece<'_>, request: &mut Self::Request) -> Result<usize, Fault> {
        let value: Value = serde_json::from_slice(piece.value).expect("JSON");
        let after = value.get("after").filter(|after| !after.is_null());
        let data = value.get("data").or(after).unwrap_or(&value["before"]);
        let number = |name: &str| data[name].as_i64().unwrap_or_default();
        let row = Row {
            table: piece.event.table.name.clone(),
            key: number("id"),
            n: number("n"),
        };
        if look(&self.world).unfit.contains(&row.n) {
            look(&self.world).refused.insert(row);
            return Err(Fault::reject("add", "it does not fit"));
        }
        request.push((row, piece.value.len()));
        Ok(piece.value.len())
    }

    fn send(&mut self, request: Self::Request) -> Sending {
        assert!(self.connected, "sent without a connection");
        let bytes = request.iter().map(|(_, bytes)| bytes).sum();
        let rows: Vec<Row> = request.into_iter().map(|(row, _)| row).collect();
        let mut world = look(&self.world);
        world.requests.push((rows.len(), bytes));
        world.under_way += 1;
        world.most_under_way = world.most_under_way.max(world.under_way);
        let first = Play {
            after: 0,
            what: What::Written,
        };
        let Play { after, what } = world.script.pop_front().unwrap_or(first);
        if !ORDERED {
            let keys: HashSet<_> = rows
                .iter()
                .map(|row| (row.table.clone(), row.key))
                .collect();
            let together: Vec<_> = keys.intersection(&world.busy).collect();
            assert!(together.is_empty(), "under way together: {together:?}");
            world.busy.extend(keys);
        }
        drop(world);
        let under_way = UnderWay(Arc::clone(&self.world), rows);
        // What is kept in order takes effect in the order of sending, whenever the answer comes.
        let now = ORDERED.then(|| play(&self.world, &under_way.1, &what));
        async move {
            if matches!(what, What::Hang) {
                std::future::pending::<()>().await;
            }
            sleep(Duration::from_millis(after)).await;
            now.unwrap_or_else(|| play(&under_way.0, &under_way.1, &what))
        }
        .boxed()
    }
}

/// Events of rows, in order: those of one table that follow each other are in one event, up to three.
pub fn events(rows: &[Row]) -> Vec<Event> {
    let same = |a: &Row, b: &Row| a.table == b.table;
    let events = rows.chunk_by(same).flat_map(|rows| rows.chunks(3));
    let event = |rows: &[Row]| {
        let columns = vec![Column::untyped("id"), Column::untyped("n")];
        let table = Arc::new(Table::new("test", &rows[0].table, columns, vec![0]));
        let rows = rows.iter().map(|row| vec![row.key.into(), row.n.into()]);
        OwnedRows::insert(&table, rows)
    };
    events.map(event).collect()
}

/// Gives rows of `testing::numbers`, which have no columns, to a dispatcher as rows with a key and a number.
pub struct Numbered<D>(pub D);

#[async_trait]
impl<D: Dispatcher> Dispatcher for Numbered<D> {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.0.connect().await
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let encodable = |event: &Event| {
            let columns = vec![Column::untyped("id"), Column::untyped("n")];
            let name = event.table.name.as_str();
            let table = Arc::new(Table::new("test", name, columns, vec![0]));
            let rows = event.rows.clone().map(i64::from);
            OwnedRows::insert(&table, rows.map(|n| vec![(n % 5).into(), n.into()]))
        };
        let events: Vec<Event> = events.iter().map(encodable).collect();
        self.0.write(&events).await
    }

    fn batches_at_once(&self) -> u32 {
        self.0.batches_at_once()
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.0.close().await
    }
}
