//! What a column is in Kafka Connect's terms, and its schema.

use serde_json::{Map, Value, json};

use super::options::{BigintUnsignedMode, BinaryMode, DecimalMode, Options};
use crate::data_type::{DataType, GeometryType};
use crate::event::Column;

/// How a column's values are written, as far as the values do not say it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) struct Field {
    pub kind: Kind,
    pub nullable: bool,
    pub decimal: DecimalMode,
    pub binary: BinaryMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Kind {
    /// As the value says.
    Plain,
    Boolean,
    /// So many bytes, the lowest first.
    Bits(u8),
    /// An integer as a DECIMAL without digits behind the point.
    PreciseInteger,
    Point,
    /// The source does not know the type, and a schema has to: text.
    Text,
}

impl Field {
    pub fn new(column: &Column, options: &Options) -> Self {
        let precise = options.bigint_unsigned_handling_mode == BigintUnsignedMode::Precise;
        let kind = match &column.data_type {
            DataType::Bit(1) => Kind::Boolean,
            DataType::Bit(bits) => Kind::Bits(bits.div_ceil(8)),
            DataType::BigInt { unsigned: true } if precise => Kind::PreciseInteger,
            DataType::Geometry(GeometryType::Point) => Kind::Point,
            DataType::Unknown if options.schemas_enable => Kind::Text,
            _ => Kind::Plain,
        };
        Self {
            kind,
            nullable: column.nullable,
            decimal: options.decimal_handling_mode,
            binary: options.binary_handling_mode,
        }
    }
}

/// A schema's members, in the order of Kafka Connect's converter: `type`, what it is made of, `optional`, `name`,
/// `version`, `doc`, `parameters`, `default`, `field`.
pub(super) struct Schema {
    members: Map<String, Value>,
    optional: bool,
    name: Option<(String, u32)>,
    doc: Option<&'static str>,
    parameters: Map<String, Value>,
    default: Option<Value>,
}

impl Schema {
    pub fn new(kind: &str) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(kind));
        Self {
            members,
            optional: false,
            name: None,
            doc: None,
            parameters: Map::new(),
            default: None,
        }
    }

    pub fn structure(fields: Vec<Value>) -> Self {
        Self::new("struct").with("fields", Value::Array(fields))
    }

    pub fn array(items: Value) -> Self {
        Self::new("array").with("items", items)
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.members.insert(key.to_owned(), value);
        self
    }

    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// `version` 0 stands for none.
    pub fn named(mut self, name: impl Into<String>, version: u32) -> Self {
        self.name = Some((name.into(), version));
        self
    }

    fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }

    pub fn parameter(mut self, key: &str, value: impl ToString) -> Self {
        self.parameters
            .insert(key.to_owned(), json!(value.to_string()));
        self
    }

    pub fn default_value(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    pub fn finish(mut self) -> Value {
        let mut put = |key: &str, value: Value| {
            self.members.insert(key.to_owned(), value);
        };
        put("optional", json!(self.optional));
        if let Some((name, version)) = self.name {
            put("name", json!(name));
            if version > 0 {
                put("version", json!(version));
            }
        }
        if let Some(doc) = self.doc {
            put("doc", json!(doc));
        }
        if !self.parameters.is_empty() {
            put("parameters", Value::Object(self.parameters));
        }
        if let Some(default) = self.default {
            put("default", default);
        }
        Value::Object(self.members)
    }

    /// The schema as the member of a struct.
    pub fn field(self, name: &str) -> Value {
        let mut schema = self.finish();
        schema["field"] = json!(name);
        schema
    }
}

/// The schema of a column.
pub(super) fn of_column(column: &Column, options: &Options) -> Schema {
    let time = |kind, name: &str| Schema::new(kind).named(format!("io.debezium.time.{name}"), 1);
    let data = |kind, name: &str| Schema::new(kind).named(format!("io.debezium.data.{name}"), 1);
    let schema = match &column.data_type {
        DataType::TinyInt { unsigned: false } => Schema::new("int8"),
        DataType::TinyInt { unsigned: true } | DataType::SmallInt { unsigned: false } => {
            Schema::new("int16")
        }
        DataType::SmallInt { unsigned: true }
        | DataType::MediumInt { .. }
        | DataType::Int { unsigned: false } => Schema::new("int32"),
        DataType::BigInt { unsigned: true }
            if options.bigint_unsigned_handling_mode == BigintUnsignedMode::Precise =>
        {
            decimal(None, 0)
        }
        DataType::Int { unsigned: true } | DataType::BigInt { .. } => Schema::new("int64"),
        DataType::Float { .. } => Schema::new("float"),
        DataType::Double { .. } => Schema::new("double"),
        DataType::Decimal {
            precision, scale, ..
        } => match options.decimal_handling_mode {
            DecimalMode::Precise => decimal(Some(*precision), *scale),
            DecimalMode::Double => Schema::new("double"),
            DecimalMode::String => Schema::new("string"),
        },
        DataType::Bit(1) => Schema::new("boolean"),
        DataType::Bit(bits) => data("bytes", "Bits").parameter("length", bits),
        DataType::Year => time("int32", "Year"),
        DataType::Date => time("int32", "Date"),
        DataType::Time(_) => time("int64", "MicroTime"),
        DataType::DateTime(0..=3) => time("int64", "Timestamp"),
        DataType::DateTime(_) => time("int64", "MicroTimestamp"),
        DataType::Timestamp(_) => time("string", "ZonedTimestamp"),
        DataType::Binary(_) | DataType::VarBinary(_) | DataType::Blob(_) => {
            match options.binary_handling_mode {
                BinaryMode::Bytes => Schema::new("bytes"),
                BinaryMode::Base64 | BinaryMode::Base64UrlSafe | BinaryMode::Hex => {
                    Schema::new("string")
                }
            }
        }
        DataType::Enum { labels, .. } => {
            data("string", "Enum").parameter("allowed", labels.join(","))
        }
        DataType::Set { labels, .. } => {
            data("string", "EnumSet").parameter("allowed", labels.join(","))
        }
        DataType::Json => data("string", "Json"),
        DataType::Geometry(GeometryType::Point) => geometry(
            "Point",
            "Geometry (POINT)",
            vec![
                Schema::new("double").field("x"),
                Schema::new("double").field("y"),
                Schema::new("bytes").optional(true).field("wkb"),
            ],
        ),
        DataType::Geometry(_) => geometry(
            "Geometry",
            "Geometry",
            vec![Schema::new("bytes").field("wkb")],
        ),
        DataType::Vector(_) => {
            Schema::array(Schema::new("float").finish()).named("io.debezium.data.FloatVector", 1)
        }
        DataType::Unknown
        | DataType::Char { .. }
        | DataType::VarChar { .. }
        | DataType::Text { .. }
        | DataType::Uuid
        | DataType::Inet4
        | DataType::Inet6 => Schema::new("string"),
    };
    schema.optional(column.nullable)
}

fn decimal(precision: Option<u8>, scale: u8) -> Schema {
    let schema = Schema::new("bytes")
        .named("org.apache.kafka.connect.data.Decimal", 1)
        .parameter("scale", scale);
    match precision {
        Some(precision) => schema.parameter("connect.decimal.precision", precision),
        None => schema,
    }
}

fn geometry(name: &str, doc: &'static str, mut fields: Vec<Value>) -> Schema {
    fields.push(Schema::new("int32").optional(true).field("srid"));
    Schema::structure(fields)
        .named(format!("io.debezium.data.geometry.{name}"), 1)
        .doc(doc)
}
