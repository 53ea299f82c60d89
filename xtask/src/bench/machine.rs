//! What is measured on.

use std::fs;

/// Processors, memory and kernel of this machine.
pub fn about() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |model| {
            model.trim_start_matches(['\t', ':', ' '])
        });
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory.lines().find_map(|line| {
        let rest = line.strip_prefix("MemTotal:")?.trim();
        rest.strip_suffix(" kB")?.parse::<u64>().ok()
    });
    let gigabytes = kilobytes.unwrap_or_default() as f64 / 1e6;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cpus} x {model}, {gigabytes:.0} GB, Linux {}",
        kernel.trim()
    )
}
