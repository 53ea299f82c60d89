//! Columns whose types MariaDB's binlog does not tell, from events that MariaDB 11.8.6 wrote.

use bytes::Bytes;
use wlf_core::Table;
use wlf_core::format::{Encoder, Format};

use super::recorded::{LIMITS, history};
use crate::binlog::Definition;
use crate::binlog::events::event_type as types;
use crate::binlog::{Assembler, Taken};
use crate::ddl::plain_type;
use crate::schema::{ColumnSchema, TableSchema};

/// The table as `information_schema.COLUMNS` had it.
const COLUMNS: &[(&str, &str, Option<&str>)] = &[
    ("id", "int(10) unsigned", None),
    ("y", "year(4)", None),
    ("u", "uuid", None),
    ("i4", "inet4", None),
    ("i6", "inet6", None),
    ("j", "longtext", Some("utf8mb4")),
    ("lt", "longtext", Some("utf8mb4")),
    ("bc", "blob /*M!100301 COMPRESSED*/", None),
    (
        "vc",
        "varchar(100) /*M!100301 COMPRESSED*/",
        Some("utf8mb4"),
    ),
    (
        "vc2",
        "varchar(300) /*M!100301 COMPRESSED*/",
        Some("latin1"),
    ),
    ("vbc", "varbinary(50) /*M!100301 COMPRESSED*/", None),
    ("tc", "text /*M!100301 COMPRESSED*/", Some("utf8mb4")),
    ("ltc", "longtext /*M!100301 COMPRESSED*/", Some("utf8mb4")),
    ("g", "geometry", None),
    ("p", "point", None),
    ("b10", "bit(10)", None),
    ("dec1", "decimal(10,2) unsigned", None),
    ("d", "date", None),
    ("t", "time(3)", None),
    ("dt", "datetime(6)", None),
    ("ts", "timestamp(2)", None),
    ("e", "enum('a','b')", Some("utf8mb4")),
    ("s", "set('x','y')", Some("utf8mb4")),
    ("c", "char(3)", Some("gbk")),
    ("by2", "binary(16)", None),
    ("f", "float unsigned", None),
    ("db", "double", None),
    ("tt", "tinytext", Some("utf8mb4")),
    ("last", "tinyint(3) unsigned", None),
];

const TABLE_MAP: &str = "2d000000000001000774797065735f6d00027431001d030dfefefefcfc8c8d8d8d8c8cffff10f60a131211fefefefe0405\
fc0125fe10fe04fe1004040291012d0133000204040402010a02030602f701f801fe06fe10040801feffff1f0101f4031a3f3f3f2efc00093ffc000908\
3ffc0009fc00093f3f1c3ffc000907020001045502696401790175026934026936016a026c740262630276630376633203766263027463036c74630167\
017003623130046465633101640174026474027473016501730163036279320166026462027474046c6173740a03fc0009050502017801790605020161\
0162080100";

/// All columns with values; the key alone; and compressed columns that are empty.
const ROWS: [&str; 3] = [
    "2d000000000001001dffffff1f000000e0010000007c0e123e4567e89b12d3a4564266554404010203041020010db8000000000000ff00004283291400\
00007b2261223a20312c20202262223a5b312c325d7d020000006c740b0089c84bcac94f4a1a06180006000073686f7274080089c87bf9727800002900\
7878787878787878787878787878787878787878787878787878787878787878787878787878787803000074630900000089c8cbc9cf191610002d0000\
000000000001020000000200000000000000000000000000000000000000000000000000f03f000000000000f03f190000000000000001010000000000\
00000000f03f000000000000004002aa8000000c225dd00f7fef7cec7899b242108301e24065920f0b0c020303c4e361036162630000c03f0000000000\
0004400474696e79c8",
    "2d000000000001001dffffff1ffeffffff02000000",
    "2d000000000001001dffffff1f7ef4ffff030000000000000000000000",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect()
}

/// An event without checksum.
fn event(code: u8, body: &[u8]) -> Bytes {
    let mut event = vec![0; 4];
    event.push(code);
    event.extend(118u32.to_le_bytes());
    event.extend((19 + body.len() as u32).to_le_bytes());
    event.extend([0; 6]);
    event.extend(body);
    Bytes::from(event)
}

fn format_description() -> Bytes {
    let mut body = vec![4, 0];
    let mut version = b"11.8.6-MariaDB-log".to_vec();
    version.resize(50, 0);
    body.extend(version);
    body.extend([0, 0, 0, 0, 19]);
    let mut post_headers = [0; 164];
    post_headers[usize::from(types::TABLE_MAP) - 1] = 8;
    body.extend(post_headers);
    // No checksums, and the checksum of this event, which nobody looks at then.
    body.extend([0; 5]);
    event(types::FORMAT_DESCRIPTION, &body)
}

/// What the events hold, as lines and as the table of the first; `schema` is what the server says when it is asked.
fn read(
    map: &str,
    rows: &[&str],
    schema: Option<&TableSchema>,
) -> (Result<Vec<String>, String>, std::sync::Arc<Table>) {
    let mut assembler = Assembler::new(LIMITS);
    if schema.is_some() {
        assembler = assembler.with_definitions();
        assembler.set_history(Some(history()));
    }
    assembler.next_file("mariadb.000001");
    let mut events = vec![format_description(), event(types::TABLE_MAP, &bytes(map))];
    events.extend(
        rows.iter()
            .map(|rows| event(types::WRITE_ROWS_V1, &bytes(rows))),
    );
    events.push(event(types::XID, &7u64.to_le_bytes()));
    for block in events {
        while assembler.take(&block, 0..block.len(), Some(4)).unwrap() == Taken::NeedsDefinition {
            let table = assembler.needed().unwrap().clone();
            let schema = schema.unwrap().clone();
            assembler.history().unwrap().learn(&table, schema).unwrap();
        }
    }
    let batch = assembler.cut().unwrap();
    let mut encoder = Encoder::new(Format::default());
    let encoded = batch
        .events
        .iter()
        .try_for_each(|event| encoder.encode(event));
    let lines = encoder.records().map(|row| {
        let line: serde_json::Value = serde_json::from_slice(row.value.unwrap()).unwrap();
        line["data"].to_string()
    });
    let lines = lines.collect();
    let lines = encoded
        .map(|()| lines)
        .map_err(|error| error.fault.to_string());
    (lines, batch.events[0].table.clone())
}

fn schema(columns: &[(&str, &str, Option<&str>)]) -> TableSchema {
    let columns = columns
        .iter()
        .map(|(name, column_type, charset)| ColumnSchema {
            name: (*name).to_owned(),
            column_type: plain_type(column_type),
            charset: charset.map(str::to_owned),
            nullable: true,
            ..ColumnSchema::default()
        });
    TableSchema {
        charset: "utf8mb4".to_owned(),
        columns: columns.collect(),
        primary_key: Vec::new(),
        ..TableSchema::default()
    }
}

fn definition() -> TableSchema {
    let mut schema = schema(COLUMNS);
    schema.apply_check("json_valid(`j`)");
    schema
}

#[test]
fn types_come_from_the_definition() {
    let (lines, table) = read(TABLE_MAP, &ROWS, Some(&definition()));
    let lines = lines.unwrap();
    let blob = "YmxvYmJsb2JibG9i".repeat(16) + "YmxvYmJsb2I=";
    let base64 = "eHh4".repeat(13) + "eA==";
    let expected = format!(
        r#"{{"id":1,"y":2024,"u":"123e4567-e89b-12d3-a456-426655440000","i4":"1.2.3.4","i6":"2001:db8::ff00:42:8329","j":{{"a":1,"b":[1,2]}},"lt":"lt","bc":"{blob}","vc":"short","vc2":"{}","vbc":"{base64}","tc":"tc","ltc":"{}","g":"LINESTRING (0 0, 1 1)","p":"POINT (1 2)","b10":682,"dec1":12.34,"d":"2024-02-29","t":"-01:02:03.500","dt":"2024-01-01 01:02:03.123456","ts":"2024-01-01 01:02:03.12","e":"b","s":["x","y"],"c":"你a","by2":"YWJjAAAAAAAAAAAAAAAAAA==","f":1.5,"db":2.5,"tt":"tiny","last":200}}"#,
        "é".repeat(200),
        "lo".repeat(100),
    );
    assert_eq!(lines[0], expected);
    assert!(
        lines[2].contains(r#""bc":"","vc":"","vc2":"","vbc":null,"tc":"","#),
        "{}",
        lines[2]
    );
    let declared: Vec<_> = Definition::of(&definition())
        .columns
        .into_iter()
        .map(|column| column.data_type)
        .collect();
    let told: Vec<_> = table
        .columns
        .iter()
        .map(|column| column.data_type.clone())
        .collect();
    assert_eq!(told, declared);
}

/// What it looks like when nobody can be asked.
#[test]
fn types_that_nobody_tells() {
    let (lines, table) = read(TABLE_MAP, &ROWS, None);
    let first = &lines.unwrap()[0];
    assert!(
        first.contains(
            r#""u":"Ej5FZ+ibEtOkVkJmVUQAAA==","i4":"AQIDBA==","i6":"IAENuAAAAAAAAP8AAEKDKQ==","j":"{\"a\": 1,  \"b\":[1,2]}","#
        ),
        "{first}"
    );
    assert!(first.ends_with(r#""last":200}"#), "{first}");
    let of = |name: &str| {
        let column = table
            .columns
            .iter()
            .find(|column| column.name == name)
            .unwrap();
        column.data_type.to_string()
    };
    assert_eq!(
        (of("u"), of("vc2"), of("c")),
        ("binary(16)".into(), "varchar(300)".into(), "char(3)".into())
    );
}

/// A check can be switched off, so that there is something else in a JSON.
#[test]
fn json_that_is_none_is_text() {
    let rows = ROWS[0].replacen("7b2261223a20", "7b2261ff3a20", 1);
    let (lines, _) = read(TABLE_MAP, &[&rows], Some(&definition()));
    let line = &lines.unwrap()[0];
    assert!(
        line.contains("\"j\":\"{\\\"a\u{fffd}: 1,  \\\"b\\\":[1,2]}\""),
        "{line}"
    );
}

/// The table `t3` of MariaDB 10.11.18 with `mysql56_temporal_format=OFF`: TIME(3), DATETIME(3) and TIMESTAMP(3).
#[test]
fn fractions_of_the_old_form() {
    let map = "1800000000000100016f000274330004030b0c07000e010100040a02696401740164027473080100";
    let rows = "1800000000000100040ff001000000000000000100422bb59e95fb65e079f003dbf00200000000b407a58000000000000000000000\
000000f00300000000b4079fa40020b127eddc647fffffff0384f00400000000b6bad18e0146e4ebd7ffff000000010000";
    let definition = schema(&[
        ("id", "int(11)", None),
        ("t", "time(3) /* mariadb-5.3 */", None),
        ("d", "datetime(3) /* mariadb-5.3 */", None),
        ("ts", "timestamp(3) /* mariadb-5.3 */", None),
    ]);
    let (lines, _) = read(map, &[rows], Some(&definition));
    assert_eq!(
        lines.unwrap(),
        [
            r#"{"id":1,"t":"-838:59:59.999","d":"2024-02-29 12:34:56.123","ts":"2024-02-29 12:34:56.987"}"#,
            r#"{"id":2,"t":"00:00:00.000","d":"0000-00-00 00:00:00.000","ts":"0000-00-00 00:00:00.000"}"#,
            r#"{"id":3,"t":"-00:00:01.500","d":"1000-01-01 00:00:00.100","ts":"2038-01-19 03:14:07.900"}"#,
            r#"{"id":4,"t":"12:34:56.654","d":"9999-12-31 23:59:59.999","ts":"1970-01-01 00:00:01.000"}"#,
        ]
    );
    let (lines, _) = read(map, &[rows], None);
    let error = lines.unwrap_err();
    assert!(
        error.contains("column t has the form that MariaDB had before 10.1"),
        "{error}"
    );
}
