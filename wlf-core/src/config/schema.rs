//! The JSON Schema of what a file may say.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Where a schema comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schema {
    /// Made from a type by schemars, which takes some 600 kB of a compiled module.
    Made(fn() -> Value),
    /// What was made from the type, as text.
    Written(&'static str),
}

impl Schema {
    pub const fn of<T: JsonSchema>() -> Self {
        Self::Made(made::<T>)
    }

    /// Reads the schema from this text in a module, which then has no need of what makes it. The native program makes it
    /// all the same, so that the text can be held against it.
    pub const fn written(self, text: &'static str) -> Self {
        match cfg!(target_family = "wasm") {
            true => Self::Written(text),
            false => self,
        }
    }

    /// Draft 7, without references.
    ///
    /// # Panics
    /// If the text is not JSON.
    pub fn value(self) -> Value {
        match self {
            Self::Made(make) => make(),
            Self::Written(text) => match serde_json::from_str(text) {
                Ok(schema) => schema,
                Err(error) => panic!("a schema that was written is not JSON: {error}"),
            },
        }
    }
}

/// Everything in its place: an option's schema is read where the option is.
fn made<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    T::json_schema(&mut settings.into_generator()).to_value()
}
