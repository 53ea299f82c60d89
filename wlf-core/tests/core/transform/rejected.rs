//! Rows and messages that a transformer refuses.

use super::*;

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
