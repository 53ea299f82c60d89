//! The configuration: what a component's entry may say, and how a file becomes a pipeline that can run.

mod closest;
mod component_type;
mod delivery;
pub(crate) mod value;

pub(crate) use closest::closest;
pub use component_type::{Build, Component, ComponentType, Context, Invalid};
pub use delivery::{BatchLimits, Delivery, OnReject};
pub use value::{ByteSize, Duration, HostPort, InvalidValue, Pattern, Secret};
