//! What the contract of transformers says: ways, refused rows, windows and timers, one test each, and that none of them loses
//! anything at a crash or a stop.

mod crashes;
mod rejected;
mod ways;
mod windows;

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
