//! `Requests`: limits, order by key, what is said of each row, and that the runtime loses nothing over it.

mod scripted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use wlf_core::config::{Component, Delivery, OnReject};
use wlf_core::format::Format;
use wlf_core::runtime::Pipeline;
use wlf_core::testing::{MemoryCollector, MemoryQueue, Step, numbers, saved_position};
use wlf_core::value::OwnedRows;
use wlf_core::{
    Column, Dispatcher, Event, Exit, FileStore, Refusal, Severity, Store, Table, WriteError,
};

use self::scripted::{Numbered, Play, Row, Shared, What, events, formatted, look, requests, world};
use crate::crash::run_until;
use crate::promises::{batch, run};

fn row(table: &str, key: i64, n: i64) -> Row {
    let table = table.to_owned();
    Row { table, key, n }
}

fn play(after: u64, what: What) -> Play {
    Play { after, what }
}

/// Writes rows over a fresh connection.
fn write(dispatcher: &mut impl Dispatcher, rows: &[Row]) -> Result<(), WriteError> {
    run(async {
        dispatcher.connect().await.expect("connected");
        dispatcher.write(&events(rows)).await
    })
}

fn numbers_of(rows: &[Row]) -> Vec<i64> {
    rows.iter().map(|row| row.n).collect()
}

#[test]
fn requests_are_filled_up_to_their_limits_and_kept_under_way_together() {
    let world = world((0..20).map(|_| play(10, What::Written)));
    let rows: Vec<Row> = (0..50).map(|n| row("t", n, n)).collect();
    write(&mut requests::<4, 5, false>(&world), &rows).expect("written");
    let world = look(&world);
    assert_eq!(world.most_under_way, 5);
    let records = world.requests.iter().map(|(records, _)| *records);
    assert_eq!(
        records.collect::<Vec<_>>(),
        [[4; 12].as_slice(), &[2]].concat()
    );
    assert_eq!(world.stored.len(), 50);
}

#[test]
fn a_request_has_no_more_bytes_than_it_may_and_a_larger_record_goes_alone() {
    let world = world([]);
    let mut rows: Vec<Row> = (0..40).map(|n| row("t", n, n)).collect();
    rows[17].table = "t".repeat(2000);
    write(&mut requests::<100, 1, false>(&world), &rows).expect("written");
    let world = look(&world);
    let large: Vec<_> = world
        .requests
        .iter()
        .filter(|(_, bytes)| *bytes > 1000)
        .collect();
    assert_eq!(large.len(), 1);
    assert_eq!(large[0].0, 1);
    assert!(world.requests.len() < 12, "{:?}", world.requests);
    assert_eq!(numbers_of(&world.stored), (0..40).collect::<Vec<_>>());
}

#[test]
fn one_key_goes_in_one_request_at_a_time_unless_the_sink_keeps_the_order() {
    let plays = || (0..9).map(|n| play(90 - 10 * n, What::Written));
    let rows: Vec<Row> = (0..9).map(|n| row("t", 7, n)).collect();
    let (apart, together) = (world(plays()), world(plays()));
    write(&mut requests::<1, 9, false>(&apart), &rows).expect("written");
    write(&mut requests::<1, 9, true>(&together), &rows).expect("written");
    assert_eq!(look(&apart).most_under_way, 1);
    assert_eq!(look(&together).most_under_way, 9);
    for world in [apart, together] {
        assert_eq!(numbers_of(&look(&world).stored), (0..9).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_behind_a_failed_request_is_told_or_not_sent() {
    let plays = [
        play(20, What::Written),
        play(10, What::Fail),
        play(20, What::Refuse(vec![1])),
    ];
    let world = world(plays);
    let rows: Vec<Row> = (0..12).map(|n| row("t", n, n)).collect();
    let error = write(&mut requests::<2, 3, false>(&world), &rows).expect_err("an outage");
    assert_eq!(
        look(&world).requests.len(),
        3,
        "nothing is sent behind a failure"
    );
    // Rows 2 and 3 failed; row 4 is durable, row 5 refused, the others did not go. Events have three rows.
    assert_eq!((error.durable, error.rows), (0, 2));
    assert_eq!(error.ahead, [(1, 1)]);
    assert_eq!(places(&error.refused), [(1, 2)]);
    let severity = error.fault.expect("an outage").severity;
    assert_eq!(severity, Severity::Retry { after: None });
}

fn places(refused: &[Refusal]) -> Vec<(usize, u32)> {
    refused.iter().map(|of| (of.event, of.row)).collect()
}

#[test]
fn a_fault_that_stops_is_told_before_an_outage() {
    let world = world([play(1, What::Fail), play(1, What::Stop)]);
    let rows = [row("t", 1, 1), row("t", 2, 2)];
    let error = write(&mut requests::<1, 2, false>(&world), &rows).expect_err("a login");
    assert_eq!(error.fault.map(|fault| fault.exit()), Some(Exit::Login));
}

#[test]
fn a_request_that_is_refused_as_a_whole_refuses_its_rows_and_goes_on() {
    let world = world([play(1, What::RefuseAll)]);
    let rows: Vec<Row> = (0..6).map(|n| row("t", n, n)).collect();
    let error = write(&mut requests::<3, 1, false>(&world), &rows).expect_err("refused");
    assert_eq!((error.durable, error.rows), (2, 0));
    assert_eq!(places(&error.refused), [(0, 0), (0, 1), (0, 2)]);
    assert!(error.fault.is_none());
    let said: BTreeSet<String> = error.faults().map(ToString::to_string).collect();
    assert_eq!(said, BTreeSet::from(["store: no".to_owned()]));
    assert_eq!(numbers_of(&look(&world).stored), [3, 4, 5]);
}

/// Changes of keys, which are two records each in Debezium's form, besides the tombstone that is Kafka's alone.
fn moves(ids: &[(i64, i64)]) -> Vec<Event> {
    let columns = vec![Column::untyped("id"), Column::untyped("n")];
    let table = Arc::new(Table::new("test", "t", columns, vec![0]));
    let images =
        |&(from, to): &(i64, i64)| (vec![from.into(), to.into()], vec![to.into(), to.into()]);
    vec![OwnedRows::update(&table, ids.iter().map(images))]
}

fn debezium() -> Format {
    serde_json::from_value(serde_json::json!({"debezium": {}})).expect("a format")
}

#[test]
fn a_row_of_several_records_is_durable_when_all_are() {
    // The rows are 1 → 11 and 2 → 12; one record a request.
    for (failing, rows, ahead) in [(0, 0, vec![(0, 1)]), (1, 0, vec![(0, 1)]), (3, 1, vec![])] {
        let plays = (0..4).map(|n| {
            play(
                1,
                if n == failing {
                    What::Fail
                } else {
                    What::Written
                },
            )
        });
        let world = world(plays);
        let mut dispatcher = formatted::<1, 4, false>(&world, debezium());
        let error = run(async {
            dispatcher.connect().await.expect("connected");
            dispatcher.write(&moves(&[(1, 11), (2, 12)])).await
        });
        let error = error.expect_err("an outage");
        assert_eq!(look(&world).requests.len(), 4);
        assert_eq!(
            (error.durable, error.rows),
            (0, rows),
            "record {failing} failed"
        );
        assert_eq!(error.ahead, ahead, "record {failing} failed");
    }
}

#[test]
fn what_overtook_any_record_of_a_row_is_written_again_behind_it() {
    // 1 → 11, then 1 anew: its second record fails when the new row is there already.
    let plays = [
        play(1, What::Written),
        play(20, What::Fail),
        play(1, What::Written),
    ];
    let world = world(plays);
    let events = [moves(&[(1, 11)]), events(&[row("t", 1, 1)])].concat();
    let mut dispatcher = formatted::<1, 4, false>(&world, debezium());
    let error = run(async {
        dispatcher.connect().await.expect("connected");
        dispatcher.write(&events).await
    });
    let error = error.expect_err("an outage");
    let stored = look(&world)
        .stored
        .iter()
        .map(|row| row.key)
        .collect::<Vec<_>>();
    assert_eq!(stored, [1, 1]);
    assert_eq!((error.durable, error.rows, error.ahead), (0, 0, vec![]));
}

#[test]
fn a_row_goes_out_whole_or_not_at_all() {
    for limit in [false, true] {
        let world = world([]);
        // The second record of the first row is unfit.
        look(&world).unfit.insert(11);
        let events = moves(&[(0, 10), (1, 11), (2, 12)]);
        let error = run(async {
            if limit {
                let mut dispatcher = formatted::<1, 1, false>(&world, debezium());
                dispatcher.connect().await.expect("connected");
                dispatcher.write(&events).await
            } else {
                let mut dispatcher = formatted::<9, 1, false>(&world, debezium());
                dispatcher.connect().await.expect("connected");
                dispatcher.write(&events).await
            }
        });
        let error = error.expect_err("refused");
        assert_eq!(places(&error.refused), [(0, 1)]);
        let keys: Vec<i64> = look(&world).stored.iter().map(|row| row.key).collect();
        assert_eq!(keys, [0, 10, 2, 12]);
    }
}

fn plays() -> impl Strategy<Value = Vec<Play>> {
    let which = || prop::collection::vec(0..4_usize, 1..3);
    let what = prop_oneof![
        6 => Just(What::Written),
        2 => which().prop_map(What::Refuse),
        1 => which().prop_map(What::Miss),
        1 => Just(What::Fail),
        1 => Just(What::RefuseAll),
    ];
    let one = (0..30_u64, what).prop_map(|(after, what)| play(after, what));
    prop::collection::vec(one, 0..40)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (0..2_u8, 0..6_i64);
    prop::collection::vec(one, 1..60).prop_map(|rows| {
        let rows = rows.into_iter().zip(0..);
        rows.map(|((table, key), n)| row(["a", "b"][usize::from(table)], key, n))
            .collect()
    })
}

/// Checks what is said of a write against what the world holds of it, and gives the rows that are still to be written.
fn judged(
    rows: &[Row],
    outcome: Result<(), WriteError>,
    world: &Shared,
    before: usize,
) -> Vec<Row> {
    let stored: BTreeSet<Row> = look(world).stored[before..].iter().cloned().collect();
    let given = events(rows);
    let places = given.iter().enumerate();
    let places = places.flat_map(|(index, event)| (0..event.len()).map(move |row| (index, row)));
    let place: BTreeMap<Row, (usize, u32)> = rows.iter().cloned().zip(places).collect();
    let error = outcome.err().unwrap_or_else(|| WriteError::all(&given));
    let refused: BTreeSet<_> = self::places(&error.refused).into_iter().collect();
    assert_eq!(refused.len(), error.refused.len(), "each once");
    let front = (error.durable, error.rows);
    assert!(error.ahead.is_sorted());
    assert!(
        error
            .ahead
            .iter()
            .all(|place| *place >= front && !refused.contains(place))
    );
    let mut left: Vec<Row> = Vec::new();
    for row in rows {
        let at = place[row];
        let is_durable = at < front || error.ahead.contains(&at);
        if refused.contains(&at) {
            assert!(
                look(world).refused.contains(row),
                "{row:?} is said to be refused"
            );
            continue;
        }
        if is_durable {
            assert!(stored.contains(row), "{row:?} is said to be durable");
            continue;
        }
        let is_same = |other: &Row| other.table == row.table && other.key == row.key;
        let has_overtaken = left.iter().any(is_same);
        assert!(!look(world).refused.contains(row), "{row:?} was refused");
        assert!(
            has_overtaken || !stored.contains(row),
            "{row:?} is durable, and not said to be"
        );
        left.push(row.clone());
    }
    assert_eq!(left.is_empty(), error.fault.is_none());
    left
}

/// Writes rows again and again until nothing is left, as the runtime does.
fn written(dispatcher: &mut impl Dispatcher, mut rows: Vec<Row>, world: &Shared) {
    while !rows.is_empty() {
        let before = look(world).stored.len();
        let outcome = write(dispatcher, &rows);
        rows = judged(&rows, outcome, world, before);
    }
}

/// Checks that the last word on each key came last, and that nothing but what was refused is missing.
fn is_complete_and_in_order(rows: &[Row], world: &Shared) {
    let world = look(world);
    let mut last = BTreeMap::new();
    for (index, row) in world.stored.iter().enumerate() {
        last.insert(row.n, index);
    }
    let mut of_key = BTreeMap::new();
    // One that was stored, overtaken, and refused when it came again is out of order in the world's own doing.
    for row in rows.iter().filter(|row| !world.refused.contains(row)) {
        let index = last.get(&row.n).expect("no row is lost");
        let before = of_key.insert((&row.table, row.key), index);
        assert!(
            before.is_none_or(|before| before < index),
            "{row:?} was overtaken"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_row_is_stored_exactly_as_is_said(
        rows in rows(),
        plays in plays(),
        unfit in prop::collection::btree_set(0..60_i64, 0..4),
    ) {
        let fresh = || {
            let world = world(plays.clone());
            look(&world).unfit.clone_from(&unfit);
            world
        };
        let (apart, single, ordered) = (fresh(), fresh(), fresh());
        written(&mut requests::<4, 3, false>(&apart), rows.clone(), &apart);
        written(&mut requests::<1, 8, false>(&single), rows.clone(), &single);
        written(&mut requests::<4, 8, true>(&ordered), rows.clone(), &ordered);
        for world in [apart, single, ordered] {
            is_complete_and_in_order(&rows, &world);
        }
    }

    #[test]
    fn messages_are_acknowledged_only_when_they_are_durable(
        count in 0..60_u32,
        plays in plays(),
        crashes in prop::collection::vec(0..80_usize, 0..5),
    ) {
        let queue = MemoryQueue::new(count);
        let world = world(plays);
        for turns in crashes.into_iter().map(Some).chain([None]) {
            let delivery = Delivery { on_reject: OnReject::Nack, ..Delivery::default() };
            let mut pipeline = Pipeline::new(delivery, None);
            let consumer = Component::Collector(Box::new(queue.collector(7, 1000)));
            pipeline.add("c", consumer, vec!["d".to_owned()]).expect("added");
            let sink = Numbered(requests::<4, 3, false>(&world));
            pipeline.add("d", Component::Dispatcher(Box::new(sink)), vec![]).expect("added");
            let ended = run_until(pipeline, turns);
            if turns.is_none() {
                prop_assert!(matches!(ended, Some(Ok(()))), "{ended:?}");
            }
            let stored: BTreeSet<i64> = look(&world).stored.iter().map(|row| row.n).collect();
            let refused: BTreeSet<i64> = look(&world).refused.iter().map(|row| row.n).collect();
            let queue = queue.queue();
            for message in &queue.acknowledged {
                prop_assert!(stored.contains(&i64::from(*message)), "{message} is not durable");
            }
            for message in &queue.refused {
                prop_assert!(refused.contains(&i64::from(*message)), "{message} was not refused");
            }
        }
        let queue = queue.queue();
        let mut settled = [queue.acknowledged.as_slice(), &queue.refused].concat();
        settled.sort_unstable();
        settled.dedup();
        prop_assert_eq!(settled, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn positions_are_saved_only_behind_what_is_durable(
        count in 1..60_u32,
        plays in plays(),
        crashes in prop::collection::vec(0..80_usize, 0..5),
    ) {
        let place = tempfile::tempdir().expect("a directory");
        let state: Arc<dyn Store> = Arc::new(FileStore::new(place.path()));
        let world = world(plays);
        for turns in crashes.into_iter().map(Some).chain([None]) {
            let delivery = Delivery { on_reject: OnReject::Skip, ..Delivery::default() };
            let mut pipeline = Pipeline::new(delivery, Some(state.clone()));
            let step = |n: u32| -> Step {
                batch(n as usize, vec![numbers("t", u64::from(n) + 1, Some(1), n, 1)])
            };
            let collector = MemoryCollector::new((0..count).map(step).collect());
            let collector = Component::Collector(Box::new(collector));
            pipeline.add("c", collector, vec!["d".to_owned()]).expect("added");
            let sink = Numbered(requests::<4, 8, true>(&world));
            pipeline.add("d", Component::Dispatcher(Box::new(sink)), vec![]).expect("added");
            let ended = run_until(pipeline, turns);
            if turns.is_none() {
                prop_assert!(matches!(ended, Some(Ok(()))), "{ended:?}");
            }
            let world = look(&world);
            let done: BTreeSet<i64> = world.stored.iter().chain(&world.refused).map(|row| row.n).collect();
            let saved = saved_position(state.as_ref(), "c").expect("loaded");
            let upto = saved.map_or(0, |position| position.0.as_i64().unwrap_or_default() + 1);
            prop_assert!((0..upto).all(|n| done.contains(&n)), "saved up to {upto}: {done:?}");
            if turns.is_none() {
                prop_assert_eq!(upto, i64::from(count));
            }
        }
    }
}

#[test]
fn a_sink_that_says_nothing_keeps_the_pipeline_only_for_as_long_as_it_may_drain() {
    let queue = MemoryQueue::new(30);
    let world = world([play(1, What::Written), play(1, What::Hang)]);
    let mut pipeline = Pipeline::new(Delivery::default(), None);
    let consumer = Component::Collector(Box::new(queue.collector(4, 1000)));
    pipeline
        .add("c", consumer, vec!["d".to_owned()])
        .expect("added");
    let sink = Numbered(requests::<4, 2, false>(&world));
    pipeline
        .add("d", Component::Dispatcher(Box::new(sink)), vec![])
        .expect("added");
    let stop = pipeline.stop();
    run(async {
        let asking = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            stop.ask();
        };
        let (_, ended) = tokio::join!(
            asking,
            tokio::time::timeout(Duration::from_secs(120), pipeline.run())
        );
        ended.expect("it ends")
    })
    .expect("stopped");
    let stored = numbers_of(&look(&world).stored);
    let acknowledged = queue.queue().acknowledged.clone();
    assert!(
        acknowledged
            .iter()
            .all(|message| stored.contains(&i64::from(*message)))
    );
    assert!(stored.len() < 30);
}
