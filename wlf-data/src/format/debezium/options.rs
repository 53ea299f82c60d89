//! What `format: {type: debezium, …}` and `{type: cloudevents, …}` may say besides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Operation;

/// Debezium's options, with `_` in their names where Debezium has `.`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The name of the source: `source.name`, and the beginning of the schemas' names.
    pub topic_prefix: String,
    /// Writes `{"schema": …, "payload": …}`, for keys too and of a cloud event for its `data`, as Kafka Connect's converter
    /// does unless it is told otherwise; without it the payload alone.
    pub schemas_enable: bool,
    /// Writes a tombstone behind each `d` to Kafka: a record with the same key and a null value.
    pub tombstones_on_delete: bool,
    /// Operations that give no message.
    pub skipped_operations: Vec<SkippedOperation>,
    /// How DECIMAL is written.
    pub decimal_handling_mode: DecimalMode,
    /// How BIGINT UNSIGNED is written.
    pub bigint_unsigned_handling_mode: BigintUnsignedMode,
    /// How BINARY, VARBINARY and BLOB are written.
    pub binary_handling_mode: BinaryMode,
    /// Writes the statement that made the change as `source.query`, where the server logs it.
    pub include_query: bool,
}

/// An operation, by Debezium's letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkippedOperation {
    /// Inserts.
    C,
    /// Updates.
    U,
    /// Deletes.
    D,
    /// TRUNCATE, which is then a schema change like any other.
    T,
}

/// How DECIMAL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMode {
    /// The unscaled number's bytes in base64, exact: `"AJY="`.
    #[default]
    Precise,
    /// A number of 64 bits, which may lose digits: `1.5`.
    Double,
    /// Its digits, exact: `"1.50"`.
    String,
}

/// How BIGINT UNSIGNED is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BigintUnsignedMode {
    /// A number, `int64` in the schema.
    #[default]
    Long,
    /// As a DECIMAL without digits behind the point.
    Precise,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryMode {
    /// In base64, `bytes` in the schema.
    #[default]
    Bytes,
    /// In base64, `string` in the schema.
    Base64,
    /// In the base64 that may stand in an address: with `-` and `_`.
    Base64UrlSafe,
    /// In hexadecimal.
    Hex,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topic_prefix: "logFlex".to_owned(),
            schemas_enable: false,
            tombstones_on_delete: true,
            skipped_operations: vec![SkippedOperation::T],
            decimal_handling_mode: DecimalMode::Precise,
            bigint_unsigned_handling_mode: BigintUnsignedMode::Long,
            binary_handling_mode: BinaryMode::Bytes,
            include_query: false,
        }
    }
}

impl Options {
    pub(in crate::format) fn skips(&self, operation: Operation) -> bool {
        let letter = match operation {
            Operation::Insert => SkippedOperation::C,
            Operation::Update => SkippedOperation::U,
            Operation::Delete => SkippedOperation::D,
            // The connector's `skipped.operations` has no letter for what a snapshot reads.
            Operation::Ddl | Operation::Read | Operation::Message => return false,
        };
        self.skipped_operations.contains(&letter)
    }

    pub(in crate::format) fn skips_truncate(&self) -> bool {
        self.skipped_operations.contains(&SkippedOperation::T)
    }
}
