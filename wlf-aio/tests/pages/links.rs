//! Links and paths lead somewhere.

use std::fs;
use std::path::Path;

use crate::markdown::{Page, pages, root};

/// What is wrong with a link, if it is one within the repository.
fn broken(page: &Page, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.path.parent().unwrap_or(Path::new(""));
    let path = match file {
        "" => root().join(&page.path),
        file => root().join(folder).join(file),
    };
    if !path.exists() {
        return Some(format!("there is no {}", path.display()));
    }
    if fragment.is_empty() {
        return None;
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    let anchors = Page::parse(&path, &text).anchors();
    let known = anchors.iter().any(|anchor| anchor == fragment);
    (!known).then(|| format!("{file} has no heading #{fragment}, but {anchors:?}"))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let pages = pages();
    let links = pages.iter().flat_map(|page| {
        let broken = move |(place, target)| {
            broken(page, target).map(|why| format!("{place}: ({target}): {why}"))
        };
        page.links().filter_map(broken)
    });
    let broken: Vec<String> = links.collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = Page::parse(Path::new("docs/p.md"), "# One heading\n");
    assert_eq!(broken(&page, "https://example.org/x"), None);
    assert_eq!(broken(&page, "../Cargo.toml"), None);
    assert!(broken(&page, "nowhere.md").is_some());
    assert!(broken(&page, "../CONTRIBUTING.md#no-such-heading").is_some());
    assert_eq!(broken(&page, "../CONTRIBUTING.md#house-rules"), None);
}

/// The folders whose contents pages name with their paths.
const FOLDERS: [&str; 10] = [
    "components/",
    "configs/",
    "docs/",
    "examples/",
    "fuzz/",
    "shims/",
    "wlf-aio/",
    "wlf-core/",
    "wlf-net/",
    "xtask/",
];

#[test]
fn every_path_that_is_named_exists() {
    let pages = pages();
    let spans = pages.iter().flat_map(Page::code_spans);
    let is_path = |span: &str| {
        FOLDERS.iter().any(|folder| span.starts_with(folder)) && !span.contains(['<', '*', ' '])
    };
    let named: Vec<_> = spans.filter(|(_, span)| is_path(span)).collect();
    assert!(named.len() > 20, "only {} paths were found", named.len());
    let missing: Vec<String> = (named.iter())
        // A test behind its file is looked for elsewhere.
        .filter(|(_, span)| {
            !root()
                .join(span.split("::").next().unwrap_or(span))
                .exists()
        })
        .map(|(place, span)| format!("{place}: there is no {span}"))
        .collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}
