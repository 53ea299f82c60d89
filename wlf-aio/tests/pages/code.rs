//! The code and the configurations in the pages are right.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::markdown::{files, pages, root};

/// Rust in a page is an excerpt of a file that is compiled, line by line, so it compiles too.
#[test]
fn every_rust_block_is_an_excerpt_of_a_source_file() {
    let sources: Vec<String> = (files("rs").iter())
        .map(|path| fs::read_to_string(root().join(path)).unwrap())
        .collect();
    let mut blocks = 0;
    for page in pages() {
        for (place, block) in page.blocks_of("rust") {
            blocks += 1;
            let excerpt = format!("\n{}", block.text);
            let known = sources.iter().any(|source| source.contains(&excerpt));
            assert!(known, "{place}: no source file has\n{}", block.text);
        }
    }
    assert!(blocks > 5, "only {blocks} blocks were found");
}

/// JSON in a page is one document, or one on each line.
#[test]
fn every_json_block_is_json() {
    for page in pages() {
        for (place, block) in page.blocks_of("json") {
            let whole = serde_json::from_str::<Value>(&block.text).is_ok();
            let line = |line: &str| serde_json::from_str::<Value>(line).is_ok();
            assert!(
                whole || block.text.lines().all(line),
                "{place}: not JSON\n{}",
                block.text
            );
        }
    }
}

/// A configuration with the error that the README shows, in line 18.
const ORDERS: &str = "\
collectors:
  - id: shop
    type: BinlogCollector
    host: 127.0.0.1
    port: 3306
    user: wlf
    password: secret
    server_id: 7
    destination: kafka

state:
  directory: state

dispatchers:
  - id: kafka
    type: KafkaDispatcher
    bootstrap_brokers: [\"127.0.0.1:9092\"]
    topics: orders.%{/table}
";

#[test]
fn the_error_in_the_readme_is_what_the_program_prints() {
    let pages = pages();
    let mut readme = pages
        .iter()
        .filter(|page| page.path == Path::new("README.md"));
    let mut blocks = readme.next().expect("the page").blocks_of("text");
    let (place, block) = blocks
        .find(|(_, block)| block.text.starts_with("error: "))
        .expect("an error");
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("configs")).expect("a folder");
    fs::write(folder.path().join("configs/orders.yaml"), ORDERS).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_wlf-aio"))
        .args(["check", "--config", "configs/orders.yaml"])
        .current_dir(folder.path())
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with(&block.text), "{place}: it says\n{said}");
}

/// A pipeline to which a block can be added that has other sections only.
const PIPELINE: &str = "
collectors: [{id: in, type: BinlogFileCollector, paths: [binlog.*], destination: out}]
dispatchers: [{id: out, type: NullDispatcher}]
";

#[test]
fn every_configuration_in_a_page_passes_check() {
    let mut blocks = 0;
    for page in pages() {
        for (place, block) in page.blocks_of("yaml") {
            blocks += 1;
            let whole = block
                .text
                .lines()
                .any(|line| line.starts_with("collectors:"));
            check(
                &place,
                &if whole {
                    block.text.clone()
                } else {
                    block.text.clone() + PIPELINE
                },
            );
        }
    }
    assert!(blocks > 1, "only {blocks} blocks were found");
}

#[test]
fn every_configuration_that_is_shipped_passes_check() {
    let mut checked = 0;
    for path in files("yaml") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let is_shipped = path.starts_with("configs") || path.starts_with("examples");
        let is_configuration = text.lines().any(|line| line.starts_with("collectors:"));
        // That crate's program has components which this one lacks; its own test runs its configuration.
        let is_other = path.starts_with("examples/custom-component");
        if is_shipped && is_configuration && !is_other {
            check(&path.display().to_string(), &text);
            checked += 1;
        }
    }
    assert!(checked >= 5, "only {checked} configurations were found");
}

/// Gives a configuration to the program's `check`.
fn check(place: &str, text: &str) {
    let mut child = Command::new(Path::new(env!("CARGO_BIN_EXE_wlf-aio")))
        .args(["check", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(text.as_bytes())
        .expect("it reads its stdin");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{place}:\n{said}");
}
