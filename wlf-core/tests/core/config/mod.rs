//! Configurations as users write them: those that are right, and the exact messages for those that are not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod broken;
mod components;
mod right;
mod secrets;
mod several;
mod yaml;

pub use components::check_text;
