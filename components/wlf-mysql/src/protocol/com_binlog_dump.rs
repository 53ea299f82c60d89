//! COM_BINLOG_DUMP: asks for the binlog from a file and a position on.

use mysql_common::packets::{BinlogDumpFlags, ComBinlogDump};
use mysql_common::proto::MySerialize;

/// How the server is to send its binlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// It ends the stream with an EOF packet instead of waiting for more.
    pub until_end: bool,
    /// It leaves out no ANNOTATE_ROWS event; only MariaDB is asked.
    pub annotations: bool,
}

/// MariaDB's flag BINLOG_SEND_ANNOTATE_ROWS_EVENT, which MySQL does not have.
const SEND_ANNOTATE_ROWS: u16 = 0x02;

/// Writes the packet.
pub fn encode(server_id: u32, file: &str, position: u32, options: Options) -> Vec<u8> {
    let mut flags = BinlogDumpFlags::empty();
    flags.set(BinlogDumpFlags::BINLOG_DUMP_NON_BLOCK, options.until_end);
    if options.annotations {
        flags |= BinlogDumpFlags::from_bits_retain(SEND_ANNOTATE_ROWS);
    }
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
    use super::*;

    #[test]
    fn has_the_manuals_layout() {
        let options = |until_end, annotations| Options {
            until_end,
            annotations,
        };
        assert_eq!(
            encode(7, "bin.000001", 157, options(true, false)),
            b"\x12\x9d\0\0\0\x01\0\x07\0\0\0bin.000001"
        );
        assert_eq!(
            encode(7, "b.1", 4, options(false, false)),
            b"\x12\x04\0\0\0\0\0\x07\0\0\0b.1"
        );
        assert_eq!(
            encode(7, "", 4, options(true, true)),
            b"\x12\x04\0\0\0\x03\0\x07\0\0\0"
        );
    }
}
