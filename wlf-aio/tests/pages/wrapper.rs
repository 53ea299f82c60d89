//! The script `wlf` knows every option that names a file.

use std::collections::BTreeSet;
use std::fs;

use crate::markdown::{pages, root};

/// The options that the script looks for, out of its one pattern.
fn known() -> BTreeSet<String> {
    let script = fs::read_to_string(root().join("wlf")).expect("the script");
    let (_, behind) = script.split_once("?(directory|").expect("the pattern");
    let (names, _) = behind.split_once(')').expect("its end");
    let names = names.split('|').map(str::to_owned);
    names.chain(["directory".to_owned()]).collect()
}

#[test]
fn the_script_knows_every_option_that_names_a_file() {
    let mut named = BTreeSet::new();
    for page in pages() {
        if !page.path.starts_with("docs/reference") {
            continue;
        }
        for line in &page.prose {
            let Some((option, rest)) = line
                .text
                .strip_prefix("| `")
                .and_then(|row| row.split_once("` | "))
            else {
                continue;
            };
            let is_text = ["text ", "list of text ", "template "];
            let is_text = is_text.iter().any(|form| rest.starts_with(form));
            // That is a file of the server.
            let is_ours = is_text && option != "start.file";
            let words = rest.split(|c: char| !c.is_alphabetic());
            let is_file = || {
                let mut words = words;
                words.any(|word| ["file", "files", "folder"].contains(&word))
            };
            if is_ours && is_file() {
                let name = option.rsplit('.').next().unwrap_or(option);
                named.insert(name.to_owned());
            }
        }
    }
    assert_eq!(known(), named);
}
