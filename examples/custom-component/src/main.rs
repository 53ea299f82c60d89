//! An all-in-one program: everything that wlf-aio has, and three components more.

mod audit;
mod deletes;
mod spool;

use std::process::ExitCode;

use wlf_core::config::ComponentType;

/// The components that this crate adds.
const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<deletes::Config>(),
    ComponentType::of::<audit::Config>(),
    ComponentType::of::<spool::Config>(),
];

fn main() -> ExitCode {
    let mut systems = wlf_aio::SYSTEMS.to_vec();
    systems.push(COMPONENTS);
    wlf_aio::main(&systems)
}
