//! Markdown, as much of it as the pages use.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of the repository.
pub struct Page {
    /// From the repository's root.
    pub path: PathBuf,
    pub blocks: Vec<Block>,
    /// The lines outside of blocks.
    pub prose: Vec<Line>,
}

/// A fenced block.
pub struct Block {
    /// What stands behind the fence: `rust`, `yaml`.
    pub language: String,
    pub text: String,
    /// The line of the fence, from 1.
    pub line: usize,
}

pub struct Line {
    pub text: String,
    pub number: usize,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("wlf-aio lies in the root")
}

/// All pages of the repository.
pub fn pages() -> Vec<Page> {
    let pages: Vec<Page> = (files("md").into_iter())
        .map(|path| {
            Page::parse(
                &path,
                &fs::read_to_string(root().join(&path)).expect("a page"),
            )
        })
        .collect();
    assert!(pages.len() > 10, "only {} pages were found", pages.len());
    pages
}

/// The repository's own files with this extension, from its root.
pub fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(
                    path.strip_prefix(root())
                        .expect("below the root")
                        .to_path_buf(),
                );
            }
        }
    }
    found.sort();
    found
}

impl Page {
    pub fn parse(path: &Path, text: &str) -> Self {
        let (mut blocks, mut prose) = (Vec::new(), Vec::new());
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let fence = line.trim_start().strip_prefix("```");
            match (&mut open, fence) {
                (None, Some(language)) => {
                    open = Some(Block {
                        language: language.trim().to_owned(),
                        text: String::new(),
                        line: number,
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => prose.push(Line {
                    text: line.to_owned(),
                    number,
                }),
            }
        }
        assert!(open.is_none(), "{}: a fence does not end", path.display());
        Page {
            path: path.to_path_buf(),
            blocks,
            prose,
        }
    }

    /// The blocks of one language, each with its place for a message.
    pub fn blocks_of(&self, language: &str) -> impl Iterator<Item = (String, &Block)> {
        self.blocks
            .iter()
            .filter(move |block| block.language == language)
            .map(|block| (self.place(block.line), block))
    }

    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// What stands between backticks, with its place.
    pub fn code_spans(&self) -> impl Iterator<Item = (String, &str)> {
        self.prose.iter().flat_map(|line| {
            let spans = line.text.split('`').skip(1).step_by(2);
            spans.map(|span| (self.place(line.number), span))
        })
    }

    /// The targets of links, with their places.
    pub fn links(&self) -> impl Iterator<Item = (String, &str)> {
        self.prose.iter().flat_map(|line| {
            let starts = line.text.split("](").skip(1);
            let targets = starts.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
            targets.map(|target| (self.place(line.number), target))
        })
    }

    /// The fragments that lead to a heading, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose.iter().filter(|line| line.text.starts_with('#'));
        headings
            .map(|line| anchor(line.text.trim_start_matches('#').trim()))
            .collect()
    }
}

fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# A `b`: c\nsee [x](y.md#z) and [u](v)\n```rust\nlet a = `;\n```\n`code` [w](t)\n";
    let page = Page::parse(Path::new("p.md"), text);
    let links: Vec<_> = page.links().map(|(_, target)| target).collect();
    assert_eq!(links, ["y.md#z", "v", "t"]);
    let spans: Vec<_> = page.code_spans().collect();
    assert_eq!(spans, [("p.md:1".into(), "b"), ("p.md:6".into(), "code")]);
    let (place, block) = page.blocks_of("rust").next().unwrap();
    assert_eq!((&*place, &*block.text), ("p.md:3", "let a = `;\n"));
    assert_eq!(page.anchors(), ["a-b-c"]);
}
