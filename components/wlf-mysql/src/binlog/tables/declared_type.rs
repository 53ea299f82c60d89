//! Declared types as `information_schema.COLUMNS.COLUMN_TYPE` writes them.

use std::sync::Arc;

use wlf_core::data_type::{BlobSize, DataType, GeometryType};

use crate::charset::Charset;

/// Reads a type such as `varchar(20)`, `int unsigned` or `enum('a','b')`; `charset` is that of text and labels.
///
/// One that is not known is [`DataType::Unknown`].
pub fn parse(column_type: &str, charset: Charset) -> DataType {
    let lower = column_type.trim().to_ascii_lowercase();
    let (word, behind) = match lower.find(|c: char| !c.is_ascii_alphanumeric()) {
        Some(end) => lower.split_at(end),
        None => (&*lower, ""),
    };
    let (arguments, _) = behind
        .strip_prefix('(')
        .and_then(|behind| behind.split_once(')'))
        .unwrap_or_default();
    let arguments: Vec<Option<u32>> = arguments
        .split(',')
        .map(|argument| argument.trim().parse().ok())
        .collect();
    let argument = |n: usize, default| arguments.get(n).copied().flatten().unwrap_or(default);
    let small = |n, default| u8::try_from(argument(n, default)).unwrap_or(0);
    let charset_name = charset.name;
    let labels = || Arc::from(labels(column_type));
    let unsigned = behind.contains("unsigned") || behind.contains("zerofill");
    let text = |size| DataType::Text {
        size,
        charset: charset_name,
    };
    match word {
        "tinyint" => DataType::TinyInt { unsigned },
        "smallint" => DataType::SmallInt { unsigned },
        "mediumint" => DataType::MediumInt { unsigned },
        "int" => DataType::Int { unsigned },
        "bigint" => DataType::BigInt { unsigned },
        "float" => DataType::Float { unsigned },
        "double" => DataType::Double { unsigned },
        "decimal" => DataType::Decimal {
            precision: small(0, 10),
            scale: small(1, 0),
            unsigned,
        },
        "bit" => DataType::Bit(small(0, 1)),
        "year" => DataType::Year,
        "date" => DataType::Date,
        "time" => DataType::Time(small(0, 0)),
        "datetime" => DataType::DateTime(small(0, 0)),
        "timestamp" => DataType::Timestamp(small(0, 0)),
        "char" => DataType::Char {
            characters: argument(0, 1),
            charset: charset_name,
        },
        "varchar" => DataType::VarChar {
            characters: argument(0, 0),
            charset: charset_name,
        },
        "binary" => DataType::Binary(argument(0, 1)),
        "varbinary" => DataType::VarBinary(argument(0, 0)),
        "tinytext" => text(BlobSize::Tiny),
        "text" => text(BlobSize::Normal),
        "mediumtext" => text(BlobSize::Medium),
        "longtext" => text(BlobSize::Long),
        "tinyblob" => DataType::Blob(BlobSize::Tiny),
        "blob" => DataType::Blob(BlobSize::Normal),
        "mediumblob" => DataType::Blob(BlobSize::Medium),
        "longblob" => DataType::Blob(BlobSize::Long),
        "enum" => DataType::Enum {
            labels: labels(),
            charset: charset_name,
        },
        "set" => DataType::Set {
            labels: labels(),
            charset: charset_name,
        },
        "json" => DataType::Json,
        "vector" => DataType::Vector(argument(0, 0)),
        "uuid" => DataType::Uuid,
        "inet4" => DataType::Inet4,
        "inet6" => DataType::Inet6,
        _ => geometry(word).map_or(DataType::Unknown, DataType::Geometry),
    }
}

fn geometry(word: &str) -> Option<GeometryType> {
    Some(match word {
        "geometry" => GeometryType::Geometry,
        "point" => GeometryType::Point,
        "linestring" => GeometryType::LineString,
        "polygon" => GeometryType::Polygon,
        "multipoint" => GeometryType::MultiPoint,
        "multilinestring" => GeometryType::MultiLineString,
        "multipolygon" => GeometryType::MultiPolygon,
        "geomcollection" | "geometrycollection" => GeometryType::GeometryCollection,
        _ => return None,
    })
}

/// The quoted texts in `enum('a','it''s','C:\\')`.
fn labels(column_type: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut chars = column_type.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    label.push('\'');
                }
                '\'' => break,
                '\\' => label.push(match chars.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('0') => '\0',
                    Some(other) => other,
                    None => '\\',
                }),
                c => label.push(c),
            }
        }
        labels.push(label);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_writes() {
        for (text, expected) in [
            ("int unsigned", "int unsigned"),
            ("int(5) unsigned zerofill", "int unsigned"),
            ("tinyint(1)", "tinyint"),
            ("float(7,3)", "float"),
            ("double(10,2) unsigned", "double unsigned"),
            ("decimal(65,30)", "decimal(65,30)"),
            ("year(4)", "year"),
            ("timestamp(3)", "timestamp(3)"),
            ("varchar(20) /*M!100301 COMPRESSED*/", "varchar(20)"),
            ("geometrycollection", "geomcollection"),
            ("varbinary(3)", "varbinary(3)"),
            ("inet6", "inet6"),
            ("enum('unsigned')", "enum('unsigned')"),
            ("some_plugin_type", "unknown"),
        ] {
            assert_eq!(parse(text, Charset::UTF8MB4).to_string(), expected);
        }
    }

    /// As MySQL 9.7.4 wrote the labels `s,m`, `it's`, ``, `a\b`, a line's end, a zero byte and a tab.
    #[test]
    fn reads_labels() {
        let DataType::Set { labels, charset } = parse(
            r"set('s,m','it''s','','a\\b','\n','\0','	')",
            Charset::named("gbk"),
        ) else {
            panic!();
        };
        assert_eq!(&*labels, ["s,m", "it's", "", "a\\b", "\n", "\0", "\t"]);
        assert_eq!(charset, "gbk");
    }
}
