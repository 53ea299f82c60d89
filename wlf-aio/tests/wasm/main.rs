//! The program as it ships, without servers: files in, files and stdout out, and what bad input gets.
#![cfg(not(target_os = "wasi"))]

mod bad_input;
mod command_line;
mod files;
#[path = "../program/mod.rs"]
mod program;
