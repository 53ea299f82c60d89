//! The JSON Schema of a whole configuration, for editors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wlf_core::ComponentKind;
use wlf_core::config::{
    ComponentType, SchemaDocument, Shared, dispatcher_delivery_schema, settings_schema,
};

use crate::components::{KINDS, of_kind};

/// The schema as text.
pub(crate) fn text(systems: &[&[ComponentType]]) -> String {
    format!("{:#}\n", schema(systems))
}

/// The schema: draft 7, which editors know best. It is one document: what components share is in its `$defs`.
pub fn schema(systems: &[&[ComponentType]]) -> Value {
    let mut schema = settings_schema();
    allow_variables(&mut schema);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        for (kind, section) in KINDS {
            properties.insert(section.to_owned(), components(systems, kind));
        }
    }
    if let Some(root) = schema.as_object_mut() {
        root.insert(
            "$schema".to_owned(),
            json!("http://json-schema.org/draft-07/schema#"),
        );
        root.insert("title".to_owned(), json!("A configuration of wlf"));
        root.insert(
            "description".to_owned(),
            json!("Carries the changes of databases to where they are wanted."),
        );
        root.insert("required".to_owned(), json!(["collectors", "dispatchers"]));
        root.insert("additionalProperties".to_owned(), json!(false));
        root.insert("patternProperties".to_owned(), json!({"^x-": {}}));
        let mut shared = shared(systems);
        shared.values_mut().for_each(allow_variables);
        root.insert("$defs".to_owned(), json!(shared));
    }
    refer_inside(&mut schema);
    schema
}

/// The definitions that components share, by their names.
pub(crate) fn shared(systems: &[&[ComponentType]]) -> BTreeMap<String, Value> {
    let components = systems.iter().flat_map(|system| system.iter());
    components
        .map(ComponentType::schema_document)
        .chain([dispatcher_delivery_schema()])
        .flat_map(|document| document.shared)
        .collect()
}

/// Makes references to the file of definitions those to this document.
fn refer_inside(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(refer_inside),
        Value::Object(object) => {
            if let Some(Value::String(place)) = object.get_mut("$ref")
                && let Some(name) = place.strip_prefix(Shared::PLACE)
            {
                *place = format!("#/$defs/{name}");
            }
            object.values_mut().for_each(refer_inside);
        }
        _ => {}
    }
}

/// The schema of one of the three lists: each entry by its type.
fn components(systems: &[&[ComponentType]], kind: ComponentKind) -> Value {
    let names: Vec<&str> = of_kind(systems, kind).map(ComponentType::name).collect();
    let alternatives: Vec<Value> = of_kind(systems, kind).map(alternative).collect();
    let least = u8::from(kind != ComponentKind::Transformer);
    let mut items = json!({
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "description": "The name by which others mean this component."},
            "type": {"type": "string", "description": "What the component is."},
        },
    });
    if !names.is_empty() {
        items["properties"]["type"]["enum"] = json!(names);
        items["allOf"] = json!(alternatives);
    }
    json!({
        "description": format!("The {}s.", kind.name()),
        "type": "array",
        "minItems": least,
        "items": items,
    })
}

/// What an entry looks like if it has this type.
fn alternative(component: &ComponentType) -> Value {
    let SchemaDocument { mut schema, .. } = component.schema_document();
    allow_variables(&mut schema);
    let Some(root) = schema.as_object_mut() else {
        return schema;
    };
    root.remove("$schema");
    root.remove("title");
    let mut properties = Map::new();
    properties.insert("id".to_owned(), json!({"type": "string"}));
    properties.insert("type".to_owned(), json!({"const": component.name()}));
    if component.kind() == ComponentKind::Dispatcher {
        properties.insert("delivery".to_owned(), dispatcher_delivery_schema().schema);
    } else {
        properties.insert(
            "destination".to_owned(),
            json!({"type": "string", "description": "The id of the component that gets the events."}),
        );
        properties.insert(
            "destinations".to_owned(),
            json!({
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "uniqueItems": true,
                "description": "The ids of the components that get the events, each of them all.",
            }),
        );
        root.insert(
            "oneOf".to_owned(),
            json!([{"required": ["destination"]}, {"required": ["destinations"]}]),
        );
    }
    if let Some(Value::Object(own)) = root.remove("properties") {
        properties.extend(own);
    }
    root.insert("properties".to_owned(), Value::Object(properties));
    json!({
        "if": {"properties": {"type": {"const": component.name()}}, "required": ["type"]},
        "then": schema,
    })
}

/// Lets `${VAR}` stand for every value that is not any text.
fn allow_variables(schema: &mut Value) {
    let Value::Object(object) = schema else {
        return;
    };
    for key in ["properties", "patternProperties"] {
        if let Some(Value::Object(properties)) = object.get_mut(key) {
            for property in properties.values_mut() {
                allow_variables(property);
            }
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(alternatives)) = object.get_mut(key) {
            alternatives.iter_mut().for_each(allow_variables);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            allow_variables(inner);
        }
    }
    if let Some(Value::String(format)) = object.get("format")
        && OURS.contains(&format.as_str())
    {
        object.remove("format");
    }
    let is_free = |name: &str| matches!(name, "string" | "array" | "object" | "null");
    let has_only_free_types = match object.get("type") {
        Some(Value::String(name)) => is_free(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).all(is_free),
        _ => true,
    };
    let is_bound = ["enum", "format", "pattern"]
        .iter()
        .any(|key| object.contains_key(*key));
    // Words with a description each.
    if let Some(Value::Array(words)) = object.get("oneOf")
        && words.iter().any(|word| word.get("const").is_some())
    {
        let mut words = words.clone();
        words.push(variable());
        object.remove("oneOf");
        object.insert("anyOf".to_owned(), Value::Array(words));
    } else if is_bound || !has_only_free_types {
        let notes = ["description", "default"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), object.remove(key)?)))
            .collect::<Map<String, Value>>();
        let plain = Value::Object(std::mem::take(object));
        object.extend(notes);
        object.insert("anyOf".to_owned(), json!([plain, variable()]));
    }
}

/// A text that `${…}` is filled into.
fn variable() -> Value {
    json!({"type": "string", "pattern": "\\$\\{"})
}

/// Formats of our own, which only the reference pages know. JSON Schema has another `duration`.
const OURS: [&str; 6] = [
    "template",
    "duration",
    "size",
    "pattern",
    "host:port",
    "secret",
];
