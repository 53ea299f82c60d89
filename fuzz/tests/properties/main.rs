//! Each target is given its seeds, all that they begin with, and their bits flipped: checksums are right all the time, so
//! that they hide nothing.
#![cfg(not(target_os = "wasi"))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use wlf_fuzz::{TARGETS, Target};

/// How long one target may take for one kind of change.
const TURN: Duration = Duration::from_millis(800);

/// Gives the target each input, in an order that comes to all seeds soon, as long as its turn is.
fn give(target: &Target, change: fn(&[u8], usize) -> Option<Vec<u8>>) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    let begin = Instant::now();
    for n in 0.. {
        let mut changed = false;
        for seed in &seeds {
            if begin.elapsed() > TURN {
                return;
            }
            if let Some(input) = change(seed, n) {
                changed = true;
                run(target, &input);
            }
        }
        if !changed {
            return;
        }
    }
}

fn run(target: &Target, input: &[u8]) {
    let run = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    assert!(run.is_ok(), "{} fails with {input:?}", target.name);
}

/// A number below `len` that is another for each `n`, all over it.
fn spread(n: usize, len: usize) -> Option<usize> {
    const PRIME: usize = 1_000_003;
    (n < len).then(|| (n * PRIME + n / len) % len)
}

#[test]
fn every_seed_is_right() {
    for target in TARGETS {
        for seed in (target.seeds)() {
            run(target, &seed);
        }
    }
}

#[test]
fn any_prefix_gives_a_value_or_an_error() {
    for target in TARGETS {
        give(target, |seed, n| {
            spread(n, seed.len()).map(|end| seed[..end].to_vec())
        });
    }
}

#[test]
fn any_flipped_bit_gives_a_value_or_an_error() {
    for target in TARGETS {
        give(target, |seed, n| {
            let bit = spread(n, seed.len() * 8)?;
            let mut input = seed.to_vec();
            input[bit / 8] ^= 1 << (bit % 8);
            Some(input)
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_value_or_an_error(
        target in proptest::sample::select(TARGETS),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        run(&target, &bytes);
    }
}
