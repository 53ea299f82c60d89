//! Requests that are made of chunks: what stands before the records, and their compressed form.
//!
//! Compressing a batch takes some ten milliseconds, and there may be one for each partition, so it goes slice by slice.

use std::collections::VecDeque;
use std::io;

use crate::compression::{Compression, Compressor};
use crate::outlet::Request;
use crate::produce::{self, Head, ROOM};
use crate::record_batch::{BatchHeader, HEADER};

/// Compressed chunks whose memory is kept for later ones.
const SPARE: usize = 8;

/// Makes requests of chunks.
#[derive(Debug, Default)]
pub struct Packing {
    compressor: Compressor,
    spare: Vec<Vec<u8>>,
    /// What is not compressed to its end, in order; only the first was begun.
    queue: VecDeque<Unpacked>,
    /// How many bytes of the first one's records are compressed.
    done: usize,
}

/// A request whose records are to be compressed.
#[derive(Debug)]
struct Unpacked {
    header: BatchHeader,
    request: Request,
}

/// A request, and whether it could be made.
pub type Packed = (Request, io::Result<()>);

impl Packing {
    /// Makes a request of a chunk; `None` if the chunk is to be compressed first, which [`work`](Self::work) does.
    pub fn pack(&mut self, header: BatchHeader, mut request: Request) -> Option<Packed> {
        if header.compression != Compression::None {
            self.queue.push_back(Unpacked { header, request });
            return None;
        }
        let framed = frame(&header, &request.head, request.chunk.bytes_mut());
        let framed = framed.map(|start| request.start = start);
        Some((request, framed))
    }

    /// Whether nothing is to be compressed.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Compresses a slice of the first chunk, one or two milliseconds of work; gives its request behind the last slice.
    pub fn work(&mut self) -> Option<Packed> {
        let Unpacked { header, request } = self.queue.front_mut()?;
        if self.done == 0 {
            request.packed = self.spare.pop().unwrap_or_default();
            request.packed.resize(ROOM, 0);
        }
        let (records, packed) = (request.chunk.records(), &mut request.packed);
        let done = self
            .compressor
            .slice(header.compression, records, self.done, packed);
        let framed = match done {
            Ok(done) if done < records.len() => {
                self.done = done;
                return None;
            }
            Ok(_) => frame(header, &request.head, packed).map(|start| request.start = start),
            Err(error) => Err(error),
        };
        self.done = 0;
        let Unpacked { request, .. } = self.queue.pop_front()?;
        Some((request, framed))
    }

    /// Takes the memory of a compressed chunk that is done.
    pub fn recycle(&mut self, mut packed: Vec<u8>) {
        if packed.capacity() > 0 && self.spare.len() < SPARE {
            packed.clear();
            self.spare.push(packed);
        }
    }
}

/// Writes what stands before a batch's records, which begin behind the first [`ROOM`] bytes; says where the request begins.
fn frame(header: &BatchHeader, head: &Head, bytes: &mut [u8]) -> io::Result<usize> {
    let batch = bytes.len() - ROOM + HEADER;
    header.write(&mut bytes[ROOM - HEADER..])?;
    Ok(produce::write(head, batch, bytes))
}
