//! Binlog Network Stream: what comes after COM_BINLOG_DUMP, each event behind an OK byte.

use super::eof_packet;
use super::err_packet::{self, ServerError};
use super::ok_packet;
use super::reader::DecodeError;

/// One packet of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPacket<'a> {
    /// An event with its header, and its checksum if it has one.
    Event(&'a [u8]),
    /// The end of the binlog, for those who asked not to wait.
    End,
    /// The server has stopped sending.
    Error(ServerError),
}

impl<'a> StreamPacket<'a> {
    /// Reads the packet.
    #[inline(always)]
    pub fn decode(packet: &'a [u8]) -> Result<Self, DecodeError> {
        match packet.split_first() {
            // int<1>: OK; only the first of the packets that make up a large event has it
            Some((&ok_packet::HEADER, event)) => Ok(Self::Event(event)),
            Some((&err_packet::HEADER, _)) => ServerError::decode(packet).map(Self::Error),
            Some((&eof_packet::HEADER, _)) if eof_packet::is_eof(packet) => Ok(Self::End),
            Some((&header, _)) => Err(DecodeError::UnexpectedHeader {
                expected: "a binlog event",
                header,
            }),
            None => Err(DecodeError::Empty {
                expected: "a binlog event",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_event_end_and_error_apart() {
        assert_eq!(
            StreamPacket::decode(b"\0event"),
            Ok(StreamPacket::Event(b"event"))
        );
        assert_eq!(
            StreamPacket::decode(b"\xfe\0\0\x02\0"),
            Ok(StreamPacket::End)
        );
        let Ok(StreamPacket::Error(error)) =
            StreamPacket::decode(b"\xff\xd4\x04#HY000Could not find")
        else {
            panic!("not an error");
        };
        assert_eq!(error.code, 1236);
        assert!(StreamPacket::decode(b"\x01").is_err());
        assert!(StreamPacket::decode(b"").is_err());
    }
}
