//! Components in memory with scripted faults, for tests of the runtime and of components.

mod queue;
mod sink;
mod source;

pub use queue::{MemoryConsumer, MemoryQueue, Queue};
pub use sink::{Answer, MemoryDispatcher, Stored};
pub use source::{MemoryCollector, Step};
pub use wlf_data::testing::numbers;
