//! Faults without a pause between them, in an order that a seed decides, until the program has gone through each.

use std::time::{Duration, Instant};

use crate::brokers::COUNT;
use crate::healing::SOON;
use crate::run::Pipeline;

/// How long it goes on.
const LASTS: Duration = Duration::from_secs(240);

/// Numbers that look drawn by lot and are the same for one seed (Marsaglia, "Xorshift RNGs").
struct Lots(u64);

impl Lots {
    fn draw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// How a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Down,
    Paused,
}

#[test]
fn faults_without_a_pause_lose_nothing() {
    let seed = std::env::var("WLF_TEST_SEED").ok();
    let seed = seed.map_or(20_261_130, |seed| seed.parse().expect("a number"));
    let mut lots = Lots(seed);
    let mut pipeline = Pipeline::start("chaos", COUNT, "", "");
    let mut states = [State::Up; COUNT];
    let until = Instant::now() + LASTS;
    while Instant::now() < until {
        let number = lots.draw(COUNT);
        pipeline.watch().fault();
        states[number] = match (states[number], lots.draw(4)) {
            (State::Up, 0) => {
                pipeline.note("stopped");
                pipeline.brokers.stop(number);
                State::Down
            }
            (State::Up, 1) => {
                pipeline.note("killed");
                pipeline.brokers.kill(number);
                State::Down
            }
            (State::Up, 2) => {
                pipeline.note("paused");
                pipeline.brokers.pause(number);
                State::Paused
            }
            (State::Up, _) => {
                pipeline.kill_program();
                State::Up
            }
            (State::Down, _) => {
                pipeline.brokers.launch(number);
                State::Up
            }
            (State::Paused, _) => {
                pipeline.brokers.go_on(number);
                State::Up
            }
        };
        pipeline.watch().fault();
        std::thread::sleep(Duration::from_millis(500 + lots.draw(6000) as u64));
    }
    pipeline.watch().fault();
    for (number, state) in states.into_iter().enumerate() {
        match state {
            State::Up => {}
            State::Down => pipeline.brokers.launch(number),
            State::Paused => pipeline.brokers.go_on(number),
        }
    }
    pipeline.is_whole_again();
    pipeline.ends_whole(&format!("Faults without a pause, seed {seed}"), 1, SOON);
}

/// Longer than an answer may take, so that what has none goes again over another connection.
const FROZEN: Duration = Duration::from_secs(45);

#[test]
fn a_cluster_that_is_frozen_as_a_whole_goes_on() {
    let mut pipeline = Pipeline::start("frozen", COUNT, "", "");
    (0..COUNT).for_each(|number| pipeline.brokers.pause(number));
    pipeline.note("all paused");
    std::thread::sleep(FROZEN);
    (0..COUNT).for_each(|number| pipeline.brokers.go_on(number));
    pipeline.is_whole_again();
    pipeline.ends_whole("A cluster frozen for 45 s", 1, SOON);
}
