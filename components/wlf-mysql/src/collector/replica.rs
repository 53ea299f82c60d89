//! Who we are to a server: a replica of our own, the same after every start.

use std::time::Duration;

use sha1::{Digest, Sha1};

/// A replica as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    pub server_id: u32,
    /// A server ends an earlier stream to the same UUID when a new one begins.
    pub uuid: String,
    /// What `SHOW REPLICAS` shows as the host.
    pub name: String,
    /// How often an idle server sends a sign of life.
    pub heartbeat: Duration,
}

impl Replica {
    /// Derives the UUID, and the server id if none is given, from what stays the same over restarts and differs between
    /// pipelines. A derived server id is 2^31 or more.
    pub fn new(
        id: &str,
        pipeline: &str,
        host: &str,
        server_id: Option<u32>,
        heartbeat: Duration,
    ) -> Self {
        let mut hash = Sha1::new();
        for part in [id, pipeline, host] {
            hash.update(part);
            hash.update([0]);
        }
        if let Some(server_id) = server_id {
            hash.update(server_id.to_le_bytes());
        }
        let digest: [u8; 20] = hash.finalize().into();
        let [a, b, c, d, rest @ ..] = digest;
        Self {
            server_id: server_id.unwrap_or_else(|| u32::from_le_bytes([a, b, c, d]) | 1 << 31),
            uuid: uuid(rest),
            name: id.to_owned(),
            heartbeat,
        }
    }
}

/// Writes a UUID of version 5 (RFC 9562): a hash.
fn uuid(bytes: [u8; 16]) -> String {
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xF << 76) | 5 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{number:032x}");
    let mut text = String::with_capacity(36);
    for (i, digit) in hex.chars().enumerate() {
        if matches!(i, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(id: &str, server_id: Option<u32>) -> Replica {
        Replica::new(id, "orders", "db", server_id, Duration::from_secs(10))
    }

    #[test]
    fn the_id_is_stable_high_and_ones_own() {
        let first = replica("binlog", None);
        assert_eq!(first, replica("binlog", None));
        assert!(first.server_id >= 1 << 31);
        let second = replica("binlog2", None);
        assert_ne!(first.server_id, second.server_id);
        assert_ne!(first.uuid, second.uuid);
        // Changing it would make every deployed pipeline another replica.
        assert_eq!(first.uuid, "7619ef02-96c2-51f8-8f27-c3264a125bc1");
    }

    #[test]
    fn a_given_id_is_kept() {
        let replica = replica("binlog", Some(7));
        assert_eq!(replica.server_id, 7);
        assert_eq!(replica.uuid.len(), 36);
        assert_eq!(&replica.uuid[14..15], "5");
    }
}
