//! INCIDENT: the server says that events are missing here.

use crate::reader::{Malformed, Reader};

/// Reads what the server says happened, from the event without header and checksum.
pub fn decode(body: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(body);
    // int<2>: the incident's number
    let number = reader.u16("the incident's number")?;
    // string<n>: message, with its length in one byte before it
    let len = reader.u8("the message")?;
    let message = reader.bytes(usize::from(len), "the message")?;
    if message.is_empty() {
        return Ok(format!("incident {number}"));
    }
    Ok(String::from_utf8_lossy(message).into_owned())
}
