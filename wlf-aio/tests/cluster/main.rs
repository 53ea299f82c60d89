//! Kafka that survives its cluster: three brokers that are stopped, killed and paused while rows of MySQL go to them.
//!
//! The rows of a table are given growing versions all the time. At the end Kafka's own consumer reads the topic: each
//! version of each row has to be there, and those of a row in order where repeated records count once.
#![cfg(not(target_os = "wasi"))]

mod brokers;
mod healing;
mod metadata;
mod oracle;
#[path = "../program/mod.rs"]
mod program;
mod run;
mod source;
mod watch;

use crate::brokers::COUNT;
use crate::healing::SOON;
use crate::run::Pipeline;

#[test]
fn each_broker_is_stopped_killed_and_paused_in_turn() {
    let mut pipeline = Pipeline::start("turns", 1, "", "");
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
    pipeline.ends_whole("Each broker in turn", 1, SOON);
}
