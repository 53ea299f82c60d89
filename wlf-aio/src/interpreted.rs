//! Whether the program is interpreted, which makes it some 50 times slower than it could be.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Turns of the loop that is measured. WasmEdge 0.14 and 0.17 take 4 µs for it when the module is compiled ahead of
/// time, and 230 to 500 µs when it is interpreted.
const TURNS: u32 = 2_000;
/// Halfway between, on a scale of factors.
const THRESHOLD: Duration = Duration::from_micros(30);
/// The loop is measured again when something else may have had the processor in between.
const TRIES: u32 = 3;

/// The warning for an interpreted program; `None` for one that is compiled. Takes less than 2 ms.
pub(crate) fn warning() -> Option<String> {
    let measurable = cfg!(target_family = "wasm") && !cfg!(debug_assertions);
    if !measurable || (0..TRIES).any(|_| !is_interpreted(measure())) {
        return None;
    }
    let module = std::env::args().next().unwrap_or_default();
    Some(text(&module))
}

fn measure() -> Duration {
    let start = Instant::now();
    let mut x = black_box(1_u32);
    for _ in 0..TURNS {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
    }
    black_box(x);
    start.elapsed()
}

/// Judges how long the loop took.
fn is_interpreted(measured: Duration) -> bool {
    measured > THRESHOLD
}

fn text(module: &str) -> String {
    let module = match Path::new(module).extension() {
        Some(extension) if extension == "wasm" => module,
        _ => "wlf-aio.wasm",
    };
    let compiled = format!("{}.so", module.trim_end_matches(".wasm"));
    format!(
        "warning: this program is interpreted, which is some 50 times slower than it could be. Compile it once:
    wasmedge compile {module} {compiled}
and run that, with the same options:
    wasmedge … {compiled}                   (WasmEdge 0.14)
    wasmedge --run-mode=aot … {compiled}    (WasmEdge 0.17)
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_under_wasmedge_is_told_apart() {
        for aot in [3_787, 4_839, 9_000] {
            assert!(!is_interpreted(Duration::from_nanos(aot)));
        }
        for interpreted in [227_685, 406_919, 538_866] {
            assert!(is_interpreted(Duration::from_nanos(interpreted)));
        }
    }

    #[test]
    fn a_native_program_never_warns() {
        assert_eq!(warning(), None);
    }

    #[test]
    fn the_warning_names_the_module() {
        let text = text("target/wasm32-wasip1/release/wlf-aio.wasm");
        assert!(text.contains(
            "\n    wasmedge compile target/wasm32-wasip1/release/wlf-aio.wasm target/wasm32-wasip1/release/wlf-aio.so\n"
        ));
        assert!(super::text("").contains("wasmedge compile wlf-aio.wasm wlf-aio.so\n"));
    }
}
