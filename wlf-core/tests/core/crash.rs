//! Promise 2: after a crash or a stop at any instant events may be repeated, and none is lost: rows that are read again from
//! a position, and messages that are acknowledged one by one.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use wlf_core::config::{Component, Delivery, OnReject};
use wlf_core::runtime::Pipeline;
use wlf_core::testing::{
    Answer, MemoryCollector, MemoryDispatcher, MemoryQueue, Step, Stored, numbers, saved_position,
};
use wlf_core::{Batch, Ended, Fault, FileStore, Mark, Store};

use crate::promises::Written;

/// What one transaction of the made-up source is like.
#[derive(Debug, Clone)]
pub struct Given {
    pub rows: u32,
    /// How many batches it is spread over; one if it fits.
    batches: u32,
}

pub fn transactions() -> impl Strategy<Value = Vec<Given>> {
    let one = (0..6_u32, 1..4_u32).prop_map(|(rows, batches)| Given { rows, batches });
    prop::collection::vec(one, 1..12)
}

/// The steps of the source, and the number of rows before each position.
pub fn steps(given: &[Given]) -> (Vec<Step>, Vec<u32>) {
    let (mut steps, mut before, mut row) = (Vec::new(), Vec::new(), 0);
    for (index, transaction) in given.iter().enumerate() {
        let number = index as u64 + 1;
        let streamed = transaction.batches > 1;
        for part in 0..transaction.batches {
            let rows = transaction.rows / transaction.batches
                + u32::from(part < transaction.rows % transaction.batches);
            let last = part + 1 == transaction.batches;
            let xid = (!streamed).then_some(number);
            steps.push(Step::Batch(Batch {
                events: vec![numbers("t", number, xid, row, rows)],
                mark: match last {
                    true => Mark::Upto(MemoryCollector::position(index)),
                    false => Mark::Inside,
                },
                ended: (last && streamed).then_some(Ended {
                    number: NonZeroU64::new(number).expect("a number"),
                    xid: Some(number),
                }),
                bytes: 700,
            }));
            row += rows;
        }
        before.push(row);
    }
    (steps, before)
}

/// Runs a pipeline to its end, or drops everything after its tasks had `turns` turns.
pub fn run_until(pipeline: Pipeline, turns: Option<usize>) -> Option<Result<(), Fault>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .event_interval(1)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let Some(turns) = turns else {
            return Some(pipeline.run().await);
        };
        let running = pipeline.run();
        tokio::pin!(running);
        for turn in 0..turns {
            tokio::select! {
                biased;
                result = &mut running => return Some(result),
                () = tokio::task::yield_now() => {}
            }
            // The clock stands still while somebody is at work, and waits for a retry would never end.
            if turn % 8 == 7 {
                tokio::time::advance(Duration::from_millis(50)).await;
            }
        }
        None
    })
}

pub fn rows(store: &Written) -> Vec<Stored> {
    store.lock().expect("the store").clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn promise_2_a_crash_at_any_instant_loses_nothing(
        given in transactions(),
        crashes in prop::collection::vec(0..60_usize, 0..6),
        faults in prop::collection::vec(0..5_u32, 0..4),
    ) {
        let place = tempfile::tempdir().expect("a directory");
        let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
        let stores: [Written; 2] = [Arc::new(Mutex::default()), Arc::new(Mutex::default())];
        let total = given.iter().map(|transaction| transaction.rows).sum::<u32>();
        for turns in crashes.iter().copied().map(Some).chain([None]) {
            let (steps, before) = steps(&given);
            let mut pipeline = Pipeline::new(Delivery::default(), Some(state.clone()));
            let to = vec!["a".to_owned(), "b".to_owned()];
            pipeline.add("c", Component::Collector(Box::new(MemoryCollector::new(steps))), to).expect("added");
            for (id, store) in ["a", "b"].into_iter().zip(&stores) {
                let outages = faults.iter().map(|&rows| Answer::Fail(rows, Fault::retry("write", "away")));
                let dispatcher = MemoryDispatcher::new(Arc::clone(store)).answering(outages);
                pipeline.add(id, Component::Dispatcher(Box::new(dispatcher)), vec![]).expect("added");
            }
            let starts: Vec<usize> = stores.iter().map(|store| rows(store).len()).collect();
            let result = run_until(pipeline, turns);
            if turns.is_none() {
                prop_assert!(matches!(result, Some(Ok(()))), "{result:?}");
            }
            // Whatever is saved, everything before it is in both stores (promise 1).
            let saved = saved_position(state.as_ref(), "c").expect("loaded");
            let safe = saved.and_then(|saved| saved.0.as_u64()).map_or(0, |index| before[index as usize]);
            for (store, start) in stores.iter().zip(starts) {
                let rows = rows(store);
                for row in 0..safe {
                    prop_assert!(rows.iter().any(|stored| stored.row == row), "row {row} of {safe} is missing");
                }
                // Within one run no row comes twice and none is passed over (promise 3).
                let run = &rows[start..];
                prop_assert!(run.windows(2).all(|pair| pair[1].row == pair[0].row + 1), "{run:?}");
            }
        }
        for store in &stores {
            let rows = rows(store);
            let mut seen: Vec<u32> = rows.iter().map(|stored| stored.row).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen, (0..total).collect::<Vec<_>>());
        }
    }
}

/// What a destination does with a write before all goes well.
#[derive(Debug, Clone)]
pub enum Trouble {
    Outage(u32),
    Refused(u32),
}

impl Trouble {
    pub fn answer(&self) -> Answer {
        match self {
            Trouble::Outage(rows) => Answer::Fail(*rows, Fault::retry("write", "away")),
            Trouble::Refused(rows) => Answer::Fail(*rows, Fault::reject("write", "no")),
        }
    }
}

pub fn trouble() -> impl Strategy<Value = Vec<Trouble>> {
    let one = (0..5_u32, any::<bool>()).prop_map(|(rows, refused)| match refused {
        true => Trouble::Refused(rows),
        false => Trouble::Outage(rows),
    });
    prop::collection::vec(one, 0..5)
}

/// How a run ends before its source has.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    Crash(usize),
    Stop(usize),
}

pub fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let one = (0..60_usize, any::<bool>()).prop_map(|(turns, crash)| match crash {
        true => Cut::Crash(turns),
        false => Cut::Stop(turns),
    });
    prop::collection::vec(one, 0..6)
}

/// Runs a pipeline until it is cut, or to its end.
pub fn run_until_cut(pipeline: Pipeline, cut: Option<Cut>) -> Option<Result<(), Fault>> {
    match cut {
        None => run_until(pipeline, None),
        Some(Cut::Crash(turns)) => run_until(pipeline, Some(turns)),
        Some(Cut::Stop(turns)) => {
            let stop = pipeline.stop();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .event_interval(1)
                .build()
                .expect("a runtime");
            let stopping = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                stop.ask();
            };
            Some(runtime.block_on(async { tokio::join!(pipeline.run(), stopping).0 }))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn promise_2_no_message_is_acknowledged_before_it_is_durable_and_none_is_lost(
        count in 1..40_u32,
        most in 1..6_usize,
        cuts in cuts(),
        troubles in [trouble(), trouble()],
        failing in 0..4_u32,
        on_reject in prop::sample::select(vec![
            OnReject::Nack, OnReject::Skip, OnReject::DeadLetter("letters".into()),
        ]),
    ) {
        let queue = MemoryQueue::new(count);
        queue.queue().failing = failing;
        let stores: [Written; 3] = Default::default();
        let delivery = Delivery { on_reject: on_reject.clone(), ..Delivery::default() };
        let mut refusals = 0;
        for cut in cuts.iter().copied().map(Some).chain([None]) {
            let mut pipeline = Pipeline::new(delivery.clone(), None);
            let collector = Component::Collector(Box::new(queue.collector(most, 700)));
            pipeline.add("c", collector, vec!["a".into(), "b".into()]).expect("added");
            for (index, (id, store)) in ["a", "b", "letters"].into_iter().zip(&stores).enumerate() {
                let troubles = troubles.get(index).map_or(&[][..], Vec::as_slice);
                let answers = troubles.iter().map(Trouble::answer);
                let dispatcher = MemoryDispatcher::new(Arc::clone(store)).answering(answers);
                pipeline.add(id, Component::Dispatcher(Box::new(dispatcher)), vec![]).expect("added");
                refusals += troubles.iter().filter(|one| matches!(one, Trouble::Refused(_))).count();
            }
            let result = run_until_cut(pipeline, cut);
            if !matches!(cut, Some(Cut::Crash(_))) {
                prop_assert!(matches!(result, Some(Ok(()))), "{result:?}");
            }
            let [a, b, letters] = stores.each_ref().map(rows);
            let has = |rows: &[Stored], message: u32| rows.iter().any(|stored| stored.row == message);
            let queue = queue.queue();
            for &message in &queue.acknowledged {
                for store in [&a, &b] {
                    // What one destination refused is skipped or a letter; of the first kind there are few.
                    let is_excused = on_reject == OnReject::Skip || has(&letters, message);
                    prop_assert!(has(store, message) || is_excused, "{message} was acknowledged");
                }
            }
        }
        let queue = queue.queue();
        let mut settled: Vec<u32> = queue.acknowledged.iter().chain(&queue.refused).copied().collect();
        settled.sort_unstable();
        settled.dedup();
        prop_assert_eq!(settled, (0..count).collect::<Vec<_>>());
        let [a, b, _] = stores.each_ref().map(rows);
        let missing = (0..count).filter(|message| {
            [&a, &b].iter().any(|store| store.iter().all(|stored| stored.row != *message))
        });
        prop_assert!(missing.count() <= refusals);
        if on_reject != OnReject::Nack {
            prop_assert!(queue.refused.is_empty());
        }
    }
}
