//! Destinations on this machine: files, standard output, and nowhere.

pub mod file;
mod lines;
pub mod null;
pub mod stdout;

use wlf_core::config::ComponentType;

pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<file::Config>()
        .with_schema(include_str!("../../../docs/reference/FileDispatcher.json")),
    ComponentType::of::<null::Config>()
        .with_schema(include_str!("../../../docs/reference/NullDispatcher.json")),
    ComponentType::of::<stdout::Config>().with_schema(include_str!(
        "../../../docs/reference/StdoutDispatcher.json"
    )),
];
