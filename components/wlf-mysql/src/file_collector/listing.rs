//! Which files there are, in the order in which they are read.

use std::path::PathBuf;

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
        let found = glob::glob(pattern).map_err(|_| Error::NoMatch {
            path: pattern.to_owned(),
        })?;
        let mut paths = Vec::new();
        for path in found {
            paths.push(path.map_err(|error| Error::Open {
                path: error.path().to_owned(),
                source: error.into(),
            })?);
        }
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

/// The number at the name's end: 7 in `binlog.000007`.
fn number(name: &str) -> Option<u64> {
    name.rsplit_once('.')?.1.parse().ok()
}
