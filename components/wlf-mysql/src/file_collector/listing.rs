//! Which files there are, in the order in which they are read.

use std::path::{Path, PathBuf};

use super::error::Error;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: PathBuf,
    /// The last part of the path, as in `binlog.000003`.
    pub name: String,
    /// In bytes, when it was listed.
    pub size: u64,
}

/// Finds the files that paths and globs name, and orders them by the numbers at the names' ends.
pub fn list(paths: &[String]) -> Result<Vec<Listed>, Error> {
    let mut files: Vec<Listed> = Vec::new();
    for path in paths {
        let found = find(path)?;
        if found.is_empty() {
            return Err(Error::NoMatch { path: path.clone() });
        }
        for file in found {
            if !files.iter().any(|known| known.path == file.path) {
                // Names without a number stay where they are named, before the others.
                let before = |known: &Listed| number(&known.name) <= number(&file.name);
                files.insert(files.partition_point(before), file);
            }
        }
    }
    for (n, file) in files.iter().enumerate() {
        if let Some(same) = files.iter().take(n).find(|other| other.name == file.name) {
            return Err(Error::SameName {
                first: same.path.clone(),
                second: file.path.clone(),
            });
        }
    }
    Ok(files)
}

fn find(pattern: &str) -> Result<Vec<Listed>, Error> {
    let is_glob = pattern.contains(['*', '?', '[']);
    let candidates: Vec<PathBuf> = if is_glob {
        let mut paths = match by_name(pattern) {
            Some((folder, names)) => in_folder(folder, &names)?,
            None => anywhere(pattern)?,
        };
        paths.retain(|path| path.extension().is_none_or(|ending| ending != "index"));
        paths
    } else {
        vec![PathBuf::from(pattern)]
    };
    let mut files = Vec::new();
    for path in candidates {
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if !is_glob && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            Err(source) => return Err(Error::Open { path, source }),
        };
        if metadata.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or(path.as_os_str());
        files.push(Listed {
            name: name.to_string_lossy().into_owned(),
            size: metadata.len(),
            path,
        });
    }
    Ok(files)
}

/// The folder and the names of a pattern whose only wildcards are in the name.
fn by_name(pattern: &str) -> Option<(&Path, glob::Pattern)> {
    let path = Path::new(pattern);
    let folder = path.parent()?;
    let names = glob::Pattern::new(path.file_name()?.to_str()?).ok()?;
    let is_plain = !folder.to_str()?.contains(['*', '?', '[']);
    // That stands for folders too.
    (is_plain && names.as_str() != "**").then_some((folder, names))
}

/// Lists one folder. `glob` looks at each folder on the way to it, and a guest may see that one alone.
fn in_folder(folder: &Path, names: &glob::Pattern) -> Result<Vec<PathBuf>, Error> {
    let opened = |source| Error::Open {
        path: folder.to_owned(),
        source,
    };
    let listed = match folder.as_os_str().is_empty() {
        true => std::fs::read_dir("."),
        false => std::fs::read_dir(folder),
    };
    let listed = match listed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(opened)?,
    };
    let mut paths = Vec::new();
    for entry in listed {
        let name = entry.map_err(opened)?.file_name();
        if name.to_str().is_some_and(|name| names.matches(name)) {
            paths.push(folder.join(name));
        }
    }
    paths.sort();
    Ok(paths)
}

fn anywhere(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let found = glob::glob(pattern).map_err(|_| Error::NoMatch {
        path: pattern.to_owned(),
    })?;
    let path = |path: glob::GlobResult| {
        path.map_err(|error| Error::Open {
            path: error.path().to_owned(),
            source: error.into(),
        })
    };
    found.map(path).collect()
}

/// The number at the name's end: 7 in `binlog.000007`.
fn number(name: &str) -> Option<u64> {
    name.rsplit_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The crate `glob` is the oracle where it sees all folders.
    #[test]
    fn one_folder_is_listed_as_a_glob_would() {
        let place = tempfile::tempdir().expect("a directory");
        let deep = place.path().join("a b/log");
        std::fs::create_dir_all(deep.join("binlog.d")).expect("a folder");
        for name in [
            "binlog.1",
            "binlog.10",
            "binlog.2",
            "binlog.x",
            ".binlog.1",
            "[1]",
        ] {
            std::fs::write(deep.join(name), "").expect("written");
        }
        let whole = deep.to_str().expect("UTF-8");
        for names in [
            "binlog.*", "binlog.?", "*", "*.[12]", "*.[!1]*", "[[]1]", "none*", ".b*",
        ] {
            let pattern = format!("{whole}/{names}");
            let (folder, parsed) = by_name(&pattern).expect("a plain folder");
            let found = in_folder(folder, &parsed).expect("listed");
            assert_eq!(found, anywhere(&pattern).expect("listed"), "{names}");
        }
        assert!(by_name("*/binlog.*").is_none() && by_name("a/**").is_none());
        let (folder, names) = by_name("nowhere/at/all/b*").expect("a plain folder");
        assert_eq!(
            in_folder(folder, &names).expect("no file"),
            [""; 0].map(PathBuf::from)
        );
        let (folder, names) = by_name("Cargo.t*").expect("this folder");
        assert_eq!(
            in_folder(folder, &names).expect("listed"),
            [PathBuf::from("Cargo.toml")]
        );
    }
}
