//! What bytes from outside may do to the decoders: give a value or an error, in memory that the bytes justify.
//!
//! Each [`Target`] holds one decoder to that, and to what else is true of it for any bytes at all. `tests/properties` gives
//! the targets each seed's prefixes and its bits flipped, in seconds and with every `cargo test`; `cargo xtask fuzz` gives
//! them what a coverage-guided fuzzer thinks of, as long as one likes.

mod allocation;
mod recorded;
pub mod targets;

pub use targets::{TARGETS, Target};
