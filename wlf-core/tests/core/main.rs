//! What the runtime promises, shown with components in memory, scripted faults and crashes.

mod crash;
mod promises;
