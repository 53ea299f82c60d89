//! EOF_Packet: the end of the columns, of the rows, or of the binlog.

/// The packet's first byte.
pub const HEADER: u8 = 0xFE;

/// Whether the packet is an EOF_Packet, and not a row whose first value has an eight-byte length.
pub fn is_eof(packet: &[u8]) -> bool {
    packet.first() == Some(&HEADER) && packet.len() < 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_packet_with_the_same_header_is_a_row() {
        assert!(is_eof(&[0xFE, 0, 0, 2, 0]));
        assert!(!is_eof(&[0xFE, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert!(!is_eof(&[]));
    }
}
