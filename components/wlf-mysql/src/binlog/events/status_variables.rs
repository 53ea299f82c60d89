//! The status variables of a QUERY event: the settings of the session that a statement depends on.

use crate::ddl::Dialect;
use crate::reader::{Malformed, Reader};

/// The settings that decide how a statement that changes definitions is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusVariables {
    pub sql_mode: u64,
    /// The numbers of the collations of `character_set_client` and `collation_server`.
    pub client_collation: Option<u16>,
    pub server_collation: Option<u16>,
    /// FLAGS2: bits of the session's `option_bits`.
    pub flags: u32,
    /// `explicit_defaults_for_timestamp` of MySQL, which says whether a TIMESTAMP may be NULL if nothing else does.
    pub explicit_timestamps: Option<bool>,
}

impl StatusVariables {
    /// MariaDB's OPTION_EXPLICIT_DEF_TIMESTAMP (`sql/sql_priv.h`), which its QUERY events have since 10.10.
    const MARIADB_EXPLICIT_TIMESTAMPS: u32 = 1 << 24;

    /// Whether a TIMESTAMP that is not said to be NULL is NOT NULL.
    pub fn timestamps_not_null(&self, dialect: Dialect) -> bool {
        if dialect.is_mariadb {
            dialect.version >= 101_000 && self.flags & Self::MARIADB_EXPLICIT_TIMESTAMPS == 0
        } else {
            self.explicit_timestamps == Some(false)
        }
    }
}

/// How the value of a variable is laid out.
enum Layout {
    Bytes(usize),
    /// A length of one byte, then so many bytes, and so many behind them.
    Text {
        behind: usize,
    },
    /// Two of those.
    TwoTexts,
    /// A count, then so many texts that end with a zero byte.
    Names,
    /// A count of one byte, then so many pairs of two bytes each.
    Pairs,
}

const FLAGS2: u8 = 0;
const SQL_MODE: u8 = 1;
const CHARSET: u8 = 4;
const EXPLICIT_TIMESTAMPS: u8 = 16;
const MARIADB_GTID_FLAGS: u8 = 130;
const MARIADB_COMMIT_ALTER: u8 = 4;
const MARIADB_ROLLBACK_ALTER: u8 = 8;
/// More databases than can be listed.
const MANY_NAMES: u8 = 254;

impl StatusVariables {
    /// Reads the variables, each a code of one byte and a value; from one that is not known on they cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "the status variables";
        let mut variables = Self::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let code = reader.u8(FIELD)?;
            match code {
                SQL_MODE => {
                    variables.sql_mode = reader.u64(FIELD)?;
                    continue;
                }
                CHARSET => {
                    // int<2>: character_set_client, int<2>: collation_connection, int<2>: collation_server
                    variables.client_collation = Some(reader.u16(FIELD)?);
                    reader.u16(FIELD)?;
                    variables.server_collation = Some(reader.u16(FIELD)?);
                    continue;
                }
                FLAGS2 => {
                    variables.flags = reader.u32(FIELD)?;
                    continue;
                }
                MARIADB_GTID_FLAGS => {
                    // The sequence number of START ALTER is behind the flags of COMMIT ALTER and ROLLBACK ALTER.
                    if reader.u8(FIELD)? & (MARIADB_COMMIT_ALTER | MARIADB_ROLLBACK_ALTER) != 0 {
                        reader.u64(FIELD)?;
                    }
                    continue;
                }
                EXPLICIT_TIMESTAMPS => {
                    variables.explicit_timestamps = Some(reader.u8(FIELD)? != 0);
                    continue;
                }
                _ => {}
            }
            match layout(code) {
                Some(Layout::Bytes(n)) => {
                    reader.bytes(n, FIELD)?;
                }
                Some(Layout::Text { behind }) => {
                    let length = reader.u8(FIELD)?;
                    reader.bytes(usize::from(length), FIELD)?;
                    reader.bytes(behind, FIELD)?;
                }
                Some(Layout::TwoTexts) => {
                    for _ in 0..2 {
                        let length = reader.u8(FIELD)?;
                        reader.bytes(usize::from(length), FIELD)?;
                    }
                }
                Some(Layout::Names) => {
                    let count = reader.u8(FIELD)?;
                    for _ in 0..if count == MANY_NAMES { 0 } else { count } {
                        while reader.u8(FIELD)? != 0 {}
                    }
                }
                Some(Layout::Pairs) => {
                    let count = reader.u8(FIELD)?;
                    reader.bytes(usize::from(count) * 4, FIELD)?;
                }
                None => break,
            }
        }
        Ok(variables)
    }
}

/// MySQL: `libs/mysql/binlog/event/statement_events.h`, `enum Query_event_status_vars`; MariaDB: `sql/log_event.h`.
fn layout(code: u8) -> Option<Layout> {
    Some(match code {
        // AUTO_INCREMENT
        3 => Layout::Bytes(4),
        // CATALOG, with a zero byte at its end
        2 => Layout::Text { behind: 1 },
        // TIME_ZONE, CATALOG_NZ
        5 | 6 => Layout::Text { behind: 0 },
        // LC_TIME_NAMES, CHARSET_DATABASE
        7 | 8 => Layout::Bytes(2),
        // TABLE_MAP_FOR_UPDATE
        9 => Layout::Bytes(8),
        // MASTER_DATA_WRITTEN
        10 => Layout::Bytes(4),
        // INVOKER: user and host
        11 => Layout::TwoTexts,
        // UPDATED_DB_NAMES
        12 => Layout::Names,
        // MICROSECONDS
        13 => Layout::Bytes(3),
        // DDL_LOGGED_WITH_XID
        17 => Layout::Bytes(8),
        // DEFAULT_COLLATION_FOR_UTF8MB4
        18 => Layout::Bytes(2),
        // SQL_REQUIRE_PRIMARY_KEY, DEFAULT_TABLE_ENCRYPTION
        19 | 20 => Layout::Bytes(1),
        // MariaDB: HRNOW, XID, and CHARACTER_SET_COLLATIONS, a count of pairs, which comes before others of lower codes.
        128 => Layout::Bytes(3),
        129 => Layout::Bytes(8),
        131 => Layout::Pairs,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_decides_and_steps_over_the_rest() {
        let mut bytes = vec![0, 0, 0, 0, 0];
        bytes.push(SQL_MODE);
        bytes.extend(0x50_0004_u64.to_le_bytes());
        bytes.extend(b"\x06\x03std");
        bytes.extend(b"\x05\x06SYSTEM");
        bytes.extend(b"\x0b\x04root\x09localhost");
        bytes.extend(b"\x0c\x02d1\0d2\0");
        bytes.extend([131, 1, 33, 0, 0, 8]);
        bytes.extend([MARIADB_GTID_FLAGS, 4, 1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.extend([CHARSET, 255, 0, 8, 0, 33, 0]);
        let expected = StatusVariables {
            sql_mode: 0x50_0004,
            client_collation: Some(255),
            server_collation: Some(33),
            ..StatusVariables::default()
        };
        assert_eq!(StatusVariables::decode(&bytes), Ok(expected));
        let mut unknown = bytes.clone();
        unknown.extend([200, 1, 2]);
        assert_eq!(StatusVariables::decode(&unknown), Ok(expected));
        for length in 0..bytes.len() {
            let _ = StatusVariables::decode(&bytes[..length]);
        }
    }
}
