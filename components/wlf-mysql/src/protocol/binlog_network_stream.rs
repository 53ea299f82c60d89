//! Binlog Network Stream: what comes after COM_BINLOG_DUMP, each event behind an OK byte.

use bytes::Bytes;

use super::eof_packet;
use super::err_packet::{self, ServerError};
use super::ok_packet;
use super::reader::DecodeError;

/// One packet of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPacket {
    /// An event with its header, and its checksum if it has one.
    Event(Bytes),
    /// The end of the binlog, for those who asked not to wait.
    End,
    /// The server has stopped sending.
    Error(ServerError),
}

impl StreamPacket {
    /// Reads the packet without copying the event.
    pub fn decode(mut packet: Bytes) -> Result<Self, DecodeError> {
        match packet.first().copied() {
            Some(ok_packet::HEADER) => {
                // int<1>: OK; only the first of the packets that make up a large event has it
                bytes::Buf::advance(&mut packet, 1);
                Ok(Self::Event(packet))
            }
            Some(err_packet::HEADER) => ServerError::decode(&packet).map(Self::Error),
            Some(eof_packet::HEADER) if eof_packet::is_eof(&packet) => Ok(Self::End),
            Some(header) => Err(DecodeError::UnexpectedHeader {
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
            StreamPacket::decode(Bytes::from_static(b"\0event")),
            Ok(StreamPacket::Event(Bytes::from_static(b"event")))
        );
        assert_eq!(
            StreamPacket::decode(Bytes::from_static(b"\xfe\0\0\x02\0")),
            Ok(StreamPacket::End)
        );
        let Ok(StreamPacket::Error(error)) =
            StreamPacket::decode(Bytes::from_static(b"\xff\xd4\x04#HY000Could not find"))
        else {
            panic!("not an error");
        };
        assert_eq!(error.code, 1236);
        assert!(StreamPacket::decode(Bytes::from_static(b"\x01")).is_err());
        assert!(StreamPacket::decode(Bytes::new()).is_err());
    }
}
