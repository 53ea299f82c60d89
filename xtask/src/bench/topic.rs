//! Topics of measurements, which would fill the disk if they stayed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};

/// Deletes a topic (DeleteTopics, version 1: <https://kafka.apache.org/protocol>).
pub fn delete(broker: &str, topic: &str) -> Result<()> {
    const DELETE_TOPICS: i16 = 20;
    let mut request = Vec::new();
    let mut put = |bytes: &[u8]| request.extend_from_slice(bytes);
    put(&DELETE_TOPICS.to_be_bytes());
    put(&1i16.to_be_bytes()); // version
    put(&1i32.to_be_bytes()); // correlation id
    put(&(-1i16).to_be_bytes()); // client id
    put(&1i32.to_be_bytes()); // topics
    put(&i16::try_from(topic.len())?.to_be_bytes());
    put(topic.as_bytes());
    put(&10_000i32.to_be_bytes()); // longest wait, in ms
    let mut stream = TcpStream::connect(broker)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(&u32::try_from(request.len())?.to_be_bytes())?;
    stream.write_all(&request)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer)?;
    // The last field is the error.
    ensure!(answer.ends_with(&[0, 0]), "Kafka did not delete {topic}");
    Ok(())
}
