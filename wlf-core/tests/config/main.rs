//! Configurations as users write them: those that are right, and the exact messages for those that are not.

mod broken;
mod components;
mod right;
mod yaml;
