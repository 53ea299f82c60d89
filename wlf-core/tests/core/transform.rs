//! What the contract of transformers says: ways, refused rows, windows and timers, one test each, and that none of them loses
//! anything at a crash or a stop.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, timeout};
use wlf_core::config::{ByteSize, Component, Delivery, OnReject};
use wlf_core::runtime::{Pipeline, Status};
use wlf_core::testing::{
    Answer, MemoryCollector, MemoryDispatcher, MemoryQueue, Step, Stored, numbers, saved_position,
};
use wlf_core::{
    Batch, Collector, Emissions, Ended, Event, Exit, Fault, FileStore, Held, Mark, Out, Store,
    Transformer,
};

use crate::contract::{add, row, stopped_after};
use crate::crash::{Trouble, cuts, rows, run_until_cut, steps, transactions, trouble};
use crate::promises::{Written, batch, outage, part, run, stored};

/// One collector `c`, the transformer `t` and dispatchers, of which `letters` is for dead letters.
fn pipeline(
    delivery: Delivery,
    collector: impl Collector + 'static,
    transformer: impl Transformer + 'static,
    sinks: Vec<(&str, MemoryDispatcher)>,
) -> Pipeline {
    let mut pipeline = Pipeline::new(delivery, None);
    let collector = Component::Collector(Box::new(collector));
    add(&mut pipeline, "c", collector, &["t"]);
    let to = sinks.iter().map(|(id, _)| *id);
    let to: Vec<&str> = to.filter(|id| *id != "letters").collect();
    let transformer = Component::Transformer(Box::new(transformer));
    add(&mut pipeline, "t", transformer, &to);
    for (id, sink) in sinks {
        let sink = Component::Dispatcher(Box::new(sink));
        add(&mut pipeline, id, sink, &[]);
    }
    pipeline
}

fn sink(store: &Written) -> MemoryDispatcher {
    MemoryDispatcher::new(Arc::clone(store))
}

/// One that takes what it is given and never answers.
fn stuck() -> MemoryDispatcher {
    MemoryDispatcher::default().answering([Answer::Silence])
}

fn on_reject(on_reject: OnReject) -> Delivery {
    Delivery {
        on_reject,
        ..Delivery::default()
    }
}

fn without_linger() -> Delivery {
    let mut delivery = Delivery::default();
    delivery.batch.linger = wlf_core::config::Duration::from_millis(0);
    delivery
}

/// Runs a pipeline that ends; one that waits for itself does not.
fn run_to_the_end(pipeline: Pipeline) -> Result<(), Fault> {
    let day = Duration::from_secs(24 * 3600);
    run(async { timeout(day, pipeline.run()).await }).expect("it ends")
}

/// Runs a pipeline that never ends, for a minute.
fn run_a_minute(pipeline: Pipeline) {
    run(async { timeout(Duration::from_secs(60), pipeline.run()).await }).expect_err("it goes on");
}

/// The rows of events one by one, each as an event.
fn each(events: Vec<Event>) -> impl Iterator<Item = Event> {
    events.into_iter().flat_map(|mut event| {
        std::iter::from_fn(move || (!event.is_empty()).then(|| event.split_to(1)))
    })
}

/// Rows of a transaction whose end is in the batch.
fn ended(n: usize, number: u64, events: Vec<Event>) -> Step {
    Step::Batch(Batch {
        events,
        mark: Mark::Upto(MemoryCollector::position(n)),
        ended: Some(Ended {
            number: NonZeroU64::new(number).expect("a number"),
            xid: Some(9),
        }),
        bytes: 1000,
    })
}

/// Refuses some rows.
struct Picky(fn(u32) -> bool);

impl Transformer for Picky {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        for event in each(batch.events) {
            if (self.0)(event.rows.start) {
                out.reject(event, Fault::reject("look at the row", "it is bad"));
            } else {
                out.pass(vec![event]);
            }
        }
        Ok(())
    }
}

/// Sends even rows to the first destination, odd ones to the second, and both to all others.
struct Parity;

impl Transformer for Parity {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        let is_odd = |event: &Event| event.rows.start % 2 == 1;
        let (odd, even) = each(batch.events).partition(is_odd);
        out.to(0, even);
        out.to(1, odd);
        Ok(())
    }
}

/// Holds batches and gives their rows on together.
#[derive(Default)]
struct Window {
    events: Vec<Event>,
    held: Held,
    batches: usize,
    /// Closes after so many batches.
    most: Option<usize>,
    /// Closes so long after its first batch.
    within: Option<Duration>,
    due: Option<Instant>,
    /// How often it was asked to flush while it held something.
    flushed: Arc<AtomicUsize>,
    /// Does not flush, as a bug.
    is_stubborn: bool,
}

impl Window {
    fn of(most: usize) -> Self {
        Self {
            most: Some(most),
            ..Self::default()
        }
    }

    fn within(within: Duration) -> Self {
        Self {
            within: Some(within),
            ..Self::default()
        }
    }

    fn close(&mut self, out: &mut Emissions) {
        self.batches = 0;
        self.due = None;
        let bytes = 100 * self.events.len();
        let events = std::mem::take(&mut self.events);
        out.emit(events, std::mem::take(&mut self.held), bytes);
    }
}

impl Transformer for Window {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        self.held.join(out.hold());
        self.events.extend(batch.events);
        self.batches += 1;
        if self.most.is_some_and(|most| self.batches >= most) {
            self.close(out.emissions());
        } else if let Some(within) = self.within {
            self.due.get_or_insert_with(|| Instant::now() + within);
        }
        Ok(())
    }

    fn wake_at(&self) -> Option<Instant> {
        self.due
    }

    fn wake(&mut self, out: &mut Emissions) -> Result<(), Fault> {
        self.close(out);
        Ok(())
    }

    fn flush(&mut self, out: &mut Emissions) -> Result<(), Fault> {
        if !self.held.is_empty() {
            self.flushed.fetch_add(1, Ordering::Relaxed);
        }
        if !self.is_stubborn {
            self.close(out);
        }
        Ok(())
    }
}

/// What a component counted, as rows and rejected rows.
fn counted(status: &Status, id: &str) -> (u64, u64) {
    let of = status
        .components
        .iter()
        .find(|component| component.id == id);
    let of = of.expect("it is there");
    (of.rows(), of.rejected())
}

/// Counts the lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_bad_event_stops_is_skipped_or_becomes_a_dead_letter_and_the_others_go_on() {
    let go = |reject: OnReject| {
        let (store, letters) = (Written::default(), Written::default());
        let steps = vec![
            batch(0, vec![numbers("t", 1, Some(5), 0, 3)]),
            batch(
                1,
                vec![
                    numbers("t", 2, Some(6), 3, 4),
                    numbers("t", 3, Some(7), 7, 1),
                ],
            ),
        ];
        let sinks = vec![("d", sink(&store)), ("letters", sink(&letters))];
        let picky = Picky(|row| row == 4 || row >= 6);
        let collector = MemoryCollector::new(steps);
        let pipeline = pipeline(on_reject(reject), collector, picky, sinks);
        let status = pipeline.status();
        let lines = Lines::default();
        let result = tracing::subscriber::with_default(lines.clone(), || run_to_the_end(pipeline));
        let result = result.map_err(|fault| fault.exit());
        let last = store.lock().expect("the store").last().cloned();
        let last = last.map(|last| (last.row, last.offset, last.commit));
        let lines = lines.0.load(Ordering::Relaxed);
        let counted = counted(&status, "t");
        (
            result,
            stored(&store),
            last,
            stored(&letters),
            lines,
            counted,
        )
    };
    let rows = vec![0, 1, 2, 3, 5];
    let last = Some((5, 1, true));
    let skipped = go(OnReject::Skip);
    assert_eq!(skipped, (Ok(()), rows.clone(), last, vec![], 1, (5, 3)));
    let letters = go(OnReject::DeadLetter("letters".into()));
    assert_eq!(letters, (Ok(()), rows, last, vec![4, 6, 7], 1, (5, 3)));
    let (result, ..) = go(OnReject::Stop);
    assert_eq!(result, Err(Exit::Data));
    let (result, ..) = go(OnReject::Nack);
    assert_eq!(result, Err(Exit::Config), "it is read from positions");
}

#[test]
fn a_bad_message_goes_back_to_its_queue_and_the_others_go_on() {
    let queue = MemoryQueue::new(10);
    let store = Written::default();
    let picky = Picky(|row| row % 4 == 1);
    let sinks = vec![("d", sink(&store))];
    let delivery = on_reject(OnReject::Nack);
    let pipeline = pipeline(delivery, queue.collector(3, 1000), picky, sinks);
    run_to_the_end(pipeline).expect("the queue is empty");
    assert_eq!(stored(&store), [0, 2, 3, 4, 6, 7, 8]);
    let queue = queue.queue();
    assert_eq!(queue.acknowledged, [0, 2, 3, 4, 6, 7, 8]);
    assert_eq!(queue.refused, [1, 5, 9]);
}

#[test]
fn a_dead_letter_of_a_transformer_is_durable_before_its_batch_is() {
    let queue = MemoryQueue::new(2);
    let store = Written::default();
    let picky = Picky(|row| row == 0);
    let sinks = vec![("d", sink(&store)), ("letters", stuck())];
    let delivery = on_reject(OnReject::DeadLetter("letters".into()));
    run_a_minute(pipeline(delivery, queue.collector(1, 1000), picky, sinks));
    assert_eq!(stored(&store), [1]);
    assert_eq!(queue.queue().acknowledged, [1]);
}

/// Fails with every batch that has a certain row.
struct Failing(u32, fn() -> Fault);

impl Transformer for Failing {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        let is_bad = |event: &Event| event.rows.contains(&self.0);
        let is_bad = batch.events.iter().any(is_bad);
        out.pass(batch.events);
        if is_bad { Err((self.1)()) } else { Ok(()) }
    }
}

#[test]
fn a_batch_that_is_rejected_as_a_whole_is_dealt_with_as_its_rows_are_and_other_faults_stop() {
    let go = |reject: OnReject, fault| {
        let (store, letters) = (Written::default(), Written::default());
        let steps = (0..3).map(|n| batch(n, vec![numbers("t", 0, None, 2 * n as u32, 2)]));
        let sinks = vec![("d", sink(&store)), ("letters", sink(&letters))];
        let collector = MemoryCollector::new(steps.collect());
        let pipeline = pipeline(on_reject(reject), collector, Failing(3, fault), sinks);
        let status = pipeline.status();
        let result = run_to_the_end(pipeline).map_err(|fault| fault.exit());
        let (_, rejected) = counted(&status, "t");
        (result, stored(&store), stored(&letters), rejected)
    };
    let reject = || Fault::reject("look at the batch", "it is bad");
    let others = vec![0, 1, 4, 5];
    assert_eq!(
        go(OnReject::Skip, reject),
        (Ok(()), others.clone(), vec![], 2)
    );
    let letters = OnReject::DeadLetter("letters".into());
    assert_eq!(go(letters.clone(), reject), (Ok(()), others, vec![2, 3], 2));
    assert_eq!(go(OnReject::Stop, reject).0, Err(Exit::Data));
    let full = || Fault::stop(Exit::Io, "look at the batch", "full");
    assert_eq!(go(letters.clone(), full).0, Err(Exit::Io));
    assert_eq!(go(letters, outage).0, Err(Exit::Software), "never repeated");
}

#[test]
fn each_destination_of_a_router_has_its_own_offsets_and_commit() {
    let stores: [Written; 3] = Default::default();
    let [even, odd, none] = &stores;
    let steps = vec![
        batch(
            0,
            vec![
                numbers("t", 1, Some(5), 0, 4),
                numbers("t", 2, Some(6), 4, 1),
            ],
        ),
        // Streamed: its last row is odd, its last even row stands two batches before the end.
        part(vec![numbers("t", 3, None, 5, 2)]),
        part(vec![numbers("t", 3, None, 7, 1)]),
        ended(1, 3, vec![]),
        // Without any row for one of them.
        part(vec![numbers("t", 4, None, 8, 1)]),
        part(vec![]),
        ended(2, 4, vec![numbers("t", 4, None, 10, 1)]),
    ];
    let sinks = vec![
        ("even", sink(even)),
        ("odd", sink(odd)),
        ("none", sink(none)),
    ];
    let collector = MemoryCollector::new(steps);
    run_to_the_end(pipeline(Delivery::default(), collector, Parity, sinks)).expect("delivered");
    let seen = |store: &Written| {
        let rows = rows(store).into_iter();
        let seen = rows.map(|row| (row.row, row.xid, row.offset, row.commit));
        seen.collect::<Vec<_>>()
    };
    assert_eq!(
        seen(even),
        [
            (0, Some(5), 0, false),
            (2, Some(5), 1, true),
            (4, Some(6), 0, true),
            (6, Some(9), 0, true),
            (8, None, 0, false),
            (10, Some(9), 1, true),
        ]
    );
    assert_eq!(
        seen(odd),
        [
            (1, Some(5), 0, false),
            (3, Some(5), 1, true),
            (5, None, 0, false),
            (7, Some(9), 1, true),
        ]
    );
    assert_eq!(seen(none), []);
}

#[test]
fn a_way_that_leads_nowhere_and_a_window_of_nothing_are_bugs() {
    struct Nowhere;
    impl Transformer for Nowhere {
        fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            out.to(1, batch.events);
            Ok(())
        }
    }
    struct Nothing;
    impl Transformer for Nothing {
        fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            out.emit(batch.events, Held::default(), 0);
            Ok(())
        }
    }
    fn go(transformer: impl Transformer + 'static) -> Fault {
        let collector = MemoryCollector::new(vec![row(0)]);
        let sinks = vec![("d", sink(&Written::default()))];
        let pipeline = pipeline(Delivery::default(), collector, transformer, sinks);
        run_to_the_end(pipeline).expect_err("a bug")
    }
    let fault = go(Nowhere);
    assert_eq!(fault.exit(), Exit::Software);
    assert_eq!(
        fault.to_string(),
        "run `t`: there is no destination with this index"
    );
    let fault = go(Nothing);
    assert_eq!(
        fault.to_string(),
        "run `t`: events were emitted that are made of no batch"
    );
}

#[test]
fn what_a_window_holds_is_acknowledged_once_what_it_made_is_durable() {
    // The last message is held, since nothing says that no more comes.
    for (answer, durable) in [(Some(Answer::Silence), 0), (None, 6)] {
        let (queue, store) = (MemoryQueue::new(7), Written::default());
        let sinks = vec![("d", sink(&store).answering(answer))];
        // What is empty is not written together with what was made.
        let delivery = without_linger();
        run_a_minute(pipeline(
            delivery,
            queue.collector(1, 1000),
            Window::of(3),
            sinks,
        ));
        let expected: Vec<u32> = (0..durable).collect();
        assert_eq!(stored(&store), expected);
        assert_eq!(queue.queue().acknowledged, expected);
    }
}

#[test]
fn what_a_window_made_is_in_no_transaction_and_does_not_disturb_those_that_pass() {
    /// Holds odd rows to the end and passes the others.
    #[derive(Default)]
    struct Late(Window);
    impl Transformer for Late {
        fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            let (odd, even) = each(batch.events).partition(|event| event.rows.start % 2 == 1);
            self.0.held.join(out.hold());
            self.0.events.extend::<Vec<_>>(odd);
            if self.0.events.len() >= 4 {
                self.0.close(out.emissions());
            }
            out.pass(even);
            Ok(())
        }
        fn flush(&mut self, out: &mut Emissions) -> Result<(), Fault> {
            self.0.flush(out)
        }
    }
    let store = Written::default();
    let steps = vec![
        part(vec![numbers("t", 1, Some(9), 0, 3)]),
        part(vec![numbers("t", 1, Some(9), 3, 4)]),
        // What is made goes out before the end of the transaction is known.
        ended(0, 1, vec![numbers("t", 1, Some(9), 7, 1)]),
    ];
    let collector = MemoryCollector::new(steps);
    let sinks = vec![("d", sink(&store))];
    run_to_the_end(pipeline(
        Delivery::default(),
        collector,
        Late::default(),
        sinks,
    ))
    .expect("delivered");
    let seen = rows(&store);
    let (made, passed): (Vec<_>, Vec<_>) = seen.iter().partition(|row| row.row % 2 == 1);
    let passed = passed.iter().map(|row| (row.row, row.offset, row.commit));
    assert_eq!(
        passed.collect::<Vec<_>>(),
        [(0, 0, false), (2, 1, false), (4, 2, false), (6, 3, true)]
    );
    let is_numbered = |row: &&&Stored| row.xid.is_some() || row.offset > 0 || row.commit;
    assert_eq!(made.iter().filter(is_numbered).count(), 0, "{made:?}");
    let made = made.iter().map(|row| row.row);
    assert_eq!(made.collect::<Vec<_>>(), [1, 3, 5, 7]);
}

#[test]
fn one_refused_row_of_a_window_gives_back_all_that_it_was_made_of() {
    for (reject, refused) in [
        (OnReject::Nack, vec![0, 1, 2, 3]),
        (OnReject::DeadLetter("letters".into()), vec![]),
    ] {
        let queue = MemoryQueue::new(6);
        let (store, letters) = (Written::default(), Written::default());
        let window = Window {
            most: Some(2),
            ..Window::within(Duration::from_secs(1))
        };
        let no = Answer::Fail(1, Fault::reject("write", "no"));
        let sinks = vec![
            ("d", sink(&store).answering([no])),
            ("letters", sink(&letters)),
        ];
        let delivery = on_reject(reject.clone());
        let pipeline = pipeline(delivery, queue.collector(2, 1000), window, sinks);
        run_to_the_end(pipeline).expect("the queue is empty");
        assert_eq!(stored(&store), [0, 2, 3, 4, 5]);
        let queue = queue.queue();
        assert_eq!(queue.refused, refused);
        let of = |all: &[u32]| {
            (0..6)
                .filter(|one| !refused.contains(one))
                .eq(all.iter().copied())
        };
        assert!(of(&queue.acknowledged), "{queue:?}");
        assert_eq!(
            stored(&letters),
            if refused.is_empty() { vec![1] } else { vec![] }
        );
    }
}

#[test]
fn a_timer_fires_while_nothing_comes() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let store = Written::default();
    let mut pipeline = Pipeline::new(Delivery::default(), Some(state.clone()));
    let collector = MemoryCollector::new(vec![row(0), row(1), Step::Silence]);
    add(
        &mut pipeline,
        "c",
        Component::Collector(Box::new(collector)),
        &["t"],
    );
    let window = Window::within(Duration::from_secs(30));
    add(
        &mut pipeline,
        "t",
        Component::Transformer(Box::new(window)),
        &["d"],
    );
    add(
        &mut pipeline,
        "d",
        Component::Dispatcher(Box::new(sink(&store))),
        &[],
    );
    let at = |seconds| async move { tokio::time::sleep(Duration::from_secs(seconds)).await };
    run(async {
        tokio::select! {
            _ = pipeline.run() => panic!("it goes on"),
            () = async {
                at(29).await;
                assert!(stored(&store).is_empty());
                assert_eq!(saved_position(state.as_ref(), "c").expect("loaded"), None);
                at(2).await;
                assert_eq!(stored(&store), [0, 1]);
                let saved = saved_position(state.as_ref(), "c").expect("loaded");
                assert_eq!(saved, Some(MemoryCollector::position(1)));
            } => {}
        }
    });
}

#[test]
fn a_transformer_that_always_has_something_due_gets_what_comes() {
    struct Busy;
    impl Transformer for Busy {
        fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            out.pass(batch.events);
            Ok(())
        }
        fn wake_at(&self) -> Option<Instant> {
            Some(Instant::now())
        }
    }
    let store = Written::default();
    let collector = MemoryCollector::new((0..20).map(row).collect());
    let sinks = vec![("d", sink(&store))];
    let pipeline = pipeline(Delivery::default(), collector, Busy, sinks);
    // The clock does not stand still: it would never move beside somebody who is always busy.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime
        .expect("a runtime")
        .block_on(pipeline.run())
        .expect("delivered");
    assert_eq!(stored(&store), (0..20).collect::<Vec<_>>());
}

/// One row for each of `n` batches of 1 MiB.
fn large(n: u32) -> MemoryCollector {
    let steps = (0..n).map(|n| {
        Step::Batch(Batch {
            events: vec![numbers("t", u64::from(n) + 1, None, n, 1)],
            mark: Mark::Upto(MemoryCollector::position(n as usize)),
            ended: None,
            bytes: 1 << 20,
        })
    });
    MemoryCollector::new(steps.collect())
}

/// The bytes that a collector has read.
fn read(status: &Status) -> u64 {
    status
        .components
        .iter()
        .map(|component| component.bytes())
        .sum()
}

#[test]
fn no_more_is_read_ahead_through_a_transformer_than_without_one() {
    let mut without = Pipeline::new(Delivery::default(), None);
    add(
        &mut without,
        "c",
        Component::Collector(Box::new(large(100))),
        &["d"],
    );
    add(
        &mut without,
        "d",
        Component::Dispatcher(Box::new(stuck())),
        &[],
    );
    let with = pipeline(
        Delivery::default(),
        large(100),
        Picky(|_| false),
        vec![("d", stuck())],
    );
    let [without, with] = [without, with].map(|pipeline| {
        let status = pipeline.status();
        run_a_minute(pipeline);
        read(&status)
    });
    assert_eq!((without, with), (3 << 20, 3 << 20));
}

#[test]
fn what_is_held_counts_as_in_flight_and_does_not_wait() {
    let store = Written::default();
    // More than may wait, less than is too much.
    let collector = large(6);
    let window = Window::default();
    let flushed = Arc::clone(&window.flushed);
    let pipeline = pipeline(
        Delivery::default(),
        collector,
        window,
        vec![("d", sink(&store))],
    );
    let status = pipeline.status();
    run_to_the_end(pipeline).expect("delivered");
    assert_eq!(read(&status), 6 << 20);
    assert_eq!(flushed.load(Ordering::Relaxed), 1, "at the end");
    assert_eq!(stored(&store), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_window_that_holds_too_much_is_flushed_and_one_that_does_not_flush_ends_the_program() {
    let delivery = Delivery {
        max_in_flight: ByteSize::mib(8),
        ..Delivery::default()
    };
    let store = Written::default();
    let window = Window::default();
    let flushed = Arc::clone(&window.flushed);
    let sinks = vec![("d", sink(&store))];
    run_to_the_end(pipeline(delivery.clone(), large(18), window, sinks)).expect("delivered");
    assert_eq!(stored(&store), (0..18).collect::<Vec<_>>());
    assert_eq!(
        flushed.load(Ordering::Relaxed),
        5,
        "each four, and at the end"
    );

    let window = Window {
        is_stubborn: true,
        ..Window::default()
    };
    let sinks = vec![("d", sink(&Written::default()))];
    let fault = run_to_the_end(pipeline(delivery, large(18), window, sinks)).expect_err("a bug");
    assert_eq!(fault.exit(), Exit::Software);
    assert_eq!(
        fault.to_string(),
        "flush `t`: batches are still held that had to go on"
    );
}

#[test]
fn what_a_window_made_counts_as_in_flight() {
    /// Emits 6 MiB for each batch.
    struct Large;
    impl Transformer for Large {
        fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            let held = out.hold();
            out.emit(batch.events, held, 6 << 20);
            Ok(())
        }
    }
    let mut delivery = Delivery::default();
    delivery.batch.bytes = ByteSize::mib(16);
    let steps = (0..100).map(row).collect();
    let collector = MemoryCollector::new(steps);
    let pipeline = pipeline(delivery, collector, Large, vec![("d", stuck())]);
    let status = pipeline.status();
    run_a_minute(pipeline);
    // 16 MiB are reached with the third; one more was read meanwhile.
    let rows = read(&status) / 1000;
    assert!((3..=5).contains(&rows), "{rows}");
}

#[test]
fn a_window_that_is_dropped_has_lost_its_batches() {
    /// Forgets what it held.
    struct Forgetful;
    impl Transformer for Forgetful {
        fn apply(&mut self, _: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
            drop(out.hold());
            Ok(())
        }
    }
    let sinks = vec![("d", sink(&Written::default()))];
    let collector = MemoryCollector::new(vec![row(0)]);
    let pipeline = pipeline(Delivery::default(), collector, Forgetful, sinks);
    let fault = run_to_the_end(pipeline).expect_err("lost");
    assert_eq!(fault.exit(), Exit::Software);
}

#[test]
fn what_is_held_goes_on_when_the_pipeline_stops_and_if_it_cannot_is_read_again() {
    let place = tempfile::tempdir().expect("a directory");
    let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
    let go = |dispatcher| {
        let mut pipeline = Pipeline::new(Delivery::default(), Some(state.clone()));
        let collector = MemoryCollector::new(vec![row(0), row(1), Step::Silence]);
        add(
            &mut pipeline,
            "c",
            Component::Collector(Box::new(collector)),
            &["t"],
        );
        let window = Component::Transformer(Box::new(Window::default()));
        add(&mut pipeline, "t", window, &["d"]);
        add(
            &mut pipeline,
            "d",
            Component::Dispatcher(Box::new(dispatcher)),
            &[],
        );
        let (ended, took) = run(stopped_after(Duration::from_secs(5), pipeline));
        ended.expect("it stops");
        took
    };
    let drain = Delivery::default().drain.get();
    assert!(go(stuck()) >= drain);
    assert_eq!(saved_position(state.as_ref(), "c").expect("loaded"), None);
    let store = Written::default();
    assert!(go(sink(&store)) < Duration::from_secs(1));
    assert_eq!(stored(&store), [0, 1]);
    assert_eq!(
        saved_position(state.as_ref(), "c").expect("loaded"),
        Some(MemoryCollector::position(1))
    );
}

#[test]
fn windows_may_follow_one_another_and_have_several_sources() {
    let (store, queue) = (Written::default(), MemoryQueue::new(9));
    let mut pipeline = Pipeline::new(Delivery::default(), None);
    let steps = (10..21).map(|n| batch(n, vec![numbers("t", n as u64, Some(1), n as u32, 1)]));
    let collector = Component::Collector(Box::new(MemoryCollector::new(steps.collect())));
    // Its rows come to the second window twice.
    add(&mut pipeline, "c", collector, &["first", "second"]);
    let consumer = Component::Collector(Box::new(queue.collector(1, 1000)));
    add(&mut pipeline, "q", consumer, &["first"]);
    for (id, most, to) in [("first", 4, "second"), ("second", 3, "d")] {
        let window = Window {
            most: Some(most),
            ..Window::within(Duration::from_secs(7))
        };
        add(
            &mut pipeline,
            id,
            Component::Transformer(Box::new(window)),
            &[to],
        );
    }
    add(
        &mut pipeline,
        "d",
        Component::Dispatcher(Box::new(sink(&store))),
        &[],
    );
    run_to_the_end(pipeline).expect("delivered");
    let sorted = |mut rows: Vec<u32>| {
        rows.sort_unstable();
        rows
    };
    let expected = (0..9).chain(10..21).chain(10..21).collect();
    assert_eq!(sorted(stored(&store)), sorted(expected));
    let acknowledged = queue.queue().acknowledged.clone();
    assert_eq!(sorted(acknowledged), (0..9).collect::<Vec<_>>());
}

/// A router in front of a window, whose rows go to `a`, and of the dispatcher `b`.
fn routed(
    delivery: &Delivery,
    state: Option<Arc<dyn Store>>,
    collector: Component,
    window: Window,
    sinks: [MemoryDispatcher; 2],
) -> Pipeline {
    let mut pipeline = Pipeline::new(delivery.clone(), state);
    add(&mut pipeline, "c", collector, &["parity"]);
    add(
        &mut pipeline,
        "parity",
        Component::Transformer(Box::new(Parity)),
        &["window", "b"],
    );
    add(
        &mut pipeline,
        "window",
        Component::Transformer(Box::new(window)),
        &["a"],
    );
    for (id, sink) in ["a", "b"].into_iter().zip(sinks) {
        add(
            &mut pipeline,
            id,
            Component::Dispatcher(Box::new(sink)),
            &[],
        );
    }
    pipeline
}

fn window() -> impl Strategy<Value = (usize, u64)> {
    (1..6_usize, 1..400_u64)
}

fn made((most, within): (usize, u64)) -> Window {
    Window {
        most: Some(most),
        ..Window::within(Duration::from_millis(within))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn promise_1_and_2_hold_with_ways_and_windows_between(
        given in transactions(),
        window in window(),
        cuts in cuts(),
        faults in prop::collection::vec(0..5_u32, 0..4),
        linger in any::<bool>(),
    ) {
        let delivery = if linger { Delivery::default() } else { without_linger() };
        let place = tempfile::tempdir().expect("a directory");
        let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
        let stores: [Written; 2] = Default::default();
        let total = given.iter().map(|transaction| transaction.rows).sum::<u32>();
        for cut in cuts.iter().copied().map(Some).chain([None]) {
            let (steps, before) = steps(&given);
            let sinks = stores.each_ref().map(|store| {
                let outages = faults.iter().map(|&rows| Answer::Fail(rows, outage()));
                sink(store).answering(outages)
            });
            let starts = stores.each_ref().map(|store| rows(store).len());
            let collector = Component::Collector(Box::new(MemoryCollector::new(steps)));
            let pipeline = routed(&delivery, Some(state.clone()), collector, made(window), sinks);
            let result = run_until_cut(pipeline, cut);
            prop_assert!(!matches!(result, Some(Err(_))), "{result:?}");
            let saved = saved_position(state.as_ref(), "c").expect("loaded");
            let safe = saved.and_then(|saved| saved.0.as_u64()).map_or(0, |index| before[index as usize]);
            for (parity, (store, start)) in stores.iter().zip(starts).enumerate() {
                let rows = rows(store);
                for row in (0..safe).filter(|row| *row as usize % 2 == parity) {
                    prop_assert!(rows.iter().any(|stored| stored.row == row), "row {row} of {safe} is missing");
                }
                let run = &rows[start..];
                prop_assert!(run.windows(2).all(|pair| pair[1].row == pair[0].row + 2), "{run:?}");
            }
            // What is passed on is numbered without gaps, and its last row is marked, however the transaction was cut.
            let mut transactions = BTreeMap::<usize, Vec<(u64, bool)>>::new();
            for row in &rows(&stores[1])[starts[1]..] {
                let number = before.partition_point(|&before| before <= row.row);
                transactions.entry(number).or_default().push((row.offset, row.commit));
            }
            let is_all = cut.is_none();
            let last = transactions.keys().last().copied();
            for (number, rows) in &transactions {
                let is_numbered = rows.iter().zip(0..).all(|((offset, _), n)| *offset == n);
                prop_assert!(is_numbered, "{number}: {rows:?}");
                let (end, others) = rows.split_last().expect("a row");
                prop_assert!(others.iter().all(|(_, commit)| !commit), "{number}: {rows:?}");
                prop_assert!(end.1 || !is_all && Some(*number) == last, "{number}: {rows:?}");
            }
        }
        for (parity, store) in stores.iter().enumerate() {
            let mut seen: Vec<u32> = rows(store).iter().map(|stored| stored.row).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen, (0..total).filter(|row| *row as usize % 2 == parity).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_message_that_a_window_holds_is_acknowledged_before_it_is_durable_and_none_is_lost(
        count in 1..40_u32,
        most in 1..6_usize,
        window in window(),
        cuts in cuts(),
        troubles in [trouble(), trouble()],
        failing in 0..4_u32,
        reject in prop::sample::select(vec![OnReject::Nack, OnReject::Skip]),
        linger in any::<bool>(),
    ) {
        let queue = MemoryQueue::new(count);
        queue.queue().failing = failing;
        let stores: [Written; 2] = Default::default();
        let delivery = Delivery {
            on_reject: reject.clone(),
            ..if linger { Delivery::default() } else { without_linger() }
        };
        let mut refusals = 0;
        for cut in cuts.iter().copied().map(Some).chain([None]) {
            let sinks = [0, 1].map(|index| {
                let troubles: &Vec<Trouble> = &troubles[index];
                refusals += troubles.iter().filter(|one| matches!(one, Trouble::Refused(_))).count();
                sink(&stores[index]).answering(troubles.iter().map(Trouble::answer))
            });
            let collector = Component::Collector(Box::new(queue.collector(most, 700)));
            let pipeline = routed(&delivery, None, collector, made(window), sinks);
            let result = run_until_cut(pipeline, cut);
            prop_assert!(!matches!(result, Some(Err(_))), "{result:?}");
            let [a, b] = stores.each_ref().map(stored);
            let queue = queue.queue();
            let missing = queue.acknowledged.iter().filter(|&&message| {
                let store = if message % 2 == 0 { &a } else { &b };
                !store.contains(&message)
            });
            let excused = if reject == OnReject::Skip { refusals } else { 0 };
            prop_assert!(missing.count() <= excused, "{queue:?}");
        }
        let queue = queue.queue();
        let mut settled: Vec<u32> = queue.acknowledged.iter().chain(&queue.refused).copied().collect();
        settled.sort_unstable();
        settled.dedup();
        prop_assert_eq!(settled, (0..count).collect::<Vec<_>>());
    }
}
