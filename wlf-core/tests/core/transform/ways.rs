//! Ways to some of the destinations.

use super::*;

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
