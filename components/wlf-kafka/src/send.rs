//! The rows of one partition on their way.

use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use rskafka::protocol::error::Error as Code;

use crate::compression::Compression;
use crate::connection::Connection;
use crate::error::Error;
use crate::message::Produce;
use crate::record_batch::{BatchHeader, HEADER, Producer, Record};

/// How many requests may be under way for a partition. A broker remembers as many batches of a producer.
const IN_FLIGHT: usize = 5;

/// Rows for one partition, and all that their requests need.
#[derive(Debug)]
pub struct Sending<'a> {
    pub connection: Arc<Connection>,
    pub topic: &'a str,
    pub partition: i32,
    /// The records of the whole write.
    pub records: &'a [Record<'a>],
    /// The numbers of those that go to this partition, in order.
    pub rows: &'a [u32],
    /// `None` writes without idempotence, and then one request after the other.
    pub producer: Option<Producer>,
    /// The first record's sequence number.
    pub sequence: i32,
    /// Whether the leader knows the producer, and so refuses what is out of its sequence. One that does not know it takes
    /// any sequence number for its first: until then one request goes after the other.
    pub known: bool,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub compression: Compression,
    /// Batches are not larger than this, before compression, unless a row alone is.
    pub limit: usize,
}

/// How far the rows of a partition came.
#[derive(Debug)]
pub struct Sent {
    /// How many rows are acknowledged.
    pub acknowledged: usize,
    /// The next record's sequence number.
    pub sequence: i32,
    /// Whether the leader knows the producer by now.
    pub known: bool,
    /// What the broker was found to take.
    pub limit: usize,
    /// The first record that was not acknowledged, counted over the whole write, and why.
    pub failed: Option<(usize, Error)>,
}

/// Why a batch was not acknowledged.
enum Failure {
    Refused(Code),
    Lost(Error),
}

impl Sending<'_> {
    /// Sends all rows and returns when they are acknowledged, or when one is refused.
    pub async fn send(mut self) -> Sent {
        let mut from = 0;
        let mut taken = self.limit;
        let failed = loop {
            let (acknowledged, failure) = self.run(from).await;
            self.sequence = after(self.sequence, acknowledged - from);
            self.known |= acknowledged > from;
            from = acknowledged;
            let (batch, failure) = match failure {
                None => break None,
                Some(failure) => failure,
            };
            match failure {
                Failure::Refused(code) => match self.narrower(&batch, code) {
                    Some(limit) => {
                        self.limit = limit;
                        // Singling out a bad row says nothing about sizes.
                        taken = if limit > 0 { limit } else { taken };
                    }
                    None => break Some(self.refusal(&batch, code)),
                },
                Failure::Lost(error) => break Some(error),
            }
        };
        Sent {
            acknowledged: from,
            sequence: self.sequence,
            known: self.known,
            limit: taken,
            failed: failed.map(|error| (self.row(from), error)),
        }
    }

    /// Sends the rows from `from` on; says how many of all are acknowledged, and which batch failed.
    ///
    /// No further batch goes out once one has failed, and the broker refuses those that are under way behind it because
    /// of their sequence numbers.
    async fn run(&self, from: usize) -> (usize, Option<(Range<usize>, Failure)>) {
        let mut under_way = FuturesOrdered::new();
        let mut next = from;
        let mut acknowledged = from;
        let mut failed = None;
        loop {
            let known = self.producer.is_some() && (self.known || acknowledged > from);
            let window = if known { IN_FLIGHT } else { 1 };
            while failed.is_none() && next < self.rows.len() && under_way.len() < window {
                let batch = self.batch(next);
                next = batch.end;
                let sequence = after(self.sequence, batch.start - from);
                under_way.push_back(async move {
                    let result = self.produce(batch.clone(), sequence).await;
                    (batch, result)
                });
            }
            match under_way.next().await {
                None => return (acknowledged, failed),
                Some(_) if failed.is_some() => {}
                Some((batch, Ok(()))) => acknowledged = batch.end,
                Some((batch, Err(failure))) => failed = Some((batch, failure)),
            }
        }
    }

    /// The rows from `start` on that fit into one batch, at least one.
    fn batch(&self, start: usize) -> Range<usize> {
        let mut size = HEADER;
        let fits = self.rows.get(start..).unwrap_or_default().iter();
        let rows = fits
            .take_while(|row| {
                size += self.record(**row).size();
                size <= self.limit
            })
            .count();
        start..start + rows.max(1)
    }

    async fn produce(&self, batch: Range<usize>, sequence: i32) -> Result<(), Failure> {
        let rows = self.rows.get(batch).unwrap_or_default();
        let request = Produce {
            topic: self.topic,
            partition: self.partition,
            header: BatchHeader {
                producer: self.producer,
                sequence,
                timestamp: self.timestamp,
                compression: self.compression,
            },
            records: rows.iter().map(|row| self.record(*row)),
            size: rows.iter().map(|row| self.record(*row).size()).sum(),
        };
        let answer = self
            .connection
            .request(request)
            .await
            .map_err(Failure::Lost)?;
        let partition = answer
            .responses
            .first()
            .filter(|topic| topic.name.0 == self.topic)
            .and_then(|topic| topic.partition_responses.first())
            .filter(|partition| partition.index.0 == self.partition);
        match partition.map(|partition| partition.error) {
            Some(None) => Ok(()),
            Some(Some(code)) => Err(Failure::Refused(code)),
            None => Err(Failure::Lost(
                self.connection.wrong_answer("another partition's result"),
            )),
        }
    }

    /// The limit with which a refused batch may pass in parts; `None` if parts will not do.
    fn narrower(&self, batch: &Range<usize>, code: Code) -> Option<usize> {
        if batch.len() < 2 {
            return None;
        }
        match code {
            Code::MessageTooLarge | Code::RecordListTooLarge => Some(self.size(batch) / 2),
            // One of the rows is meant, and only it is to be rejected.
            Code::InvalidRecord => Some(0),
            _ => None,
        }
    }

    fn refusal(&self, batch: &Range<usize>, code: Code) -> Error {
        match code {
            Code::MessageTooLarge | Code::RecordListTooLarge => Error::RowTooLarge {
                topic: self.topic.to_owned(),
                bytes: self.size(batch),
                code,
            },
            code => Error::Partition {
                topic: self.topic.to_owned(),
                partition: self.partition,
                code,
            },
        }
    }

    fn size(&self, batch: &Range<usize>) -> usize {
        let rows = self.rows.get(batch.clone()).unwrap_or_default();
        rows.iter().map(|row| self.record(*row).size()).sum()
    }

    fn record(&self, row: u32) -> Record<'_> {
        self.records[row as usize]
    }

    /// The number, in the whole write, of this partition's `index`th record.
    fn row(&self, index: usize) -> usize {
        self.rows.get(index).map_or(usize::MAX, |row| *row as usize)
    }
}

/// Sequence numbers go around from `i32::MAX` to 0.
fn after(sequence: i32, records: usize) -> i32 {
    sequence.wrapping_add(records as i32) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_go_around() {
        assert_eq!(after(0, 10), 10);
        assert_eq!(after(i32::MAX, 1), 0);
        assert_eq!(after(i32::MAX - 1, 4), 2);
    }
}
