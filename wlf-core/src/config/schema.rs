//! The JSON Schema of what a file may say.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wlf_data::config::Shared;

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

    /// Draft 7.
    ///
    /// # Panics
    /// If the text is not JSON.
    pub fn document(self) -> SchemaDocument {
        match self {
            Self::Made(make) => SchemaDocument::of(make()),
            Self::Written(text) => SchemaDocument::written(text),
        }
    }
}

/// The definitions that the texts of schemas refer to. Components that were made at other times share them, so they are
/// embedded here, once.
static SHARED: &str = include_str!("../../../docs/reference/shared.json");

/// A schema, and the definitions that it shares with others and refers to, by their names.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaDocument {
    pub schema: Value,
    pub shared: BTreeMap<String, Value>,
}

impl SchemaDocument {
    /// The key under which [`resolved`](Self::resolved) says which definition stands there.
    pub const MARK: &'static str = "x-shared";

    fn of(mut schema: Value) -> Self {
        let mut shared = BTreeMap::new();
        take_definitions(&mut schema, &mut shared);
        Self { schema, shared }
    }

    fn written(text: &str) -> Self {
        let mut shared: BTreeMap<String, BTreeMap<String, Value>> = json(SHARED);
        let mut shared = shared.remove("$defs").unwrap_or_default();
        shared.retain(|name, _| text.contains(&format!("\"{}{name}\"", Shared::PLACE)));
        Self {
            schema: json(text),
            shared,
        }
    }

    /// The schema with each definition in the place of its reference.
    pub fn resolved(self) -> Value {
        let Self { mut schema, shared } = self;
        resolve(&mut schema, &shared);
        schema
    }
}

fn json<T: DeserializeOwned>(text: &str) -> T {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => panic!("a schema that was written is not JSON: {error}"),
    }
}

/// Everything in its place, except what has a name of [`Shared`].
fn made<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    T::json_schema(&mut settings.into_generator()).to_value()
}

/// What a schema has inside of it.
fn inside(schema: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match schema {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(object) => Box::new(object.values_mut()),
        _ => Box::new(std::iter::empty()),
    }
}

fn take_definitions(schema: &mut Value, shared: &mut BTreeMap<String, Value>) {
    if let Some(object) = schema.as_object_mut()
        && let Some(definition) = object.remove(Shared::DEFINITION)
        && let Some(name) = object.get("$ref").and_then(name)
    {
        shared.insert(name.to_owned(), definition);
    }
    inside(schema).for_each(|inner| take_definitions(inner, shared));
}

fn resolve(schema: &mut Value, shared: &BTreeMap<String, Value>) {
    inside(schema).for_each(|inner| resolve(inner, shared));
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let place = match object.get("allOf").and_then(Value::as_array) {
        Some(only) if only.len() == 1 => only.first().and_then(|only| only.get("$ref")),
        _ => None,
    };
    let Some(name) = place.and_then(name).map(str::to_owned) else {
        return;
    };
    let Some(Value::Object(definition)) = shared.get(&name) else {
        return;
    };
    object.remove("allOf");
    for (key, value) in definition {
        object.entry(key.clone()).or_insert_with(|| value.clone());
    }
    object.insert(SchemaDocument::MARK.to_owned(), Value::String(name));
}

/// The name of the definition that a `$ref` is of.
fn name(place: &Value) -> Option<&str> {
    place.as_str()?.strip_prefix(Shared::PLACE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wlf_data::format::{Format, MessageFormat};

    use super::*;
    use crate::config::dispatcher_delivery_schema;
    use crate::config::settings::DISPATCHER_DELIVERY;

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "it is there for its schema")]
    struct Config {
        /// Of its own.
        format: Format,
        /// May be left out.
        messages: Option<MessageFormat>,
        inside: Vec<Inside>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "it is there for its schema")]
    struct Inside {
        messages: MessageFormat,
    }

    /// A module reads text where the native program makes a schema.
    #[test]
    fn what_is_read_from_text_is_what_was_made() {
        let made = Schema::of::<Config>().document();
        assert!(made.shared.keys().eq(["format", "messages"]));
        let text = made.schema.to_string();
        assert!(!text.contains("output_nulls") && !text.contains(Shared::DEFINITION));
        assert_eq!(SchemaDocument::written(&text), made);

        let made = dispatcher_delivery_schema();
        assert_eq!(made.schema.to_string(), DISPATCHER_DELIVERY);
        assert_eq!(SchemaDocument::written(DISPATCHER_DELIVERY), made);
    }

    #[test]
    fn a_definition_takes_the_place_of_its_reference() {
        let schema = Schema::of::<Config>().document().resolved();
        assert!(!schema.to_string().contains("$ref"));
        let at = |place: &str| schema.pointer(place).cloned().unwrap_or_default();
        assert_eq!(at("/properties/format/description"), "Of its own.");
        assert_eq!(at("/properties/format/default"), "maxwell");
        assert_eq!(at("/properties/format/oneOf/0/const"), "maxwell");
        assert_eq!(at("/properties/format/x-shared"), "format");
        assert_eq!(at("/properties/messages/description"), "May be left out.");
        assert_eq!(at("/properties/messages/anyOf/0/oneOf/0/const"), "raw");
        assert_eq!(at("/properties/messages/anyOf/1"), json!({"type": "null"}));
        let inside = "/properties/inside/items/properties/messages";
        assert_eq!(at(&format!("{inside}/oneOf/0/const")), "raw");
        let own = at(&format!("{inside}/description"));
        assert_eq!(own, at("/properties/messages/anyOf/0/description"));
    }
}
