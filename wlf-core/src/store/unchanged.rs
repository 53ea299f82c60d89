//! A store that gives what is there and keeps nothing.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Pieces, Store};

/// Another store as it is: what is written to this one is gone. For what looks at a pipeline without running it.
#[derive(Debug)]
pub struct Unchanged(pub Arc<dyn Store>);

#[async_trait]
impl Store for Unchanged {
    fn place(&self, name: &str) -> String {
        self.0.place(name)
    }

    async fn read(&self, name: &str, from: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.0.read(name, from, most).await
    }

    async fn replace(&self, _: &str, _: &mut Pieces<'_>) -> io::Result<()> {
        Ok(())
    }

    async fn append(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    async fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
