//! That nothing is lost, and nothing acknowledged too early, whenever a pipeline with ways and windows is cut off or stopped.

use super::*;

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
