//! Which keys a mapping lacks, by its schema: serde names the first alone.

use serde_json::Value as Json;

use super::read_error::ReadError;
use super::told::Told;
use super::tree::{Node, Value};

/// The keys besides `named` that are missing in the mapping that the error is about, which is `root` or below it.
pub(crate) fn further_missing<'s>(
    schema: &'s Json,
    root: &Node,
    error: &ReadError,
    told: &Told,
) -> Vec<&'s str> {
    let Some((schema, node)) = find(schema, root, error) else {
        return Vec::new();
    };
    let named = error.missing().or(error.known_missing());
    let required = schema.get("required").and_then(Json::as_array);
    required
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .filter(|key| Some(*key) != named && node.entry(key).is_none())
        .filter(|key| !told.explains(node, key))
        .collect()
}

/// The mapping that the error is about, and its schema.
fn find<'s, 'n>(
    schema: &'s Json,
    node: &'n Node,
    error: &ReadError,
) -> Option<(&'s Json, &'n Node)> {
    let schema = alternative(schema, node);
    if error.is_of(node) {
        return Some((schema, node));
    }
    match &node.value {
        Value::Scalar(_) => None,
        Value::Sequence(items) => {
            let schema = schema.get("items")?;
            items.iter().find_map(|item| find(schema, item, error))
        }
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            let schema = schema.get("properties")?.get(&entry.key)?;
            find(schema, &entry.value, error)
        }),
    }
}

/// The alternative of a choice that a mapping has taken: by its `type`, or by its only key.
fn alternative<'s>(schema: &'s Json, node: &Node) -> &'s Json {
    let alternatives = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array());
    let Some(alternatives) = alternatives else {
        return schema;
    };
    let entries = node.mapping().unwrap_or_default();
    let tag = entries.iter().find(|entry| entry.key == "type");
    let tag = tag.and_then(|entry| match &entry.value.value {
        Value::Scalar(scalar) => Some(scalar.text.as_str()),
        _ => None,
    });
    let fits = |alternative: &&Json| {
        let Some(properties) = alternative.get("properties") else {
            return false;
        };
        match (properties.get("type").and_then(|tag| tag.get("const")), tag) {
            (Some(word), Some(tag)) => word.as_str() == Some(tag),
            _ => entries
                .iter()
                .all(|entry| properties.get(&entry.key).is_some()),
        }
    };
    alternatives.iter().find(fits).unwrap_or(schema)
}
