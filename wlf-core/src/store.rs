//! Where positions, histories and whatever else has to survive the program are kept.

mod files;
mod folder;
mod unchanged;

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;

pub use files::FileStore;
pub use folder::{sync_folder, try_folder};
pub use unchanged::Unchanged;

/// Named values that survive the program: saved positions, definitions of tables.
///
/// A component gets its pipeline's store with its [`Context`](crate::config::Context), asks it for nothing before it is
/// connected, and names its values by [`Context::value_name`](crate::config::Context::value_name), so that no two components
/// share one. One program at a time uses a store.
///
/// ```text
/// store.put("orders.json", b"{…}").await?;       // durable, or the value before is still there
/// store.append("orders.schema", b"line\n").await?;   // durable; a crash meanwhile may leave a part of it
/// ```
///
/// A future that is dropped may or may not have done its work, as a crash may.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// How messages name a value: the path of its file.
    fn place(&self, name: &str) -> String;

    /// Reads a part of a value from an offset, in bytes: at most `most`, fewer at its end, none behind it. `None` if there is
    /// no such value.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    async fn read(&self, name: &str, from: u64, most: usize) -> io::Result<Option<Vec<u8>>>;

    /// Puts `pieces`, one behind the other, in the place of the whole value. Whatever happens, the old value or the new one
    /// is there afterwards, whole; when it returns, it is the new one.
    ///
    /// # Errors
    /// If it cannot be written, or not durably; the old value or the new one is still there, whole.
    async fn replace(&self, name: &str, pieces: &mut Pieces<'_>) -> io::Result<()>;

    /// Puts bytes behind a value, durably, and makes the value if it is not there. A crash may leave a part of them.
    ///
    /// # Errors
    /// If they cannot be written; a part of them may be there.
    async fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Removes a value, if it is there.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    async fn remove(&self, name: &str) -> io::Result<()>;

    /// Reads a whole value; `None` if there is no such.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    async fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        loop {
            match self.read(name, whole.len() as u64, PIECE).await? {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => return Ok(Some(whole)),
                Some(piece) => whole.extend_from_slice(&piece),
            }
        }
    }

    /// Puts `value` in the place of the whole value, as [`replace`](Self::replace) does.
    ///
    /// # Errors
    /// As `replace`.
    async fn put(&self, name: &str, value: &[u8]) -> io::Result<()> {
        let mut pieces = std::iter::once(Ok(value.to_vec()));
        self.replace(name, &mut pieces).await
    }
}

/// What a value is written from, piece by piece, so that it need not be in memory as a whole.
pub type Pieces<'a> = dyn Iterator<Item = io::Result<Vec<u8>>> + Send + 'a;

/// As much as is read or written at once, in bytes: less than a millisecond's work.
pub const PIECE: usize = 1 << 18;
