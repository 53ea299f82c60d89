//! Kafka that survives its cluster: three brokers that are stopped, killed and paused while rows of MySQL go to them.
//!
//! The rows of a table are given growing versions all the time. At the end Kafka's own consumer reads the topic: each
//! version of each row has to be there, and those of a row in order where repeated records count once.
#![cfg(not(target_os = "wasi"))]

mod brokers;
mod faults;
mod metadata;
mod oracle;
#[path = "../program/mod.rs"]
mod program;
mod run;
mod source;
mod watch;
