//! For an address, the functions that it is in: the innermost, and those that it was inlined into.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A function, and the file that it is written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub function: String,
    pub file: String,
}

/// The frames of each address, the innermost first, by `addr2line` of binutils.
pub fn places(program: &Path, addresses: &[u64]) -> Result<Vec<Vec<Frame>>> {
    let mut child = Command::new("addr2line")
        .args([
            "--inlines",
            "--functions",
            "--demangle",
            "--addresses",
            "--exe",
        ])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting addr2line (package binutils)")?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    let questions: String = addresses
        .iter()
        .map(|address| format!("{address:#x}\n"))
        .collect();
    // It answers while it is asked.
    let asking = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = child.wait_with_output()?;
    asking
        .join()
        .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    let places = read(&String::from_utf8_lossy(&output.stdout));
    ensure!(
        places.len() == addresses.len(),
        "addr2line answered {} of {} questions",
        places.len(),
        addresses.len()
    );
    Ok(places)
}

/// An address is followed by two lines for each frame: the function, and its place.
fn read(text: &str) -> Vec<Vec<Frame>> {
    let mut places: Vec<Vec<Frame>> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("0x") {
            places.push(Vec::new());
        } else if let (Some(frames), Some(place)) = (places.last_mut(), lines.next()) {
            let file = place.rsplit_once(':').map_or(place, |(file, _)| file);
            frames.push(Frame {
                function: line.to_owned(),
                file: file.to_owned(),
            });
        }
    }
    places
}

#[test]
fn an_address_has_its_frames_from_the_inside() {
    let text = "0x0000000000001000\ncore::ptr::read\n/rustc/x/library/core/src/ptr/mod.rs:10\n\
                wlf_core::f\n/w/wlf-core/src/f.rs:3 (discriminator 2)\n0x0000000000001004\n??\n??:0\n";
    let places = read(text);
    assert_eq!(places.len(), 2);
    assert_eq!(places[0][1].function, "wlf_core::f");
    assert_eq!(places[0][1].file, "/w/wlf-core/src/f.rs");
    assert_eq!(places[1][0].file, "??");
}
