//! What is measured on.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// How many processors there are.
pub fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

/// Processors, memory and kernel of this machine, and how its connections hold back what they send: pacing, as BBR does,
/// is a timer for each segment also between two processes of one machine.
pub fn about() -> String {
    let cpus = cores();
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |model| {
            model.trim_start_matches(['\t', ':', ' '])
        });
    let gigabytes = memory("MemTotal:").unwrap_or_default() as f64 / 1e9;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let control = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
    let control = control.unwrap_or_default();
    format!(
        "{cpus} x {model}, {gigabytes:.0} GB, Linux {}, TCP {}",
        kernel.trim(),
        control.trim()
    )
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(name: &str) -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let rest = info.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes = rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Reads a file, which may have left the page cache: the first run would pay for that.
pub fn fetch_file(path: &Path) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    io::copy(&mut file, &mut io::sink()).with_context(|| format!("reading {}", path.display()))?;
    Ok(())
}

/// Touches memory and gives it back, as much as that or half of what is there.
///
/// The host of a virtual machine may take back memory that is free for some seconds, and give it only when it is touched
/// again: then a gigabyte costs whoever touches it first some seconds of CPU time instead of a fifth of one.
pub fn fetch_memory(bytes: u64) -> Result<()> {
    let available = memory("MemAvailable:").unwrap_or_default();
    let bytes = usize::try_from(bytes.min(available / 2))?;
    // Not zeroes, which would be taken from the kernel as they are, untouched.
    std::hint::black_box(vec![1_u8; bytes]);
    Ok(())
}
