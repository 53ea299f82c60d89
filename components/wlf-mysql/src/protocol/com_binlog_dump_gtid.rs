//! COM_BINLOG_DUMP_GTID: asks for all transactions that are not in a set of GTIDs.

/// Ends the stream with an EOF packet instead of waiting for more.
const BINLOG_DUMP_NON_BLOCK: u16 = 0x01;
/// The set of GTIDs counts, not file and position.
const BINLOG_THROUGH_GTID: u16 = 0x04;

/// Writes the packet; `gtid_set` is the set in the server's binary form.
///
/// # Errors
/// If the set is larger than the packet can say, 4 GiB.
pub fn encode(
    server_id: u32,
    gtid_set: &[u8],
    until_end: bool,
) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let mut flags = BINLOG_THROUGH_GTID;
    if until_end {
        flags |= BINLOG_DUMP_NON_BLOCK;
    }
    let mut packet = Vec::with_capacity(gtid_set.len().saturating_add(27));
    // int<1>: COM_BINLOG_DUMP_GTID
    packet.push(0x1E);
    // int<2>: flags
    packet.extend(flags.to_le_bytes());
    // int<4>: server id
    packet.extend(server_id.to_le_bytes());
    // int<4>: length of the file's name, none
    packet.extend(0_u32.to_le_bytes());
    // int<8>: position
    packet.extend(4_u64.to_le_bytes());
    // int<4>: length of the set
    packet.extend(u32::try_from(gtid_set.len())?.to_le_bytes());
    // string<n>: the set
    packet.extend_from_slice(gtid_set);
    Ok(packet)
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_manuals_layout() {
        let empty_set = [0; 8];
        let packet = super::encode(7, &empty_set, true).unwrap();
        assert_eq!(&packet[..7], b"\x1e\x05\0\x07\0\0\0");
        assert_eq!(&packet[7..23], b"\0\0\0\0\x04\0\0\0\0\0\0\0\x08\0\0\0");
        assert_eq!(&packet[23..], empty_set);
    }
}
