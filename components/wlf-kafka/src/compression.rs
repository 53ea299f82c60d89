//! How a batch's records are compressed.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use ruzstd::encoding::CompressionLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

    /// Appends `plain` to `out` in compressed form.
    ///
    /// # Errors
    /// If the input is larger than the format can say, which is 4 GiB for the smallest.
    pub fn compress(self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Compression::None => out.extend_from_slice(plain),
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(out, flate2::Compression::default());
                encoder.write_all(plain)?;
                encoder.finish()?;
            }
            Compression::Snappy => {
                let compressed = snap::raw::Encoder::new().compress_vec(plain)?;
                out.extend_from_slice(&compressed);
            }
            Compression::Lz4 => {
                // Kafka's Java client reads frames of independent blocks only.
                let frame = FrameInfo::new()
                    .block_mode(BlockMode::Independent)
                    .block_size(BlockSize::Max64KB);
                let mut encoder = FrameEncoder::with_frame_info(frame, out);
                encoder.write_all(plain)?;
                encoder.finish()?;
            }
            Compression::Zstd => {
                ruzstd::encoding::compress(plain, out, CompressionLevel::Fastest);
            }
        }
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
        for compression in [
            Compression::None,
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            for plain in [&b""[..], b"x", &long] {
                let mut out = b"before".to_vec();
                compression.compress(plain, &mut out).expect("compress");
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
