//! The types that are measured.

use super::{Change, Type};

const fn of(name: &'static str, declared: &'static str, value: &'static str) -> Type {
    Type {
        name,
        declared,
        value,
        change: Change::Insert,
    }
}

/// ASCII text, which all others are compared with: its length is the only difference.
pub const ASCII: &[Type] = &[
    of(
        "varchar, 1 of ASCII",
        "VARCHAR(1)",
        "LEFT(SHA2({x}, 256), 1)",
    ),
    of(
        "varchar, 10 of ASCII",
        "VARCHAR(10)",
        "LEFT(SHA2({x}, 256), 10)",
    ),
    of(
        "varchar, 30 of ASCII",
        "VARCHAR(30)",
        "LEFT(SHA2({x}, 256), 30)",
    ),
    of(
        "varchar, 100 of ASCII",
        "VARCHAR(100)",
        "LEFT(REPEAT(SHA2({x}, 256), 4), 100)",
    ),
    of(
        "text, 400 of ASCII",
        "TEXT",
        "LEFT(REPEAT(SHA2({x}, 256), 13), 400)",
    ),
];

/// A moment between 2000 and 2022, with and without a fraction.
const MOMENT: &str = "TIMESTAMP('2000-01-02 00:00:00') + INTERVAL CRC32({x}) % 700000000 SECOND";
const FRACTION: &str =
    "TIMESTAMP('2000-01-02 00:00:00.123456') + INTERVAL CRC32({x}) % 700000000 SECOND";

/// All others.
pub const OTHERS: &[Type] = &[
    of("tinyint", "TINYINT", "{x} % 256 - 128"),
    of("smallint", "SMALLINT", "{x} % 65536 - 32768"),
    of("mediumint", "MEDIUMINT", "{x} * 7919 % 16777216 - 8388608"),
    of("int", "INT", "CAST(CRC32({x}) AS SIGNED) - 2147483648"),
    of(
        "bigint",
        "BIGINT",
        "CAST(CRC32({x}) AS SIGNED) * 1000003 * IF({x} % 2, -1, 1)",
    ),
    of(
        "bigint unsigned",
        "BIGINT UNSIGNED",
        "18446744073709551615 - CRC32({x})",
    ),
    of(
        "decimal(10,2)",
        "DECIMAL(10,2)",
        "CRC32({x}) % 1000000000 / 100 - 5000000",
    ),
    of(
        "decimal(30,10)",
        "DECIMAL(30,10)",
        "CRC32({x}) * 12345678.0123456789",
    ),
    of("float", "FLOAT", "CRC32({x}) / 1000"),
    of("double", "DOUBLE", "CRC32({x}) / 7"),
    of(
        "date",
        "DATE",
        "DATE('2000-01-02') + INTERVAL {x} % 9000 DAY",
    ),
    of("datetime", "DATETIME", MOMENT),
    of("datetime(6)", "DATETIME(6)", FRACTION),
    of("timestamp", "TIMESTAMP NULL", MOMENT),
    of("timestamp(6)", "TIMESTAMP(6) NULL", FRACTION),
    of("time", "TIME", "SEC_TO_TIME(CRC32({x}) % 86400)"),
    of("year", "YEAR", "1901 + {x} % 200"),
    of("bit(16)", "BIT(16)", "{x} % 65536"),
    of("enum", "ENUM('new', 'paid', 'sent', 'done')", "1 + {x} % 4"),
    of("set", "SET('red', 'green', 'blue', 'white')", "{x} % 16"),
    of("char(30) of ASCII", "CHAR(30)", "LEFT(SHA2({x}, 256), 30)"),
    of(
        "varchar, 30 of latin1, a third not ASCII",
        "VARCHAR(30) CHARACTER SET latin1",
        "CONCAT(LEFT(SHA2({x}, 256), 20), 'äöüéèàßçñø')",
    ),
    of(
        "varchar, 20 of utf8mb4, half of 2 bytes",
        "VARCHAR(30)",
        "CONCAT(LEFT(SHA2({x}, 256), 10), 'äöüéèàßçñø')",
    ),
    of(
        "varchar, 30 of which 3 are escaped",
        "VARCHAR(30)",
        "CONCAT('say \"', LEFT(SHA2({x}, 256), 23), '\"\\n')",
    ),
    of(
        "binary(16)",
        "BINARY(16)",
        "UNHEX(LEFT(SHA2({x}, 256), 32))",
    ),
    of(
        "varbinary, 100",
        "VARBINARY(100)",
        "LEFT(UNHEX(REPEAT(SHA2({x}, 256), 7)), 100)",
    ),
    of(
        "blob, 400",
        "BLOB",
        "LEFT(UNHEX(REPEAT(SHA2({x}, 256), 13)), 400)",
    ),
    of(
        "json, object of 2",
        "JSON",
        "JSON_OBJECT('id', {x}, 'name', LEFT(SHA2({x}, 256), 8))",
    ),
    of(
        "json, array of 10 integers",
        "JSON",
        "JSON_ARRAY({x}, 1, 22, 333, 4444, 55555, 666666, 7777777, 88888888, {x})",
    ),
    of(
        "json, nested",
        "JSON",
        "JSON_OBJECT('a', JSON_OBJECT('b', JSON_ARRAY({x}, 'x', NULL, true), 'c', JSON_OBJECT('d', 'text')), 'e', 1)",
    ),
    of(
        "json, array of 5 doubles",
        "JSON",
        "JSON_ARRAY({x} / 7e0, {x} / 3e0, {x} / 11e0, {x} / 13e0, {x} / 17e0)",
    ),
    of("geometry, point", "POINT", "POINT({x}, {x} / 7e0)"),
    of("int, NULL", "INT", "NULL"),
    Type {
        change: Change::Update,
        ..of(
            "update: varchar, 10 of ASCII, and in `old`",
            "VARCHAR(10)",
            "LEFT(SHA2({x}, 256), 10)",
        )
    },
    Type {
        change: Change::Delete,
        ..of(
            "delete: varchar, 10 of ASCII",
            "VARCHAR(10)",
            "LEFT(SHA2({x}, 256), 10)",
        )
    },
];
