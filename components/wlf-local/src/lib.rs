//! Destinations on this machine: files, standard output, and nowhere.

pub mod file;
mod lines;
pub mod null;
pub mod stdout;

use wlf_core::config::ComponentType;

pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<file::Config>(),
    ComponentType::of::<null::Config>(),
    ComponentType::of::<stdout::Config>(),
];
