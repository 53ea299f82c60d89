//! The promises of `docs/delivery.md`, one test each, and how faults are handled.

use std::future::Future;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wlf_core::config::{ByteSize, Component, Delivery, OnReject};
use wlf_core::runtime::Pipeline;
use wlf_core::testing::{
    Answer, MemoryCollector, MemoryDispatcher, Step, Stored, numbers, saved_position,
};
use wlf_core::{
    Batch, Ended, Event, Exit, Fault, FileStore, Mark, Out, Position, Store, Transformer,
};

pub type Written = Arc<Mutex<Vec<Stored>>>;

/// A clock that jumps over waits, so that outages take no time.
pub fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

pub fn batch(n: usize, events: Vec<Event>) -> Step {
    Step::Batch(Batch {
        events,
        mark: Mark::Upto(MemoryCollector::position(n)),
        ended: None,
        bytes: 1000,
    })
}

pub fn part(events: Vec<Event>) -> Step {
    Step::Batch(Batch {
        events,
        mark: Mark::Inside,
        ended: None,
        bytes: 1000,
    })
}

/// Batches 0..n of one transaction of one row each: row i is in transaction i + 1.
fn rows(range: std::ops::Range<u32>) -> impl Iterator<Item = Step> {
    range.map(|i| {
        batch(
            i as usize,
            vec![numbers("t", u64::from(i) + 1, Some(100), i, 1)],
        )
    })
}

pub fn stored(store: &Written) -> Vec<u32> {
    store
        .lock()
        .expect("the store")
        .iter()
        .map(|stored| stored.row)
        .collect()
}

pub fn outage() -> Fault {
    Fault::retry("write to memory", "the memory is away")
}

struct Setup {
    delivery: Delivery,
    state: Option<Arc<dyn Store>>,
}

impl Setup {
    fn new() -> Self {
        Self {
            delivery: Delivery::default(),
            state: None,
        }
    }

    fn pipeline(
        &self,
        collector: MemoryCollector,
        dispatchers: Vec<(&str, MemoryDispatcher)>,
    ) -> Pipeline {
        let mut pipeline = Pipeline::new(self.delivery.clone(), self.state.clone());
        let ids = dispatchers
            .iter()
            .map(|(id, _)| (*id).to_owned())
            .filter(|id| id != "letters")
            .collect();
        pipeline
            .add("c", Component::Collector(Box::new(collector)), ids)
            .expect("added");
        for (id, dispatcher) in dispatchers {
            pipeline
                .add(id, Component::Dispatcher(Box::new(dispatcher)), vec![])
                .expect("added");
        }
        pipeline
    }
}

#[test]
fn promise_1_a_position_is_saved_only_after_everything_before_it_is_durable_everywhere() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let setup = Setup {
        state: Some(state.clone()),
        ..Setup::new()
    };
    let (fast, slow) = (Written::default(), Written::default());
    let collector = MemoryCollector::new(rows(0..5).collect());
    let answers = [Answer::Fail(2, outage()), Answer::Silence];
    let stuck = MemoryDispatcher::new(slow.clone()).answering(answers);
    let pipeline = setup.pipeline(
        collector,
        vec![
            ("fast", MemoryDispatcher::new(fast.clone())),
            ("slow", stuck),
        ],
    );
    run(async { tokio::time::timeout(Duration::from_secs(3600), pipeline.run()).await })
        .expect_err("it hangs");
    assert_eq!(stored(&fast), [0, 1, 2, 3, 4]);
    assert_eq!(stored(&slow), [0, 1]);
    // The batches were written together, so their receipts are open until the whole write is confirmed.
    assert_eq!(saved_position(state.as_ref(), "c").expect("loaded"), None);

    let collector = MemoryCollector::new(rows(0..5).collect());
    let pipeline = setup.pipeline(
        collector,
        vec![
            ("fast", MemoryDispatcher::new(fast.clone())),
            ("slow", MemoryDispatcher::new(slow.clone())),
        ],
    );
    run(pipeline.run()).expect("everything is delivered");
    assert_eq!(
        saved_position(state.as_ref(), "c").expect("loaded"),
        Some(MemoryCollector::position(4))
    );
    assert_eq!(stored(&slow), [0, 1, 0, 1, 2, 3, 4]);
}

/// A hundred tries, of which the last ones would wait for some 15 s each, in the middle.
#[test]
fn a_destination_that_wants_it_is_tried_again_soon_however_long_an_outage_lasts() {
    for (longest, least, most) in [(3, 60, 300), (30, 600, 3000)] {
        let store = Written::default();
        let answers = (0..100).map(|_| Answer::Fail(0, outage()));
        let dispatcher = MemoryDispatcher::new(store.clone())
            .answering(answers)
            .waiting_at_most(Duration::from_secs(longest));
        let collector = MemoryCollector::new(rows(0..5).collect());
        let pipeline = Setup::new().pipeline(collector, vec![("d", dispatcher)]);
        let took = run(async {
            let begin = tokio::time::Instant::now();
            pipeline.run().await.expect("everything is delivered");
            begin.elapsed().as_secs()
        });
        assert!((least..most).contains(&took), "{took} s");
        assert_eq!(stored(&store), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn promise_3_rows_arrive_in_source_order_through_outages_of_both_sides() {
    let store = Written::default();
    let mut steps: Vec<Step> = rows(0..20).collect();
    steps.insert(13, Step::Fault(Fault::retry("read from memory", "gone")));
    steps.insert(7, Step::Fault(Fault::retry("read from memory", "gone")));
    let collector = MemoryCollector::new(steps).failing_to_connect([outage(), outage(), outage()]);
    let answers = [
        Answer::Fail(0, outage()),
        Answer::Fail(3, outage()),
        Answer::Fail(1, outage()),
    ];
    let dispatcher = MemoryDispatcher::new(store.clone()).answering(answers);
    run(Setup::new()
        .pipeline(collector, vec![("d", dispatcher)])
        .run())
    .expect("it recovers");
    assert_eq!(stored(&store), (0..20).collect::<Vec<_>>());
}

#[test]
fn promise_4_memory_is_bounded_in_bytes_however_slow_a_destination_is() {
    const MIB: u64 = 1 << 20;
    for (written_at_once, in_flight, why) in [
        (1, 3, "what is written, and twice as much that waits"),
        (64, 16, "max_in_flight"),
    ] {
        let steps = (0..1000).map(|i| {
            let mark = Mark::Upto(MemoryCollector::position(i));
            let events = vec![numbers("t", i as u64 + 1, None, i as u32, 1)];
            Step::Batch(Batch {
                events,
                mark,
                ended: None,
                bytes: MIB as usize,
            })
        });
        let mut setup = Setup::new();
        setup.delivery.batch.bytes = ByteSize::mib(written_at_once);
        let stuck = MemoryDispatcher::new(Written::default()).answering([Answer::Silence]);
        let collector = MemoryCollector::new(steps.collect());
        let pipeline = setup.pipeline(collector, vec![("d", stuck)]);
        let status = pipeline.status();
        run(async { tokio::time::timeout(Duration::from_secs(60), pipeline.run()).await })
            .expect_err("it hangs");
        let components = status.components.iter();
        let read: u64 = components.map(|component| component.bytes()).sum();
        assert_eq!(read, in_flight * MIB, "{why}");
    }
}

#[test]
fn promise_4_a_batch_larger_than_the_bound_passes_alone() {
    let store = Written::default();
    let steps = (0..3).map(|i| {
        let mark = Mark::Upto(MemoryCollector::position(i));
        let events = vec![numbers("t", i as u64 + 1, None, i as u32, 1)];
        Step::Batch(Batch {
            events,
            mark,
            ended: None,
            bytes: 100 << 20,
        })
    });
    let dispatcher = MemoryDispatcher::new(store.clone());
    run(Setup::new()
        .pipeline(
            MemoryCollector::new(steps.collect()),
            vec![("d", dispatcher)],
        )
        .run())
    .expect("passes");
    assert_eq!(stored(&store), [0, 1, 2]);
}

#[test]
fn promise_4_no_write_is_given_more_rows_than_a_batch_may_have() {
    let store = Written::default();
    let events = (0..50).map(|i| numbers("t", 1, Some(1), i * 10, 10));
    let steps = vec![batch(0, events.collect())];
    let mut setup = Setup::new();
    setup.delivery.batch.rows = 25;
    // Of the first write nothing is durable, of the second two events and of the third a row more than one.
    let answers = [0, 20, 11].map(|rows| Answer::Fail(rows, outage()));
    let dispatcher = MemoryDispatcher::new(store.clone()).answering(answers);
    let largest = dispatcher.largest_write();
    run(setup
        .pipeline(MemoryCollector::new(steps), vec![("d", dispatcher)])
        .run())
    .expect("delivered");
    assert_eq!(stored(&store), (0..500).collect::<Vec<_>>());
    assert_eq!(largest.load(std::sync::atomic::Ordering::Relaxed), 20);
}

#[test]
fn what_sends_while_it_encodes_takes_several_batches_if_they_have_come() {
    let mut setup = Setup::new();
    setup.delivery.batch.rows = 5;
    for (batches, most) in [(1, 5), (3, 15)] {
        let store = Written::default();
        // While the first write is tried again, all others come.
        let dispatcher = MemoryDispatcher::new(store.clone())
            .taking(batches)
            .answering([Answer::Fail(0, outage())]);
        let largest = dispatcher.largest_write();
        let collector = MemoryCollector::new(rows(0..50).collect());
        run(setup.pipeline(collector, vec![("d", dispatcher)]).run()).expect("delivered");
        assert_eq!(stored(&store), (0..50).collect::<Vec<_>>());
        assert_eq!(largest.load(std::sync::atomic::Ordering::Relaxed), most);
    }
}

#[test]
fn what_comes_while_a_write_is_under_way_goes_with_it() {
    let mut setup = Setup::new();
    setup.delivery.batch.rows = 5;
    let store = Written::default();
    let answers = [7, 0, 3].map(|rows| Answer::Fail(rows, outage()));
    let dispatcher = MemoryDispatcher::new(store.clone())
        .taking(3)
        .answering(answers);
    let (largest, joined) = (dispatcher.largest_write(), dispatcher.joined());
    let steps = (0..12).map(|n| batch(n, vec![numbers("t", n as u64, Some(1), n as u32 * 5, 5)]));
    let collector = MemoryCollector::new(steps.collect());
    run(setup.pipeline(collector, vec![("d", dispatcher)]).run()).expect("delivered");
    assert_eq!(stored(&store), (0..60).collect::<Vec<_>>());
    assert_eq!(largest.load(std::sync::atomic::Ordering::Relaxed), 15);
    assert!(joined.load(std::sync::atomic::Ordering::Relaxed) > 0);
}

#[test]
fn promise_5_a_saved_position_is_a_transaction_boundary() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let setup = Setup {
        state: Some(state.clone()),
        ..Setup::new()
    };
    let store = Written::default();
    let steps = vec![
        batch(0, vec![numbers("t", 1, Some(1), 0, 1)]),
        part(vec![numbers("t", 2, None, 1, 2)]),
        part(vec![numbers("t", 2, None, 3, 2)]),
        Step::Silence,
    ];
    let pipeline = setup.pipeline(
        MemoryCollector::new(steps),
        vec![("d", MemoryDispatcher::new(store.clone()))],
    );
    run(async { tokio::time::timeout(Duration::from_secs(60), pipeline.run()).await })
        .expect_err("it goes on");
    assert_eq!(
        stored(&store),
        [0, 1, 2, 3],
        "the last row waits for the transaction's end"
    );
    assert_eq!(
        saved_position(state.as_ref(), "c").expect("loaded"),
        Some(MemoryCollector::position(0))
    );
}

#[test]
fn a_streamed_transaction_whose_source_begins_anew_is_repeated_from_its_first_row() {
    let store = Written::default();
    let steps = vec![
        batch(0, vec![numbers("t", 1, Some(1), 0, 1)]),
        part(vec![numbers("t", 2, None, 1, 2)]),
        Step::Fault(outage()),
        part(vec![numbers("t", 3, None, 1, 2)]),
        Step::Batch(Batch {
            events: vec![numbers("t", 3, None, 3, 1)],
            mark: Mark::Upto(MemoryCollector::position(1)),
            ended: Some(Ended {
                number: NonZeroU64::new(3).expect("a number"),
                xid: Some(9),
            }),
            bytes: 1,
        }),
    ];
    // `connect` after the fault goes behind batch 0; the memory collector then repeats the first part as well.
    run(Setup::new()
        .pipeline(
            MemoryCollector::new(steps),
            vec![("d", MemoryDispatcher::new(store.clone()))],
        )
        .run())
    .expect("it recovers");
    let last = store
        .lock()
        .expect("the store")
        .last()
        .cloned()
        .expect("rows");
    assert_eq!(
        (last.row, last.xid, last.offset, last.commit),
        (3, Some(9), 2, true)
    );
    assert_eq!(stored(&store).iter().filter(|&&row| row == 3).count(), 1);
}

#[test]
fn rows_before_a_fault_that_stops_are_delivered_and_their_position_is_saved() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let setup = Setup {
        state: Some(state.clone()),
        ..Setup::new()
    };
    let store = Written::default();
    let mut steps: Vec<Step> = rows(0..3).collect();
    steps.push(Step::Fault(Fault::stop(
        Exit::Data,
        "read b.000001:4711",
        "the checksum is wrong",
    )));
    let dispatcher = MemoryDispatcher::new(store.clone()).answering([Answer::Fail(1, outage())]);
    let fault = run(setup
        .pipeline(MemoryCollector::new(steps), vec![("d", dispatcher)])
        .run())
    .expect_err("bad data");
    assert_eq!(fault.exit(), Exit::Data);
    assert_eq!(
        fault.to_string(),
        "read b.000001:4711: the checksum is wrong"
    );
    assert_eq!(stored(&store), [0, 1, 2]);
    assert_eq!(
        saved_position(state.as_ref(), "c").expect("loaded"),
        Some(MemoryCollector::position(2))
    );
}

#[test]
fn a_fault_ends_the_program_without_waiting_for_those_who_have_nothing_left_to_do() {
    let nowhere = Fault::stop(Exit::NoInput, "read b.*", "no such file");
    let collector = MemoryCollector::new(vec![Step::Fault(nowhere)]);
    let dispatcher = MemoryDispatcher::new(Written::default());
    let pipeline = Setup::new().pipeline(collector, vec![("d", dispatcher)]);
    let took = run(async {
        let start = tokio::time::Instant::now();
        pipeline.run().await.expect_err("no input");
        start.elapsed()
    });
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn a_dispatcher_that_stops_ends_the_program_and_its_rows_are_not_saved() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let setup = Setup {
        state: Some(state.clone()),
        ..Setup::new()
    };
    let store = Written::default();
    let full = || Fault::stop(Exit::Io, "write to memory", "no space left");
    let dispatcher = MemoryDispatcher::new(store.clone()).answering([Answer::Fail(2, full())]);
    let collector = MemoryCollector::new(rows(0..4).chain([Step::Silence]).collect());
    let fault = run(setup.pipeline(collector, vec![("d", dispatcher)]).run()).expect_err("full");
    assert_eq!(fault.exit(), Exit::Io);
    assert_eq!(stored(&store), [0, 1]);
    assert_eq!(saved_position(state.as_ref(), "c").expect("loaded"), None);
}

#[test]
fn a_rejected_row_stops_is_skipped_or_becomes_a_dead_letter() {
    let refused = || Fault::reject("write to memory", "the row is too large");
    let go = |on_reject: OnReject| {
        let (store, letters) = (Written::default(), Written::default());
        let delivery = Delivery {
            on_reject,
            ..Delivery::default()
        };
        let steps = vec![batch(
            0,
            vec![
                numbers("t", 1, Some(5), 0, 4),
                numbers("t", 1, Some(5), 4, 1),
            ],
        )];
        let dispatcher =
            MemoryDispatcher::new(store.clone()).answering([Answer::Fail(2, refused())]);
        let pipeline = Setup {
            delivery,
            state: None,
        }
        .pipeline(
            MemoryCollector::new(steps),
            vec![
                ("d", dispatcher),
                ("letters", MemoryDispatcher::new(letters.clone())),
            ],
        );
        let result = run(pipeline.run()).map_err(|fault| fault.exit());
        (result, stored(&store), stored(&letters))
    };
    assert_eq!(go(OnReject::Stop), (Err(Exit::Data), vec![0, 1], vec![]));
    assert_eq!(go(OnReject::Skip), (Ok(()), vec![0, 1, 3, 4], vec![]));
    assert_eq!(
        go(OnReject::DeadLetter("letters".into())),
        (Ok(()), vec![0, 1, 3, 4], vec![2])
    );
}

/// Keeps the rows of some tables only.
struct Only(&'static str);

impl Transformer for Only {
    fn apply(&mut self, mut batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        batch.events.retain(|event| event.table.name == self.0);
        out.pass(batch.events);
        Ok(())
    }
}

#[test]
fn offsets_and_commit_are_counted_per_destination_after_filters() {
    let (all, some) = (Written::default(), Written::default());
    let steps = vec![batch(
        0,
        vec![
            numbers("a", 1, Some(5), 0, 2),
            numbers("b", 1, Some(5), 2, 1),
            numbers("a", 1, Some(5), 3, 1),
        ],
    )];
    let mut pipeline = Pipeline::new(Delivery::default(), None);
    let to = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    let collector = Component::Collector(Box::new(MemoryCollector::new(steps)));
    pipeline
        .add("c", collector, to(&["all", "only"]))
        .expect("added");
    pipeline
        .add(
            "only",
            Component::Transformer(Box::new(Only("b"))),
            to(&["some"]),
        )
        .expect("added");
    for (id, store) in [("all", &all), ("some", &some)] {
        let dispatcher = Component::Dispatcher(Box::new(MemoryDispatcher::new(store.clone())));
        pipeline.add(id, dispatcher, vec![]).expect("added");
    }
    run(pipeline.run()).expect("delivered");
    let seen = |store: &Written| {
        store
            .lock()
            .expect("the store")
            .iter()
            .map(|row| (row.row, row.offset, row.commit))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen(&all),
        [(0, 0, false), (1, 1, false), (2, 2, false), (3, 3, true)]
    );
    assert_eq!(seen(&some), [(2, 0, true)]);
}

#[test]
fn a_second_run_after_a_clean_end_gives_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let setup = Setup {
        state: Some(state),
        ..Setup::new()
    };
    let store = Written::default();
    for _ in 0..2 {
        let collector = MemoryCollector::new(rows(0..3).collect());
        let committed = collector.committed();
        run(setup
            .pipeline(collector, vec![("d", MemoryDispatcher::new(store.clone()))])
            .run())
        .expect("delivered");
        assert!(
            committed
                .lock()
                .expect("positions")
                .last()
                .is_none_or(|last| *last == Position(2.into()))
        );
    }
    assert_eq!(stored(&store), [0, 1, 2]);
}
