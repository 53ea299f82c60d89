//! The tree against serde_yaml, which reads the same documents on its own.

use proptest::prelude::*;
use serde_yaml::Value;
use wlf_core::config::{Source, read};

use super::components::{Surroundings, check_text};

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "-?[0-9]{1,6}",
        "[0-9]{1,3}\\.[0-9]{1,3}",
        Just("true".to_owned()),
        Just("~".to_owned()),
        "'[a-z ]{0,6}'",
        "\"[a-z0-9 é]{0,6}\"",
    ]
}

/// Documents in flow style, and of these some lines in block style.
fn document() -> impl Strategy<Value = String> {
    let flow = scalar().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map("k[a-z]{0,3}", inner, 0..4).prop_map(|entries| {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    });
    prop::collection::btree_map("k[a-z]{0,3}", flow, 1..5).prop_map(|entries| {
        entries
            .iter()
            .map(|(key, value)| format!("{key}:\n    {value}\n"))
            .collect()
    })
}

proptest! {
    #[test]
    fn documents_mean_what_serde_yaml_says(text in document()) {
        let expected: Value = serde_yaml::from_str(&text).unwrap();
        let found: Value = read(Source::new("x", text.as_str()), &Surroundings::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-:{}\\[\\]&*!|>'\"%@,?#<~ \t\r\nab0é\u{0}$]{0,60}") {
        if let Err(problems) = check_text("x.yaml", &text) {
            prop_assert!(!problems.list.is_empty());
            prop_assert!(problems.to_string().starts_with("error: "));
        }
    }

    #[test]
    fn no_cut_or_change_of_a_configuration_makes_it_panic(cut in 0usize..900, change in 0usize..900, to in any::<char>()) {
        let text = include_str!("../../../../examples/configs/binlog_to_kafka_redis.yaml");
        let cut: String = text.chars().take(cut).collect();
        let changed: String =
            text.chars().enumerate().map(|(at, c)| if at == change { to } else { c }).collect();
        for text in [cut, changed] {
            if let Err(problems) = check_text("x.yaml", &text) {
                prop_assert!(!problems.list.is_empty());
                prop_assert!(!problems.to_string().is_empty());
            }
        }
    }
}
