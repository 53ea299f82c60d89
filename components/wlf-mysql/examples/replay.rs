//! Measures how fast binlog files become JSON: `cargo run --release --example replay -- data/binlog.000002`.

use std::time::Instant;

use wlf_core::format::{Encoder, Format};
use wlf_core::{Collector, Fault};
use wlf_mysql::binlog::Limits;
use wlf_mysql::file_collector::BinlogFileCollector;

const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 1 << 20,
    transaction: 4 << 20,
};
const ROUNDS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let keys = std::env::var_os("KEYS").is_some();
    for _ in 0..ROUNDS {
        let mut encoder = Encoder::new(Format::default());
        if keys {
            encoder = encoder.with_keys();
        }
        let mut collector = BinlogFileCollector::new(paths.clone(), LIMITS);
        let (begun, cpu) = (Instant::now(), on_cpu());
        let (mut rows, mut bytes) = (0, 0);
        collector.connect(None).await?;
        while let Some(batch) = collector.read().await? {
            encoder.clear();
            for event in &batch.events {
                encoder.encode(event).map_err(|error| error.fault)?;
            }
            rows += encoder.len();
            bytes += encoder.payload().len();
        }
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = on_cpu() - cpu;
        println!(
            "{rows} rows, {bytes} bytes of JSON: {seconds:.3} s, {cpu:.3} s on the CPU, {:.2} Mrow/s of CPU time",
            rows as f64 / cpu.max(1e-9) / 1e6
        );
    }
    Ok(())
}

/// How many seconds this process has run, which leaves out what others took of the machine; 0 where Linux does not say.
fn on_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}
