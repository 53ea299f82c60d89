//! Positions in a store that takes its time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use wlf_core::config::{Component, Delivery};
use wlf_core::runtime::Pipeline;
use wlf_core::store::Pieces;
use wlf_core::testing::{
    MemoryCollector, MemoryDispatcher, MemoryStore, Step, numbers, saved_position,
};
use wlf_core::{Batch, Collector, Desk, Exit, Fault, Mark, Position, Settled, Store};

use crate::contract::stopped_after;
use crate::promises::{Written, batch, run};

/// Gives a row each few milliseconds, so that what becomes durable never rests.
struct Ticking {
    given: u32,
    saved: Arc<Mutex<Vec<(u32, Position)>>>,
}

const ROWS: u32 = 400;

#[async_trait]
impl Collector for Ticking {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        desk.room().await;
        sleep(Duration::from_millis(5)).await;
        while let Some(settled) = desk.take_settled() {
            if let Settled::Saved(position) = settled {
                let mut saved = self.saved.lock().expect("the list");
                saved.push((self.given, position));
            }
        }
        if self.given == ROWS {
            return Ok(None);
        }
        self.given += 1;
        let xid = u64::from(self.given);
        Ok(Some(Batch {
            events: vec![numbers("t", xid, Some(100), self.given, 1)],
            mark: Mark::Upto(MemoryCollector::position(self.given as usize)),
            ended: None,
            bytes: 100,
        }))
    }
}

#[test]
fn positions_are_saved_by_a_store_that_is_slower_than_rows_come() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::slow(Duration::from_millis(300)));
    let saved = Arc::default();
    let collector = Ticking {
        given: 0,
        saved: Arc::clone(&saved),
    };
    let mut pipeline = Pipeline::new(Delivery::default(), Some(Arc::clone(&store)));
    let to = vec!["d".to_owned()];
    pipeline
        .add("c", Component::Collector(Box::new(collector)), to)
        .expect("added");
    let sink = MemoryDispatcher::new(Written::default());
    pipeline
        .add("d", Component::Dispatcher(Box::new(sink)), Vec::new())
        .expect("added");
    run(pipeline.run()).expect("everything is delivered");
    let last = MemoryCollector::position(ROWS as usize);
    let found = saved_position(store.as_ref(), "c").expect("loaded");
    assert_eq!(found, Some(last));
    let saved = saved.lock().expect("the list");
    // In two seconds: each takes 300 ms and begins 200 ms after something became durable.
    assert!(saved.len() >= 3, "{saved:?}");
    for (given, position) in saved.iter() {
        let rows = position.0.as_u64().expect("a number");
        assert!(rows < u64::from(*given), "{position} was told of too early");
    }
}

/// A store that holds the thread for some milliseconds, as a disk does that is slow to sync.
#[derive(Debug)]
struct Holding(MemoryStore);

#[async_trait]
impl Store for Holding {
    fn place(&self, name: &str) -> String {
        self.0.place(name)
    }

    async fn read(&self, name: &str, from: u64, most: usize) -> std::io::Result<Option<Vec<u8>>> {
        self.0.read(name, from, most).await
    }

    async fn replace(&self, name: &str, pieces: &mut Pieces<'_>) -> std::io::Result<()> {
        std::thread::sleep(Duration::from_millis(12));
        self.0.replace(name, pieces).await
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.0.append(name, bytes).await
    }

    async fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.remove(name).await
    }
}

#[test]
fn a_store_that_holds_the_thread_is_asked_less_often() {
    let saves = |store: Arc<dyn Store>| {
        let saved = Arc::default();
        let collector = Ticking {
            given: 0,
            saved: Arc::clone(&saved),
        };
        let mut pipeline = Pipeline::new(Delivery::default(), Some(store));
        let to = vec!["d".to_owned()];
        let collector = Component::Collector(Box::new(collector));
        pipeline.add("c", collector, to).expect("added");
        let sink = Component::Dispatcher(Box::new(MemoryDispatcher::new(Written::default())));
        pipeline.add("d", sink, Vec::new()).expect("added");
        run(pipeline.run()).expect("everything is delivered");
        saved.lock().expect("the list").len()
    };
    // In two seconds, which the thread's sleep is no part of.
    assert!(saves(Arc::new(MemoryStore::default())) >= 8);
    let few = saves(Arc::new(Holding(MemoryStore::default())));
    assert!((2..=4).contains(&few), "{few}");
}

#[test]
fn what_was_durable_when_the_time_of_a_stop_is_over_is_saved() {
    let row = batch(0, vec![numbers("t", 1, None, 0, 1)]);
    let collector = MemoryCollector::new(vec![row, Step::Silence]);
    let sink = MemoryDispatcher::new(Written::default());
    let delivery = Delivery {
        drain: wlf_core::config::Duration::from_millis(100),
        ..Delivery::default()
    };
    // Saving begins 200 ms after the row is written, and the time is over before it ends.
    let slow = MemoryStore::slow(Duration::from_millis(300));
    let store: Arc<dyn Store> = Arc::new(slow);
    let mut pipeline = Pipeline::new(delivery, Some(Arc::clone(&store)));
    let to = vec!["d".to_owned()];
    let collector = Component::Collector(Box::new(collector));
    pipeline.add("c", collector, to).expect("added");
    let sink = Component::Dispatcher(Box::new(sink));
    pipeline.add("d", sink, Vec::new()).expect("added");
    let (ended, _) = run(stopped_after(Duration::from_millis(250), pipeline));
    ended.expect("it was asked to");
    let saved = saved_position(store.as_ref(), "c").expect("loaded");
    assert_eq!(saved, Some(MemoryCollector::position(0)));
}

/// A store that is full.
#[derive(Debug)]
struct Full;

#[async_trait]
impl Store for Full {
    fn place(&self, name: &str) -> String {
        name.to_owned()
    }

    async fn read(&self, _: &str, _: u64, _: usize) -> std::io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn replace(&self, _: &str, _: &mut Pieces<'_>) -> std::io::Result<()> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    async fn append(&self, _: &str, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    async fn remove(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_position_that_cannot_be_saved_ends_with_74_at_a_stop_too() {
    for stopped in [5, 150, 500] {
        let row = batch(0, vec![numbers("t", 1, None, 0, 1)]);
        let collector = MemoryCollector::new(vec![row, Step::Silence]);
        let mut pipeline = Pipeline::new(Delivery::default(), Some(Arc::new(Full)));
        let to = vec!["d".to_owned()];
        let collector = Component::Collector(Box::new(collector));
        pipeline.add("c", collector, to).expect("added");
        let sink = MemoryDispatcher::new(Written::default());
        let sink = Component::Dispatcher(Box::new(sink));
        pipeline.add("d", sink, Vec::new()).expect("added");
        let (ended, _) = run(stopped_after(Duration::from_millis(stopped), pipeline));
        let fault = ended.expect_err("it could not be saved");
        assert_eq!(fault.exit(), Exit::Io, "{stopped}: {fault}");
    }
}
