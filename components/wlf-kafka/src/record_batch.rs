//! Record batches in the format of Kafka's message version 2.
//!
//! Source: <https://kafka.apache.org/documentation/#recordbatch>

use std::io;

use wlf_core::format::Header;

use crate::compression::Compression;

/// Bytes of a batch before its records.
pub const HEADER: usize = 61;

/// No record takes more than this besides its key, its value and its header.
pub const RECORD_OVERHEAD: usize = 26;

/// No header takes more than this besides its name and its value.
const HEADER_OVERHEAD: usize = 10;

/// Who writes, so that the broker keeps batches in order and takes none twice (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    pub id: i64,
    pub epoch: i16,
}

/// What stands before a batch's records besides what follows from them.
#[derive(Debug, Clone, Copy)]
pub struct BatchHeader {
    /// `None` writes without idempotence.
    pub producer: Option<Producer>,
    /// The number of the first record among all of the producer's in this partition and epoch.
    pub sequence: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub compression: Compression,
}

/// A record; its key and its value may be null.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub header: Option<Header<'a>>,
}

impl Record<'_> {
    /// No fewer bytes than it takes in a batch.
    pub fn size(&self) -> usize {
        let header = self.header.map_or(0, |header| {
            header.name.len() + header.value.len() + HEADER_OVERHEAD
        });
        self.key.map_or(0, <[u8]>::len)
            + self.value.map_or(0, <[u8]>::len)
            + header
            + RECORD_OVERHEAD
    }
}

/// Appends a batch of `records` to `out`.
///
/// # Errors
/// If the batch is too large for the format.
pub fn write<'a>(
    header: BatchHeader,
    records: impl ExactSizeIterator<Item = Record<'a>>,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let count = i32::try_from(records.len()).map_err(io::Error::other)?;
    let producer = header.producer.unwrap_or(Producer { id: -1, epoch: -1 });
    let sequence = header.producer.map_or(-1, |_| header.sequence);
    let start = out.len();
    out.extend_from_slice(&0i64.to_be_bytes()); // baseOffset
    out.extend_from_slice(&0i32.to_be_bytes()); // batchLength, set below
    out.extend_from_slice(&(-1i32).to_be_bytes()); // partitionLeaderEpoch
    out.push(2); // magic
    out.extend_from_slice(&0u32.to_be_bytes()); // crc, set below
    out.extend_from_slice(&header.compression.code().to_be_bytes()); // attributes: CreateTime
    out.extend_from_slice(&(count - 1).to_be_bytes()); // lastOffsetDelta
    out.extend_from_slice(&header.timestamp.to_be_bytes()); // baseTimestamp
    out.extend_from_slice(&header.timestamp.to_be_bytes()); // maxTimestamp
    out.extend_from_slice(&producer.id.to_be_bytes());
    out.extend_from_slice(&producer.epoch.to_be_bytes());
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    if header.compression == Compression::None {
        write_records(records, out)?;
    } else {
        let mut plain = Vec::new();
        write_records(records, &mut plain)?;
        header.compression.compress(&plain, out)?;
    }
    patch(out, start)
}

/// Sets the length and the checksum of the batch that begins at `start` and ends with the buffer.
fn patch(out: &mut [u8], start: usize) -> io::Result<()> {
    // The length counts what follows it, the checksum covers what follows it.
    let length = i32::try_from(out.len() - start - 12).map_err(io::Error::other)?;
    out[start + 8..start + 12].copy_from_slice(&length.to_be_bytes());
    let crc = wlf_core::checksum::crc32c(&out[start + 21..]);
    out[start + 17..start + 21].copy_from_slice(&crc.to_be_bytes());
    Ok(())
}

fn write_records<'a>(
    records: impl Iterator<Item = Record<'a>>,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    for (delta, record) in (0i32..).zip(records) {
        // attributes, timestampDelta and the number of headers are a byte each.
        let mut size =
            3 + varint_size(delta) + nullable_size(record.key)? + nullable_size(record.value)?;
        if let Some(header) = record.header {
            let name = length(header.name.as_bytes())?;
            size += varint_size(name) + i64::from(name) + nullable_size(Some(header.value))?;
        }
        varint(i32::try_from(size).map_err(io::Error::other)?, out);
        out.extend_from_slice(&[0, 0]);
        varint(delta, out);
        nullable(record.key, out)?;
        nullable(record.value, out)?;
        match record.header {
            None => varint(0, out),
            Some(header) => {
                varint(1, out);
                nullable(Some(header.name.as_bytes()), out)?;
                nullable(Some(header.value), out)?;
            }
        }
    }
    Ok(())
}

/// Appends bytes behind their length, which is -1 for null.
fn nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) -> io::Result<()> {
    match bytes {
        None => varint(-1, out),
        Some(bytes) => {
            varint(length(bytes)?, out);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn nullable_size(bytes: Option<&[u8]>) -> io::Result<i64> {
    Ok(match bytes {
        None => varint_size(-1),
        Some(bytes) => {
            let length = length(bytes)?;
            varint_size(length) + i64::from(length)
        }
    })
}

fn length(bytes: &[u8]) -> io::Result<i32> {
    i32::try_from(bytes.len()).map_err(io::Error::other)
}

fn zigzag(n: i32) -> u32 {
    ((n << 1) ^ (n >> 31)) as u32
}

fn varint_size(n: i32) -> i64 {
    match zigzag(n) {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

fn varint(n: i32, out: &mut Vec<u8>) {
    let mut rest = zigzag(n);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rskafka::protocol::record::{
        ControlBatchOrRecords, RecordBatch, RecordBatchCompression, RecordBatchTimestampType,
    };
    use rskafka::protocol::traits::ReadType;

    use super::*;

    fn record<'a>(key: &'a [u8], value: &'a [u8]) -> Record<'a> {
        Record {
            key: Some(key),
            value: Some(value),
            header: None,
        }
    }

    fn read_back(header: BatchHeader, rows: &[(Vec<u8>, Vec<u8>)]) -> RecordBatch {
        let mut out = b"before".to_vec();
        let records = rows.iter().map(|(key, value)| record(key, value));
        write(header, records, &mut out).expect("write");
        let mut cursor = Cursor::new(out.split_off(6));
        let batch = RecordBatch::read(&mut cursor).expect("read");
        assert_eq!(cursor.position() as usize, cursor.get_ref().len());
        batch
    }

    #[test]
    fn another_reader_gets_the_same_records() {
        let rows: Vec<_> = [0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1 << 21]
            .into_iter()
            .map(|n| (vec![b'k'; n / 2], vec![b'v'; n]))
            .chain((0..300).map(|n: usize| (n.to_be_bytes().to_vec(), b"x".to_vec())))
            .collect();
        for (compression, theirs) in [
            (Compression::None, RecordBatchCompression::NoCompression),
            (Compression::Gzip, RecordBatchCompression::Gzip),
            (Compression::Snappy, RecordBatchCompression::Snappy),
        ] {
            let header = BatchHeader {
                producer: Some(Producer { id: 77, epoch: 3 }),
                sequence: 12,
                timestamp: 1_700_000_000_123,
                compression,
            };
            let batch = read_back(header, &rows);
            assert_eq!(batch.compression, theirs);
            assert_eq!(batch.producer_id, 77);
            assert_eq!(batch.producer_epoch, 3);
            assert_eq!(batch.base_sequence, 12);
            assert_eq!(batch.first_timestamp, 1_700_000_000_123);
            assert_eq!(batch.timestamp_type, RecordBatchTimestampType::CreateTime);
            assert_eq!(batch.last_offset_delta as usize, rows.len() - 1);
            let ControlBatchOrRecords::Records(records) = batch.records else {
                panic!("a control batch");
            };
            assert_eq!(records.len(), rows.len());
            for (n, (record, (key, value))) in records.iter().zip(&rows).enumerate() {
                assert_eq!(record.key.as_ref(), Some(key));
                assert_eq!(record.value.as_ref(), Some(value));
                assert_eq!(record.offset_delta as usize, n);
            }
        }
    }

    #[test]
    fn keys_and_values_may_be_null_and_a_record_may_have_a_header() {
        let header = BatchHeader {
            producer: None,
            sequence: 0,
            timestamp: 0,
            compression: Compression::None,
        };
        let records = [
            Record {
                header: Some(Header {
                    name: "__debezium.newkey",
                    value: br#"{"id":2}"#,
                }),
                ..record(br#"{"id":1}"#, b"")
            },
            Record {
                value: None,
                ..record(br#"{"id":1}"#, b"")
            },
            Record {
                key: None,
                ..record(b"", b"x")
            },
        ];
        let mut out = Vec::new();
        write(header, records.into_iter(), &mut out).expect("write");
        let batch = RecordBatch::read(&mut Cursor::new(out)).expect("read");
        let ControlBatchOrRecords::Records(read) = batch.records else {
            panic!("a control batch");
        };
        for (read, record) in read.iter().zip(records) {
            assert_eq!(read.key.as_deref(), record.key);
            assert_eq!(read.value.as_deref(), record.value);
            let headers: Vec<_> = read.headers.iter().map(|h| (&*h.key, &*h.value)).collect();
            let expected: Vec<_> = record.header.iter().map(|h| (h.name, h.value)).collect();
            assert_eq!(headers, expected);
        }
    }

    #[test]
    fn without_a_producer_the_batch_has_no_sequence() {
        let header = BatchHeader {
            producer: None,
            sequence: 12,
            timestamp: 0,
            compression: Compression::None,
        };
        let batch = read_back(header, &[(b"k".to_vec(), b"v".to_vec())]);
        assert_eq!(
            (batch.producer_id, batch.producer_epoch, batch.base_sequence),
            (-1, -1, -1)
        );
    }

    #[test]
    fn no_record_is_larger_than_its_estimate() {
        for n in [0usize, 1, 100, 1 << 14, 1 << 22] {
            let value = vec![0; n];
            let header = Header {
                name: "name",
                value: &value,
            };
            for record in [
                record(b"key", &value),
                Record {
                    header: Some(header),
                    ..record(b"key", &value)
                },
            ] {
                let mut out = Vec::new();
                write_records(std::iter::once(record), &mut out).expect("write");
                assert!(out.len() <= record.size());
            }
        }
        assert_eq!(varint_size(i32::MAX), 5);
    }
}
