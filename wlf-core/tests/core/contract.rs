//! What the contracts of collectors and dispatchers say besides the promises of `docs/delivery.md`, one test each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use wlf_core::config::{ByteSize, Component, Delivery, OnReject};
use wlf_core::runtime::{Pipeline, Stop};
use wlf_core::testing::{
    Answer, MemoryCollector, MemoryDispatcher, MemoryQueue, Step, numbers, saved_position,
};
use wlf_core::value::OwnedRows;
use wlf_core::{
    Batch, Collector, Column, Desk, Dispatcher, Event, Fault, FileStore, Mark, Position, Refusal,
    Severity, Store, Table, WriteError,
};

use crate::promises::{Written, batch, outage, part, run, stored};

/// One collector `c` and one dispatcher `d`.
fn pipeline(
    delivery: Delivery,
    collector: impl Collector + 'static,
    dispatcher: impl Dispatcher + 'static,
) -> Pipeline {
    let mut pipeline = Pipeline::new(delivery, None);
    add(
        &mut pipeline,
        "c",
        Component::Collector(Box::new(collector)),
        &["d"],
    );
    add(
        &mut pipeline,
        "d",
        Component::Dispatcher(Box::new(dispatcher)),
        &[],
    );
    pipeline
}

pub fn add(pipeline: &mut Pipeline, id: &str, component: Component, to: &[&str]) {
    let to = to.iter().map(|&id| id.to_owned()).collect();
    pipeline.add(id, component, to).expect("added");
}

/// A row that is in a transaction of its own.
pub fn row(n: u32) -> Step {
    batch(
        n as usize,
        vec![numbers("t", u64::from(n) + 1, Some(1), n, 1)],
    )
}

/// Asks the pipeline to stop after so long, and says how long it went on then.
pub async fn stopped_after(running: Duration, pipeline: Pipeline) -> (Result<(), Fault>, Duration) {
    let stop: Stop = pipeline.stop();
    let asking = async {
        sleep(running).await;
        stop.ask();
        Instant::now()
    };
    let (ended, asked) = tokio::join!(async { (pipeline.run().await, Instant::now()) }, asking);
    (ended.0, ended.1 - asked)
}

/// A queue that takes 20 ms to answer, and counts the questions that were begun and answered.
struct Polled {
    begun: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    left: u32,
}

#[async_trait]
impl Collector for Polled {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        desk.room().await;
        self.begun.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(20)).await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        Ok(Some(Batch {
            events: vec![numbers("t", u64::from(left) + 1, None, left, 1)],
            mark: Mark::Upto(MemoryCollector::position(left as usize)),
            ended: None,
            bytes: 1000,
        }))
    }
}

#[test]
fn a_read_is_never_thrown_away() {
    let (begun, answered) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let collector = Polled {
        begun: begun.clone(),
        answered: answered.clone(),
        left: 200,
    };
    let sink = MemoryDispatcher::new(Arc::default());
    run(pipeline(Delivery::default(), collector, sink).run()).expect("runs");
    assert_eq!(begun.load(Ordering::Relaxed), 201);
    assert_eq!(answered.load(Ordering::Relaxed), 201);
}

#[test]
fn a_transaction_that_never_ends_is_written_to_its_last_row_and_not_saved() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    for is_fault in [false, true] {
        let store = Written::default();
        let mut steps = vec![
            batch(0, vec![numbers("t", 1, Some(1), 0, 1)]),
            part(vec![numbers("t", 2, None, 1, 2)]),
        ];
        if is_fault {
            let torn = Fault::stop(wlf_core::Exit::Data, "read b.000001:4711", "torn");
            steps.push(Step::Fault(torn));
        }
        let mut pipeline = Pipeline::new(Delivery::default(), Some(state.clone()));
        let collector = MemoryCollector::new(steps);
        add(
            &mut pipeline,
            "c",
            Component::Collector(Box::new(collector)),
            &["d"],
        );
        let sink = MemoryDispatcher::new(store.clone());
        add(
            &mut pipeline,
            "d",
            Component::Dispatcher(Box::new(sink)),
            &[],
        );
        assert_eq!(run(pipeline.run()).is_err(), is_fault);
        assert_eq!(stored(&store), [0, 1, 2], "also the row that was held back");
        assert!(!store.lock().expect("the store")[2].commit);
        let saved = saved_position(state.as_ref(), "c").expect("loaded");
        assert_eq!(saved, Some(MemoryCollector::position(0)));
        std::fs::remove_file(place.path().join("c.json")).expect("removed");
    }
}

#[test]
fn messages_are_acknowledged_when_they_are_durable_and_refused_ones_are_given_back() {
    let queue = MemoryQueue::new(10);
    let delivery = Delivery {
        on_reject: OnReject::Nack,
        ..Delivery::default()
    };
    let store = Written::default();
    let refused = Fault::reject("write to memory", "the message is too large");
    let answers = [
        Answer::Fail(0, outage()),
        Answer::Fail(4, refused),
        Answer::Fail(1, outage()),
    ];
    let sink = MemoryDispatcher::new(store.clone()).answering(answers);
    run(pipeline(delivery, queue.collector(3, 1000), sink).run()).expect("the queue is empty");
    assert_eq!(stored(&store), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let queue = queue.queue();
    assert_eq!(queue.acknowledged, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(queue.refused, [4]);
}

#[test]
fn only_a_queue_takes_refused_rows_back() {
    let delivery = Delivery {
        on_reject: OnReject::Nack,
        ..Delivery::default()
    };
    let refused = Answer::Fail(0, Fault::reject("write to memory", "no"));
    let sink = MemoryDispatcher::new(Written::default()).answering([refused]);
    let fault = run(pipeline(delivery, MemoryCollector::new(vec![row(0)]), sink).run());
    let fault = fault.expect_err("it is read from positions");
    assert_eq!(fault.exit(), wlf_core::Exit::Config);
    assert!(fault.hint.is_some_and(|hint| hint.contains("skip")));
}

#[test]
fn an_acknowledgement_that_fails_is_an_outage() {
    let queue = MemoryQueue::new(6);
    queue.queue().failing = 2;
    let store = Written::default();
    let sink = MemoryDispatcher::new(store.clone());
    run(pipeline(Delivery::default(), queue.collector(2, 1000), sink).run()).expect("it recovers");
    let queue = queue.queue();
    let mut acknowledged = queue.acknowledged.clone();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, [0, 1, 2, 3, 4, 5]);
    assert_eq!(queue.connections, 3);
}

#[test]
fn a_collector_is_polled_while_there_is_no_room() {
    let queue = MemoryQueue::new(1000);
    let stuck = MemoryDispatcher::new(Written::default()).answering([Answer::Silence]);
    let pipeline = pipeline(Delivery::default(), queue.collector(1, 1 << 20), stuck);
    run(async { tokio::time::timeout(Duration::from_secs(100), pipeline.run()).await })
        .expect_err("it hangs");
    assert!(queue.queue().heartbeats >= 90, "{:?}", queue.queue());
}

/// A destination whose connection needs a sign of life, and ends after each third.
#[derive(Default)]
struct Heard {
    heartbeats: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

#[async_trait]
impl Dispatcher for Heard {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn idle(&mut self) -> Fault {
        for _ in 0..3 {
            sleep(Duration::from_secs(10)).await;
            self.heartbeats.fetch_add(1, Ordering::Relaxed);
        }
        Fault::retry("wait for messages", "the server closed the connection")
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let rows: u64 = events.iter().map(|event| u64::from(event.len())).sum();
        self.written.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_dispatcher_is_polled_while_nothing_comes_and_connects_again_before_the_next_write() {
    let sink = Heard::default();
    let (heartbeats, connections) = (sink.heartbeats.clone(), sink.connections.clone());
    let collector = MemoryCollector::new(vec![row(0), Step::Silence]);
    let pipeline = pipeline(Delivery::default(), collector, sink);
    run(async { tokio::time::timeout(Duration::from_secs(100), pipeline.run()).await })
        .expect_err("it goes on");
    assert!(heartbeats.load(Ordering::Relaxed) >= 8);
    assert_eq!(connections.load(Ordering::Relaxed), 4);
}

/// Refuses every second row of what it is given.
struct Odd {
    writes: Arc<AtomicU64>,
    rows: Arc<AtomicU64>,
    store: Written,
}

#[async_trait]
impl Dispatcher for Odd {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut refused = Vec::new();
        let mut all = MemoryDispatcher::new(self.store.clone());
        all.connect().await.expect("connected");
        for (index, event) in events.iter().enumerate() {
            for n in 0..event.len() {
                self.rows.fetch_add(1, Ordering::Relaxed);
                if (event.rows.start + n) % 2 == 1 {
                    refused.push(Refusal {
                        event: index,
                        row: n,
                        fault: Fault::reject("write", "odd"),
                    });
                    continue;
                }
                let mut event = event.clone();
                event.split_to(n);
                all.write(&[event.split_to(1)]).await?;
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(WriteError {
            refused,
            ..WriteError::all(events)
        })
    }
}

/// Each connection is secured otherwise; the first one fails.
struct Secured(u32);

#[async_trait]
impl Dispatcher for Secured {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.0 += 1;
        Ok(())
    }

    async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
        match self.0 {
            1 => Err(WriteError::nothing(outage())),
            _ => Ok(()),
        }
    }

    fn session(&self) -> Option<String> {
        Some(format!("TLS {}", self.0))
    }
}

#[test]
fn how_a_connection_is_secured_is_asked_after_each_that_is_made() {
    let collector = MemoryCollector::new(vec![row(0)]);
    let pipeline = pipeline(Delivery::default(), collector, Secured(0));
    let status = pipeline.status();
    run(pipeline.run()).expect("delivered");
    let sessions: Vec<_> = (status.components.iter())
        .map(|component| component.session())
        .collect();
    assert_eq!(sessions, [None, Some("TLS 2".to_owned())]);
}

#[test]
fn refused_rows_are_dealt_with_together() {
    for on_reject in [OnReject::Skip, OnReject::DeadLetter("letters".into())] {
        let (writes, rows) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (store, letters) = (Written::default(), Written::default());
        let sink = Odd {
            writes: writes.clone(),
            rows: rows.clone(),
            store: store.clone(),
        };
        let events = |n: u32| (0..10).map(move |i| numbers("t", 1, None, (10 * n + i) * 100, 100));
        let steps = vec![batch(0, events(0).collect()), batch(1, events(1).collect())];
        let delivery = Delivery {
            on_reject: on_reject.clone(),
            ..Delivery::default()
        };
        let mut pipeline = pipeline(delivery, MemoryCollector::new(steps), sink);
        let dead = MemoryDispatcher::new(letters.clone());
        add(
            &mut pipeline,
            "letters",
            Component::Dispatcher(Box::new(dead)),
            &[],
        );
        let status = pipeline.status();
        run(pipeline.run()).expect("delivered");
        assert_eq!(stored(&store), (0..2000).step_by(2).collect::<Vec<_>>());
        assert_eq!(writes.load(Ordering::Relaxed), 1);
        assert_eq!(rows.load(Ordering::Relaxed), 2000);
        let odd: Vec<u32> = (1..2000).step_by(2).collect();
        let expected = if on_reject == OnReject::Skip {
            vec![]
        } else {
            odd
        };
        assert_eq!(stored(&letters), expected);
        let of = |id: &str| {
            status
                .components
                .iter()
                .find(|component| component.id == id)
        };
        let sink = of("d").expect("it is there");
        assert_eq!((sink.rows(), sink.rejected()), (1000, 1000));
    }
}

/// Writes the rows of the second half, and then fails.
struct Halves(Written, bool);

#[async_trait]
impl Dispatcher for Halves {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut all = MemoryDispatcher::new(self.0.clone());
        all.connect().await.expect("connected");
        if std::mem::replace(&mut self.1, true) {
            return all.write(events).await;
        }
        let mut ahead = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let half = event.len() / 2;
            let mut event = event.clone();
            ahead.extend((half..event.len()).map(|row| (index, row)));
            event.split_to(half);
            all.write(&[event]).await?;
        }
        Err(WriteError {
            ahead,
            ..WriteError::nothing(outage())
        })
    }
}

#[test]
fn what_is_durable_behind_the_front_is_not_written_again() {
    let store = Written::default();
    let events = vec![numbers("t", 1, None, 0, 4), numbers("t", 1, None, 4, 4)];
    let collector = MemoryCollector::new(vec![batch(0, events)]);
    run(pipeline(Delivery::default(), collector, Halves(store.clone(), false)).run())
        .expect("delivered");
    assert_eq!(stored(&store), [2, 3, 6, 7, 0, 1, 4, 5]);
    let last = store.lock().expect("the store")[7].clone();
    assert_eq!((last.row, last.offset, last.commit), (5, 5, false));
}

#[test]
fn a_write_that_fails_without_a_reason_ends_the_program() {
    struct Silent;
    #[async_trait]
    impl Dispatcher for Silent {
        async fn connect(&mut self) -> Result<(), Fault> {
            Ok(())
        }
        async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
            Err(WriteError {
                fault: None,
                ..WriteError::nothing(outage())
            })
        }
    }
    let collector = MemoryCollector::new(vec![row(0)]);
    let fault = run(pipeline(Delivery::default(), collector, Silent).run()).expect_err("a bug");
    assert_eq!(fault.exit(), wlf_core::Exit::Software);
}

#[test]
fn a_dead_letter_rides_on_the_receipt_of_its_own_batch() {
    let queue = MemoryQueue::new(2);
    let delivery = Delivery {
        on_reject: OnReject::DeadLetter("letters".into()),
        ..Delivery::default()
    };
    let refused = Fault::reject("write to memory", "no");
    let sink = MemoryDispatcher::new(Written::default()).answering([Answer::Fail(0, refused)]);
    let mut pipeline = pipeline(delivery, queue.collector(1, 1000), sink);
    let stuck = MemoryDispatcher::new(Written::default()).answering([Answer::Silence]);
    add(
        &mut pipeline,
        "letters",
        Component::Dispatcher(Box::new(stuck)),
        &[],
    );
    run(async { tokio::time::timeout(Duration::from_secs(60), pipeline.run()).await })
        .expect_err("it hangs");
    // The first message is a letter that is not durable yet; the second was written with it.
    assert_eq!(queue.queue().acknowledged, [1]);
}

#[test]
fn a_server_that_names_a_wait_gets_it() {
    struct Busy(Vec<Instant>, Arc<AtomicU64>);
    #[async_trait]
    impl Dispatcher for Busy {
        async fn connect(&mut self) -> Result<(), Fault> {
            self.0.push(Instant::now());
            if let [first, second] = self.0.as_slice() {
                let waited = (*second - *first).as_secs();
                self.1.store(waited, Ordering::Relaxed);
                return Ok(());
            }
            let after = Some(Duration::from_secs(77));
            Err(Fault::new(Severity::Retry { after }, "connect", "busy"))
        }
        async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
            Ok(())
        }
    }
    let waited = Arc::<AtomicU64>::default();
    let collector = MemoryCollector::new(vec![row(0)]);
    let sink = Busy(Vec::new(), waited.clone());
    run(pipeline(Delivery::default(), collector, sink).run()).expect("delivered");
    assert!(waited.load(Ordering::Relaxed) >= 77);
    let after = Some(Duration::from_secs(77));
    let busy = Fault::new(Severity::Retry { after }, "read", "busy");
    let collector = MemoryCollector::new(vec![Step::Fault(busy), row(0)]);
    let sink = MemoryDispatcher::new(Written::default());
    let pipeline = pipeline(Delivery::default(), collector, sink);
    let took = run(async {
        let begin = Instant::now();
        pipeline.run().await.expect("delivered");
        begin.elapsed()
    });
    assert!(took >= Duration::from_secs(77), "{took:?}");
}

#[test]
fn a_stop_waits_for_what_is_under_way_and_not_for_ever() {
    // A destination that is away for good.
    let away = (0..100_000).map(|_| Answer::Fail(0, outage()));
    let sink = MemoryDispatcher::new(Written::default()).answering(away);
    let collector = MemoryCollector::new(vec![row(0), Step::Silence]);
    let delivery = Delivery {
        drain: wlf_core::config::Duration::from_secs(7),
        ..Delivery::default()
    };
    let pipeline_away = pipeline(delivery, collector, sink);
    let (ended, took) = run(stopped_after(Duration::from_secs(5), pipeline_away));
    ended.expect("it was asked to");
    assert!((7..=8).contains(&took.as_secs()), "{took:?}");

    // One that is back in time: all is written and acknowledged, and nothing more is read.
    let queue = MemoryQueue::new(100);
    let store = Written::default();
    let away = Answer::Fail(
        0,
        Fault::new(
            Severity::Retry {
                after: Some(Duration::from_secs(8)),
            },
            "write",
            "busy",
        ),
    );
    let sink = MemoryDispatcher::new(store.clone()).answering([away]);
    let mut delivery = Delivery::default();
    delivery.batch.bytes = ByteSize::kib(1);
    let pipeline_back = pipeline(delivery, queue.collector(1, 1024), sink);
    let (ended, took) = run(stopped_after(Duration::from_secs(1), pipeline_back));
    ended.expect("it was asked to");
    assert!((6..=8).contains(&took.as_secs()), "{took:?}");
    let written = stored(&store);
    assert!((1..10).contains(&written.len()), "{written:?}");
    assert_eq!(queue.queue().acknowledged, written);
}

#[test]
fn a_stop_ends_a_connect_and_a_wait_at_once_where_nothing_is_under_way() {
    struct Unreachable;
    #[async_trait]
    impl Collector for Unreachable {
        async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
            std::future::pending().await
        }
        async fn read(&mut self, _: &Desk) -> Result<Option<Batch>, Fault> {
            Ok(None)
        }
    }
    let sink = MemoryDispatcher::new(Written::default());
    let connecting = pipeline(Delivery::default(), Unreachable, sink);
    let (ended, took) = run(stopped_after(Duration::from_secs(5), connecting));
    ended.expect("it was asked to");
    assert_eq!(took, Duration::ZERO);
    let faults = (0..100).map(|_| outage());
    let collector = MemoryCollector::new(vec![]).failing_to_connect(faults);
    let sink = MemoryDispatcher::new(Written::default());
    let waiting = pipeline(Delivery::default(), collector, sink);
    let (ended, took) = run(stopped_after(Duration::from_secs(5), waiting));
    ended.expect("it was asked to");
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn rows_in_no_transaction_have_no_place_in_one() {
    let columns = vec![Column::untyped("id")];
    let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
    let store = Written::default();
    let steps = (0..3).map(|n| {
        let rows = [vec![1.into()], vec![2.into()]];
        batch(n, vec![OwnedRows::insert(&table, rows)])
    });
    let collector = MemoryCollector::new(steps.collect());
    let sink = MemoryDispatcher::new(store.clone());
    run(pipeline(Delivery::default(), collector, sink).run()).expect("delivered");
    let rows = store.lock().expect("the store");
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.offset == 0 && !row.commit));
}

/// A queue whose leases have to be made longer, with a message on its way whenever there was room.
struct Leased {
    beats: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
    given: u64,
}

#[async_trait]
impl Collector for Leased {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        loop {
            tokio::select! {
                biased;
                _ = desk.settled() => {
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                () = desk.room() => break,
                () = sleep(Duration::from_millis(10)) => {
                    self.beats.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        sleep(Duration::from_millis(30)).await;
        self.given += 1;
        Ok(Some(Batch {
            events: vec![numbers("t", self.given, None, 0, 1)],
            mark: Mark::Token(self.given),
            bytes: 100,
            ..Batch::default()
        }))
    }
}

#[test]
fn a_collector_is_polled_until_everything_under_way_is_settled_when_the_pipeline_stops() {
    let (beats, acknowledged) = (Arc::default(), Arc::default());
    let collector = Leased {
        beats: Arc::clone(&beats),
        acknowledged: Arc::clone(&acknowledged),
        given: 0,
    };
    let busy = Severity::Retry {
        after: Some(Duration::from_secs(2)),
    };
    let busy = Answer::Fail(0, Fault::new(busy, "write", "busy"));
    let sink = MemoryDispatcher::new(Written::default()).answering([busy]);
    let pipeline = pipeline(Delivery::default(), collector, sink);
    // The first message is being written, and the second is on its way.
    let (ended, _) = run(stopped_after(Duration::from_millis(45), pipeline));
    ended.expect("it was asked to");
    assert!(beats.load(Ordering::Relaxed) > 100, "{beats:?}");
    assert_eq!(acknowledged.load(Ordering::Relaxed), 1);
}
