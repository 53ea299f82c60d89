//! The program as it ships, without servers: files in, files and stdout out, and what bad input gets.
#![cfg(not(target_os = "wasi"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod command_line;
mod examples;
mod files;
#[path = "../pages/markdown.rs"]
#[allow(dead_code, reason = "the tests of the pages use the rest")]
mod markdown;
#[path = "../program/mod.rs"]
mod program;
