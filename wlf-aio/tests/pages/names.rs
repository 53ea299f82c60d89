//! The tests that a page names exist.

use std::fs;

use crate::markdown::{files, pages, root};

#[test]
fn every_test_that_is_named_exists() {
    let sources: String = (files("rs").iter())
        .map(|path| fs::read_to_string(root().join(path)).unwrap())
        .collect();
    let pages = pages();
    let is_test = |name: &str| {
        let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        name.chars().all(of_a_name) && name.matches('_').count() >= 3
    };
    let delivery = pages.iter().find(|page| page.path.ends_with("delivery.md"));
    let named: Vec<_> = (delivery.unwrap().code_spans())
        .filter(|(_, span)| is_test(span))
        .collect();
    assert!(named.len() > 10, "only {} tests were found", named.len());
    let missing: Vec<String> = (named.iter())
        .filter(|(_, name)| !sources.contains(&format!("fn {name}(")))
        .map(|(place, name)| format!("{place}: there is no test {name}"))
        .collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}
