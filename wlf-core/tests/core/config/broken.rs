//! One snapshot for each file in `broken/`: the whole message that its author gets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::components::check_text;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/core/config")
        .join(name)
}

fn names(name: &str, ending: &str) -> BTreeSet<String> {
    std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| file.strip_suffix(ending).map(str::to_owned))
        .collect()
}

#[test]
fn each_broken_configuration_has_its_message() {
    let broken = names("broken", ".yaml");
    assert!(broken.len() >= 40);
    for name in broken {
        let text = std::fs::read(folder("broken").join(format!("{name}.yaml"))).unwrap();
        let text = String::from_utf8(text).unwrap();
        let problems = check_text(&format!("{name}.yaml"), &text)
            .map(|_| ())
            .expect_err(&format!("{name}.yaml has nothing wrong"));
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name.as_str(), problems.to_string());
        });
    }
}

#[test]
fn each_message_belongs_to_a_configuration() {
    assert_eq!(names("snapshots", ".snap"), names("broken", ".yaml"));
}

#[test]
fn no_message_has_serdes_words() {
    for name in names("snapshots", ".snap") {
        let text =
            std::fs::read_to_string(folder("snapshots").join(format!("{name}.snap"))).unwrap();
        for words in [
            "invalid type",
            "invalid value",
            "struct ",
            "visitor",
            "untagged",
            "u16",
            "variant",
        ] {
            assert!(!text.contains(words), "{name} says `{words}`");
        }
        assert!(!text.contains("hunter2"), "{name} shows a password");
    }
}
