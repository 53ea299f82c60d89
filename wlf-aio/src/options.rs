//! The options of a component as a person reads them, taken from its JSON Schema.

use serde_json::{Map, Value};
use wlf_core::config::{ComponentType, SchemaDocument};

/// What a component does, and its options.
#[derive(Debug)]
pub(crate) struct Options {
    /// Markdown.
    pub description: String,
    /// In the order of the struct; those inside another option follow it.
    pub list: Vec<Opt>,
    /// What components share is named, not told.
    names_shared: bool,
}

/// An option.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    /// With the options it is inside of, as in `tls.ca`.
    pub name: String,
    /// What its value looks like.
    pub form: String,
    pub default: Option<String>,
    pub required: bool,
    /// Markdown.
    pub description: String,
    /// The name of the definition that tells the rest, where that was not to be repeated.
    pub shared: Option<String>,
}

impl Options {
    /// All options of a component.
    pub fn of(component: &ComponentType) -> Self {
        Self::read(&component.schema())
    }

    /// The same with the names of what it shares with other components in the place of the options inside of that.
    pub fn of_its_own(component: &ComponentType) -> Self {
        Self::collect(&component.schema(), true)
    }

    /// Reads all options of a schema without references.
    pub fn read(schema: &Value) -> Self {
        Self::collect(schema, false)
    }

    fn collect(schema: &Value, names_shared: bool) -> Self {
        let mut options = Options {
            description: String::new(),
            list: Vec::new(),
            names_shared,
        };
        if let Some(object) = schema.as_object() {
            options.description = text(object, "description");
            options.properties(object, "");
        }
        options
    }

    fn properties(&mut self, object: &Map<String, Value>, inside: &str) {
        let required: Vec<&str> = array(object, "required")
            .filter_map(Value::as_str)
            .collect();
        let Some(Value::Object(properties)) = object.get("properties") else {
            return;
        };
        for (key, property) in properties {
            let Value::Object(property) = property else {
                continue;
            };
            if property.contains_key("const") {
                continue;
            }
            let name = format!("{inside}{key}");
            let shared = shared(property).filter(|_| self.names_shared);
            self.list.push(Opt {
                name: name.clone(),
                form: form(property),
                default: property.get("default").and_then(default),
                required: required.contains(&key.as_str()),
                description: match shared {
                    Some(_) => text(property, "description"),
                    None => description(property),
                },
                shared: shared.map(str::to_owned),
            });
            if shared.is_none() {
                self.nested(property, &name);
            }
        }
    }

    /// The options inside an option.
    fn nested(&mut self, property: &Map<String, Value>, name: &str) {
        self.properties(property, &format!("{name}."));
        if let Some(Value::Object(items)) = property.get("items") {
            self.nested(items, &format!("{name}[]"));
        }
        for alternative in alternatives(property) {
            if let Some(tag) = tag(alternative) {
                self.properties(alternative, &format!("{name}({tag})."));
            } else if let Some((key, content)) = single(alternative) {
                self.nested(content, &format!("{name}.{key}"));
            } else {
                self.nested(alternative, name);
            }
        }
    }
}

/// What a component does, in one sentence.
pub(crate) fn summary(component: &ComponentType) -> String {
    component.summary()
}

fn text(object: &Map<String, Value>, key: &str) -> String {
    let text = object.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn array<'a>(object: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    object
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The alternatives of a value, without null: that an option may be left out is not worth a word.
fn alternatives(object: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .flat_map(|key| array(object, key))
        .filter_map(Value::as_object)
        .filter(|alternative| alternative.get("type").and_then(Value::as_str) != Some("null"))
}

/// The name of the definition that an option has from those that components share.
fn shared(property: &Map<String, Value>) -> Option<&str> {
    let mut holders = std::iter::once(property).chain(alternatives(property));
    holders.find_map(|holder| holder.get(SchemaDocument::MARK)?.as_str())
}

/// The word of an alternative that its `type` key chooses.
fn tag(alternative: &Map<String, Value>) -> Option<&str> {
    let properties = alternative.get("properties")?.as_object()?;
    properties.get("type")?.get("const")?.as_str()
}

/// What an option is for, with its words explained where it has some.
fn description(property: &Map<String, Value>) -> String {
    let mut out = text(property, "description");
    if out.is_empty() {
        let mut described = alternatives(property)
            .map(|alternative| text(alternative, "description"))
            .filter(|text| !text.is_empty());
        if let (Some(only), None) = (described.next(), described.next()) {
            out = only;
        }
    }
    let mut words = Vec::new();
    collect_words(property, &mut words);
    for (word, meaning) in words.iter().filter(|(_, meaning)| !meaning.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        let meaning = meaning.replace('\n', " ");
        out.push_str(&format!("- `{word}`: {meaning}"));
    }
    out
}

/// The words that may be chosen and what they mean.
fn collect_words(property: &Map<String, Value>, words: &mut Vec<(String, String)>) {
    for alternative in alternatives(property) {
        let word = match alternative.get("const").and_then(Value::as_str) {
            Some(word) => Some(word.to_owned()),
            None => tag(alternative)
                .map(|tag| format!("type: {tag}"))
                .or_else(|| single(alternative).map(|(key, _)| key.to_owned())),
        };
        match word {
            Some(word) => words.push((word, text(alternative, "description"))),
            None => collect_words(alternative, words),
        }
    }
    if let Some(Value::Object(items)) = property.get("items") {
        collect_words(items, words);
    }
}

/// The key and content of an alternative that is written `{key: content}`.
fn single(object: &Map<String, Value>) -> Option<(&str, &Map<String, Value>)> {
    let properties = object.get("properties")?.as_object()?;
    let mut entries = properties.iter();
    let (key, content) = entries.next()?;
    let required = array(object, "required").any(|name| name.as_str() == Some(key));
    (entries.next().is_none() && required).then_some((key.as_str(), content.as_object()?))
}

/// What a value looks like, in words.
fn form(property: &Map<String, Value>) -> String {
    or(forms(property))
}

/// What a value may look like.
fn forms(property: &Map<String, Value>) -> Vec<String> {
    if let Some(Value::String(word)) = property.get("const") {
        return vec![format!("`{word}`")];
    }
    let words: Vec<String> = array(property, "enum")
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    if !words.is_empty() {
        return words;
    }
    let alternatives: Vec<String> = alternatives(property).flat_map(forms).collect();
    if !alternatives.is_empty() {
        return alternatives;
    }
    let format = text(property, "format");
    match format.as_str() {
        "template" | "duration" | "size" | "pattern" => return vec![format],
        "host:port" => return vec!["`host:port`".to_owned()],
        "secret" => return vec!["text (secret)".to_owned()],
        _ => {}
    }
    let types: Vec<&str> = match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut forms = Vec::new();
    for name in types {
        match name {
            "null" => {}
            "string" => forms.push("text".to_owned()),
            "integer" => forms.push(integer(property, &format)),
            "number" => forms.push("number".to_owned()),
            "boolean" => forms.extend(["`true`".to_owned(), "`false`".to_owned()]),
            "array" => forms.push(match property.get("items") {
                Some(Value::Object(items)) => format!("list of {}", form(items)),
                _ => "list".to_owned(),
            }),
            _ => forms.push(object(property)),
        }
    }
    forms
}

fn integer(property: &Map<String, Value>, format: &str) -> String {
    let least = property.get("minimum").and_then(Value::as_i64);
    let most = property.get("maximum").and_then(Value::as_u64);
    let most = most.or(match format {
        "uint8" => Some(u8::MAX.into()),
        "uint16" => Some(u16::MAX.into()),
        "uint32" => Some(u32::MAX.into()),
        _ => None,
    });
    match (least, most) {
        (Some(least), Some(most)) => format!("whole number from {least} to {most}"),
        (Some(least), None) => format!("whole number from {least}"),
        _ => "whole number".to_owned(),
    }
}

/// A mapping with more keys than this is shown by its first.
const KEYS: usize = 5;

/// A mapping, shown by its keys, or by the first of them if there are many.
fn object(property: &Map<String, Value>) -> String {
    let Some(Value::Object(properties)) = property.get("properties") else {
        return "mapping".to_owned();
    };
    if let (Some((key, _)), None) = (single(property), tag(property)) {
        return format!("`{{{key}: …}}`");
    }
    let mut keys: Vec<String> = properties
        .iter()
        .take(if properties.len() > KEYS { 1 } else { KEYS })
        .map(
            |(key, value)| match value.get("const").and_then(Value::as_str) {
                Some(word) => format!("{key}: {word}"),
                None => key.clone(),
            },
        )
        .collect();
    if keys.len() < properties.len() {
        keys.push("…".to_owned());
    }
    format!("`{{{}}}`", keys.join(", "))
}

/// Forms as `a, b or c`.
fn or(forms: Vec<String>) -> String {
    match forms.split_last() {
        None => "anything".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// A default as it would be written; `None` for one that says that there is none.
fn default(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => Some("`\"\"`".to_owned()),
        Value::Array(items) if items.is_empty() => Some("`[]`".to_owned()),
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key}: {}", plain(value)))
                .collect();
            (!entries.is_empty()).then(|| format!("`{{{}}}`", entries.join(", ")))
        }
        value => Some(format!("`{}`", plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
