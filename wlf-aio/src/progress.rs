//! What a person sees of a running pipeline on stderr: the ready line, progress, and a summary at the end.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::sleep;
use wlf_core::runtime::{ComponentStatus, ReadSoFar, Status};
use wlf_core::{ComponentKind, replaced};

use crate::report;

/// How often progress is looked at; `indicatif` draws the bar less often by itself.
const TICK: Duration = Duration::from_millis(20);
/// The same while nothing happens, which is most of the time behind a quiet server.
const IDLE: Duration = Duration::from_millis(500);
/// How often a line says how far things are where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// How many columns the summary names that had bytes which are no text.
const REPLACED_COLUMNS: usize = 10;

/// Shows the state of a pipeline until it is dropped; [`summary`](Reporter::summary) has the last word.
pub struct Reporter {
    status: Arc<Status>,
    /// Whether lines are JSON objects, as `log.format: json` wants all of stderr.
    json: bool,
    bar: Option<ProgressBar>,
    announced: bool,
    rows_before: u64,
    /// What had been read and delivered when progress was told last.
    moved_before: u64,
}

impl Reporter {
    pub fn new(status: Arc<Status>, json: bool) -> Self {
        Self {
            status,
            json,
            bar: None,
            announced: false,
            rows_before: 0,
            moved_before: 0,
        }
    }

    /// Runs until it is dropped.
    pub async fn run(&mut self) {
        let mut pause = Pause::new(0);
        while !self.status.is_ready() {
            sleep(pause.next(0)).await;
        }
        self.announce();
        let is_seen = std::io::stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
        if is_seen && !self.json && total(&self.status).is_some() {
            self.bar = Some(bar());
        }
        let mut last_line = tokio::time::Instant::now();
        let mut pause = Pause::new(self.rows());
        loop {
            sleep(pause.next(self.rows())).await;
            if let Some(bar) = &self.bar {
                draw(bar, &self.status);
            } else if last_line.elapsed() >= LINE {
                self.log_progress(last_line.elapsed());
                last_line = tokio::time::Instant::now();
            }
        }
    }

    /// Rows that were read or delivered: as long as their number grows, something happens.
    fn rows(&self) -> u64 {
        self.status.rows(ComponentKind::Collector) + self.status.rows(ComponentKind::Dispatcher)
    }

    /// Says what was done, after the end.
    pub fn summary(&mut self) {
        if self.status.is_ready() {
            self.announce();
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let line = summary_line(&self.status);
        self.say(&line);
    }

    /// Says once that every collector streams and every dispatcher is connected.
    fn announce(&mut self) {
        if !std::mem::replace(&mut self.announced, true) {
            self.say(&ready_line(&self.status));
        }
    }

    /// Says what is no more than information: with a higher level it is not wanted.
    fn say(&self, line: &str) {
        if self.json {
            tracing::info!("{line}");
        } else if tracing::enabled!(tracing::Level::INFO) {
            report::say(&format!("{line}\n"));
        }
    }

    /// Tells how far things are, unless nothing has moved since.
    fn log_progress(&mut self, elapsed: Duration) {
        let moved = self.rows();
        if std::mem::replace(&mut self.moved_before, moved) == moved {
            return;
        }
        let rows = self.status.rows(ComponentKind::Collector);
        let new = rows - std::mem::replace(&mut self.rows_before, rows);
        let line = self.progress_line(rows, new, elapsed);
        if self.json {
            let rate = rate(new, elapsed);
            let delivered = self.status.rows(ComponentKind::Dispatcher);
            let behind = (self.status.of(ComponentKind::Collector))
                .filter_map(|collector| behind(&collector.read()))
                .max();
            tracing::info!(
                rows,
                delivered,
                rows_per_second = rate,
                seconds_behind = behind,
                "{line}"
            );
        } else {
            tracing::info!("{line}");
        }
    }

    fn progress_line(&self, rows: u64, new: u64, elapsed: Duration) -> String {
        let rate = per_second(new, elapsed);
        let mut line = format!("{} rows read, {rate} rows/s", grouped(rows));
        if let Some(share) = share(&self.status) {
            let _ = write!(line, ", {:.0} %", share * 100.0);
        }
        for collector in self.status.of(ComponentKind::Collector) {
            let read = collector.read();
            let _ = write!(line, "; {}", collector.id);
            if let Some(position) = &read.position {
                let _ = write!(line, " at {position}");
            }
            if let Some(seconds) = behind(&read) {
                let _ = write!(line, ", {} s behind", grouped(seconds));
            }
            if !collector.is_ready() {
                line.push_str(" (not connected)");
            }
        }
        for dispatcher in self.status.of(ComponentKind::Dispatcher) {
            let _ = write!(line, "; {}: {}", dispatcher.id, grouped(dispatcher.rows()));
            if !dispatcher.is_ready() {
                line.push_str(" (not connected)");
            }
        }
        line
    }
}

/// How long to wait before progress is looked at again: longer each time that nothing has happened.
struct Pause {
    rows: u64,
    pause: Duration,
}

impl Pause {
    fn new(rows: u64) -> Self {
        Self { rows, pause: TICK }
    }

    fn next(&mut self, rows: u64) -> Duration {
        let moved = std::mem::replace(&mut self.rows, rows) != rows;
        let pause = self.pause;
        self.pause = if moved {
            TICK
        } else {
            (pause * 5 / 4).min(IDLE)
        };
        if moved { TICK } else { pause }
    }
}

fn ready_line(status: &Status) -> String {
    let mut line = String::from("ready:");
    for collector in status.of(ComponentKind::Collector) {
        let _ = write!(line, " {}", collector.id);
        if let Some(position) = collector.read().position {
            let _ = write!(line, " at {position}");
        }
        push_session(&mut line, collector.session());
        line.push(',');
    }
    line.pop();
    line.push_str(" ->");
    for dispatcher in status.of(ComponentKind::Dispatcher) {
        let _ = write!(line, " {}", dispatcher.id);
        push_session(&mut line, dispatcher.session());
        line.push(',');
    }
    line.pop();
    line
}

fn push_session(line: &mut String, session: Option<String>) {
    if let Some(session) = session {
        let _ = write!(line, " ({session})");
    }
}

fn summary_line(status: &Status) -> String {
    let elapsed = status.started.elapsed();
    let rows = status.rows(ComponentKind::Collector);
    let mut line = format!(
        "{} rows read in {:.2} s, {} rows/s",
        grouped(rows),
        elapsed.as_secs_f64(),
        per_second(rows, elapsed)
    );
    for dispatcher in status.of(ComponentKind::Dispatcher) {
        let _ = write!(
            line,
            "; {}: {} delivered",
            dispatcher.id,
            grouped(dispatcher.rows())
        );
        for (count, what) in [
            (dispatcher.rejected(), "rejected"),
            (dispatcher.retries(), "retries"),
        ] {
            if count > 0 {
                let _ = write!(line, ", {} {what}", grouped(count));
            }
        }
    }
    let characters = replaced::total();
    if characters > 0 {
        let _ = write!(line, "; {} characters became U+FFFD", grouped(characters));
        let columns = replaced::columns();
        for (n, (column, characters)) in columns.iter().take(REPLACED_COLUMNS).enumerate() {
            let separator = if n == 0 { ": " } else { ", " };
            let _ = write!(line, "{separator}{} in {column}", grouped(*characters));
        }
        if columns.len() > REPLACED_COLUMNS {
            line.push_str(", …");
        }
    }
    line
}

/// The bytes of all sources together, if each has an end.
fn total(status: &Status) -> Option<(u64, u64)> {
    let mut sum = (0, 0);
    for collector in status.of(ComponentKind::Collector) {
        let progress = collector.read().progress?;
        sum = (sum.0 + progress.done, sum.1 + progress.total);
    }
    (sum.1 > 0).then_some(sum)
}

fn share(status: &Status) -> Option<f64> {
    total(status).map(|(done, total)| done as f64 / total as f64)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:30} {percent:>3} %  {bytes}/{total_bytes}  {msg}  {elapsed}, {eta} left",
    ) {
        bar.set_style(style);
    }
    bar
}

fn draw(bar: &ProgressBar, status: &Status) {
    if let Some((done, total)) = total(status) {
        bar.set_length(total);
        bar.set_position(done);
    }
    let rows = status.rows(ComponentKind::Collector);
    let rate = per_second(rows, status.started.elapsed());
    bar.set_message(format!("{} rows, {rate} rows/s", grouped(rows)));
    for dispatcher in status.of(ComponentKind::Dispatcher).filter(not_connected) {
        bar.set_message(format!("{} is not connected", dispatcher.id));
    }
}

fn not_connected(component: &&ComponentStatus) -> bool {
    !component.is_ready()
}

/// How far a source that has no end is behind, in seconds; how old what a file holds is tells nothing.
fn behind(read: &ReadSoFar) -> Option<u64> {
    let behind = read.behind.filter(|_| read.progress.is_none());
    behind.map(|behind| behind.as_secs())
}

fn per_second(rows: u64, elapsed: Duration) -> String {
    grouped(rate(rows, elapsed))
}

fn rate(rows: u64, elapsed: Duration) -> u64 {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    (rows as f64 / seconds) as u64
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use wlf_core::config::{Component, Delivery};
    use wlf_core::runtime::Pipeline;
    use wlf_core::testing::{MemoryCollector, MemoryDispatcher, Step, numbers};
    use wlf_core::{Batch, Mark};

    use super::*;

    fn status() -> Status {
        let of = ComponentStatus::new;
        Status::new(vec![
            of("orders", ComponentKind::Collector),
            of("filter", ComponentKind::Transformer),
            of("kafka", ComponentKind::Dispatcher),
            of("redis", ComponentKind::Dispatcher),
        ])
    }

    #[test]
    fn pauses_grow_while_nothing_happens() {
        let mut pause = Pause::new(0);
        assert_eq!(pause.next(0), TICK);
        let second: Duration = (0..20).map(|_| pause.next(0)).sum();
        assert!(second > Duration::from_secs(3), "{second:?}");
        assert_eq!(pause.next(0), IDLE);
        assert_eq!([pause.next(1), pause.next(1)], [TICK, TICK]);
    }

    #[test]
    fn the_ready_line_names_collectors_and_dispatchers() {
        assert_eq!(ready_line(&status()), "ready: orders -> kafka, redis");
    }

    #[test]
    fn the_ready_line_says_how_connections_are_secured() {
        let mut pipeline = Pipeline::new(Delivery::default(), None);
        let plain = MemoryDispatcher::default();
        let secured = MemoryDispatcher::default().secured("TLS 1.3, ChaCha20-Poly1305");
        let to = vec!["kafka".to_owned(), "redis".to_owned()];
        let collector = Component::Collector(Box::new(MemoryCollector::new(Vec::new())));
        pipeline.add("orders", collector, to).unwrap();
        for (id, dispatcher) in [("kafka", secured), ("redis", plain)] {
            let dispatcher = Component::Dispatcher(Box::new(dispatcher));
            pipeline.add(id, dispatcher, Vec::new()).unwrap();
        }
        let status = pipeline.status();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(pipeline.run()).unwrap();
        assert_eq!(
            ready_line(&status),
            "ready: orders -> kafka (TLS 1.3, ChaCha20-Poly1305), redis"
        );
    }

    /// What is logged, as lines.
    #[derive(Clone, Default)]
    struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn progress_is_told_with_the_time_and_only_when_something_moved() {
        let mut pipeline = Pipeline::new(Delivery::default(), None);
        let batches = [(0, 3), (3, 2)].map(|(first, count)| {
            Step::Batch(Batch {
                events: vec![numbers("t", 1, None, first, count)],
                mark: Mark::Upto(MemoryCollector::position(first as usize)),
                ..Batch::default()
            })
        });
        let collector = MemoryCollector::new(batches.into());
        let collector = Component::Collector(Box::new(collector));
        let to = vec!["out".to_owned()];
        pipeline.add("in", collector, to).unwrap();
        let dispatcher = Component::Dispatcher(Box::<MemoryDispatcher>::default());
        pipeline.add("out", dispatcher, Vec::new()).unwrap();
        let status = pipeline.status();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_target(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut reporter = Reporter::new(status, false);
            reporter.log_progress(LINE);
            assert_eq!(*log.0.lock().unwrap(), b"", "nothing has moved yet");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            runtime.block_on(pipeline.run()).unwrap();
            log.0.lock().unwrap().clear();
            reporter.log_progress(LINE);
            reporter.log_progress(LINE);
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let (time, line) = text
            .split_once("  INFO ")
            .unwrap_or_else(|| panic!("{text}"));
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        assert!(line.starts_with("5 rows read, 0 rows/s; in at "), "{line}");
        assert!(line.ends_with("; out: 5\n"), "{line}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn the_summary_counts_each_destination() {
        let line = summary_line(&status());
        assert!(line.starts_with("0 rows read in 0.0"), "{line}");
        assert!(
            line.ends_with("; kafka: 0 delivered; redis: 0 delivered"),
            "{line}"
        );
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        let groups = [0, 12, 999, 1000, 123_456, 1_234_567].map(grouped);
        assert_eq!(groups, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
    }
}
