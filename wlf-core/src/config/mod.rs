//! The configuration: what a component's entry may say, and how a file becomes a pipeline that can run.
//!
//! A file is read in two passes. The first, the outline, takes `id`, `type` and `destination(s)` of every component, so
//! that everything that is wrong with the graph comes out at once, also events that reach what cannot take them. The second reads each entry into its component's own
//! [`Build`] struct. Both work on one tree, in which each value knows its place, so every error points at its line.

mod check;
mod choice;
mod component_type;
mod delivery;
mod deserialize;
mod destinations;
mod event_kinds;
mod flow;
mod graph;
mod hidden;
mod interpolate;
mod outline;
mod parse;
mod places;
mod problem;
mod read_error;
mod required;
mod scalar;
mod schema;
mod secret_places;
mod settings;
mod source;
mod syntax;
mod told;
mod tree;

pub use check::{Checked, CheckedComponent, check, read, unreachable};
pub use component_type::{Build, Component, ComponentType, Context};
pub use delivery::{BatchLimits, Delivery, OnReject};
pub use event_kinds::EventKinds;
pub use interpolate::Environment;
pub use places::Places;
pub use problem::{Problem, Problems};
pub use schema::SchemaDocument;
pub use settings::{
    Level, Log, LogFormat, Settings, State, dispatcher_delivery_schema, settings_schema,
};
pub use source::{Source, Span};
pub use wlf_data::config::{
    ByteSize, Duration, HostPort, Invalid, InvalidValue, Pattern, Secret, Shared, closest,
};
