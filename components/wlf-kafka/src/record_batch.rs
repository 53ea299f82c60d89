//! Record batches in the format of Kafka's message version 2.
//!
//! Source: <https://kafka.apache.org/documentation/#recordbatch>

use std::io;

use crate::compression::Compression;

/// Bytes of a batch before its records.
pub const HEADER: usize = 61;

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
    /// How many.
    pub records: usize,
}

impl BatchHeader {
    /// Writes the header of a batch into its first [`HEADER`] bytes, behind which its records stand.
    ///
    /// # Errors
    /// If the batch is too large for the format.
    pub fn write(&self, batch: &mut [u8]) -> io::Result<()> {
        let count = i32::try_from(self.records).map_err(io::Error::other)?;
        // The length counts what follows it.
        let length = i32::try_from(batch.len() - 12).map_err(io::Error::other)?;
        let producer = self.producer.unwrap_or(Producer { id: -1, epoch: -1 });
        let sequence = self.producer.map_or(-1, |_| self.sequence);
        let mut fields = Vec::with_capacity(HEADER);
        fields.extend_from_slice(&0i64.to_be_bytes()); // baseOffset
        fields.extend_from_slice(&length.to_be_bytes()); // batchLength
        fields.extend_from_slice(&(-1i32).to_be_bytes()); // partitionLeaderEpoch
        fields.push(2); // magic
        fields.extend_from_slice(&0u32.to_be_bytes()); // crc, set below
        fields.extend_from_slice(&self.compression.code().to_be_bytes()); // attributes: CreateTime
        fields.extend_from_slice(&(count - 1).to_be_bytes()); // lastOffsetDelta
        fields.extend_from_slice(&self.timestamp.to_be_bytes()); // baseTimestamp
        fields.extend_from_slice(&self.timestamp.to_be_bytes()); // maxTimestamp
        fields.extend_from_slice(&producer.id.to_be_bytes());
        fields.extend_from_slice(&producer.epoch.to_be_bytes());
        fields.extend_from_slice(&sequence.to_be_bytes());
        fields.extend_from_slice(&count.to_be_bytes());
        batch[..HEADER].copy_from_slice(&fields);
        // The checksum covers what follows it.
        let crc = wlf_core::checksum::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rskafka::protocol::record::{
        ControlBatchOrRecords, Record, RecordBatch, RecordBatchCompression,
        RecordBatchTimestampType,
    };
    use rskafka::protocol::traits::ReadType;
    use wlf_core::format::Lanes;
    use wlf_core::message::{HeaderList, Headers};

    use super::*;
    use crate::compression::Compressor;
    use crate::produce::ROOM;

    const HEAD: BatchHeader = BatchHeader {
        producer: Some(Producer { id: 77, epoch: 3 }),
        sequence: 12,
        timestamp: 1_700_000_000_123,
        compression: Compression::None,
        records: 0,
    };

    type Row<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, Headers<'a>);

    /// The batch of some records, as another reader has it.
    fn read_back(header: BatchHeader, rows: &[Row<'_>]) -> (RecordBatch, Vec<Record>) {
        let mut lanes = Lanes::new(ROOM);
        lanes.add(1);
        for (key, value, header) in rows {
            lanes.push(0, usize::MAX, 0, *key, *value, *header);
        }
        lanes.fill();
        let (_, chunk) = lanes.take_full().expect("a chunk");
        let mut batch = vec![0; HEADER];
        let records = chunk.records();
        Compressor::default().compress(header.compression, records, &mut batch);
        let records = rows.len();
        let header = BatchHeader { records, ..header };
        header.write(&mut batch).expect("write");
        let mut cursor = Cursor::new(batch);
        let mut batch = RecordBatch::read(&mut cursor).expect("read");
        assert_eq!(cursor.position() as usize, cursor.get_ref().len());
        let none = ControlBatchOrRecords::Records(Vec::new());
        match std::mem::replace(&mut batch.records, none) {
            ControlBatchOrRecords::Records(records) => (batch, records),
            ControlBatchOrRecords::ControlBatch(_) => panic!("a control batch"),
        }
    }

    #[test]
    fn another_reader_gets_the_same_records() {
        let rows: Vec<_> = [0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1 << 21]
            .into_iter()
            .map(|n| (vec![b'k'; n / 2], vec![b'v'; n]))
            .chain((0..300).map(|n: usize| (n.to_be_bytes().to_vec(), b"x".to_vec())))
            .collect();
        let given: Vec<Row<'_>> = (rows.iter())
            .map(|(key, value)| (Some(&key[..]), Some(&value[..]), Headers::default()))
            .collect();
        for (compression, theirs) in [
            (Compression::None, RecordBatchCompression::NoCompression),
            (Compression::Gzip, RecordBatchCompression::Gzip),
            (Compression::Snappy, RecordBatchCompression::Snappy),
        ] {
            let header = BatchHeader {
                compression,
                ..HEAD
            };
            let (batch, records) = read_back(header, &given);
            assert_eq!(batch.compression, theirs);
            assert_eq!(batch.producer_id, 77);
            assert_eq!(batch.producer_epoch, 3);
            assert_eq!(batch.base_sequence, 12);
            assert_eq!(batch.first_timestamp, 1_700_000_000_123);
            assert_eq!(batch.timestamp_type, RecordBatchTimestampType::CreateTime);
            assert_eq!(batch.last_offset_delta as usize, rows.len() - 1);
            assert_eq!(records.len(), rows.len());
            for (n, (record, (key, value))) in records.iter().zip(&rows).enumerate() {
                assert_eq!(record.key.as_ref(), Some(key));
                assert_eq!(record.value.as_ref(), Some(value));
                assert_eq!(record.offset_delta as usize, n);
            }
        }
    }

    #[test]
    fn keys_and_values_may_be_null_and_a_record_may_have_headers() {
        let mut headers = HeaderList::default();
        headers.push("__debezium.newkey", br#"{"id":2}"#);
        headers.push("other", b"");
        let key = Some(&br#"{"id":1}"#[..]);
        let rows = [
            (key, Some(&b""[..]), headers.headers()),
            (key, None, Headers::default()),
            (None, Some(b"x"), Headers::default()),
        ];
        let (_, read) = read_back(HEAD, &rows);
        for (read, (key, value, header)) in read.iter().zip(rows) {
            assert_eq!(read.key.as_deref(), key);
            assert_eq!(read.value.as_deref(), value);
            let headers: Vec<_> = read.headers.iter().map(|h| (&*h.key, &*h.value)).collect();
            let expected: Vec<_> = header.iter().collect();
            assert_eq!(headers, expected);
        }
    }

    #[test]
    fn without_a_producer_the_batch_has_no_sequence() {
        let header = BatchHeader {
            producer: None,
            ..HEAD
        };
        let (batch, _) = read_back(header, &[(Some(b"k"), Some(b"v"), Headers::default())]);
        assert_eq!(
            (batch.producer_id, batch.producer_epoch, batch.base_sequence),
            (-1, -1, -1)
        );
    }
}
