//! The program as a person runs it: what it prints, and the exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod reference;
mod schema;

use std::path::{Path, PathBuf};

/// A path in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The configurations in a folder of the repository.
fn configurations(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect()
}
