//! What the runtime tells of outages and of refused rows: enough, and not a line for each.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event as Told, Level, Metadata, Subscriber};
use wlf_core::config::{Component, Delivery, OnReject};
use wlf_core::runtime::Pipeline;
use wlf_core::testing::{Answer, MemoryCollector, MemoryDispatcher, Step, numbers};
use wlf_core::value::OwnedRows;
use wlf_core::{Collector, Column, Dispatcher, Event, Fault, Refusal, Table, WriteError};

use crate::config::check_text;
use crate::contract::{add, row};
use crate::promises::{batch, run};

/// Keeps messages from `INFO` up, as `LEVEL message field=value …`, with the second of the pipeline's clock.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<(u64, String)>>>,
    began: Arc<Mutex<Option<Instant>>>,
}

impl Log {
    /// One more is there for all threads: without it, whether a message is told at all is decided anew whenever a test ends,
    /// and those of others are lost meanwhile.
    fn new() -> Self {
        static OF_ALL: Once = Once::new();
        OF_ALL.call_once(|| {
            tracing::subscriber::set_global_default(Self::default()).expect("the first");
        });
        Self::default()
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}")),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= &Level::INFO && metadata.target().starts_with("wlf_core")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Told<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let second = began.get_or_insert_with(Instant::now).elapsed().as_secs();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((second, format!("{} {}", event.metadata().level(), line.0)));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Runs a pipeline of one collector and one dispatcher, and gives what was told, with the seconds since the first of it.
fn told(
    delivery: Delivery,
    collector: impl Collector + 'static,
    dispatcher: impl Dispatcher + 'static,
) -> (Vec<(u64, String)>, Result<(), Fault>) {
    let log = Log::new();
    let mut pipeline = Pipeline::new(delivery, None);
    let collector = Component::Collector(Box::new(collector));
    add(&mut pipeline, "c", collector, &["d"]);
    let dispatcher = Component::Dispatcher(Box::new(dispatcher));
    add(&mut pipeline, "d", dispatcher, &[]);
    let result = tracing::subscriber::with_default(log.clone(), || run(pipeline.run()));
    let lines = log.lines.lock().unwrap_or_else(PoisonError::into_inner);
    (lines.clone(), result)
}

fn refused() -> Fault {
    Fault::retry("write to `d`", "connection refused")
}

/// Is away at first, and then whenever `away` says so, by the write's number.
struct Away {
    connects: u32,
    writes: u32,
    away: fn(u32) -> bool,
}

#[async_trait]
impl Dispatcher for Away {
    async fn connect(&mut self) -> Result<(), Fault> {
        match self.connects.checked_sub(1) {
            Some(left) => {
                self.connects = left;
                Err(refused())
            }
            None => Ok(()),
        }
    }

    async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
        self.writes += 1;
        match (self.away)(self.writes) {
            true => Err(WriteError::nothing(refused())),
            false => Ok(()),
        }
    }
}

/// How many of the lines have a text.
fn count(lines: &[(u64, String)], text: &str) -> usize {
    lines.iter().filter(|(_, line)| line.contains(text)).count()
}

#[test]
fn a_long_outage_is_told_of_at_its_beginning_sparsely_and_at_its_end() {
    let dispatcher = Away {
        connects: 60,
        writes: 0,
        away: |_| false,
    };
    let collector = MemoryCollector::new(vec![row(0)]);
    let (lines, result) = told(Delivery::default(), collector, dispatcher);
    result.expect("runs");
    let (first, last) = (&lines.first().unwrap().1, lines.last().unwrap());
    assert_eq!(
        first,
        "WARN write to `d`: connection refused; trying again component=\"d\""
    );
    // Sixty tries, the later ones up to 30 s apart.
    assert!(last.0 > 300, "{lines:#?}");
    assert!(last.1.starts_with("INFO connected after "), "{lines:#?}");
    assert!(
        last.1.contains(" s and 60 tries component=\"d\""),
        "{lines:#?}"
    );
    assert!((4..=14).contains(&lines.len()), "{lines:#?}");
    let seconds: Vec<u64> = lines.iter().map(|(second, _)| *second).collect();
    assert!(
        seconds.get(1).is_some_and(|second| *second >= 10),
        "{lines:#?}"
    );
    assert!(
        lines[1].1.contains("still not connected after"),
        "{lines:#?}"
    );
}

#[test]
fn a_destination_that_connects_and_refuses_writes_comes_back_once() {
    // Connecting works all the time, as it does while Redis loads its data or a partition has no leader.
    let dispatcher = Away {
        connects: 0,
        writes: 0,
        away: |write| (2..12).contains(&write),
    };
    let steps = vec![row(0), Step::Fault(refused()), row(1), row(2)];
    let (lines, result) = told(Delivery::default(), MemoryCollector::new(steps), dispatcher);
    result.expect("runs");
    for component in ["c", "d"] {
        let of: Vec<_> = (lines.iter())
            .filter(|(_, line)| line.contains(&format!("component={component:?}")))
            .cloned()
            .collect();
        assert_eq!(count(&of, "INFO connected again after"), 1, "{lines:#?}");
        assert_eq!(
            count(&of, "; trying again"),
            1 + count(&of, "still"),
            "{lines:#?}"
        );
    }
}

#[test]
fn a_collector_whose_quiet_source_is_back_says_so() {
    let collector = MemoryCollector::new(vec![row(0), Step::Fault(refused()), Step::Silence]);
    let log = Log::new();
    let mut pipeline = Pipeline::new(Delivery::default(), None);
    add(
        &mut pipeline,
        "c",
        Component::Collector(Box::new(collector)),
        &["d"],
    );
    let sink = MemoryDispatcher::new(Arc::default());
    add(
        &mut pipeline,
        "d",
        Component::Dispatcher(Box::new(sink)),
        &[],
    );
    let stop = pipeline.stop();
    tracing::subscriber::with_default(log.clone(), || {
        run(async move {
            let asking = async {
                sleep(Duration::from_secs(60)).await;
                stop.ask();
            };
            tokio::join!(pipeline.run(), asking).0
        })
    })
    .expect("runs");
    let lines = log.lines.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(count(&lines, "connected again after"), 1, "{lines:#?}");
}

/// Refuses every row, each for a reason with the row's number, and those of `other` for another.
struct Refuses;

#[async_trait]
impl Dispatcher for Refuses {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let refused = events.iter().enumerate().flat_map(|(at, event)| {
            (0..event.len()).map(move |row| {
                let number = event.rows.start + row;
                let why = match event.table.name.as_str() {
                    "other" => "no such topic".to_owned(),
                    _ => format!("{number} bytes are too many"),
                };
                let fault = Fault::reject("write to `d`", why);
                Refusal {
                    event: at,
                    row,
                    fault,
                }
            })
        });
        let refused = refused.collect();
        Err(WriteError {
            refused,
            ..WriteError::all(events)
        })
    }
}

#[test]
fn refused_rows_are_summed_up_by_reason() {
    let steps = (0..2_000_u32).map(|n| {
        let table = if n % 4 == 3 { "other" } else { "t" };
        batch(
            n as usize,
            vec![numbers(table, u64::from(n) + 1, Some(1), n, 1)],
        )
    });
    let delivery = Delivery {
        on_reject: OnReject::Skip,
        ..Delivery::default()
    };
    let (lines, result) = told(delivery, MemoryCollector::new(steps.collect()), Refuses);
    result.expect("runs");
    assert!(lines.len() <= 6, "{lines:#?}");
    assert_eq!(count(&lines, "skipped"), lines.len());
    let number = |line: &str| -> u64 {
        let word = line.split(' ').nth(1).unwrap_or_default();
        word.parse().unwrap_or(1)
    };
    for (reason, rows) in [("bytes are too many", 1_500), ("no such topic", 500)] {
        let of = lines.iter().filter(|(_, line)| line.contains(reason));
        let sum: u64 = of.map(|(_, line)| number(line)).sum();
        assert_eq!(sum, rows, "{lines:#?}");
    }
    assert!(
        lines[0]
            .1
            .contains("0 bytes are too many component=\"d\" table="),
        "{lines:#?}"
    );
}

#[test]
fn a_row_that_ends_the_program_is_named() {
    let (_, result) = told(
        Delivery::default(),
        MemoryCollector::new(vec![row(7)]),
        Refuses,
    );
    let help = result.expect_err("stops").hint.unwrap_or_default();
    assert!(
        help.contains("`delivery.on_reject` can be `skip`"),
        "{help}"
    );
    assert!(help.contains("; the row: table "), "{help}");
}

#[test]
fn an_answer_that_is_refused_once_is_one_line() {
    let fault = Fault::reject("write to `d`", "too large");
    let sink = MemoryDispatcher::new(Arc::default()).answering([Answer::Fail(0, fault)]);
    let delivery = Delivery {
        on_reject: OnReject::Skip,
        ..Delivery::default()
    };
    let (lines, result) = told(delivery, MemoryCollector::new(vec![row(0), row(1)]), sink);
    result.expect("runs");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0]
            .1
            .starts_with("WARN a row was refused and skipped: write to `d`: too large")
    );
}

#[test]
fn of_a_refused_row_the_key_is_shown_and_no_other_value() {
    let columns = vec![Column::untyped("id"), Column::untyped("name")];
    let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
    let event = OwnedRows::insert(&table, [vec![4711.into(), "hunter2".into()]]);
    let delivery = Delivery {
        on_reject: OnReject::Skip,
        ..Delivery::default()
    };
    let steps = || vec![batch(0, vec![event.clone()])];
    let (lines, result) = told(delivery, MemoryCollector::new(steps()), Refuses);
    result.expect("runs");
    let line = &lines[0].1;
    assert!(
        line.contains(r#"pk.id\":4711"#) && line.contains("table=\"shop.t\""),
        "{line}"
    );
    assert!(!line.contains("hunter2"), "{line}");
    let (_, result) = told(Delivery::default(), MemoryCollector::new(steps()), Refuses);
    let help = result.expect_err("stops").hint.unwrap_or_default();
    assert!(
        help.ends_with(
            r#"; the row: table shop.t, key {"database":"shop","table":"t","pk.id":4711}"#
        ),
        "{help}"
    );
}

#[test]
fn what_is_said_of_a_row_leads_to_the_line_of_the_option() {
    let text = "collectors:
  - {id: c, type: SpoolCollector, destination: out}
dispatchers:
  - id: out
    type: RedisDispatcher
    mode:
      type: XAdd
      max_len: 10
      key: 'x.%{/data/id}.%{/data/idx:-none}'
";
    let checked = check_text("x.yaml", text).map_err(|problems| problems.to_string());
    let checked = checked.map(|checked| checked.components).unwrap();
    let places = &checked[1].places;
    for (said, line) in [
        ("`%{/data/id}` finds nothing in this row of shop.t", Some(9)),
        (
            "`%{/data/idx}` meets a row of shop.t, which is not JSON",
            Some(9),
        ),
        ("`%{/data/i}` finds nothing", None),
        ("the stream is longer than `max_len`", Some(8)),
        ("max_len", None),
    ] {
        let expected = line.map(|line: u32| format!("x.yaml:{line}"));
        assert_eq!(places.spoken_of(said), expected, "{said}");
    }
}
