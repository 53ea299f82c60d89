//! Runs a pipeline and keeps its promises.
