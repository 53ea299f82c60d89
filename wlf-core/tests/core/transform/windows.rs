//! What is held, and timers.

use super::*;

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
