//! The numbers of the event types, under the names that MySQL's and MariaDB's sources give them.

pub const QUERY: u8 = 2;
pub const STOP: u8 = 3;
pub const ROTATE: u8 = 4;
pub const INTVAR: u8 = 5;
pub const APPEND_BLOCK: u8 = 9;
pub const DELETE_FILE: u8 = 11;
pub const RAND: u8 = 13;
pub const USER_VAR: u8 = 14;
pub const FORMAT_DESCRIPTION: u8 = 15;
pub const XID: u8 = 16;
pub const BEGIN_LOAD_QUERY: u8 = 17;
pub const EXECUTE_LOAD_QUERY: u8 = 18;
pub const TABLE_MAP: u8 = 19;
pub const PRE_GA_WRITE_ROWS: u8 = 20;
pub const PRE_GA_UPDATE_ROWS: u8 = 21;
pub const PRE_GA_DELETE_ROWS: u8 = 22;
pub const WRITE_ROWS_V1: u8 = 23;
pub const UPDATE_ROWS_V1: u8 = 24;
pub const DELETE_ROWS_V1: u8 = 25;
pub const INCIDENT: u8 = 26;
pub const HEARTBEAT: u8 = 27;
pub const IGNORABLE: u8 = 28;
pub const ROWS_QUERY: u8 = 29;
pub const WRITE_ROWS: u8 = 30;
pub const UPDATE_ROWS: u8 = 31;
pub const DELETE_ROWS: u8 = 32;
pub const GTID: u8 = 33;
pub const ANONYMOUS_GTID: u8 = 34;
pub const PREVIOUS_GTIDS: u8 = 35;
pub const TRANSACTION_CONTEXT: u8 = 36;
pub const VIEW_CHANGE: u8 = 37;
pub const XA_PREPARE: u8 = 38;
pub const PARTIAL_UPDATE_ROWS: u8 = 39;
pub const TRANSACTION_PAYLOAD: u8 = 40;
pub const HEARTBEAT_V2: u8 = 41;
pub const GTID_TAGGED: u8 = 42;
pub const MARIADB_ANNOTATE_ROWS: u8 = 160;
pub const MARIADB_BINLOG_CHECKPOINT: u8 = 161;
pub const MARIADB_GTID: u8 = 162;
pub const MARIADB_GTID_LIST: u8 = 163;
pub const MARIADB_START_ENCRYPTION: u8 = 164;
pub const MARIADB_QUERY_COMPRESSED: u8 = 165;
pub const MARIADB_WRITE_ROWS_COMPRESSED_V1: u8 = 166;
pub const MARIADB_UPDATE_ROWS_COMPRESSED_V1: u8 = 167;
pub const MARIADB_DELETE_ROWS_COMPRESSED_V1: u8 = 168;
pub const MARIADB_WRITE_ROWS_COMPRESSED: u8 = 169;
pub const MARIADB_UPDATE_ROWS_COMPRESSED: u8 = 170;
pub const MARIADB_DELETE_ROWS_COMPRESSED: u8 = 171;
pub const MARIADB_PARTIAL_ROW_DATA: u8 = 172;

/// What an event of this type is called.
pub fn name(code: u8) -> &'static str {
    match code {
        QUERY => "QUERY",
        STOP => "STOP",
        ROTATE => "ROTATE",
        FORMAT_DESCRIPTION => "FORMAT_DESCRIPTION",
        XID => "XID",
        TABLE_MAP => "TABLE_MAP",
        PRE_GA_WRITE_ROWS | WRITE_ROWS_V1 | WRITE_ROWS => "WRITE_ROWS",
        PRE_GA_UPDATE_ROWS | UPDATE_ROWS_V1 | UPDATE_ROWS => "UPDATE_ROWS",
        PRE_GA_DELETE_ROWS | DELETE_ROWS_V1 | DELETE_ROWS => "DELETE_ROWS",
        INCIDENT => "INCIDENT",
        HEARTBEAT | HEARTBEAT_V2 => "HEARTBEAT",
        GTID => "GTID",
        ANONYMOUS_GTID => "ANONYMOUS_GTID",
        PREVIOUS_GTIDS => "PREVIOUS_GTIDS",
        XA_PREPARE => "XA_PREPARE",
        PARTIAL_UPDATE_ROWS => "PARTIAL_UPDATE_ROWS",
        TRANSACTION_PAYLOAD => "TRANSACTION_PAYLOAD",
        GTID_TAGGED => "GTID_TAGGED",
        MARIADB_QUERY_COMPRESSED => "QUERY_COMPRESSED",
        MARIADB_WRITE_ROWS_COMPRESSED_V1 | MARIADB_WRITE_ROWS_COMPRESSED => "WRITE_ROWS_COMPRESSED",
        MARIADB_UPDATE_ROWS_COMPRESSED_V1 | MARIADB_UPDATE_ROWS_COMPRESSED => {
            "UPDATE_ROWS_COMPRESSED"
        }
        MARIADB_DELETE_ROWS_COMPRESSED_V1 | MARIADB_DELETE_ROWS_COMPRESSED => {
            "DELETE_ROWS_COMPRESSED"
        }
        MARIADB_GTID => "MariaDB GTID",
        MARIADB_GTID_LIST => "GTID_LIST",
        MARIADB_PARTIAL_ROW_DATA => "PARTIAL_ROW_DATA",
        MARIADB_START_ENCRYPTION => "START_ENCRYPTION",
        _ => "binlog",
    }
}
