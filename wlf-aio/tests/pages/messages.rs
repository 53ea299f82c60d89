//! The messages in the page for operators are those of the program.

use std::fs;

use crate::markdown::{files, pages, root};

/// The text of string literals as the program prints it: a line that ends in a backslash goes on behind the next one's indentation.
fn joined(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let mut line = line;
        while let Some(front) = line.strip_suffix('\\') {
            text.push_str(front);
            line = lines.next().unwrap_or_default().trim_start();
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Whether a line has the fixed parts of a message, one behind the other; `…` stands for what differs.
fn is_in(line: &str, message: &str) -> bool {
    let mut rest = line;
    message.split('…').all(|part| {
        let Some((_, behind)) = rest.split_once(part.trim()) else {
            return false;
        };
        rest = behind;
        true
    })
}

/// The first cells of the table, each a message between backticks.
fn messages() -> Vec<(String, String)> {
    let mut pages = pages();
    pages.retain(|page| page.path.ends_with("docs/operating.md"));
    let page = pages.pop().expect("the page");
    let rows = page.prose.iter().filter_map(|line| {
        let (message, _) = line.text.strip_prefix("| `")?.split_once("` |")?;
        Some((page.place(line.number), message.to_owned()))
    });
    let is_message = |message: &str| message.contains(' ');
    rows.filter(|(_, message)| is_message(message)).collect()
}

#[test]
fn every_message_for_operators_is_one_of_the_program() {
    let of_the_program = |path: &&std::path::PathBuf| {
        let path = path.display().to_string();
        path.contains("src/") && !path.starts_with("xtask/") && !path.contains("test")
    };
    let sources: String = (files("rs").iter().filter(of_the_program))
        .map(|path| joined(&fs::read_to_string(root().join(path)).expect("a source file")))
        .collect();
    let messages = messages();
    assert!(messages.len() > 25, "only {} messages", messages.len());
    let unknown: Vec<String> = (messages.iter())
        .filter(|(_, message)| {
            // What stands before the first colon may be another literal: what was done, and what went wrong.
            let whole = sources.lines().any(|line| is_in(line, message));
            let halves = || {
                let (doing, wrong) = message.split_once(": ")?;
                let has = |part: &str| part == "…" || sources.lines().any(|line| is_in(line, part));
                Some(has(doing) && has(wrong))
            };
            !(whole || halves().unwrap_or(false))
        })
        .map(|(place, message)| format!("{place}: the program never says: {message}"))
        .collect();
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));
}

#[test]
fn a_message_that_is_no_longer_said_is_found() {
    let source = joined(
        "#[error(\n    \"the position {p} is gone from {server}, whose \\\n     oldest file is {o}\"\n)]",
    );
    let says = |message| source.lines().any(|line| is_in(line, message));
    assert!(says("the position … is gone from …"));
    assert!(says("whose oldest file is …"));
    assert!(!says("the position … went from …"));
    assert!(!says("oldest file is … the position"));
}
