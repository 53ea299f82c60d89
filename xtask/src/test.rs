//! Everything that has to hold before a change goes in, from format to real servers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::packages::{Bundle, MARIADB_118, MARIADB_1011, MYSQL, NATS, TINI};
use crate::wasmedge::WasmEdge;
use crate::{apt, bench, layout, module, servers};

type Stage = fn() -> Result<Tally>;

/// The stages, in the order in which they run.
const STAGES: [(&str, Stage); 8] = [
    ("format", format),
    ("clippy, native", clippy_native),
    ("clippy, wasm", clippy_wasm),
    ("features", features),
    ("unit tests", unit_tests),
    ("wasm under WasmEdge", wasm_tests),
    ("speed", speed),
    ("real servers", server_tests),
];

/// Stages that take long, of what happens rarely: they run if their names are given, as before a release.
const LONG: [(&str, Stage); 1] = [("cluster", cluster_tests)];

/// How many tests there were; zeros for a stage that is no test.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    passed: u32,
    failed: u32,
    ignored: u32,
}

/// Runs all stages but the long ones, or those whose names begin with one of `chosen`, up to the first that fails, and
/// prints what ran.
pub fn test(chosen: &[String]) -> Result<()> {
    let is_named = |name: &str| {
        let mut chosen = chosen.iter();
        chosen.any(|chosen| name.starts_with(chosen.as_str()))
    };
    let is_long = |name: &str| LONG.iter().any(|(long, _)| *long == name);
    let is_chosen = |name: &str| is_named(name) || (chosen.is_empty() && !is_long(name));
    let stages = || STAGES.into_iter().chain(LONG);
    ensure!(
        stages().any(|(name, _)| is_chosen(name)),
        "no stage of that name; there are: {}",
        stages()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
            .join(", ")
    );
    let begin = Instant::now();
    let mut table = vec![format!(
        "{:<20} {:<8} {:>8} {:>7} {:>8}",
        "stage", "outcome", "seconds", "passed", "ignored"
    )];
    let mut total = Tally::default();
    let mut failure = None;
    for (name, stage) in stages() {
        if failure.is_some() || !is_chosen(name) {
            table.push(format!("{name:<20} not run"));
            continue;
        }
        eprintln!("==> {name}");
        let begin = Instant::now();
        let outcome = stage();
        let tally = outcome.as_ref().copied().unwrap_or_default();
        total.add(tally);
        let said = if outcome.is_ok() { "ok" } else { "FAILED" };
        table.push(format!(
            "{name:<20} {said:<8} {:>8.1} {:>7} {:>8}",
            begin.elapsed().as_secs_f64(),
            tally.passed,
            tally.ignored
        ));
        failure = outcome
            .err()
            .map(|error| error.context(format!("stage `{name}` failed")));
    }
    println!("\n{}", table.join("\n"));
    if let Some(error) = failure {
        return Err(error);
    }
    println!("\n{}", total.line(begin.elapsed()));
    Ok(())
}

fn format() -> Result<Tally> {
    run(cargo("fmt --all --check"))
}

fn clippy_native() -> Result<Tally> {
    // All features of wlf-fuzz would compile C++.
    run(cargo(
        "clippy --quiet --workspace --exclude wlf-fuzz --all-targets --all-features -- -D warnings",
    ))?;
    run(cargo(
        "clippy --quiet --package wlf-fuzz --all-targets -- -D warnings",
    ))
}

fn clippy_wasm() -> Result<Tally> {
    module::prepare()?;
    let target = module::TARGET;
    run(cargo(&format!(
        "clippy --quiet --workspace --exclude xtask --exclude wlf-fuzz --target {target} -- -D warnings"
    )))
}

/// Checks that the program can be built with each of its systems alone.
fn features() -> Result<Tally> {
    for feature in module::FEATURES {
        run(cargo(&format!(
            "check --quiet --package {} --no-default-features --features {feature}",
            module::PROGRAM
        )))?;
    }
    Ok(Tally::default())
}

fn unit_tests() -> Result<Tally> {
    run(cargo("test --workspace"))
}

/// Tests the shipped module, compiled ahead of time by both versions of WasmEdge.
fn wasm_tests() -> Result<Tally> {
    let mut variables = wasm_variables()?;
    let exchange = module::build_exchange()?;
    for (variable, wasmedge) in [
        ("WLF_TEST_EXCHANGE_SO_014", WasmEdge::v0_14()?),
        ("WLF_TEST_EXCHANGE_SO_017", WasmEdge::v0_17()?),
    ] {
        let object = wasmedge.compile(&exchange)?;
        variables.push((variable, object.display().to_string()));
    }
    gated("wasm-tests", &variables)
}

/// Holds the program to wide limits, each of which counts as a test: beside native, beside the naive way, and as rows grow.
fn speed() -> Result<Tally> {
    Ok(Tally {
        passed: bench::check::run()?,
        ..Tally::default()
    })
}

/// Tests against the real MySQL, MariaDB, Kafka, Redis and NATS; the module is at hand for the tests from end to end.
fn server_tests() -> Result<Tally> {
    let mut variables = wasm_variables()?;
    let servers = servers::up(&servers::Kind::ALL)?;
    variables.extend(servers.addresses);
    variables.extend(programs()?);
    let tally = gated("server-tests", &variables)?;
    // What was up before stays up; after a failure all of it does, to be looked at.
    servers::down(&servers.started, false)?;
    Ok(tally)
}

/// What happens to a cluster of Kafka rarely, for some twenty minutes.
fn cluster_tests() -> Result<Tally> {
    let mut variables = wasm_variables()?;
    let servers = servers::up(&[servers::Kind::Mysql])?;
    variables.extend(servers.addresses);
    variables.extend(programs()?);
    let tally = gated("cluster-tests", &variables)?;
    servers::down(&servers.started, false)?;
    Ok(tally)
}

/// Names the servers' own client programs, whose word counts in the type matrix, and the program of a server that tests start
/// for themselves.
fn programs() -> Result<[(&'static str, String); 5]> {
    let launcher = |bundle: &Bundle, name: &str| -> Result<String> {
        Ok(bundle.provide()?.root.join(name).display().to_string())
    };
    Ok([
        ("WLF_TEST_MYSQL_CLIENT", launcher(&MYSQL, "mysql")?),
        (
            "WLF_TEST_MARIADB_1011_CLIENT",
            launcher(&MARIADB_1011, "mariadb")?,
        ),
        (
            "WLF_TEST_MARIADB_118_CLIENT",
            launcher(&MARIADB_118, "mariadb")?,
        ),
        ("WLF_TEST_NATS_SERVER", launcher(&NATS, "nats-server")?),
        (
            "WLF_TEST_KAFKA_PROGRAM",
            servers::kafka::program()?.display().to_string(),
        ),
    ])
}

/// Builds the module and names it, its compiled forms and their launchers for the tests.
fn wasm_variables() -> Result<Vec<(&'static str, String)>> {
    let module = module::build(module::PROGRAM)?;
    // An example's test runs it as it is; its README's command would build it too, but silently.
    module::build("custom-component")?;
    let probe = module::example("tokio", "net,rt,sync,time", "probe")?;
    let (of_014, of_017) = (WasmEdge::v0_14()?, WasmEdge::v0_17()?);
    let init = TINI.provide()?.root.join("usr/bin/tini-static");
    // Side by side: each takes one core for half a minute or more.
    let (object_014, object_017) = std::thread::scope(|scope| {
        let other = scope.spawn(|| of_017.compile(&module));
        let object_014 = of_014.compile(&module);
        (
            object_014,
            other
                .join()
                .unwrap_or_else(|_| bail!("the compiling thread panicked")),
        )
    });
    Ok(vec![
        ("WLF_TEST_WASM", module.display().to_string()),
        ("WLF_TEST_PROBE", probe.display().to_string()),
        (
            "WLF_TEST_WASMEDGE_014",
            of_014.program.display().to_string(),
        ),
        ("WLF_TEST_SO_014", object_014?.display().to_string()),
        (
            "WLF_TEST_WASMEDGE_017",
            of_017.program.display().to_string(),
        ),
        ("WLF_TEST_SO_017", object_017?.display().to_string()),
        ("WLF_TEST_INIT", init.display().to_string()),
    ])
}

/// Runs the test targets of the workspace that ask for `feature`; that there are none is a failure.
fn gated(feature: &str, variables: &[(&'static str, String)]) -> Result<Tally> {
    let metadata = apt::output(&mut cargo("metadata --format-version 1 --no-deps"))?;
    let targets = gated_targets(&serde_json::from_str(&metadata)?, feature);
    ensure!(
        !targets.is_empty(),
        "no test target in the workspace has required-features = [\"{feature}\"]"
    );
    let mut total = Tally::default();
    for (package, tests) in targets {
        let mut command = cargo(&format!("test --package {package} --features {feature}"));
        command.args(tests.iter().flat_map(|test| ["--test", test]));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        total.add(run(command)?);
    }
    ensure!(total.passed > 0, "no test of the feature {feature} ran");
    Ok(total)
}

/// Finds the packages with test targets that require `feature`, in what `cargo metadata` printed.
fn gated_targets(metadata: &Value, feature: &str) -> Vec<(String, Vec<String>)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let requires = |target: &Value| {
        list(&target["required-features"])
            .iter()
            .any(|name| name == feature)
    };
    let is_test = |target: &Value| list(&target["kind"]).iter().any(|kind| kind == "test");
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let targets = list(&package["targets"]);
            let tests = targets
                .iter()
                .filter(|target| is_test(target) && requires(target));
            (
                text(&package["name"]),
                tests
                    .map(|target| text(&target["name"]))
                    .collect::<Vec<_>>(),
            )
        })
        .filter(|(_, tests)| !tests.is_empty())
        .collect()
}

/// Makes a command of cargo in the workspace's root.
fn cargo(arguments: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(arguments.split(' '))
        .current_dir(layout::workspace());
    command
}

/// Runs a command, shows what it prints, and counts the tests in it.
fn run(mut command: Command) -> Result<Tally> {
    let shown = std::iter::once(command.get_program()).chain(command.get_args());
    let shown: Vec<_> = shown
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let shown = shown.join(" ");
    eprintln!("$ {shown}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {shown}"))?;
    let output = child.stdout.take().context("the command has no stdout")?;
    let mut tally = Tally::default();
    let mut stdout = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(stdout, "{line}")?;
        tally.add(Tally::of_line(&line).unwrap_or_default());
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; …`.
    fn of_line(line: &str) -> Option<Tally> {
        let mut tally = Tally::default();
        for part in line.strip_prefix("test result: ")?.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(count) = count.parse() else { continue };
            match what {
                "passed" => tally.passed = count,
                "failed" => tally.failed = count,
                "ignored" => tally.ignored = count,
                _ => {}
            }
        }
        Some(tally)
    }

    fn line(&self, took: Duration) -> String {
        format!(
            "test result: ok. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; finished in {:.2}s",
            self.passed,
            self.failed,
            self.ignored,
            took.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tests_are_counted_from_what_cargo_prints() {
        let line = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s";
        let tally = Tally {
            passed: 12,
            failed: 0,
            ignored: 1,
        };
        assert_eq!(Tally::of_line(line), Some(tally));
        assert_eq!(
            Tally::of_line(&tally.line(Duration::from_millis(1500))),
            Some(tally)
        );
        assert_eq!(Tally::of_line("test a ... ok"), None);
    }

    /// Cargo takes the real tokio for a crate that asks for a feature that the stand-in lacks, and says so in a line that
    /// nobody reads.
    #[test]
    fn the_only_tokio_is_the_one_in_shims() {
        let lock = std::fs::read_to_string(layout::workspace().join("Cargo.lock")).expect("a file");
        for name in [
            "tokio",
            "mio_wasi",
            "wasmedge_wasi_socket",
            "openssl",
            "zmij",
        ] {
            let entries: Vec<&str> = lock
                .split("[[package]]")
                .filter(|entry| entry.contains(&format!("\nname = \"{name}\"\n")))
                .collect();
            assert_eq!(entries.len(), 1, "{name}: {entries:?}");
            assert!(!entries[0].contains("\nsource = "), "{}", entries[0]);
        }
    }

    #[test]
    fn what_the_program_can_be_built_with_is_its_default_features() {
        let metadata = apt::output(&mut cargo("metadata --format-version 1 --no-deps"));
        let metadata: Value = serde_json::from_str(&metadata.expect("cargo")).expect("JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        let program = packages
            .iter()
            .find(|package| package["name"] == module::PROGRAM)
            .expect("the program");
        assert_eq!(program["features"]["default"], json!(module::FEATURES));
    }

    #[test]
    fn only_test_targets_that_require_the_feature_are_gated() {
        let metadata = json!({ "packages": [
            { "name": "wlf-aio", "targets": [
                { "kind": ["bin"], "name": "wlf-aio" },
                { "kind": ["test"], "name": "wasm", "required-features": ["wasm-tests"] },
                { "kind": ["test"], "name": "servers", "required-features": ["server-tests"] },
            ]},
            { "name": "wlf-core", "targets": [{ "kind": ["test"], "name": "promises" }] },
        ]});
        assert_eq!(
            gated_targets(&metadata, "wasm-tests"),
            [("wlf-aio".to_owned(), vec!["wasm".to_owned()])]
        );
        assert_eq!(gated_targets(&metadata, "no-tests"), []);
    }
}
