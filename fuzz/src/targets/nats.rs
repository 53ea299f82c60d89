//! What a server of NATS says.

use wlf_nats::protocol::{NotNats, Operation, decode};

use crate::allocation::justified;

/// Operations are the same whatever the reads from the socket are, and each is what its own bytes say.
pub fn nats(bytes: &[u8]) {
    let Some((step, wire)) = bytes.split_first() else {
        return;
    };
    let all = operations(wire, wire.len().max(1));
    assert_eq!(operations(wire, usize::from(*step) + 1), all);
}

/// The operations, shown, and why there are no more, if not for want of bytes.
fn operations(wire: &[u8], step: usize) -> (Vec<String>, Option<NotNats>) {
    let (mut received, mut shown) = (Vec::new(), Vec::new());
    for read in wire.chunks(step) {
        received.extend_from_slice(read);
        loop {
            let decoded = justified(received.len(), 4, 1024, || decode(&received));
            let (length, operation) = match decoded {
                Ok(Some(decoded)) => decoded,
                Ok(None) => break,
                Err(error) => return (shown, Some(error)),
            };
            if let Operation::Message(message) = &operation {
                let inside = message.headers.len() + message.payload.len();
                assert!(inside < length, "{inside} bytes in {length}");
                assert!(message.status().is_none_or(|status| status < 1000));
            }
            assert_eq!(
                decode(&received[..length]),
                Ok(Some((length, operation.clone())))
            );
            shown.push(format!("{operation:?}"));
            received.drain(..length);
        }
    }
    (shown, None)
}

pub fn nats_seeds() -> Vec<Vec<u8>> {
    let session: &[u8] = b"INFO {\"server_id\":\"NAX\",\"version\":\"2.9.10\",\"max_payload\":1048576,\
        \"headers\":true,\"tls_required\":true,\"tls_available\":true,\"connect_urls\":[\"10.0.0.1:4222\"]}\r\n\
        +OK\r\nPING\r\nPONG\r\n-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n\
        MSG _INBOX.x.1 1 27\r\n{\"stream\":\"s\",\"seq\":1234567}\r\nMSG _INBOX.x.2 1 reply 0\r\n\r\n\
        HMSG _INBOX.x.3 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\nHMSG _INBOX.x.4 1 reply 16 18\r\n\
        NATS/1.0 404\r\n\r\nhi\r\nINFO {\"ldm\":true}\r\n";
    let of_step = |step: u8| [&[step], session].concat();
    vec![
        of_step(0),
        of_step(6),
        of_step(255),
        b"\x05MSG a 1 9999999999\r\n".to_vec(),
        b"\x05HMSG a 1 9 5\r\nabcde\r\n".to_vec(),
    ]
}
