//! JSON documents.

use crate::column::{Column, Kind, quoted};
use crate::server::Server;
use crate::table::Table;

const TEXTS: [&str; 32] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "32767",
    "-32768",
    "65536",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0.1",
    "-0.0",
    "1.0",
    "1e100",
    "1.7976931348623157e308",
    "5e-324",
    "\"\"",
    "{}",
    "[]",
    r#""日本😀 \"quoted\" \\ \/ \b\f\n\r\t \u0001 \u2028""#,
    r#"[1, "two", 3.0, null, true, false, [], {}, [[[]]], {"a": {"b": [1]}}]"#,
    r#"{"b": 1, "a": "something longer than that", "aa": 3, "": 4, "日本": 5, "k with space": 6, "quote\"d": 7}"#,
    r#"{"a": "a text that is long enough", "b": [1, 2, 3], "aa": {"x": null}}"#,
    "[0.30000000000000004, 1e22, 123456789012345680000, 1e-7, 0.00001, 3.14]",
    r#"{"n": -9007199254740993, "m": 9007199254740993}"#,
    r#"["\u0000", "a\u0000b"]"#,
    r#"[1.5, 1e15, 1e16, 123456789.123456789]"#,
    r#"{"z": 1, "y": {"z": 1, "y": [{"zz": 1, "y": 2}]}}"#,
    r#"[-128, 127, 255, 256, -32769, 4294967295, 4294967296]"#,
    r#""\u007f\u0080""#,
];

/// Values that only SQL can put into a document.
const OPAQUE: [&str; 8] = [
    "JSON_OBJECT('d', CAST(123.450 AS DECIMAL(10,3)), 'neg', CAST(-0.5 AS DECIMAL(5,2)), 'big', CAST(99999999999999999999999999999999999.999999999999999999999999999999 AS DECIMAL(65,30)))",
    "JSON_OBJECT('date', CAST('2024-02-29' AS DATE), 'time', CAST('-12:34:56.789012' AS TIME(6)), 'time0', CAST('100:00:00' AS TIME), 'datetime', CAST('2024-02-29 12:34:56.789012' AS DATETIME(6)), 'datetime0', CAST('2024-02-29 12:34:56' AS DATETIME))",
    "JSON_OBJECT('zero', CAST('0000-00-00' AS DATE), 'partial', CAST('2024-00-00' AS DATE), 'time', CAST('00:00:00' AS TIME))",
    "JSON_OBJECT('year', CAST(2024 AS YEAR), 'stamp', TIMESTAMP'2024-02-29 12:34:56.5')",
    "JSON_ARRAY(x'00FF', b'1010', CAST('abc' AS BINARY(5)), CAST(1 AS UNSIGNED), 18446744073709551615, 1.5e0)",
    // The server breaks base64 into lines of 76 characters.
    "JSON_ARRAY(REPEAT(x'ab', 56), REPEAT(x'ab', 57), REPEAT(x'ab', 58), REPEAT(x'cd', 114), REPEAT(x'cd', 115), REPEAT(x'ef', 3000), '')",
    "JSON_OBJECT('binary', CAST(REPEAT('y', 171) AS BINARY), 'keyed', JSON_OBJECT('b', REPEAT(x'00', 58)), 'text', REPEAT('t', 300))",
    "JSON_OBJECT('point', ST_GeomFromText('POINT(1 2)'), 'line', ST_GeomFromText('LINESTRING(0 0, 1.5 -1)'))",
];

pub fn tables(server: &Server) -> Vec<Table> {
    let mut values: Vec<String> = TEXTS.iter().map(|text| quoted(text)).collect();
    if !server.is_mariadb() {
        values.extend(OPAQUE.map(str::to_owned));
    }
    values.extend([
        "CONCAT('\"', REPEAT('x', 127), '\"')".to_owned(),
        "CONCAT('\"', REPEAT('x', 128), '\"')".to_owned(),
        "CONCAT('\"', REPEAT('é', 8200), '\"')".to_owned(),
        "CONCAT('[', REPEAT('1,', 299), '1]')".to_owned(),
        format!("CONCAT(REPEAT('[', {0}), REPEAT(']', {0}))", if server.is_mariadb() { 30 } else { 99 }),
        // Above 64 KiB its offsets take four bytes.
        "CONCAT('{\"large\": [', REPEAT('\"0123456789\",', 5200), '70000, -70000, 5000000000, {\"k\": \"v\"}]}')".to_owned(),
    ]);
    let documents = Column::new("j", "JSON", Kind::Json, values);
    let required = Column::new(
        "required",
        "JSON",
        Kind::Json,
        ["'{\"a\": [1, 2]}'", "'[3]'"],
    )
    .not_null();
    vec![Table::new("documents", [documents, required])]
}
