//! The examples: the commands in their READMEs are run, and print what the READMEs say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::markdown::Page;
use crate::program::{Runtime, given, root};

/// Where a build puts modules that is told nothing else.
const RELEASE: &str = "target/wasm32-wasip1/release/";

/// A command as a README shows it, and what it prints on stdout.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    place: String,
    command: String,
    /// `...` stands for any number of lines.
    prints: Vec<String>,
}

/// The commands in the blocks marked `console`, each behind a `$`.
fn shown(readme: &Page) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for (place, block) in readme.blocks_of("console") {
        for line in block.text.lines() {
            match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => all.push(Shown {
                    place: place.clone(),
                    command: command.to_owned(),
                    prints: Vec::new(),
                }),
                (None, Some(shown)) if shown.place == place => shown.prints.push(line.to_owned()),
                (None, _) => panic!("{place}: `{line}` stands before a command"),
            }
        }
    }
    all
}

/// Whether lines are as they are shown.
fn matches(shown: &[String], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "..." => {
            (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..]))
        }
        Some((first, rest)) => {
            (lines.split_first()).is_some_and(|(line, more)| line == first && matches(rest, more))
        }
    }
}

/// The scenarios; `configs` holds the first project's configuration, which the tests with servers run.
fn scenarios() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples")).expect("the examples");
    let folders = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() && !path.ends_with("configs"));
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.sort();
    folders
}

/// A folder in which `wasmedge` is the launcher of one version; `./wlf` finds it there too.
fn on_path(runtime: &Runtime) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let script = folder.path().join("wasmedge");
    let text = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        runtime.launcher().display()
    );
    fs::write(&script, text).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).expect("executable");
    folder
}

/// Runs a command at the repository's root.
fn type_in(command: &str, programs: &Path) -> Output {
    let module = PathBuf::from(given("WLF_TEST_WASM"));
    let release = module.parent().expect("the module's folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("sh")
        .args(["-c", &command.replace(RELEASE, &format!("{release}/"))])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("WLF_MODULE", &module)
        .current_dir(root())
        .output()
        .expect("a shell")
}

/// Both versions in one test: they write to the same folders.
#[test]
fn every_example_does_what_its_readme_says() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 3, "{scenarios:?}");
    for runtime in [Runtime::v0_14(), Runtime::v0_17()] {
        let programs = on_path(&runtime);
        for scenario in &scenarios {
            let path = scenario.join("README.md");
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{} is no example: {error}", path.display()));
            let commands = shown(&Page::parse(&path, &text));
            let runs_us = |shown: &Shown| {
                let command = &shown.command;
                command.starts_with("wasmedge ") || command.starts_with("./wlf ")
            };
            assert!(
                commands.iter().any(runs_us),
                "{}: no block marked `console` runs the program",
                path.display()
            );
            for Shown {
                place,
                command,
                prints,
            } in commands
            {
                let output = type_in(&command, programs.path());
                let stdout = String::from_utf8_lossy(&output.stdout);
                let lines: Vec<&str> = stdout.lines().collect();
                assert!(
                    output.status.success() && matches(&prints, &lines),
                    "{place}, WasmEdge {}: {}\n$ {command}\n{stdout}\n{}",
                    runtime.version,
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

#[test]
fn commands_and_what_they_print_are_read_from_a_readme() {
    let text = "```console\n$ a b\n1\n...\n$ c\n```\n```sh\n$ d\n```\n```console\n$ e\n2\n```\n";
    let all = shown(&Page::parse(Path::new("R.md"), text));
    let all: Vec<_> = all
        .iter()
        .map(|shown| (&*shown.command, shown.prints.join(" ")))
        .collect();
    let expected = [("a b", "1 ..."), ("c", ""), ("e", "2")];
    assert_eq!(
        all,
        expected.map(|(command, prints)| (command, prints.to_owned()))
    );
}

#[test]
fn three_dots_stand_for_any_number_of_lines() {
    let shown = ["1", "...", "9"].map(str::to_owned);
    assert!(matches(&shown, &["1", "9"]));
    assert!(matches(&shown, &["1", "2", "9", "9"]));
    assert!(!matches(&shown, &["1", "2"]));
    assert!(!matches(&shown, &["1", "9", "0"]));
    assert!(!matches(&[], &["1"]));
}
