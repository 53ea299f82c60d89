//! The servers of `docker-compose.yaml`, where a Docker engine runs.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::Kind;
use crate::layout;

/// Tells whether a Docker engine answers and has the compose plugin.
pub fn engine_runs() -> bool {
    let succeeds = |arguments: &[&str]| {
        Command::new("docker")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    succeeds(&["info"]) && succeeds(&["compose", "version"])
}

/// Starts services on the given ports and waits until they are healthy.
pub fn up(ports: &[(Kind, u16)]) -> Result<()> {
    let mut command = compose();
    command.args(["up", "--detach", "--wait"]);
    for (kind, port) in ports {
        eprintln!("{}: starting in Docker on port {port}", kind.name());
        command
            .arg(kind.name())
            .env(port_variable(*kind), port.to_string());
    }
    run(command)
}

/// Returns the variable of `docker-compose.yaml` that holds a server's port, `WLF_MARIADB_1011_PORT`.
fn port_variable(kind: Kind) -> String {
    let name = kind.name().to_uppercase();
    format!("WLF_{}_PORT", name.replace('-', "_").replace('.', ""))
}

/// Stops a service and removes its container; with `purge` its volume goes too.
pub fn down(kind: Kind, purge: bool) -> Result<()> {
    let mut command = compose();
    command.args(["down"]);
    if purge {
        command.arg("--volumes");
    }
    command.arg(kind.name());
    run(command)
}

/// Runs a command whose progress shows on stderr: pulling images takes its time.
fn run(mut command: Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "docker compose ended with {status}");
    Ok(())
}

fn compose() -> Command {
    let mut command = Command::new("docker");
    // Apart from a `docker compose up` by hand in the same directory.
    command
        .args(["compose", "--project-name", "wlf-test"])
        .current_dir(layout::workspace());
    command
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::super::{Kind, kafka, mariadb, mysql};
    use crate::layout;

    const FILES: [&str; 2] = [
        "docker-compose.yaml",
        "examples/binlog_to_kafka_redis.docker-compose.yaml",
    ];

    fn read(file: &str) -> Value {
        serde_yaml::from_str(&fs::read_to_string(layout::workspace().join(file)).unwrap()).unwrap()
    }

    /// Checks a file against the schema of the Compose specification, as compose-go 2.16.2 has it.
    fn complaints(file: &Value) -> Vec<String> {
        let schema =
            serde_json::from_str(include_str!("../../vendor/compose-spec/compose-spec.json"))
                .unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        validator
            .iter_errors(file)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    #[test]
    fn the_compose_files_follow_the_compose_specification() {
        for file in FILES {
            assert_eq!(complaints(&read(file)), Vec::<String>::new(), "{file}");
        }
    }

    #[test]
    fn a_broken_compose_file_would_be_noticed() {
        let mut file = read(FILES[0]);
        file["services"]["mysql"]["helthcheck"] = json!({});
        assert_eq!(complaints(&file).len(), 1, "{:?}", complaints(&file));
    }

    #[test]
    fn volumes_and_dependencies_name_what_the_file_has() {
        for file in FILES.map(read) {
            let services = file["services"].as_object().unwrap();
            for (name, service) in services {
                for volume in service["volumes"].as_array().into_iter().flatten() {
                    let (source, _) = volume.as_str().unwrap().split_once(':').unwrap();
                    assert!(
                        source.starts_with("./") || file["volumes"].get(source).is_some(),
                        "{name}: {volume}"
                    );
                }
                for needed in service["depends_on"]
                    .as_object()
                    .into_iter()
                    .flat_map(|map| map.keys())
                {
                    assert!(
                        services[needed].get("healthcheck").is_some(),
                        "{name} waits for {needed}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_servers_in_docker_are_those_from_packages() {
        for services in FILES.map(|file| read(file)["services"].clone()) {
            assert_eq!(services["mysql"]["command"], json!(mysql::SETTINGS));
            assert_eq!(
                services["mysql"]["environment"]["MYSQL_ROOT_PASSWORD"],
                json!(mysql::PASSWORD)
            );
            assert_eq!(
                services["kafka"]["image"],
                json!(format!("apache/kafka:{}", kafka::VERSION))
            );
        }
    }

    #[test]
    fn the_mariadb_in_docker_are_those_from_packages_and_wait_to_be_named() {
        let services = read(FILES[0])["services"].clone();
        for (kind, version) in [
            (Kind::Mariadb1011, &mariadb::V10_11),
            (Kind::Mariadb118, &mariadb::V11_8),
        ] {
            let service = &services[kind.name()];
            assert_eq!(service["command"], json!(version.settings()));
            assert_eq!(
                service["environment"]["MARIADB_ROOT_PASSWORD"],
                json!(mysql::PASSWORD)
            );
            assert_eq!(service["profiles"], json!(["tests"]));
            let ports = service["ports"][0].as_str().unwrap();
            assert!(ports.contains(&super::port_variable(kind)), "{ports}");
        }
    }

    /// Collects the `${NAME…}` of a text.
    fn variables(text: &str) -> Vec<&str> {
        let rest = text.split("${").skip(1);
        rest.filter_map(|rest| rest.split(['}', ':']).next())
            .collect()
    }

    #[test]
    fn the_variables_that_wlf_gets_are_those_its_configuration_asks_for() {
        let text = fs::read_to_string(layout::workspace().join("configs/wlf.yaml")).unwrap();
        let asked = variables(&text);
        let command = read(FILES[0])["services"]["wlf"]["command"].clone();
        let given: Vec<_> = command
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|word| word.as_str()?.strip_prefix("--env=")?.split('=').next())
            .collect();
        assert_eq!(
            given,
            ["WLF_STATE", "WLF_MYSQL_HOST", "WLF_KAFKA", "WLF_REDIS"]
        );
        for name in given {
            assert!(
                asked.contains(&name),
                "{name} is not in configs/wlf.yaml: {asked:?}"
            );
        }
    }
}
