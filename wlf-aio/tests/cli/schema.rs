//! The JSON Schema against a validator, with configurations that are right and wrong.

use serde_json::Value;

use crate::repository;

fn validator() -> jsonschema::Validator {
    let schema = wlf_aio::schema::schema(wlf_aio::SYSTEMS);
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
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
        ("/dispatchers/0/type", serde_json::json!("KafkaDispacher")),
        ("/dispatchers/0/topic", serde_json::json!(["a"])),
        ("/dispatchers/1/mode/type", serde_json::json!("Publish")),
        ("/dispatchers/0", serde_json::json!({"id": "kafka"})),
        ("/collectors", serde_json::json!([])),
        ("/collectors/0/destination", serde_json::json!(["a"])),
    ] {
        let mut config = first();
        *config.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&config), "{pointer}");
    }
    let mut config = first();
    config["dispatchers"][0]["topics"] = serde_json::json!("x");
    assert!(!validator.is_valid(&config), "an unknown key");
}

#[test]
fn variables_stand_for_any_scalar() {
    let mut config = first();
    config["dispatchers"][0]["compression"] = serde_json::json!("${COMPRESSION:-gzip}");
    config["log"] = serde_json::json!({"level": "${LEVEL}"});
    config["delivery"] = serde_json::json!({"batch": {"rows": "${ROWS}"}});
    assert!(validator().is_valid(&config));
}
