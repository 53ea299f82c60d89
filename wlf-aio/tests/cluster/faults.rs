//! What happens to brokers, and what has to hold through it.

use std::time::{Duration, Instant};

use crate::brokers::{COUNT, id};
use crate::program::PATIENCE;
use crate::run::Pipeline;

/// How long it may take from a leader that takes rows until it got one.
const SOON: Duration = Duration::from_secs(5);

impl Pipeline {
    /// Waits until another broker leads what this one led, and rows go there.
    #[track_caller]
    fn is_led_by_others(&self, number: usize) {
        let until = Instant::now() + PATIENCE;
        let leads = |partition| self.watch().leader(partition) == Some(id(number));
        while (0..6).any(leads) {
            assert!(Instant::now() < until, "broker {} leads still", id(number));
            std::thread::sleep(Duration::from_millis(20));
        }
        self.flows();
    }

    /// Waits until all replicas are in sync and rows go everywhere.
    #[track_caller]
    fn is_whole_again(&self) {
        self.brokers.heal(&self.topic);
        self.flows();
    }
}

#[test]
fn each_broker_is_stopped_killed_and_paused_in_turn() {
    let mut pipeline = Pipeline::start("turns", "", "");
    for number in 0..COUNT {
        pipeline.note("stopped");
        pipeline.brokers.stop(number);
        pipeline.is_led_by_others(number);
        pipeline.brokers.restart(number);
        pipeline.is_whole_again();

        pipeline.note("killed");
        pipeline.brokers.kill(number);
        pipeline.is_led_by_others(number);
        pipeline.kill_program();
        pipeline.brokers.restart(number);
        pipeline.is_whole_again();

        pipeline.note("paused");
        pipeline.brokers.pause(number);
        pipeline.is_led_by_others(number);
        pipeline.brokers.go_on(number);
        pipeline.is_whole_again();
    }
    pipeline.ends_whole("Each broker in turn", SOON);
}
