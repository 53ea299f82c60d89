//! The program as it ships, between a real MySQL, Kafka, Redis and NATS.
#![cfg(not(target_os = "wasi"))]

mod crash;
mod large;
mod live;
mod nats;
#[path = "../program/mod.rs"]
mod program;
mod refused;
mod servers;
mod shutdown;
