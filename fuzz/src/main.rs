//! The targets as libFuzzer runs them: `WLF_FUZZ_TARGET` names one; with `WLF_FUZZ_SEEDS` all seeds are only written there.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use wlf_fuzz::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(bytes);
    }
});

fn begin() {
    if let Some(directory) = std::env::var_os("WLF_FUZZ_SEEDS") {
        write_seeds(Path::new(&directory));
        std::process::exit(0);
    }
    let name = std::env::var("WLF_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!(
            "WLF_FUZZ_TARGET is `{name}`, and not one of {}",
            names.join(", ")
        );
        std::process::exit(64);
    };
    TARGET.get_or_init(|| target);
}

/// Writes each target's seeds to a directory of its name.
fn write_seeds(directory: &Path) {
    for target in TARGETS {
        let directory = directory.join(target.name);
        std::fs::create_dir_all(&directory).expect("a directory for seeds");
        for (n, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{n:04}")), seed).expect("a seed");
        }
    }
}
