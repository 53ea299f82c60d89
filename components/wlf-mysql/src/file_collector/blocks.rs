//! The blocks that files are read into, used again when nobody has them any more.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// How much is read at once, in bytes.
pub const BLOCK: usize = 256 * 1024;

/// So many blocks are remembered, to be used again.
const REMEMBERED: usize = 64;

/// The blocks that files are read into.
#[derive(Debug, Default)]
pub struct Blocks {
    given: VecDeque<Bytes>,
}

impl Blocks {
    /// A block of `size` bytes, whatever is in them.
    pub fn fresh(&mut self, size: usize) -> BytesMut {
        if size == BLOCK
            && let Some(oldest) = self.given.pop_front()
        {
            match oldest.try_into_mut() {
                Ok(block) if block.len() == size => return block,
                Ok(_) => {}
                // Its rows are still on their way. Those behind it were given later.
                Err(used) => self.given.push_front(used),
            }
        }
        BytesMut::zeroed(size)
    }

    /// Makes the block readable, and remembers it.
    pub fn give(&mut self, block: BytesMut) -> Bytes {
        let block = block.freeze();
        if block.len() == BLOCK {
            if self.given.len() >= REMEMBERED {
                self.given.pop_front();
            }
            self.given.push_back(block.clone());
        }
        block
    }
}
