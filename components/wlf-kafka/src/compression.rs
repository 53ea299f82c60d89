//! How a batch's records are compressed.

use std::{fmt, io};

use flate2::{Compress, FlushCompress, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wlf_core::checksum::crc32;

use crate::matches::Matches;
use crate::{lz4, snappy, zstd};

/// The compression of record batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// gzip, at its default level: small, and the slowest.
    Gzip,
    /// Snappy: fast.
    Snappy,
    /// LZ4: fast, and as a rule smaller than snappy.
    Lz4,
    /// Zstandard, at its fastest level.
    Zstd,
}

impl Compression {
    /// The number that a record batch's attributes have for it, in bits 0–2.
    pub fn code(self) -> i16 {
        match self {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Snappy => 2,
            Compression::Lz4 => 3,
            Compression::Zstd => 4,
        }
    }
}

/// What is compressed at once, in bytes: one or two milliseconds of the slowest, and a block of each format.
const SLICE: usize = 64 << 10;

/// Compresses batches, one after the other, and keeps the state that the next one can use.
#[derive(Default)]
pub struct Compressor {
    gzip: Option<Compress>,
    matches: Option<Matches>,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// Appends the slice of `plain` that begins at the byte `from` to `out` in compressed form; gives the byte at which the
    /// next one begins, which is the length of `plain` behind the last. The slices of a batch follow each other, from 0 on.
    ///
    /// # Errors
    /// If an encoder says that it cannot, which none does.
    pub fn slice(
        &mut self,
        compression: Compression,
        plain: &[u8],
        from: usize,
        out: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let size = match compression {
            Compression::Zstd => zstd::BLOCK,
            Compression::None | Compression::Gzip | Compression::Snappy | Compression::Lz4 => SLICE,
        };
        let rest = plain.get(from..).unwrap_or_default();
        let slice = rest.get(..size).unwrap_or(rest);
        let end = from + slice.len();
        let (is_first, is_last) = (from == 0, end >= plain.len());
        match compression {
            Compression::None => out.extend_from_slice(slice),
            Compression::Gzip => {
                if is_first {
                    self.begin_gzip(out);
                }
                self.gzip(slice, is_last, out)?;
                if is_last {
                    out.extend_from_slice(&crc32(plain).to_le_bytes());
                    out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
                }
            }
            Compression::Snappy => {
                if is_first {
                    snappy::begin(out);
                }
                snappy::compress(slice, self.matches.get_or_insert_default(), out);
            }
            Compression::Lz4 => {
                if is_first {
                    lz4::begin(out);
                }
                lz4::compress(slice, self.matches.get_or_insert_default(), out);
                if is_last {
                    lz4::end(out);
                }
            }
            Compression::Zstd => {
                if is_first {
                    zstd::begin(out);
                }
                zstd::compress(slice, out)?;
                if is_last {
                    zstd::end(out);
                }
            }
        }
        Ok(end)
    }

    /// Begins a member (RFC 1952), with a compressor whose tables are larger than most batches.
    fn begin_gzip(&mut self, out: &mut Vec<u8>) {
        const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        if let Some(deflate) = &mut self.gzip {
            deflate.reset();
        }
        out.extend_from_slice(&HEAD);
    }

    fn gzip(&mut self, slice: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()> {
        let deflate = self
            .gzip
            .get_or_insert_with(|| Compress::new(flate2::Compression::default(), false));
        let flush = if is_last {
            FlushCompress::Finish
        } else {
            FlushCompress::None
        };
        let before = deflate.total_in();
        loop {
            let taken = deflate.total_in() - before;
            let taken = usize::try_from(taken).map_err(io::Error::other)?;
            let rest = slice.get(taken..).unwrap_or_default();
            if rest.is_empty() && !is_last {
                return Ok(());
            }
            out.reserve(rest.len() / 2 + 1024);
            match deflate.compress_vec(rest, out, flush)? {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
    }
}

#[cfg(test)]
impl Compressor {
    /// Appends all of `plain` in compressed form.
    pub fn compress(&mut self, compression: Compression, plain: &[u8], out: &mut Vec<u8>) {
        let mut from = 0;
        loop {
            from = self.slice(compression, plain, from, out).expect("compress");
            if from == plain.len() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn decompressed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match compression {
            Compression::None => plain.extend_from_slice(bytes),
            Compression::Gzip => {
                flate2::read::GzDecoder::new(bytes)
                    .read_to_end(&mut plain)
                    .expect("gzip");
            }
            Compression::Snappy => {
                let mut rest = bytes.strip_prefix(&snappy::FRAME).expect("a head");
                while let Some((length, behind)) = rest.split_first_chunk() {
                    let (block, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
                    let block = snap::raw::Decoder::new().decompress_vec(block);
                    plain.extend(block.expect("snappy"));
                    rest = behind;
                }
            }
            Compression::Lz4 => {
                lz4_flex::frame::FrameDecoder::new(bytes)
                    .read_to_end(&mut plain)
                    .expect("lz4");
            }
            Compression::Zstd => {
                let mut rest = bytes;
                ruzstd::decoding::StreamingDecoder::new(&mut rest)
                    .expect("zstd header")
                    .read_to_end(&mut plain)
                    .expect("zstd");
                assert!(rest.is_empty(), "{} bytes behind the frame", rest.len());
            }
        }
        plain
    }

    const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    /// Digits that hardly repeat, some 500 KB.
    fn digits() -> Vec<u8> {
        let numbers = (0..50_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_string());
        numbers.flat_map(String::into_bytes).collect()
    }

    #[test]
    fn what_is_compressed_can_be_read_back() {
        let long = digits();
        let noise: Vec<u8> = (0..400_000u64)
            .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8)
            .collect();
        let same = vec![b'a'; 300_000];
        let blocks = &long[..2 * zstd::BLOCK];
        let mut compressor = Compressor::default();
        for compression in ALL {
            for plain in [b"", &b"x"[..], &long, b"x", &noise, &same, blocks] {
                let mut out = b"before".to_vec();
                compressor.compress(compression, plain, &mut out);
                let (before, compressed) = out.split_at(6);
                assert_eq!(before, b"before");
                assert_eq!(
                    decompressed(compression, compressed),
                    plain,
                    "{compression:?}"
                );
            }
        }
    }

    /// Others run in between, so no slice is long, however large a batch is.
    #[test]
    fn a_batch_is_compressed_in_slices() {
        let plain = digits();
        for compression in ALL {
            let (mut compressor, mut out) = (Compressor::default(), Vec::new());
            let mut from = 0;
            while from < plain.len() {
                let end = compressor.slice(compression, &plain, from, &mut out);
                let end = end.expect("compress");
                assert!(from < end && end - from <= 128 << 10, "{compression:?}");
                from = end;
            }
            assert_eq!(decompressed(compression, &out), plain, "{compression:?}");
        }
    }
}
