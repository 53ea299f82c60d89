//! The 19 bytes that every event begins with.

use crate::reader::{Malformed, Reader};

/// An event's header (manual: "Replication Event Header").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// When the statement began, in seconds since 1970.
    pub timestamp: u32,
    pub code: u8,
    pub server_id: u32,
    /// Of the whole event, header and checksum included.
    pub length: u32,
    /// The lower 32 bits of the position behind the event in its file; 0 in an event that is in no file.
    pub end: u32,
    pub flags: u16,
}

impl Header {
    /// When the event was written, in microseconds since 1970.
    #[inline(always)]
    pub fn microseconds(&self) -> i64 {
        i64::from(self.timestamp) * 1_000_000
    }

    pub const LENGTH: usize = 19;
    /// Where the event's type is.
    pub const CODE: usize = 4;
    /// No server writes a longer event: `max_allowed_packet` is at most 1 GiB, and some is for what stands around the rows.
    pub const LONGEST: usize = (1 << 30) + (1 << 20);
    /// The file was not closed yet.
    pub const IN_USE: u16 = 0x01;
    /// The statement, or one before it in a procedure, uses a temporary table of its session.
    pub const THREAD_SPECIFIC: u16 = 0x04;
    /// The event was made for the stream and is in no file.
    pub const ARTIFICIAL: u16 = 0x20;
    /// Who does not know the event may pass it over.
    pub const IGNORABLE: u16 = 0x80;

    #[inline(always)]
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            timestamp: reader.u32("its header")?,
            code: reader.u8("its header")?,
            server_id: reader.u32("its header")?,
            length: reader.u32("its header")?,
            end: reader.u32("its header")?,
            flags: reader.u16("its header")?,
        })
    }
}
