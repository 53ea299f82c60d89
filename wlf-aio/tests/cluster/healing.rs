//! What a test waits for after it has done something to a broker.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

use std::time::{Duration, Instant};

use crate::brokers::id;
use crate::program::PATIENCE;
use crate::run::Pipeline;

const OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";

/// How long it may take from a leader that takes rows until it got one.
pub const SOON: Duration = Duration::from_secs(5);

impl Pipeline {
    /// Waits until another broker leads what this one led, and rows go there.
    #[track_caller]
    pub fn is_led_by_others(&self, number: usize) {
        let until = Instant::now() + PATIENCE;
        let leads = |partition| self.watch().leader(partition) == Some(id(number));
        while (0..6).any(leads) {
            assert!(Instant::now() < until, "broker {} leads still", id(number));
            std::thread::sleep(Duration::from_millis(20));
        }
        self.flows();
    }

    /// Waits until rows go to so many partitions.
    #[track_caller]
    pub fn uses(&self, partitions: usize) {
        let until = Instant::now() + PATIENCE;
        loop {
            // `topic:partition:offset`
            let ends = self.brokers.tool(OFFSETS, &["--topic", &self.topic]);
            let used = ends.lines().filter(|line| !line.ends_with(":0")).count();
            if used == partitions {
                return;
            }
            assert!(Instant::now() < until, "rows are not everywhere: {ends}");
        }
    }

    /// Waits until all replicas are in sync and rows go everywhere.
    #[track_caller]
    pub fn is_whole_again(&self) {
        self.brokers.heal(&self.topic);
        self.flows();
    }
}
