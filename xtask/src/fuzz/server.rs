//! What is drawn at random and compared with real servers, for as long as one wants.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Options;
use crate::layout;
use crate::servers::{self, Kind};

/// A generator of a test suite: its name here, the package with its tests, and what they are called.
struct Generator {
    name: &'static str,
    package: &'static str,
    tests: &'static str,
    servers: &'static [Kind],
}

const GENERATORS: [Generator; 1] = [Generator {
    name: "ddl",
    package: "wlf-mysql",
    tests: "schema::random",
    servers: &[Kind::Mysql, Kind::Mariadb1011, Kind::Mariadb118],
}];

/// Runs the generators that are named, all of them if none is, each on all of its servers at once.
pub fn fuzz(options: &Options) -> Result<()> {
    let is_known = |name: &&String| GENERATORS.iter().any(|known| known.name == **name);
    if let Some(unknown) = options.targets.iter().find(|name| !is_known(name)) {
        let all: Vec<&str> = GENERATORS.iter().map(|known| known.name).collect();
        bail!(
            "nothing of `{unknown}` is compared with servers, only of {}",
            all.join(", ")
        );
    }
    let is_chosen =
        |name: &str| options.targets.is_empty() || options.targets.iter().any(|own| own == name);
    let chosen = GENERATORS.iter().filter(|known| is_chosen(known.name));
    for generator in chosen {
        run(generator, options)?;
    }
    Ok(())
}

fn run(generator: &Generator, options: &Options) -> Result<()> {
    let servers = servers::up(generator.servers)?;
    let mut test = Command::new("cargo");
    test.args(["test", "--quiet", "--package", generator.package])
        .args(["--features", "server-tests", "--test", "server", "--"])
        .args([generator.tests, "--nocapture", "--test-threads"])
        .arg(generator.servers.len().to_string())
        .env("WLF_FUZZ_SECONDS", options.seconds.to_string())
        .envs(servers.addresses)
        .current_dir(layout::workspace());
    if let Some(seed) = options.seed {
        test.env("WLF_FUZZ_SEED", seed.to_string());
    }
    let status = test.status().context("starting cargo")?;
    servers::down(&servers.started, false)?;
    ensure!(
        status.success(),
        "{}: a server has it otherwise, as is said above",
        generator.name
    );
    Ok(())
}
