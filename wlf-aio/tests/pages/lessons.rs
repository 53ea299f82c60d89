//! The page of lessons names tests that exist, for every lesson.

use std::fs;

use crate::markdown::{Page, pages, root};

/// The lessons that the decoder has to do with, under the numbers that stay theirs.
fn numbers() -> impl Iterator<Item = u32> {
    let ranges = [24..=68, 71..=73, 81..=85, 88..=91, 93..=93, 117..=117];
    ranges.into_iter().flatten()
}

/// How a lesson is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Tests,
    CannotArise,
    Open,
}

impl Answer {
    fn of(cell: &str) -> Option<Self> {
        if cell.starts_with("cannot arise: ") {
            Some(Self::CannotArise)
        } else if cell.starts_with("open: ") {
            Some(Self::Open)
        } else {
            (cell.contains(".rs::")).then_some(Self::Tests)
        }
    }
}

fn page() -> Page {
    let mut pages = pages();
    pages.retain(|page| page.path.ends_with("docs/lessons.md"));
    pages.pop().expect("the page")
}

/// The rows of the page's tables: a lesson's number, and what shows it.
fn rows(page: &Page) -> Vec<(u32, String)> {
    let cells = page.prose.iter().filter_map(|line| {
        let mut cells = line.text.strip_prefix("| ")?.split(" | ");
        let number = cells.next()?.parse().ok()?;
        let answer = cells.nth(2)?.trim_end_matches(" |").trim();
        Some((number, answer.to_owned()))
    });
    cells.collect()
}

#[test]
fn every_lesson_is_there_once_and_answered() {
    let page = page();
    let rows = rows(&page);
    let there: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(there, numbers().collect::<Vec<_>>());
    let (mut tests, mut cannot, mut open) = (0, 0, 0);
    for (number, answer) in &rows {
        match Answer::of(answer) {
            Some(Answer::Tests) => tests += 1,
            Some(Answer::CannotArise) => cannot += 1,
            Some(Answer::Open) => open += 1,
            None => panic!("lesson {number} has no answer: {answer}"),
        }
    }
    let counted = format!("{tests} are shown by tests, {cannot} cannot arise, {open} are open.");
    let prose = page.prose.iter().map(|line| line.text.as_str());
    assert!(
        prose.clone().any(|line| line.contains(&counted)),
        "the page does not say: {counted}"
    );
}

/// `path/to/file.rs::name_of_the_test`, on any page.
#[test]
fn every_test_that_is_named_with_its_file_is_in_it() {
    let pages = pages();
    let named = pages.iter().flat_map(Page::code_spans);
    let named: Vec<_> = named
        .filter_map(|(place, span)| Some((place, span.split_once(".rs::")?)))
        .collect();
    assert!(named.len() > 50, "only {} tests were found", named.len());
    let missing = named.iter().filter_map(|(place, (file, test))| {
        let source = fs::read_to_string(root().join(format!("{file}.rs")));
        let source = match source {
            Ok(source) => source,
            Err(error) => return Some(format!("{place}: {file}.rs: {error}")),
        };
        (!has_test(&source, test)).then(|| format!("{place}: {file}.rs has no test {test}"))
    });
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

/// Whether the function is there and is a test: by its attribute, or by being in the list of those that run under both
/// versions of WasmEdge.
fn has_test(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return false;
    };
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = source[..line].lines().rev().map(str::trim_start);
    let mut attributes = before.take_while(|line| line.starts_with('#') || line.starts_with("//"));
    let is_test = |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let listed = || {
        let (_, list) = source.split_once("on_both!(")?;
        let (list, _) = list.split_once(')')?;
        list.split(',').find(|listed| listed.trim() == name)
    };
    attributes.any(is_test) || listed().is_some()
}

#[test]
fn a_helper_is_no_test() {
    let source = "#[test]\nfn is_one() {}\n\nfn is_none(a: u8) {}\n/// Why.\n#[tokio::test]\nasync fn is_async() {}\nfn is_wasm() {}\non_both!(is_wasm);\n";
    assert!(
        ["is_one", "is_async", "is_wasm"]
            .iter()
            .all(|name| has_test(source, name))
    );
    assert!(!has_test(source, "is_none") && !has_test(source, "is_missing"));
}
