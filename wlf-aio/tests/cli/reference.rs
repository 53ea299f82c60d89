//! The pages in `docs/reference/` against the program. With `UPDATE_REFERENCE=1` they are written anew.

use std::collections::BTreeSet;
use std::fs;

use crate::repository;

#[test]
fn the_reference_is_not_stale() {
    let folder = repository("docs/reference");
    let pages = wlf_aio::reference::pages(wlf_aio::SYSTEMS);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for page in &pages {
            fs::write(folder.join(&page.name), &page.text).unwrap();
        }
    }
    let renew = "renew it by `UPDATE_REFERENCE=1 cargo test -p wlf-aio reference`";
    let names: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected: BTreeSet<String> = pages.iter().map(|page| page.name.clone()).collect();
    assert_eq!(names, expected, "{renew}");
    for page in pages {
        let text = fs::read_to_string(folder.join(&page.name)).unwrap();
        assert!(
            text == page.text,
            "docs/reference/{} is stale: {renew}",
            page.name
        );
    }
}

#[test]
fn the_module_holds_each_schema_as_text() {
    for component in wlf_aio::SYSTEMS.iter().flat_map(|system| system.iter()) {
        let file = format!("docs/reference/{}.json", component.name());
        assert_eq!(
            component.schema_text(),
            Some(fs::read_to_string(repository(&file)).unwrap().as_str()),
            "its entry in COMPONENTS lacks `.with_schema(include_str!(…))` of {file}"
        );
    }
}

/// The module reads the definitions from one file, whichever component they were made for.
#[test]
fn components_share_the_same_definitions() {
    let text = fs::read_to_string(repository("docs/reference/shared.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    for component in wlf_aio::SYSTEMS.iter().flat_map(|system| system.iter()) {
        for (name, definition) in component.schema_document().shared {
            assert_eq!(all["$defs"][&name], definition, "{}", component.name());
        }
        let resolved = component.schema().to_string();
        assert!(!resolved.contains("$ref"), "{}", component.name());
    }
}

#[test]
fn every_component_and_option_is_described() {
    for page in wlf_aio::reference::pages(wlf_aio::SYSTEMS) {
        assert!(!page.text.contains("|  |  |  |"), "{}", page.name);
        for line in page.text.lines().filter(|line| line.starts_with("| `")) {
            assert!(
                !line.ends_with("|  |"),
                "{} has no description: {line}",
                page.name
            );
        }
    }
}

#[test]
fn types_have_names_of_their_kind_and_refuse_unknown_keys() {
    use wlf_core::ComponentKind;
    for component in wlf_aio::SYSTEMS.iter().flat_map(|system| system.iter()) {
        let endings: &[&str] = match component.kind() {
            ComponentKind::Collector => &["Collector"],
            ComponentKind::Transformer => &["Transformer", "Filter", "Replicator"],
            ComponentKind::Dispatcher => &["Dispatcher"],
        };
        let name = component.name();
        assert!(
            endings.iter().any(|ending| name.ends_with(ending)),
            "{name}"
        );
        let schema = component.schema();
        assert_eq!(
            schema.get("additionalProperties"),
            Some(&serde_json::Value::Bool(false)),
            "{name} passes over unknown keys: its Config lacks deny_unknown_fields"
        );
    }
}
