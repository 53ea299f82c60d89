//! COM_BINLOG_DUMP: asks for the binlog from a file and a position on.

use mysql_common::packets::{BinlogDumpFlags, ComBinlogDump};
use mysql_common::proto::MySerialize;

/// Writes the packet. With `until_end` the server ends the stream with an EOF packet instead of waiting for more.
pub fn encode(server_id: u32, file: &str, position: u32, until_end: bool) -> Vec<u8> {
    let mut flags = BinlogDumpFlags::empty();
    flags.set(BinlogDumpFlags::BINLOG_DUMP_NON_BLOCK, until_end);
    let command = ComBinlogDump::new(server_id)
        .with_pos(position)
        .with_flags(flags)
        .with_filename(file.as_bytes());
    let mut packet = Vec::new();
    command.serialize(&mut packet);
    packet
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_manuals_layout() {
        assert_eq!(
            super::encode(7, "bin.000001", 157, true),
            b"\x12\x9d\0\0\0\x01\0\x07\0\0\0bin.000001"
        );
        assert_eq!(
            super::encode(7, "b.1", 4, false),
            b"\x12\x04\0\0\0\0\0\x07\0\0\0b.1"
        );
    }
}
