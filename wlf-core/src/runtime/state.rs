//! The position of each collector, saved so that a crash at any instant leaves the old one or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::Position;
use crate::fault::{Exit, Fault};

/// The directory that holds one file for each collector.
#[derive(Debug, Clone)]
pub struct StateDirectory {
    path: PathBuf,
}

/// What a state file says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// The form of this file; 1.
    version: u32,
    collector: String,
    position: Position,
}

#[derive(Debug, Error)]
enum StateError {
    #[error("{path} is empty: it was torn by a crash of the machine, or made by hand")]
    Empty { path: PathBuf },
    #[error("{path} is not a saved position")]
    Garbled {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} is of version {found}, and this program knows version 1")]
    Version { path: PathBuf, found: u32 },
    #[error("{path} belongs to the collector `{found}`")]
    Foreign { path: PathBuf, found: String },
}

impl StateDirectory {
    /// Makes the directory if it is missing, and tries whether it can be written.
    ///
    /// # Errors
    /// A fault that stops with 74 if it cannot.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Fault> {
        let path = path.into();
        let failed = |error: io::Error| {
            Fault::stop(Exit::Io, format!("open the state directory {}", path.display()), error).with_hint(
                "state.directory must be writable; under WasmEdge it must also lie below a --dir that is mounted",
            )
        };
        fs::create_dir_all(&path).map_err(failed)?;
        let probe = path.join(".writable");
        File::create(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .map_err(failed)?;
        Ok(Self { path })
    }

    /// Reads the position that was saved for `collector`, if there is one.
    ///
    /// # Errors
    /// A fault that stops: 74 if the file cannot be read, 65 if it is not a position of this collector.
    pub fn load(&self, collector: &str) -> Result<Option<Position>, Fault> {
        let path = self.file(collector);
        let doing = || format!("read the saved position of `{collector}`");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let doing = format!("{} in {}", doing(), path.display());
                return Err(Fault::stop(Exit::Io, doing, error));
            }
        };
        parse(&text, path, collector).map(Some).map_err(|error| {
            Fault::stop(Exit::Data, doing(), error).with_hint(
                "restore the file from a copy, or remove it to begin at the collector's `start`",
            )
        })
    }

    /// Saves the position of `collector`: written beside, synced, then renamed over the old one.
    ///
    /// # Errors
    /// A fault that stops with 74; the old position is still there.
    pub fn save(&self, collector: &str, position: &Position) -> Result<(), Fault> {
        let path = self.file(collector);
        replace(&path, collector, position).map_err(|error| {
            Fault::stop(Exit::Io, format!("save the position of `{collector}` in {}", path.display()), error)
                .with_hint("the last saved position is intact; make room or mend the permissions, then start again")
        })
    }

    fn file(&self, collector: &str) -> PathBuf {
        self.path.join(state_file_name(collector, ".json"))
    }
}

/// The name of a component's file; characters that a file name may not have everywhere are written as `%XX`.
pub fn state_file_name(id: &str, ending: &str) -> String {
    let mut name = String::with_capacity(id.len() + ending.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                name.push(char::from(byte))
            }
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name.push_str(ending);
    name
}

fn parse(text: &[u8], path: PathBuf, collector: &str) -> Result<Position, StateError> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(StateError::Empty { path });
    }
    let saved: Saved = match serde_json::from_slice(text) {
        Ok(saved) => saved,
        Err(source) => return Err(StateError::Garbled { path, source }),
    };
    if saved.version != 1 {
        return Err(StateError::Version {
            path,
            found: saved.version,
        });
    }
    if saved.collector != collector {
        return Err(StateError::Foreign {
            path,
            found: saved.collector,
        });
    }
    Ok(saved.position)
}

fn replace(path: &Path, collector: &str, position: &Position) -> io::Result<()> {
    let saved = Saved {
        version: 1,
        collector: collector.to_owned(),
        position: position.clone(),
    };
    let mut text = serde_json::to_vec_pretty(&saved)?;
    text.push(b'\n');
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    sync_directory(path);
    Ok(())
}

/// Makes the rename itself durable where the system allows it; WASI cannot open a directory for that.
fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent()
        && let Ok(directory) = File::open(directory)
        && let Err(error) = directory.sync_all()
    {
        tracing::debug!(%error, "the state directory cannot be synced here");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let place = tempfile::tempdir().expect("a directory");
        let state = StateDirectory::open(place.path().join("a/b")).expect("the state directory");
        (place, state)
    }

    #[test]
    fn a_saved_position_comes_back_and_a_new_one_replaces_it() {
        let (place, state) = directory();
        assert_eq!(state.load("c").expect("no file is no error"), None);
        for position in [
            Position(json!({"file": "b.1", "position": 4})),
            Position(json!({"gtid": "x:1-9"})),
        ] {
            state.save("c", &position).expect("saved");
            assert_eq!(state.load("c").expect("loaded"), Some(position));
        }
        assert!(place.path().join("a/b/c.json").is_file());
    }

    #[test]
    fn ids_with_any_character_get_files_of_their_own() {
        let (_place, state) = directory();
        for (n, id) in ["a/b", "a%2Fb", "..", "é", "a b"].into_iter().enumerate() {
            state.save(id, &Position(json!(n))).expect("saved");
        }
        for (n, id) in ["a/b", "a%2Fb", "..", "é", "a b"].into_iter().enumerate() {
            assert_eq!(
                state.load(id).expect("loaded"),
                Some(Position(json!(n))),
                "{id}"
            );
        }
    }

    #[test]
    fn a_torn_or_foreign_file_stops_instead_of_starting_afresh() {
        let (place, state) = directory();
        state.save("c", &Position(json!(1))).expect("saved");
        let file = place.path().join("a/b/c.json");
        let whole = fs::read(&file).expect("read");
        for length in 0..whole.len() - 1 {
            fs::write(&file, whole.get(..length).expect("a prefix")).expect("torn");
            if length < whole.len() - 2 {
                let fault = state.load("c").expect_err("a torn file");
                assert_eq!(fault.exit(), Exit::Data, "{length}: {fault}");
            }
        }
        fs::rename(
            place.path().join("a/b/c.json"),
            place.path().join("a/b/d.json"),
        )
        .expect("renamed");
        fs::write(place.path().join("a/b/d.json"), &whole).expect("written");
        let fault = state.load("d").expect_err("the state of another collector");
        assert_eq!(fault.exit(), Exit::Data);
        assert!(
            fault.to_string().contains("belongs to the collector `c`"),
            "{fault}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let (place, state) = directory();
        let file = place.path().join("a/b/c.json");
        fs::create_dir(&file).expect("a directory in its place");
        let fault = state.load("c").expect_err("not a file");
        assert_eq!(fault.exit(), Exit::Io);
        assert!(
            fault.to_string().contains(&file.display().to_string()),
            "{fault}"
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_at_the_start() {
        let (place, _state) = directory();
        fs::write(place.path().join("file"), "").expect("written");
        let fault =
            StateDirectory::open(place.path().join("file/state")).expect_err("not a directory");
        assert_eq!(fault.exit(), Exit::Io);
    }
}
