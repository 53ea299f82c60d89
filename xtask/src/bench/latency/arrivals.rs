//! Consumers of Redis and of Kafka that note when each row came.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

/// The rows that a consumer gets: number, and microseconds since 1970.
pub struct Arrivals(Receiver<(u64, u64)>);

impl Arrivals {
    /// Takes rows until there are `wanted`, none of which may keep longer than `patience`.
    pub fn take(
        &self,
        wanted: usize,
        patience: Duration,
        arrived: &mut HashMap<u64, u64>,
    ) -> Result<()> {
        while arrived.len() < wanted {
            let next = self.0.recv_timeout(patience);
            let (row, at) = next.with_context(|| format!("{} rows came", arrived.len()))?;
            // A row that comes twice counts where it came first.
            arrived.entry(row).or_insert(at);
        }
        Ok(())
    }

    /// Subscribes to a channel; the thread ends with its connection or its receiver.
    pub fn from_redis(url: &str, channel_name: &str) -> Result<Self> {
        let address = url.trim_start_matches("redis://").to_owned();
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(format!("SUBSCRIBE {channel_name}\r\n").as_bytes())?;
        let mut answers = BufReader::with_capacity(1 << 18, stream);
        let subscribed = reply(&mut answers)?;
        ensure!(subscribed.len() == 3, "Redis did not subscribe");
        let (sender, receiver) = channel();
        std::thread::spawn(move || -> Result<()> {
            loop {
                let message = reply(&mut answers)?;
                let at = now()?;
                if let Some(row) = message.last().and_then(|text| number(text)) {
                    sender.send((row, at))?;
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Fetches the first partition of a topic from its beginning, once it is there.
    pub fn from_kafka(broker: &str, topic: &str) -> Result<Self> {
        let stream = TcpStream::connect(broker)?;
        stream.set_nodelay(true)?;
        let (sender, receiver) = channel();
        let topic = topic.to_owned();
        std::thread::spawn(move || {
            let outcome = fetch(stream, &topic, &sender);
            outcome.inspect_err(|error| eprintln!("the consumer of {topic} ended: {error:#}"))
        });
        Ok(Self(receiver))
    }
}

fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_micros())?)
}

/// The row's number, which is its first column.
fn number(text: &[u8]) -> Option<u64> {
    const BEFORE: &[u8] = b"\"data\":{\"id\":";
    let at = text.windows(BEFORE.len()).position(|part| part == BEFORE)?;
    let digits = text.get(at + BEFORE.len()..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// An array of Redis (RESP), its numbers as empty texts.
fn reply(answers: &mut impl BufRead) -> Result<Vec<Vec<u8>>> {
    let mut line = String::new();
    let mut length = |kind: char, answers: &mut dyn BufRead| -> Result<Option<usize>> {
        line.clear();
        ensure!(answers.read_line(&mut line)? > 0, "Redis is gone");
        match line.trim_end().strip_prefix(kind) {
            Some(digits) => Ok(Some(digits.parse()?)),
            None if line.starts_with(':') => Ok(None),
            None => bail!("Redis said {line:?}"),
        }
    };
    let count = length('*', answers)?.context("no array")?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let mut part = Vec::new();
        if let Some(length) = length('$', answers)? {
            part.resize(length + 2, 0);
            answers.read_exact(&mut part)?;
            part.truncate(length);
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Asks for records again and again (Fetch, version 4: <https://kafka.apache.org/protocol>).
fn fetch(mut stream: TcpStream, topic: &str, sender: &Sender<(u64, u64)>) -> Result<()> {
    const FETCH: i16 = 1;
    // UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER: it is being made.
    const NOT_YET: [i16; 3] = [3, 5, 6];
    let mut offset = 0i64;
    loop {
        let mut request = Vec::new();
        let mut put = |bytes: &[u8]| request.extend_from_slice(bytes);
        put(&FETCH.to_be_bytes());
        put(&4i16.to_be_bytes()); // version
        put(&1i32.to_be_bytes()); // correlation id
        put(&(-1i16).to_be_bytes()); // client id
        put(&(-1i32).to_be_bytes()); // replica id
        put(&500i32.to_be_bytes()); // longest wait, in ms
        put(&1i32.to_be_bytes()); // least bytes
        put(&(16i32 << 20).to_be_bytes()); // most bytes
        put(&[0]); // isolation level
        put(&1i32.to_be_bytes()); // topics
        put(&i16::try_from(topic.len())?.to_be_bytes());
        put(topic.as_bytes());
        put(&1i32.to_be_bytes()); // partitions
        put(&0i32.to_be_bytes()); // its number
        put(&offset.to_be_bytes());
        put(&(16i32 << 20).to_be_bytes()); // most bytes of it
        stream.write_all(&u32::try_from(request.len())?.to_be_bytes())?;
        stream.write_all(&request)?;
        let mut size = [0; 4];
        stream.read_exact(&mut size)?;
        let mut answer = vec![0; u32::from_be_bytes(size) as usize];
        stream.read_exact(&mut answer)?;
        let at = now()?;
        // Correlation id, throttle time, topics, name, partitions, number of the partition.
        let partition = 4 + 4 + 4 + 2 + topic.len() + 4 + 4;
        let field = |from: usize, length: usize| answer.get(from..from + length);
        let error = i16::from_be_bytes(field(partition, 2).context("short")?.try_into()?);
        if NOT_YET.contains(&error) {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        ensure!(error == 0, "Kafka answered with error {error}");
        // Error, high watermark, last stable offset, aborted transactions: none; length of the records.
        let records = partition + 2 + 8 + 8 + 4 + 4;
        offset = batches(answer.get(records..).unwrap_or_default(), offset, |row| {
            sender.send((row, at)).is_ok()
        })?;
    }
}

/// Gives the rows of record batches (magic 2, not compressed) from an offset on, and returns the offset behind them.
fn batches(mut bytes: &[u8], from: i64, mut each: impl FnMut(u64) -> bool) -> Result<i64> {
    let mut next = from;
    while let Some((head, _)) = bytes.split_first_chunk::<61>() {
        let number =
            |at: usize| i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = usize::try_from(number(8))? + 12;
        // The last batch may be cut.
        let Some((batch, behind)) = bytes.split_at_checked(length) else {
            break;
        };
        bytes = behind;
        let base = i64::from(number(0)) << 32 | i64::from(number(4).cast_unsigned());
        let mut records = batch.get(61..).context("a short batch")?;
        for n in 0..number(57) {
            let (length, rest) = varint(records).context("a record has no length")?;
            let (record, rest) = rest.split_at_checked(length).context("a short record")?;
            records = rest;
            let is_new = base + i64::from(n) >= from;
            if let Some(row) = self::number(record).filter(|_| is_new)
                && !each(row)
            {
                bail!("nobody waits any longer");
            }
        }
        next = next.max(base + i64::from(number(23)) + 1); // last offset delta
    }
    Ok(next)
}

/// A number of seven bits a byte, of which those that are not negative are even.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (n, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((value >> 1, bytes.get(n + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_redis_is_an_array() {
        let mut bytes =
            &b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$18\r\n{\"data\":{\"id\":42,}}\r\n"[..];
        let parts = reply(&mut bytes).unwrap();
        assert_eq!(parts[0], b"message");
        assert_eq!(number(&parts[2]), Some(42));
        let subscribed = reply(&mut &b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"[..]).unwrap();
        assert_eq!(subscribed.len(), 3);
    }

    #[test]
    fn records_are_found_in_their_batch() {
        let record = b"\0\0\0\x01\x26{\"data\":{\"id\":7,}}\0";
        let mut batch = vec![0; 61];
        batch[7] = 10; // base offset
        batch[11] = 49 + 1 + record.len() as u8;
        batch[60] = 1; // records
        batch.push(record.len() as u8 * 2);
        batch.extend_from_slice(record);
        let mut rows = Vec::new();
        let mut take = |from| {
            batches(&batch, from, |row| {
                rows.push(row);
                true
            })
        };
        assert_eq!(take(0).unwrap(), 11);
        assert_eq!(take(11).unwrap(), 11);
        assert_eq!(rows, [7]);
    }
}
