//! ROTATE: the name of the next file, at the end of one or at the beginning of a stream.

use std::io::Cursor;

use mysql_cdc::events::rotate_event::RotateEvent;

use crate::reader::Malformed;

/// Where the binlog goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotate {
    pub file: String,
    pub position: u64,
}

impl Rotate {
    /// Reads the event without header and checksum.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let event = RotateEvent::parse(&mut Cursor::new(body))
            .map_err(|_| Malformed::Invalid("the next file"))?;
        Ok(Self {
            file: event.binlog_filename,
            position: event.binlog_position,
        })
    }
}
