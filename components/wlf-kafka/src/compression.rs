//! How a batch's records are compressed.

use std::{fmt, io};

use flate2::{Compress, FlushCompress, Status};
use ruzstd::encoding::CompressionLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wlf_core::checksum::crc32;

use crate::lz4::Lz4;

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

/// Compresses batches, one after the other, and keeps the state that the next one can use.
#[derive(Default)]
pub struct Compressor {
    gzip: Option<Compress>,
    snappy: Option<snap::raw::Encoder>,
    lz4: Option<Lz4>,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// Appends `plain` to `out` in compressed form.
    ///
    /// # Errors
    /// If the input is larger than the format can say, which is 4 GiB for the smallest.
    pub fn compress(
        &mut self,
        compression: Compression,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        match compression {
            Compression::None => out.extend_from_slice(plain),
            Compression::Gzip => self.gzip(plain, out)?,
            Compression::Snappy => {
                let start = out.len();
                out.resize(start + snap::raw::max_compress_len(plain.len()), 0);
                let snappy = self.snappy.get_or_insert_with(snap::raw::Encoder::new);
                let length = snappy.compress(plain, &mut out[start..])?;
                out.truncate(start + length);
            }
            Compression::Lz4 => self.lz4.get_or_insert_default().compress(plain, out),
            Compression::Zstd => {
                ruzstd::encoding::compress(plain, out, CompressionLevel::Fastest);
            }
        }
        Ok(())
    }

    /// Writes one member (RFC 1952), with a compressor whose tables are larger than most batches.
    fn gzip(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let deflate = self
            .gzip
            .get_or_insert_with(|| Compress::new(flate2::Compression::default(), false));
        deflate.reset();
        out.extend_from_slice(&HEAD);
        loop {
            let taken = usize::try_from(deflate.total_in()).map_err(io::Error::other)?;
            let rest = plain.get(taken..).unwrap_or_default();
            out.reserve(rest.len() / 2 + 1024);
            match deflate.compress_vec(rest, out, FlushCompress::Finish)? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => {}
            }
        }
        out.extend_from_slice(&crc32(plain).to_le_bytes());
        out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
        Ok(())
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
                plain = snap::raw::Decoder::new()
                    .decompress_vec(bytes)
                    .expect("snappy");
            }
            Compression::Lz4 => {
                lz4_flex::frame::FrameDecoder::new(bytes)
                    .read_to_end(&mut plain)
                    .expect("lz4");
            }
            Compression::Zstd => {
                ruzstd::decoding::StreamingDecoder::new(bytes)
                    .expect("zstd header")
                    .read_to_end(&mut plain)
                    .expect("zstd");
            }
        }
        plain
    }

    #[test]
    fn what_is_compressed_can_be_read_back() {
        let mut long = Vec::new();
        for n in 0..50_000u32 {
            long.extend_from_slice(n.wrapping_mul(2_654_435_761).to_string().as_bytes());
        }
        let mut compressor = Compressor::default();
        for compression in [
            Compression::None,
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            for plain in [&b""[..], b"x", &long, b"x"] {
                let mut out = b"before".to_vec();
                let compressed = compressor.compress(compression, plain, &mut out);
                compressed.expect("compress");
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
}
