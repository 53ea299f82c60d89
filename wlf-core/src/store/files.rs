//! A directory of files as a store.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::task::yield_now;

use super::{Pieces, Store, sync_folder};
use crate::fault::{Exit, Fault};

/// A directory that holds one file for each value.
///
/// Each call opens its file, and what is written is on the disk when the call returns; WASI has no files that are written
/// beside other work, so a sync holds up everything for as long as the disk takes.
#[derive(Debug, Clone)]
pub struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    /// Names the directory; nothing is looked at before [`open`](Self::open).
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// Makes the directory if it is missing, and tries whether it can be written.
    ///
    /// # Errors
    /// A fault that stops with 74 if it cannot.
    pub fn open(&self) -> Result<(), Fault> {
        let failed = |error: io::Error| {
            let doing = format!("open the state directory {}", self.directory.display());
            Fault::stop(Exit::Io, doing, error).with_hint(
                "state.directory must be writable; under WasmEdge it must also lie below a --dir that is mounted",
            )
        };
        fs::create_dir_all(&self.directory).map_err(failed)?;
        let probe = self.directory.join(".writable");
        File::create(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .map_err(failed)
    }

    /// The file of a value; characters that a file name may not have everywhere are written as `%XX`.
    fn path(&self, name: &str) -> PathBuf {
        let mut file = String::with_capacity(name.len());
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                    file.push(char::from(byte));
                }
                _ => file.push_str(&format!("%{byte:02X}")),
            }
        }
        self.directory.join(file)
    }
}

#[async_trait]
impl Store for FileStore {
    fn place(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    async fn read(&self, name: &str, from: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        yield_now().await;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    async fn replace(&self, name: &str, pieces: &mut Pieces<'_>) -> io::Result<()> {
        let path = self.path(name);
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let written = write(beside.as_ref(), pieces).await;
        if let Err(error) = written.and_then(|()| fs::rename(&beside, &path)) {
            // It may be large, and the disk full; that it stays is no other error.
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        sync_folder(&self.directory)
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Written at its end by hand: a file that was opened for appending is not readable everywhere under WASI.
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let mut file = options.open(self.path(name))?;
        if file.seek(SeekFrom::End(0))? == 0 {
            // It may be new, and its name is in its directory, which is put on the disk by itself.
            sync_folder(&self.directory)?;
        }
        file.write_all(bytes)?;
        file.sync_data()
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Writes a new file and puts it on the disk.
async fn write(path: &Path, pieces: &mut Pieces<'_>) -> io::Result<()> {
    let mut file = File::create(path)?;
    for piece in pieces {
        file.write_all(&piece?)?;
        yield_now().await;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PIECE;
    use crate::store::folder::SYNCED;

    fn store() -> (tempfile::TempDir, FileStore) {
        let place = tempfile::tempdir().expect("a directory");
        let store = FileStore::new(place.path().join("a/b"));
        store.open().expect("the store");
        (place, store)
    }

    #[tokio::test]
    async fn values_are_replaced_appended_to_read_in_parts_and_removed() {
        let (place, store) = store();
        assert_eq!(store.get("v").await.expect("no file is no error"), None);
        store.append("v", b"one,").await.expect("made");
        store.append("v", b"two").await.expect("appended");
        let whole = store.get("v").await.expect("read");
        assert_eq!(whole.as_deref(), Some(&b"one,two"[..]));
        for (from, most, part) in [
            (4, 2, &b"tw"[..]),
            (4, 9, b"two"),
            (7, 1, b""),
            (99, 1, b""),
        ] {
            let read = store.read("v", from, most).await.expect("read");
            assert_eq!(read.as_deref(), Some(part), "{from} {most}");
        }
        let large = vec![b'x'; 2 * PIECE + 1];
        let pieces = [&large[..PIECE], &large[PIECE..]];
        let mut pieces = pieces.into_iter().map(|piece| Ok(piece.to_vec()));
        store.replace("v", &mut pieces).await.expect("replaced");
        assert_eq!(store.get("v").await.expect("read"), Some(large.clone()));
        assert!(place.path().join("a/b/v").is_file());
        assert!(!place.path().join("a/b/v.new").exists());
        // The names in the directory: when the file was made, and when another took its place.
        let directory = place.path().join("a/b");
        assert_eq!(SYNCED.take(), [directory.clone(), directory]);
        store.remove("v").await.expect("removed");
        store.remove("v").await.expect("not there any more");
        assert_eq!(store.get("v").await.expect("no file"), None);
    }

    #[tokio::test]
    async fn a_value_that_cannot_be_replaced_stays() {
        let (place, store) = store();
        store.put("v", b"old").await.expect("put");
        let mut pieces = [Ok(b"new".to_vec()), Err(io::Error::other("torn"))].into_iter();
        store.replace("v", &mut pieces).await.expect_err("torn");
        assert!(!place.path().join("a/b/v.new").exists());
        assert_eq!(
            store.get("v").await.expect("read").as_deref(),
            Some(&b"old"[..])
        );
    }

    #[tokio::test]
    async fn names_with_any_character_get_files_of_their_own() {
        let (_place, store) = store();
        let names = ["a/b.json", "a%2Fb.json", "..json", "é.json", "a b.json"];
        for name in names {
            store.put(name, name.as_bytes()).await.expect("put");
        }
        for name in names {
            let value = store.get(name).await.expect("read");
            assert_eq!(value.as_deref(), Some(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_at_the_start() {
        let (place, _store) = store();
        fs::write(place.path().join("file"), "").expect("written");
        let store = FileStore::new(place.path().join("file/state"));
        assert_eq!(store.open().expect_err("not a directory").exit(), Exit::Io);
    }
}
