//! What callgrind wrote: instructions by address.
//!
//! The format: <https://valgrind.org/docs/manual/cl-format.html>.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result};

/// Instructions of each object file by address.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<String, BTreeMap<u64, u64>>);

impl Counts {
    /// Those of a program.
    pub fn of(&self, program: &Path) -> BTreeMap<u64, u64> {
        let found = self.0.get(program.to_string_lossy().as_ref());
        found.cloned().unwrap_or_default()
    }

    /// Those of everything else, summed up by file.
    pub fn elsewhere(&self, program: &Path) -> Vec<(String, u64)> {
        let program = program.to_string_lossy();
        let others = self.0.iter().filter(|(object, _)| **object != program);
        others
            .map(|(object, counts)| {
                let name = object.rsplit('/').next().unwrap_or(object);
                (name.to_owned(), counts.values().sum())
            })
            .collect()
    }
}

/// Reads a file that was written with `--dump-instr=yes`: each line of costs is `address line instructions`.
pub fn read(text: &str) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut object = String::new();
    let (mut address, mut of_a_call) = (0u64, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = named(name, &mut names);
        } else if let Some(name) = line.strip_prefix("cob=") {
            // A name may be given where it is called first.
            named(name, &mut names);
        } else if line.starts_with("calls=") {
            of_a_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let mut fields = line.split(' ');
            let at = fields.next().context("a line is empty")?;
            address = moved(address, at).with_context(|| format!("an address in {line:?}"))?;
            // The line behind `calls=` has what the callee took, which is counted at the callee.
            if std::mem::take(&mut of_a_call) {
                continue;
            }
            let instructions = fields.nth(1).unwrap_or("0").parse::<u64>()?;
            let of_object = counts.0.entry(object.clone()).or_default();
            *of_object.entry(address).or_default() += instructions;
        }
    }
    Ok(counts)
}

/// `(3) name` gives the number a name, `(3)` takes it.
fn named(text: &str, names: &mut HashMap<String, String>) -> String {
    match text.split_once(") ") {
        Some((number, name)) => {
            names.insert(format!("{number})"), name.to_owned());
            name.to_owned()
        }
        None => names.get(text).cloned().unwrap_or_else(|| text.to_owned()),
    }
}

/// An address may be relative to the one before.
fn moved(before: u64, text: &str) -> Option<u64> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok(),
        None => text.parse().ok(),
    };
    match text.split_at_checked(1)? {
        ("*", _) => Some(before),
        ("+", by) => before.checked_add(number(by)?),
        ("-", by) => before.checked_sub(number(by)?),
        _ => number(text),
    }
}

#[test]
fn instructions_are_summed_by_address_without_those_of_calls() {
    let text = "positions: instr line\nevents: Ir\n\nob=(1) /p/wlf-aio\nfl=(1) a.rs\nfn=(1) main\n\
                0x1000 5 3\n+4 6 2\ncob=(2) /lib/libc.so.6\ncfn=(2) memcpy\ncalls=1 0x9000\n* 6 100\n\
                fi=(2) b.rs\n+4 7 1\n\nob=(2)\nfn=(2)\n0x9000 0 100\n-4 0 1\n\nob=(1)\nfn=(3) other\n0x1000 5 4\n";
    let counts = read(text).unwrap();
    let ours = counts.of(Path::new("/p/wlf-aio"));
    assert_eq!(
        ours.into_iter().collect::<Vec<_>>(),
        [(0x1000, 7), (0x1004, 2), (0x1008, 1)]
    );
    assert_eq!(
        counts.elsewhere(Path::new("/p/wlf-aio")),
        [("libc.so.6".to_owned(), 101)]
    );
}
