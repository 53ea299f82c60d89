//! The position that was saved, which anybody can write to.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use wlf_core::FileStore;
use wlf_core::runtime::save_position;
use wlf_core::testing::{at_once, saved_position as load};
use wlf_mysql::positions::{GtidSet, SavedPosition};

use crate::allocation::justified;

/// A directory of this process.
fn directory() -> &'static PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| std::env::temp_dir().join(format!("wlf-fuzz-{}", std::process::id())))
}

fn opened() -> FileStore {
    let store = FileStore::new(directory());
    store.open().expect("a state directory");
    store
}

/// A file of the state directory: a position, or what is wrong with it.
pub fn saved_position(bytes: &[u8]) {
    let store = opened();
    fs::write(directory().join("c.json"), bytes).expect("a file");
    let loaded = justified(bytes.len(), 64, 64 << 10, || load(&store, "c"));
    let Ok(Some(position)) = loaded else { return };
    if let Ok(saved) = serde_json::from_value::<SavedPosition>(position.0)
        && let Some(set) = saved.gtid_set
    {
        let _ = set.parse::<GtidSet>();
    }
}

pub fn saved_position_seeds() -> Vec<Vec<u8>> {
    let store = opened();
    let mut seeds = Vec::new();
    for position in [
        serde_json::json!({"file": "binlog.000009", "position": 4}),
        serde_json::json!({
            "file": "binlog.000001",
            "position": 4_294_967_300_u64,
            "gtid_set": "5ec0d3d0-0000-11f1-8000-0242ac110002:1-77",
            "server_uuid": "5ec0d3d0-0000-11f1-8000-0242ac110002",
        }),
    ] {
        let position = wlf_core::Position(position);
        at_once(save_position(&store, "c", &position)).expect("a saved position");
        seeds.push(fs::read(directory().join("c.json")).expect("the saved position"));
    }
    seeds
}
