//! The position of each collector, saved so that a crash at any instant leaves the old one or the new one.

use std::error::Error;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::Position;
use crate::fault::{Exit, Fault};
use crate::store::Store;

/// What a collector's value in the store says, as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// The form of this value; 1.
    version: u32,
    collector: String,
    position: Position,
}

#[derive(Debug, Error)]
enum StateError {
    #[error("{place} is empty: it was torn by a crash of the machine, or made by hand")]
    Empty { place: String },
    #[error("{place} is not a saved position")]
    Garbled {
        place: String,
        source: serde_json::Error,
    },
    #[error("{place} is of version {found}, and this program knows version 1")]
    Version { place: String, found: u32 },
    #[error("{place} belongs to the collector `{found}`")]
    Foreign { place: String, found: String },
}

/// The name of a collector's value.
fn name(collector: &str) -> String {
    format!("{collector}.json")
}

/// Reads the position that was saved for `collector`, if there is one.
///
/// # Errors
/// A fault that stops: 74 if it cannot be read, 65 if it is not a position of this collector.
pub async fn load_position(store: &dyn Store, collector: &str) -> Result<Option<Position>, Fault> {
    let name = name(collector);
    let doing = || format!("read the saved position of `{collector}`");
    let text = match store.get(&name).await {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        Err(error) => {
            let doing = format!("{} in {}", doing(), store.place(&name));
            return Err(Fault::stop(Exit::Io, doing, error));
        }
    };
    parse(&text, store.place(&name), collector)
        .map(Some)
        .map_err(|error| {
            Fault::stop(Exit::Data, doing(), error).with_hint(
                "restore the file from a copy, or remove it to begin at the collector's `start`",
            )
        })
}

/// Saves the position of `collector`.
///
/// # Errors
/// A fault that stops with 74; the old position is still there.
pub async fn save_position(
    store: &dyn Store,
    collector: &str,
    position: &Position,
) -> Result<(), Fault> {
    let name = name(collector);
    let failed = |error: Box<dyn Error + Send + Sync>| {
        let place = store.place(&name);
        Fault::stop(Exit::Io, format!("save the position of `{collector}` in {place}"), error)
            .with_hint("the last saved position is intact; make room or mend the permissions, then start again")
    };
    let saved = Saved {
        version: 1,
        collector: collector.to_owned(),
        position: position.clone(),
    };
    let mut text = serde_json::to_vec_pretty(&saved).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let put = store.put(&name, &text).await;
    put.map_err(|error| failed(error.into()))
}

fn parse(text: &[u8], place: String, collector: &str) -> Result<Position, StateError> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(StateError::Empty { place });
    }
    let saved: Saved = match serde_json::from_slice(text) {
        Ok(saved) => saved,
        Err(source) => return Err(StateError::Garbled { place, source }),
    };
    if saved.version != 1 {
        return Err(StateError::Version {
            place,
            found: saved.version,
        });
    }
    if saved.collector != collector {
        return Err(StateError::Foreign {
            place,
            found: saved.collector,
        });
    }
    Ok(saved.position)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::store::FileStore;

    fn directory() -> (tempfile::TempDir, FileStore) {
        let place = tempfile::tempdir().expect("a directory");
        let store = FileStore::new(place.path());
        (place, store)
    }

    #[tokio::test]
    async fn a_saved_position_comes_back_and_a_new_one_replaces_it() {
        let (place, store) = directory();
        assert_eq!(
            load_position(&store, "c")
                .await
                .expect("no file is no error"),
            None
        );
        for position in [
            Position(json!({"file": "b.1", "position": 4})),
            Position(json!({"gtid": "x:1-9"})),
        ] {
            save_position(&store, "c", &position).await.expect("saved");
            assert_eq!(
                load_position(&store, "c").await.expect("loaded"),
                Some(position)
            );
        }
        assert!(place.path().join("c.json").is_file());
    }

    #[tokio::test]
    async fn a_torn_or_foreign_file_stops_instead_of_starting_afresh() {
        let (place, store) = directory();
        save_position(&store, "c", &Position(json!(1)))
            .await
            .expect("saved");
        let file = place.path().join("c.json");
        let whole = fs::read(&file).expect("read");
        for length in 0..whole.len() - 1 {
            fs::write(&file, whole.get(..length).expect("a prefix")).expect("torn");
            if length < whole.len() - 2 {
                let fault = load_position(&store, "c").await.expect_err("a torn file");
                assert_eq!(fault.exit(), Exit::Data, "{length}: {fault}");
            }
        }
        fs::write(place.path().join("d.json"), &whole).expect("written");
        let fault = load_position(&store, "d")
            .await
            .expect_err("the state of another");
        assert_eq!(fault.exit(), Exit::Data);
        assert!(
            fault.to_string().contains("belongs to the collector `c`"),
            "{fault}"
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named() {
        let (place, store) = directory();
        let file = place.path().join("c.json");
        fs::create_dir(&file).expect("a directory in its place");
        let fault = load_position(&store, "c").await.expect_err("not a file");
        assert_eq!(fault.exit(), Exit::Io);
        assert!(
            fault.to_string().contains(&file.display().to_string()),
            "{fault}"
        );
    }
}
