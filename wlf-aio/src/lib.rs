//! The program: a command line around the engine and a list of components.
//!
//! A crate that brings components of its own makes its own all-in-one program of it:
//!
//! ```no_run
//! # use std::process::ExitCode;
//! # use wlf_core::config::ComponentType;
//! # const MINE: &[ComponentType] = &[];
//! fn main() -> ExitCode {
//!     let mut systems = wlf_aio::SYSTEMS.to_vec();
//!     systems.push(MINE);
//!     wlf_aio::main(&systems)
//! }
//! ```

mod cli;
mod components;
mod config_file;
mod connect;
mod graph;
mod interpreted;
mod left_out;
mod logging;
mod options;
mod output;
mod progress;
pub mod reference;
mod report;
mod run;
pub mod schema;

pub use cli::main;
pub use components::SYSTEMS;
