//! How fast the program is, how soon, and in how much memory: the shipped form, compiled ahead of time, under WasmEdge.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::servers::process::Process;
use crate::servers::{self, Kind, free_port, mysql};
use crate::wasmedge::WasmEdge;
use crate::{apt, layout, module};

/// How often each case runs.
const RUNS: usize = 5;

/// What the figures are measured on.
#[derive(clap::Args)]
pub struct Options {
    /// Rows of the table that is read from files and sent to Kafka, 100 a transaction
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows of the one large transaction
    #[arg(long, default_value_t = 10_000_000)]
    large: u64,
}

/// A MySQL of its own, so that nothing else is in its binlog.
struct Source {
    server: mysql::Mysql,
    process: Process,
    port: u16,
}

/// Measures and prints the figures.
pub fn bench(options: &Options) -> Result<()> {
    let wasmedge = WasmEdge::v0_14()?;
    let module = module::build(module::PROGRAM)?;
    let object = wasmedge.compile(&module)?;
    let home = layout::target().join("bench");
    fs::create_dir_all(&home)?;
    let program = Program {
        wasmedge: &wasmedge,
        object: &object,
        home: &home,
    };

    println!("WasmEdge {}, {}", wasmedge.version, machine());
    println!(
        "module size: {} bytes; compiled ahead of time: {} bytes",
        size(&module)?,
        size(&object)?
    );
    program.start_up()?;

    let source = Source::start(&home)?;
    let first = source.fill(options.rows)?;
    program.file_to_null(&source.server.data(), &first, options.rows)?;
    program.mysql_to_kafka(&source, &first, options.rows)?;
    let large = source.fill_at_once(options.large)?;
    program.large_transaction(&source, &large, options.large)
}

impl Drop for Source {
    fn drop(&mut self) {
        // Its data are made anew each time, so how it ends does not matter.
        let _ = self.process.kill();
    }
}

fn size(file: &Path) -> Result<u64> {
    Ok(fs::metadata(file)?.len())
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    format!(
        "{cpus} x {}",
        model.map_or("unknown processor", |model| model
            .trim_start_matches(['\t', ':', ' ']))
    )
}

impl Source {
    fn start(home: &Path) -> Result<Source> {
        let home = home.join("mysql");
        layout::remove(&home)?;
        let server = mysql::Mysql::new(&home)?;
        let port = free_port()?;
        let process = server.start(port, mysql::SETTINGS)?;
        Ok(Source {
            server,
            process,
            port,
        })
    }

    fn run(&self, sql: &str) -> Result<()> {
        let script = self.server.data().with_file_name("script.sql");
        fs::write(&script, sql)?;
        let mut command = self.server.client(self.port)?;
        command.stdin(fs::File::open(&script)?);
        apt::output(&mut command).map(drop)
    }

    /// Begins a new binlog file and returns its name.
    fn next_file(&self) -> Result<String> {
        self.run("FLUSH BINARY LOGS")?;
        let mut command = self.server.client(self.port)?;
        command.args([
            "--batch",
            "--skip-column-names",
            "--execute",
            "SHOW BINARY LOG STATUS",
        ]);
        let status = apt::output(&mut command)?;
        status
            .split_whitespace()
            .next()
            .map(str::to_owned)
            .context("the server names no binlog")
    }

    /// Writes sbtest's table in transactions of 100 rows; returns the binlog file that it begins in.
    fn fill(&self, rows: u64) -> Result<String> {
        eprintln!("writing {rows} rows");
        self.run(
            "CREATE DATABASE bench; USE bench;
             CREATE TABLE hundred (n INT PRIMARY KEY);
             INSERT INTO hundred WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
               SELECT n FROM s;
             CREATE TABLE sbtest (id BIGINT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60));",
        )?;
        let first = self.next_file()?;
        let mut sql = String::from("USE bench;\n");
        for done in (0..rows).step_by(100) {
            let _ = writeln!(
                sql,
                "INSERT INTO sbtest SELECT {done} + n, CRC32({done} + n) % 1000000, LEFT(REPEAT(SHA2({done} + n, 256), 2), 119), \
                 LEFT(SHA2({done} - n, 256), 59) FROM hundred;"
            );
        }
        self.run(&sql)?;
        Ok(first)
    }

    /// Writes a narrow table in one transaction; returns the binlog file that holds it.
    fn fill_at_once(&self, rows: u64) -> Result<String> {
        eprintln!("writing {rows} rows in one transaction");
        self.run(
            "CREATE TABLE bench.narrow (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20))",
        )?;
        let file = self.next_file()?;
        self.run(&format!(
            "INSERT INTO bench.narrow (a, b) SELECT a.n, CONCAT('row ', b.n) FROM bench.hundred a, bench.hundred b, \
             bench.hundred c, bench.hundred d LIMIT {rows}"
        ))?;
        Ok(file)
    }
}

/// The program and a place for its configurations.
struct Program<'a> {
    wasmedge: &'a WasmEdge,
    object: &'a Path,
    home: &'a Path,
}

/// What a run took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

impl Program<'_> {
    fn command(&self, name: &str, configuration: &str, data: &Path) -> Result<Command> {
        let file = format!("{name}.yaml");
        fs::write(self.home.join(&file), configuration)?;
        let mut command = self.wasmedge.run();
        command
            .arg("--dir")
            .arg(format!("/bench:{}", self.home.display()))
            .arg("--dir")
            .arg(format!("/data:{}", data.display()))
            .arg(self.object)
            .arg(format!("--config=/bench/{file}"));
        Ok(command)
    }

    fn start_up(&self) -> Result<()> {
        let shop = layout::workspace().join("configs/quickstart");
        let text = "collectors: [{id: c, type: BinlogFileCollector, paths: [/data/binlog.*], destination: d}]\n\
                    dispatchers: [{id: d, type: StdoutDispatcher}]\n";
        let mut took = Vec::new();
        for _ in 0..RUNS {
            let mut command = self.command("start", text, &shop)?;
            let begin = Instant::now();
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut byte = [0];
            child
                .stdout
                .as_mut()
                .context("a pipe")?
                .read_exact(&mut byte)
                .context("no row came")?;
            took.push(begin.elapsed().as_secs_f64() * 1000.0);
            child.wait_with_output()?;
        }
        print("start to first row", "ms", took);
        Ok(())
    }

    fn file_to_null(&self, data: &Path, first: &str, rows: u64) -> Result<()> {
        let number = first.rsplit_once('.').map_or(first, |(_, number)| number);
        let text = format!(
            "collectors: [{{id: c, type: BinlogFileCollector, paths: [/data/binlog.{number}], destination: f}}]\n\
             transformers: [{{id: f, type: BinlogFilter, destination: d, rules: [{{exclude: {{database: x}}}}]}}]\n\
             dispatchers: [{{id: d, type: NullDispatcher}}]\n"
        );
        let mut took = Vec::new();
        for _ in 0..RUNS {
            took.push(timed(self.command("null", &text, data)?, rows)?);
        }
        print_rates(
            "BinlogFileCollector -> BinlogFilter -> NullDispatcher",
            rows,
            &took,
        );
        Ok(())
    }

    fn mysql_to_kafka(&self, source: &Source, first: &str, rows: u64) -> Result<()> {
        let servers = servers::up(&[Kind::Mysql, Kind::Kafka, Kind::Redis])?;
        let addresses = &servers.addresses;
        let broker = addresses
            .iter()
            .find(|(name, _)| *name == "WLF_TEST_KAFKA")
            .context("no Kafka")?;
        let mut took = Vec::new();
        for run in 0..RUNS {
            let dispatcher = format!(
                "{{id: d, type: KafkaDispatcher, bootstrap_brokers: ['{}'], topic: 'bench.{}.{run}'}}",
                broker.1,
                std::process::id()
            );
            let text = follow(source.port, first, &dispatcher);
            took.push(timed(self.command("kafka", &text, self.home)?, rows)?);
        }
        print_rates(
            "MySQL -> Kafka, one partition, all on this machine",
            rows,
            &took,
        );
        servers::down(&servers.started, false)
    }

    fn large_transaction(&self, source: &Source, file: &str, rows: u64) -> Result<()> {
        let text = follow(source.port, file, "{id: d, type: NullDispatcher}");
        let mut command = self.command("large", &text, self.home)?;
        let begin = Instant::now();
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = peak.max(resident(&child).unwrap_or(0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        child
            .stderr
            .take()
            .context("a pipe")?
            .read_to_string(&mut said)?;
        ensure!(
            status.success() && said.contains(&grouped(rows)),
            "it did not read {rows} rows: {said}"
        );
        println!(
            "one transaction of {rows} rows, MySQL -> NullDispatcher: {:.1} MB resident at most, {:.1} s",
            peak as f64 / 1e6,
            begin.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

fn follow(port: u16, file: &str, dispatcher: &str) -> String {
    format!(
        "collectors:\n  - {{id: c, type: BinlogCollector, port: {port}, user: root, password: {}, \
         start: {{file: {file}, position: 4}}, stop_at_end: true, destination: d}}\n\
         dispatchers:\n  - {dispatcher}\n",
        mysql::PASSWORD
    )
}

/// Runs a command that has to say how many rows it read.
fn timed(command: Command, rows: u64) -> Result<Took> {
    // The shell's `times` prints what its children used, on its second line.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$@\" && times", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    let begin = Instant::now();
    let output = shell
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .output()?;
    let wall = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && said.contains(&grouped(rows)),
        "it did not read {rows} rows: {said}"
    );
    let times = String::from_utf8_lossy(&output.stdout).into_owned();
    let children = times.lines().last().context("no times")?;
    let cpu = children.split_whitespace().filter_map(seconds).sum();
    Ok(Took {
        wall,
        cpu: Duration::from_secs_f64(cpu),
    })
}

/// Reads `0m1.250s`, or with a comma.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.replace(',', ".").parse::<f64>().ok()?)
}

/// The largest resident memory so far, in bytes.
fn resident(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{}/status", child.id()))).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

fn print_rates(what: &str, rows: u64, took: &[Took]) {
    let rates = took
        .iter()
        .map(|took| rows as f64 / took.wall.as_secs_f64())
        .collect();
    print(&format!("{what}, {rows} rows"), "rows/s", rates);
    let cpu = took
        .iter()
        .map(|took| took.cpu.as_secs_f64() / rows as f64 * 1e6)
        .collect();
    print(&format!("{what}, CPU per million rows"), "s", cpu);
}

fn print(what: &str, unit: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or_default();
    let show = |figure: f64| {
        if figure >= 1000.0 {
            grouped(figure as u64)
        } else {
            format!("{figure:.2}")
        }
    };
    let (least, median, most) = (
        at(0),
        at(figures.len() / 2),
        at(figures.len().saturating_sub(1)),
    );
    println!(
        "{what}: min {} / median {} / max {} {unit}",
        show(least),
        show(median),
        show(most)
    );
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shells_times_are_read_with_either_decimal_point() {
        assert_eq!(seconds("1m2.500s"), Some(62.5));
        assert_eq!(seconds("0m0,25s"), Some(0.25));
        assert_eq!(seconds("nonsense"), None);
    }
}
