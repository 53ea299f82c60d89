//! Components in memory with scripted faults, for tests of the runtime and of components.

mod queue;
mod saved;
mod sink;
mod source;
mod transformed;

pub use queue::{MemoryConsumer, MemoryQueue, Queue};
pub use saved::{MemoryStore, at_once, saved_position};
pub use sink::{Answer, MemoryDispatcher, Stored};
pub use source::{MemoryCollector, Step};
pub use transformed::{Transformed, transform};
pub use wlf_data::testing::numbers;
