//! What happens to a cluster rarely: what administrators do to it, what is gone, and many faults at once.
//!
//! Source, program and oracle are those of the other test of a cluster, `main.rs`; these tests take minutes each.
#![cfg(not(target_os = "wasi"))]

mod administration;
mod brokers;
mod chaos;
mod gone;
mod healing;
mod metadata;
mod oracle;
#[path = "../program/mod.rs"]
mod program;
mod run;
mod source;
mod watch;
