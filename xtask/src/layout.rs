//! Where things lie: the workspace, its target directory, and directories that are built once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Names the file that a finished directory carries: what it was built from, and how many files it had.
const COMPLETE: &str = ".complete";

/// Returns the root of the workspace.
pub fn workspace() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let crate_root = PathBuf::from(manifest);
    crate_root
        .parent()
        .map_or(crate_root.clone(), Path::to_path_buf)
}

/// Returns cargo's target directory, as an absolute path.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace().join(dir),
        None => workspace().join("target"),
    }
}

/// Returns the directory of the tools that come from packages.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Holds a lock file for as long as it lives, against other processes that do the same.
pub struct Lock(#[allow(dead_code, reason = "dropping the file releases the lock")] File);

impl Lock {
    /// Waits until no other process holds `path`, which is created when missing.
    pub fn hold(path: &Path) -> Result<Lock> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(|| format!("opening the lock {}", path.display()))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another process to release {}", path.display());
            file.lock()
                .with_context(|| format!("locking {}", path.display()))?;
        }
        Ok(Lock(file))
    }
}

/// Returns `dir`, which `build` fills unless a complete one of the same `recipe` is there already.
///
/// A directory appears under its name only when it is finished, and one that has lost files since (a `target` that
/// was deleted half-way) is built again. Calls from several processes wait for each other.
pub fn built(dir: &Path, recipe: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let _lock = Lock::hold(&dir.with_added_extension("lock"))?;
    if is_complete(dir, recipe) {
        return Ok(dir.to_path_buf());
    }
    let partial = dir.with_added_extension("partial");
    remove(&partial)?;
    fs::create_dir_all(&partial).with_context(|| format!("creating {}", partial.display()))?;
    build(&partial)?;
    let marker = format!("{recipe}\n{}\n", count_files(&partial)?);
    fs::write(partial.join(COMPLETE), marker)?;
    remove(dir)?;
    fs::rename(&partial, dir).with_context(|| format!("renaming to {}", dir.display()))?;
    ensure!(
        is_complete(dir, recipe),
        "{} was changed while it was built",
        dir.display()
    );
    Ok(dir.to_path_buf())
}

/// Removes a directory tree; one that does not exist is fine.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn is_complete(dir: &Path, recipe: &str) -> bool {
    let Ok(marker) = fs::read_to_string(dir.join(COMPLETE)) else {
        return false;
    };
    count_files(dir).is_ok_and(|count| marker == format!("{recipe}\n{count}\n"))
}

/// Counts the files and links below `dir`, its marker not among them.
fn count_files(dir: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            count += count_files(&entry.path())?;
        } else if entry.file_name() != COMPLETE {
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("wlf-xtask-{}-{name}", std::process::id()));
        remove(&dir).unwrap();
        dir
    }

    #[test]
    fn a_directory_is_built_once_and_again_when_it_lost_a_file_or_its_recipe_changed() {
        let scratch = scratch("built");
        let dir = scratch.join("thing");
        let mut builds = 0;
        let mut make = |recipe: &str| {
            built(&dir, recipe, |partial| {
                builds += 1;
                fs::create_dir(partial.join("sub"))?;
                Ok(fs::write(partial.join("sub/file"), recipe)?)
            })
            .unwrap();
        };
        make("one");
        make("one");
        fs::remove_file(dir.join("sub/file")).unwrap();
        make("one");
        make("two");
        make("two");
        assert_eq!(builds, 3);
        assert_eq!(fs::read_to_string(dir.join("sub/file")).unwrap(), "two");
        remove(&scratch).unwrap();
    }

    #[test]
    fn a_build_that_fails_leaves_nothing_under_the_name() {
        let scratch = scratch("failed");
        let dir = scratch.join("thing");
        let outcome = built(&dir, "one", |partial| {
            fs::write(partial.join("half"), "")?;
            anyhow::bail!("no network")
        });
        assert_eq!(outcome.unwrap_err().to_string(), "no network");
        assert!(!dir.exists());
        remove(&scratch).unwrap();
    }
}
