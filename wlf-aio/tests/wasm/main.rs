//! The program as it ships, without servers: files in, files and stdout out, and what bad input gets.
#![cfg(not(target_os = "wasi"))]

mod bad_input;
mod command_line;
mod examples;
mod files;
#[path = "../pages/markdown.rs"]
#[allow(dead_code, reason = "the tests of the pages use the rest")]
mod markdown;
mod platform;
mod process;
#[path = "../program/mod.rs"]
mod program;
mod wrapper;
