//! Columns' types as statements name them, and as `information_schema` does.

use super::client::Client;
use super::cursor::{Cursor, NotUnderstood};
use super::lexer::{Dialect, Token};
use crate::charset::Charset;

/// A type, as far as it is known without the column's charset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeName {
    /// As `information_schema` writes it, without display width.
    Plain(String),
    Char(u64),
    VarChar(u64),
    Text(TextSize),
    /// MariaDB's: a LONGTEXT with a check.
    Json,
    Enum(Labels),
    Set(Labels),
}

/// The labels of an ENUM or SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    texts: Vec<String>,
    /// Their bytes are those of a client that does not speak UTF-8.
    converted: bool,
}

/// How long a TEXT may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSize {
    Tiny,
    Normal,
    Medium,
    Long,
    /// `TEXT(n)`: the smallest that has room for so many characters.
    Characters(u64),
}

impl TextSize {
    /// Of so many bytes.
    fn of_bytes(bytes: u64) -> Self {
        match bytes {
            0..=0xff => Self::Tiny,
            0x100..=0xffff => Self::Normal,
            0x1_0000..=0xff_ffff => Self::Medium,
            _ => Self::Long,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Normal | Self::Characters(_) => "",
            Self::Medium => "medium",
            Self::Long => "long",
        }
    }

    fn name(self, charset: &str) -> String {
        let size = match self {
            Self::Characters(n) => Self::of_bytes(n.saturating_mul(width(charset))),
            size => size,
        };
        let word = if charset == "binary" { "blob" } else { "text" };
        format!("{}{word}", size.prefix())
    }
}

impl TypeName {
    /// Whether labels would be bytes that are not known any more.
    pub fn loses_bytes(&self, charset: &str) -> bool {
        match self {
            Self::Enum(labels) | Self::Set(labels) => labels.converted && charset == "binary",
            _ => false,
        }
    }

    /// The type and charset as `information_schema` has them, for a column that would have this charset.
    pub fn resolve(&self, charset: &str) -> (String, Option<String>) {
        let is_binary = charset == "binary";
        let name = match self {
            Self::Plain(name) => return (name.clone(), None),
            Self::Char(n) if is_binary => format!("binary({n})"),
            Self::Char(n) => format!("char({n})"),
            // Without strict mode a VARCHAR that is too long becomes a TEXT.
            Self::VarChar(n) if n.saturating_mul(width(charset)) > 0xffff => {
                TextSize::Characters(*n).name(charset)
            }
            Self::VarChar(n) if is_binary => format!("varbinary({n})"),
            Self::VarChar(n) => format!("varchar({n})"),
            Self::Text(size) => size.name(charset),
            Self::Json if is_binary => TextSize::Long.name(charset),
            Self::Json => "json".to_owned(),
            Self::Enum(labels) => choice("enum", &labels.texts, charset),
            Self::Set(labels) => choice("set", &labels.texts, charset),
        };
        (name, (!is_binary).then(|| charset.to_owned()))
    }

    /// Reads a type out of a statement, up to its attributes.
    pub fn read(cursor: &mut Cursor<'_>, dialect: Dialect) -> Result<Self, NotUnderstood> {
        let Some(Token::Word(word)) = cursor.next() else {
            return Err(NotUnderstood);
        };
        let word = word.to_ascii_lowercase();
        if let Some(name) = integer(&word) {
            return number(name, cursor);
        }
        match &*word {
            "char" | "character" | "nchar" | "national" => characters(&word, cursor),
            "varchar" | "varcharacter" | "nvarchar" => {
                Ok(Self::VarChar(length(cursor)?.ok_or(NotUnderstood)?))
            }
            "text" => Ok(Self::Text(match length(cursor)? {
                Some(0) if dialect.is_mariadb => TextSize::Normal,
                Some(n) => TextSize::Characters(n),
                None => TextSize::Normal,
            })),
            "tinytext" => Ok(Self::Text(TextSize::Tiny)),
            "mediumtext" => Ok(Self::Text(TextSize::Medium)),
            "longtext" => Ok(Self::Text(TextSize::Long)),
            "long" => Ok(long(cursor)),
            "enum" => Ok(Self::Enum(labels(cursor, dialect)?)),
            "set" => Ok(Self::Set(labels(cursor, dialect)?)),
            "json" if dialect.is_mariadb => Ok(Self::Json),
            "bool" | "boolean" => Ok(Self::Plain("tinyint".to_owned())),
            "serial" => Ok(Self::Plain("bigint unsigned".to_owned())),
            "decimal" | "dec" | "numeric" | "fixed" => decimal(cursor),
            "float" | "float4" | "float8" | "double" | "real" => float(&word, cursor, dialect),
            "bit" => Ok(Self::Plain(format!(
                "bit({})",
                length(cursor)?.unwrap_or(1)
            ))),
            "time" | "datetime" | "timestamp" => Ok(Self::Plain(match length(cursor)? {
                None | Some(0) => word,
                Some(digits) => format!("{word}({digits})"),
            })),
            "year" => {
                length(cursor)?;
                Ok(Self::Plain(word))
            }
            "date" | "json" | "uuid" | "inet4" | "inet6" | "tinyblob" | "mediumblob"
            | "longblob" | "geometry" | "point" | "linestring" | "polygon" | "multipoint"
            | "multilinestring" | "multipolygon" => Ok(Self::Plain(word)),
            "geometrycollection" | "geomcollection" => Ok(Self::Plain("geomcollection".to_owned())),
            "blob" => Ok(Self::Plain(match length(cursor)? {
                Some(n) => TextSize::Characters(n).name("binary"),
                None => word,
            })),
            "binary" => Ok(Self::Plain(format!(
                "binary({})",
                length(cursor)?.unwrap_or(1)
            ))),
            "varbinary" => {
                let length = length(cursor)?.ok_or(NotUnderstood)?;
                Ok(Self::Plain(match length {
                    0..=0xffff => format!("varbinary({length})"),
                    _ => TextSize::of_bytes(length).name("binary"),
                }))
            }
            "vector" => Ok(Self::Plain(format!(
                "vector({})",
                length(cursor)?.unwrap_or(2048)
            ))),
            _ => Err(NotUnderstood),
        }
    }
}

fn integer(word: &str) -> Option<&'static str> {
    Some(match word {
        "tinyint" | "int1" => "tinyint",
        "smallint" | "int2" => "smallint",
        "mediumint" | "middleint" | "int3" => "mediumint",
        "int" | "integer" | "int4" => "int",
        "bigint" | "int8" => "bigint",
        _ => return None,
    })
}

/// `(n)`, if it is there.
fn length(cursor: &mut Cursor<'_>) -> Result<Option<u64>, NotUnderstood> {
    if !cursor.is_at_symbol('(') {
        return Ok(None);
    }
    let mut inside = cursor.parenthesized()?;
    let length = inside.number()?;
    if inside.is_empty() {
        Ok(Some(length))
    } else {
        Err(NotUnderstood)
    }
}

/// `(n)` or `(n,m)`, if it is there.
fn precision(cursor: &mut Cursor<'_>) -> Result<Option<(u64, Option<u64>)>, NotUnderstood> {
    if !cursor.is_at_symbol('(') {
        return Ok(None);
    }
    let mut inside = cursor.parenthesized()?;
    let precision = inside.number()?;
    let scale = if inside.eat_symbol(',') {
        Some(inside.number()?)
    } else {
        None
    };
    Ok(Some((precision, scale)))
}

/// UNSIGNED, SIGNED and ZEROFILL behind a number's type.
fn signed(name: String, cursor: &mut Cursor<'_>) -> TypeName {
    let (mut unsigned, mut zerofill) = (false, false);
    loop {
        if cursor.eat("UNSIGNED") {
            unsigned = true;
        } else if cursor.eat("ZEROFILL") {
            zerofill = true;
        } else if !cursor.eat("SIGNED") {
            break;
        }
    }
    let unsigned = if unsigned || zerofill {
        " unsigned"
    } else {
        ""
    };
    let zerofill = if zerofill { " zerofill" } else { "" };
    TypeName::Plain(format!("{name}{unsigned}{zerofill}"))
}

fn number(name: &str, cursor: &mut Cursor<'_>) -> Result<TypeName, NotUnderstood> {
    length(cursor)?;
    Ok(signed(name.to_owned(), cursor))
}

fn decimal(cursor: &mut Cursor<'_>) -> Result<TypeName, NotUnderstood> {
    let (digits, scale) = precision(cursor)?.unwrap_or((10, None));
    let digits = if digits == 0 { 10 } else { digits };
    let name = format!("decimal({digits},{})", scale.unwrap_or(0));
    Ok(signed(name, cursor))
}

fn float(word: &str, cursor: &mut Cursor<'_>, dialect: Dialect) -> Result<TypeName, NotUnderstood> {
    let mut name = match word {
        "float" | "float4" => "float",
        "real" if dialect.real_is_float() => "float",
        _ => "double",
    };
    if word == "double" {
        cursor.eat("PRECISION");
    }
    let name = match precision(cursor)? {
        // The precision in bits chooses between the two.
        Some((bits, None)) => {
            if name == "float" && bits > 24 {
                name = "double";
            }
            name.to_owned()
        }
        Some((digits, Some(scale))) => format!("{name}({digits},{scale})"),
        None => name.to_owned(),
    };
    Ok(signed(name, cursor))
}

/// CHAR, NCHAR, NATIONAL CHAR and so on, VARYING or not.
fn characters(word: &str, cursor: &mut Cursor<'_>) -> Result<TypeName, NotUnderstood> {
    let varying = if word == "national" {
        if cursor.eat_any(&["VARCHAR", "VARCHARACTER"]) {
            true
        } else if cursor.eat_any(&["CHAR", "CHARACTER"]) {
            cursor.eat("VARYING")
        } else {
            return Err(NotUnderstood);
        }
    } else if word == "nchar" {
        cursor.eat_any(&["VARYING", "VARCHAR", "VARCHARACTER"])
    } else {
        cursor.eat("VARYING")
    };
    let length = length(cursor)?;
    if varying {
        Ok(TypeName::VarChar(length.ok_or(NotUnderstood)?))
    } else {
        Ok(TypeName::Char(length.unwrap_or(1)))
    }
}

fn long(cursor: &mut Cursor<'_>) -> TypeName {
    if cursor.eat("VARBINARY") {
        return TypeName::Plain("mediumblob".to_owned());
    }
    if !cursor.eat_any(&["VARCHAR", "VARCHARACTER"]) && cursor.eat_any(&["CHAR", "CHARACTER"]) {
        cursor.eat("VARYING");
    }
    TypeName::Text(TextSize::Medium)
}

/// `('a','b')`
fn labels(cursor: &mut Cursor<'_>, dialect: Dialect) -> Result<Labels, NotUnderstood> {
    let mut inside = cursor.parenthesized()?;
    let mut labels = Vec::new();
    while let Some(mut label) = inside.item() {
        let mut text = String::new();
        loop {
            // Literals beside each other are one.
            match label.next() {
                Some(Token::Text(more)) => text.push_str(more),
                Some(_) => return Err(NotUnderstood),
                None => break,
            }
        }
        labels.push(text);
    }
    let is_ascii = labels.iter().all(|label| label.is_ascii());
    Ok(Labels {
        converted: dialect.client != Client::Utf8 && !is_ascii,
        texts: labels,
    })
}

/// Labels as the server keeps and quotes them: in the column's charset, and without spaces at their ends if that is one of
/// text (`create_typelib` of `sql/sql_table.cc`).
fn choice(word: &str, labels: &[String], charset: &str) -> String {
    let mut text = format!("{word}(");
    for (n, label) in labels.iter().enumerate() {
        let converted;
        let label = match charset {
            "binary" => label,
            _ => {
                converted = Charset::named(charset).converted(label);
                converted.trim_end_matches(' ')
            }
        };
        text.push_str(if n == 0 { "'" } else { ",'" });
        for c in label.chars() {
            match c {
                '\'' => text.push_str("''"),
                '\\' => text.push_str("\\\\"),
                '\0' => text.push_str("\\0"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                c => text.push(c),
            }
        }
        text.push('\'');
    }
    text.push(')');
    text
}

/// The type that `information_schema.COLUMNS.COLUMN_TYPE` names, without display widths and comments, so that versions of
/// servers agree.
pub fn plain_type(column_type: &str) -> String {
    let (word, _) = column_type
        .split_once(['(', ' '])
        .unwrap_or((column_type, ""));
    let word = word.to_ascii_lowercase();
    if matches!(&*word, "enum" | "set") {
        let (_, labels) = column_type.split_at(word.len());
        // A MariaDB server may put `/*M!100301 COMPRESSED*/` behind other types, and never behind these.
        return format!("{word}{labels}");
    }
    let without_comment = column_type.split("/*").next().unwrap_or(column_type);
    let lower = without_comment.trim_end().to_ascii_lowercase();
    let rest = lower.strip_prefix(&*word).unwrap_or_default();
    match &*word {
        "geometrycollection" => "geomcollection".to_owned(),
        "year" => word,
        _ if integer(&word).is_some() => match rest.split_once(')') {
            Some((_, attributes)) => format!("{word}{attributes}"),
            None => lower,
        },
        _ => lower,
    }
}

/// A charset's name in the form that all servers' names are brought to.
pub fn charset_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name == "utf8" {
        return "utf8mb3".to_owned();
    }
    name
}

/// The charset that a collation belongs to; `None` if its name does not say.
pub fn charset_of_collation(collation: &str) -> Option<String> {
    let (charset, _) = collation.split_once('_').unwrap_or((collation, ""));
    let charset = charset_name(charset);
    // MariaDB's `uca1400_ai_ci` goes with several.
    (charset != "uca1400").then_some(charset)
}

/// The most bytes that a character takes in the charset.
fn width(charset: &str) -> u64 {
    Charset::named(charset).longest.into()
}
