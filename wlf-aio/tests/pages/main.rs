//! The pages tell the truth: their links, paths, code, configurations and the tests that they name.
#![cfg(not(target_os = "wasi"))]

mod code;
mod lessons;
mod links;
mod markdown;
mod messages;
mod names;
mod wrapper;
