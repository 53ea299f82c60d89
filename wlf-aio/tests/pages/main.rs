//! The pages tell the truth: their links, paths, code, configurations and the tests that they name.
#![cfg(not(target_os = "wasi"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod code;
mod links;
mod markdown;
mod names;
