//! The JSON Schema against a validator, with configurations that are right and wrong.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::repository;

fn validator() -> jsonschema::Validator {
    validator_of(&wlf_aio::schema::schema(wlf_aio::SYSTEMS))
}

fn validator_of(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft7::meta::validate(schema).unwrap();
    jsonschema::draft7::new(schema).unwrap()
}

fn first() -> Value {
    let path = repository("examples/configs/binlog_to_kafka_redis.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_configurations_of_the_repository_are_valid() {
    let validator = validator();
    for folder in ["configs", "examples/configs"] {
        for path in crate::configurations(folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let config: Value = serde_yaml::from_str(&text).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&config)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
        }
    }
}

#[test]
fn what_is_wrong_is_invalid() {
    let validator = validator();
    for (pointer, value) in [
        ("/dispatchers/0/type", json!("KafkaDispacher")),
        ("/dispatchers/0/topic", json!(["a"])),
        ("/dispatchers/1/mode/type", json!("Publish")),
        ("/dispatchers/0", json!({"id": "kafka"})),
        ("/collectors", json!([])),
        ("/collectors/0/destination", json!(["a"])),
    ] {
        let mut config = first();
        *config.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&config), "{pointer}");
    }
    let mut config = first();
    config["dispatchers"][0]["topics"] = json!("x");
    assert!(!validator.is_valid(&config), "an unknown key");
}

#[test]
fn variables_stand_for_any_scalar() {
    let mut config = first();
    config["dispatchers"][0]["compression"] = json!("${COMPRESSION:-gzip}");
    config["log"] = json!({"level": "${LEVEL}"});
    config["delivery"] = json!({"batch": {"rows": "${ROWS}"}});
    assert!(validator().is_valid(&config));
}

#[test]
fn what_components_share_is_told_once() {
    let schema = wlf_aio::schema::schema(wlf_aio::SYSTEMS);
    let definitions = schema["$defs"].as_object().unwrap();
    let mut named = BTreeSet::new();
    references(&schema, &mut named);
    let defined: BTreeSet<String> = definitions.keys().cloned().collect();
    assert_eq!(named, defined);
    assert!(defined.iter().eq(["delivery", "format", "messages", "tls"]));
    let text = schema.to_string();
    for words in ["output_xoffset", "tombstones_on_delete", "ce_", "verify_ca"] {
        let once = schema["$defs"].to_string().matches(words).count();
        assert_ne!(once, 0, "{words}");
        assert_eq!(text.matches(words).count(), once, "{words}");
    }
}

fn references(schema: &Value, named: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, named)),
        Value::Object(object) => {
            if let Some(place) = object.get("$ref").and_then(Value::as_str) {
                named.insert(place.strip_prefix("#/$defs/").unwrap().to_owned());
            }
            object.values().for_each(|inner| references(inner, named));
        }
        _ => {}
    }
}

#[test]
fn what_is_shared_is_held_against_its_definition() {
    let validator = validator();
    let right = [
        ("format", json!("maxwell")),
        ("format", json!("${FORMAT}")),
        (
            "format",
            json!({"type": "debezium", "schemas_enable": "${WITH}"}),
        ),
        ("messages", json!("cloudevents")),
        ("tls", json!({"mode": "verify_ca", "ca": "ca.pem"})),
        ("delivery", json!({"batch": {"rows": 5}})),
        ("delivery", json!({"batch": {"rows": "${ROWS}"}})),
        ("delivery", json!({"on_reject": "${ON_REJECT}"})),
        ("delivery", json!({"on_reject": {"dead_letter": "kafka"}})),
    ];
    let wrong = [
        ("format", json!("maxwel")),
        ("format", json!(["maxwell"])),
        ("format", json!({"output_nulls": true})),
        ("format", json!({"type": "canal", "output_nulls": true})),
        ("format", json!({"type": "maxwell", "output_nulls": "yes"})),
        ("messages", json!("maxwell")),
        ("messages", json!({"type": "raw"})),
        ("tls", json!("required")),
        ("tls", json!({"mode": "on"})),
        ("tls", json!({"certificate": "own.pem"})),
        ("delivery", json!({"batch": {"rows": 0}})),
        ("delivery", json!({"max_in_flight": "1MB"})),
    ];
    // The second has `tls` as an option that may be null.
    for n in 0..2 {
        for (key, value) in &right {
            let mut config = first();
            config["dispatchers"][n][key] = value.clone();
            assert!(validator.is_valid(&config), "{key}: {value}");
        }
        for (key, value) in &wrong {
            let mut config = first();
            config["dispatchers"][n][key] = value.clone();
            assert!(!validator.is_valid(&config), "{key}: {value}");
        }
    }
}

#[test]
fn references_accept_what_the_definitions_in_their_places_do() {
    let schema = wlf_aio::schema::schema(wlf_aio::SYSTEMS);
    let mut inlined = schema.clone();
    inline(&mut inlined, schema["$defs"].as_object().unwrap());
    assert!(!inlined.to_string().contains("$ref"));
    let (referring, inlined) = (validator_of(&schema), validator_of(&inlined));
    let (mut valid, mut invalid) = (0, 0);
    for config in altered() {
        let is_valid = referring.is_valid(&config);
        assert_eq!(is_valid, inlined.is_valid(&config), "{config}");
        *(if is_valid { &mut valid } else { &mut invalid }) += 1;
    }
    assert!(valid > 200 && invalid > 1000, "{valid} and {invalid}");
}

fn inline(schema: &mut Value, definitions: &serde_json::Map<String, Value>) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, definitions)),
        Value::Object(object) => {
            if let Some(place) = object.get("$ref").and_then(Value::as_str) {
                *schema = definitions[place.strip_prefix("#/$defs/").unwrap()].clone();
            } else {
                object.remove("$defs");
                (object.values_mut()).for_each(|inner| inline(inner, definitions));
            }
        }
        _ => {}
    }
}

/// The configurations of the repository and one that has all that is shared, each with each of its values replaced, left
/// out, or with a key beside it.
fn altered() -> Vec<Value> {
    let mut configs: Vec<Value> = ["configs", "examples/configs"]
        .into_iter()
        .flat_map(crate::configurations)
        .map(|path| serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        .collect();
    let mut sharing = first();
    for n in 0..2 {
        let entry = &mut sharing["dispatchers"][n];
        entry["format"] = json!({
            "type": "debezium", "topic_prefix": "a", "skipped_operations": ["c"], "binary_handling_mode": "hex",
        });
        entry["messages"] = json!("json");
        entry["tls"] = json!({"mode": "required", "ca": "system", "server_name": null});
        entry["delivery"] = json!({
            "batch": {"rows": 1, "bytes": "1KB", "linger": "1s"}, "on_reject": {"dead_letter": "x"},
        });
    }
    let mut maxwell = sharing.clone();
    maxwell["dispatchers"][1]["format"] = json!({
        "type": "maxwell", "row_query_max_length": 1, "output_nulls": true, "exclude_columns": ["a"],
    });
    configs.extend([sharing, maxwell]);
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(3),
        json!("x"),
        json!("raw"),
        json!("${X}"),
        json!("maxwell"),
        json!({"type": "cloudevents"}),
        json!(["c"]),
        json!({}),
    ];
    let mut all = configs.clone();
    for config in configs {
        let mut places = Vec::new();
        pointers(&config, String::new(), &mut places);
        for place in places {
            for value in &values {
                let mut altered = config.clone();
                *altered.pointer_mut(&place).unwrap() = value.clone();
                all.push(altered);
            }
            let (holder, key) = place.rsplit_once('/').unwrap();
            let mut altered = config.clone();
            if let Value::Object(holder) = altered.pointer_mut(holder).unwrap() {
                holder.remove(key);
                all.push(altered.clone());
            }
            if let Value::Object(holder) = altered.pointer_mut(holder).unwrap() {
                holder.insert(format!("{key}s"), json!("x"));
                all.push(altered);
            }
        }
    }
    all
}

fn pointers(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => (items.iter().enumerate())
            .for_each(|(n, item)| pointers(item, format!("{place}/{n}"), places)),
        Value::Object(object) => (object.iter())
            .for_each(|(key, inner)| pointers(inner, format!("{place}/{key}"), places)),
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}
