//! What the engine promises: the runtime with components in memory, scripted faults and crashes, and the exact messages
//! for broken configurations.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod config;
mod contract;
mod crash;
mod promises;
mod requests;
mod store;
mod told;
mod transform;
