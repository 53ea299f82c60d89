//! Events as bytes.

mod base64;
mod buffer;
mod canal;
mod changes;
mod debezium;
mod encoder;
mod float;
mod key;
mod lanes;
mod letters;
mod maxwell;
mod messages;
mod number;
mod plans;
pub(crate) mod pointed;
mod record;
mod room;
mod row_format;
#[cfg(test)]
mod samples;
mod wkt;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Shared;

pub use buffer::Buffer;
pub use debezium::{
    BigintUnsignedMode, BinaryMode, DecimalMode, Options as DebeziumOptions, SkippedOperation,
};
pub use encoder::{Clock, Encoder};
pub use key::KeyFormat;
pub use lanes::{Chunk, Lanes, Target, murmur2};
pub use letters::LetterForm;
pub use maxwell::{NamingStrategy, Options as MaxwellOptions};
pub use messages::MessageFormat;
pub use record::{EncodedRecord, EncodedRecords};

/// The form in which a dispatcher writes events: a word, or `{type: word, …}` with options.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(tag = "type", extend("default" = "maxwell"), transform = words, transform = Shared("format"))]
pub enum Format {
    /// Maxwell's JSON, one object a row.
    Maxwell(MaxwellOptions),
    /// Debezium's change events.
    Debezium(DebeziumOptions),
    /// Canal's flat messages, one object a row.
    Canal(CanalOptions),
    /// Cloud events in structured JSON, as Debezium's converter makes them of its change events.
    CloudEvents(DebeziumOptions),
}

/// There are none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanalOptions {}

impl Default for Format {
    fn default() -> Self {
        Self::Maxwell(MaxwellOptions::default())
    }
}

/// Adds the words alone to the alternatives of a schema, which they are because no option is required.
fn words(schema: &mut Schema) {
    let Some(Value::Array(alternatives)) = schema.get_mut("oneOf") else {
        return;
    };
    let mut words = Vec::new();
    for alternative in alternatives.iter_mut() {
        let word = alternative.pointer("/properties/type/const").cloned();
        let description = alternative.get("description").cloned();
        if let Some(alternative) = alternative.as_object_mut() {
            alternative.remove("description");
        }
        words.push(json!({"const": word, "description": description}));
    }
    words.append(alternatives);
    *alternatives = words;
}
