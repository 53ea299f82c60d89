//! Writes transactions at a steady pace.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Load;

/// A client of MySQL that is fed statements.
pub struct Writer {
    client: Child,
    /// The next row's number.
    next: u64,
}

impl Writer {
    pub fn start(mut client: Command) -> Result<Self> {
        let client = client
            .args(["--unbuffered", "bench"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("starting MySQL's client")?;
        Ok(Self { client, next: 0 })
    }

    /// Writes the load; a statement that is late is not waited for, and the next is on time again.
    pub fn write(&mut self, load: &Load) -> Result<()> {
        let begin = Instant::now();
        let stdin = self.client.stdin.as_mut().context("a pipe")?;
        for transaction in 0..load.transactions {
            let due = load.every * u32::try_from(transaction)?;
            if let Some(wait) = due.checked_sub(begin.elapsed()) {
                std::thread::sleep(wait);
            }
            let next = self.next;
            let sql = match load.rows {
                1 => format!("INSERT INTO latency VALUES ({next}, 'one row', NOW(6));\n"),
                rows => format!(
                    "INSERT INTO latency SELECT {next} + n - 1, 'one of many', NOW(6) FROM thousand WHERE n <= {rows};\n"
                ),
            };
            stdin.write_all(sql.as_bytes())?;
            stdin.flush()?;
            self.next += load.rows;
        }
        Ok(())
    }

    pub fn end(mut self) -> Result<()> {
        drop(self.client.stdin.take());
        let status = self.client.wait()?;
        ensure!(status.success(), "MySQL's client ended with {status}");
        Ok(())
    }
}
