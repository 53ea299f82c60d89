//! A Kafka broker from Maven Central: KRaft, one node that is broker and controller.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::kind::free_port;
use super::{probe, process::Process};
use crate::{apt, certs, java, layout};

/// The newest version of which Maven Central has both the server and the tools.
pub const VERSION: &str = "4.3.1";

/// Sixteen bytes ("wlf-test-cluster") in the base64 that Kafka writes its ids in.
const CLUSTER: &str = "d2xmLXRlc3QtY2x1c3Rlcg";

/// Who may log in, by every mechanism.
const USER: &str = "wlf";
const PASSWORD: &str = "s3cret-pass";

/// How a listener protects its connections, besides that of every broker, which does not.
struct Listener {
    name: &'static str,
    protocol: &'static str,
    /// The variable that holds its address for the tests.
    variable: &'static str,
    /// Its certificate by name, with TLS.
    certificate: Option<&'static str>,
    mechanisms: &'static [&'static str],
    /// What it has of its own.
    settings: &'static [(&'static str, &'static str)],
}

const LISTENERS: &[Listener] = &[
    Listener {
        name: "SASL",
        protocol: "SASL_PLAINTEXT",
        variable: "WLF_TEST_KAFKA_SASL",
        certificate: None,
        mechanisms: &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
        settings: &[],
    },
    // One that wants a new login each two seconds, and knows one mechanism less.
    Listener {
        name: "BRIEF",
        protocol: "SASL_PLAINTEXT",
        variable: "WLF_TEST_KAFKA_BRIEF",
        certificate: None,
        mechanisms: &["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"],
        settings: &[
            ("plain.connections.max.reauth.ms", "2000"),
            ("scram-sha-256.connections.max.reauth.ms", "2000"),
            ("oauthbearer.connections.max.reauth.ms", "2000"),
        ],
    },
    Listener {
        name: "TLS",
        protocol: "SSL",
        variable: "WLF_TEST_KAFKA_TLS",
        certificate: Some("server"),
        mechanisms: &[],
        settings: &[("ssl.client.auth", "requested")],
    },
    Listener {
        name: "MUTUAL",
        protocol: "SSL",
        variable: "WLF_TEST_KAFKA_MUTUAL",
        certificate: Some("server"),
        mechanisms: &[],
        settings: &[("ssl.client.auth", "required")],
    },
    Listener {
        name: "EXPIRED",
        protocol: "SSL",
        variable: "WLF_TEST_KAFKA_EXPIRED",
        certificate: Some("expired"),
        mechanisms: &[],
        settings: &[],
    },
    Listener {
        name: "SASL_TLS",
        protocol: "SASL_SSL",
        variable: "WLF_TEST_KAFKA_SASL_TLS",
        certificate: Some("server"),
        mechanisms: &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
        settings: &[],
    },
];

/// The addresses of the further listeners of the broker whose files are in `home`, each with its variable, and who may
/// log in there.
pub fn variables(home: &Path) -> Result<Vec<(&'static str, String)>> {
    let settings = fs::read_to_string(home.join("server.properties")).unwrap_or_default();
    let listeners = settings
        .lines()
        .find_map(|line| line.strip_prefix("listeners="));
    let address = |listener: &Listener| {
        let mut all = listeners.unwrap_or_default().split(',');
        let address = all.find_map(|given| given.strip_prefix(&format!("{}://", listener.name)))?;
        Some((listener.variable, address.to_owned()))
    };
    let mut variables: Vec<_> = LISTENERS.iter().filter_map(address).collect();
    if variables.len() < LISTENERS.len() {
        bail!(
            "the Kafka that runs was started by an older `cargo xtask`: `cargo xtask servers down`"
        );
    }
    variables.push(("WLF_TEST_KAFKA_USER", USER.to_owned()));
    variables.push(("WLF_TEST_KAFKA_PASSWORD", PASSWORD.to_owned()));
    Ok(variables)
}

/// Starts a broker and waits until it is registered.
pub fn start(home: &Path, port: u16) -> Result<Process> {
    let jars = jars()?;
    fs::create_dir_all(home)?;
    let properties = home.join("server.properties");
    fs::write(&properties, settings(home, port)?)?;
    fs::write(home.join("log4j2.properties"), LOGGING)?;
    let kafka = |class: &str| -> Result<Command> {
        let mut command = java::java()?;
        let mut classes = OsString::from(jars.join("*"));
        classes.push(format!(":{}", home.display()));
        command.args(["-Xms128m", "-Xmx512m", "-cp"]).arg(classes);
        command
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                home.join("log4j2.properties").display()
            ))
            .arg(class);
        Ok(command)
    };
    if !data(home).join("meta.properties").exists() {
        let mut format = kafka("kafka.tools.StorageTool")?;
        format
            .args(["format", "--ignore-formatted", "-t", CLUSTER, "-c"])
            .arg(&properties);
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let account = format!("{mechanism}=[name={USER},password=\"{PASSWORD}\"]");
            format.args(["--add-scram", &account]);
        }
        apt::output(&mut format).context("formatting Kafka's storage")?;
    }
    let log = home.join("kafka.log");
    let process = Process::start(kafka("kafka.Kafka")?.arg(&properties), &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::kafka(&address), Duration::from_secs(120), &log)?;
    Ok(process)
}

/// Writes a script that runs the class of Kafka that its arguments name, and returns its path: tests start brokers with it,
/// whose ends they want to decide, and the tools that belong to them.
pub fn program() -> Result<PathBuf> {
    let home = layout::target().join("servers").join("kafka-program");
    fs::create_dir_all(&home)?;
    let logging = home.join("log4j2.properties");
    fs::write(&logging, LOGGING)?;
    let mut java = java::java()?;
    // Several of them share a machine, none lives for long, and compiling well would take longer than it gains.
    java.args(["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC"])
        .arg("-XX:TieredStopAtLevel=1")
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .arg("-cp")
        .arg(jars()?.join("*"));
    let words = std::iter::once(java.get_program()).chain(java.get_args());
    let words: Vec<_> = words
        .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''")))
        .collect();
    let script = home.join("kafka");
    fs::write(
        &script,
        format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")),
    )?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

/// Where the broker keeps its records; its accounts are made together with it.
fn data(home: &Path) -> PathBuf {
    home.join("data-with-accounts")
}

fn settings(home: &Path, port: u16) -> Result<String> {
    let mut ports = BTreeMap::from([("PLAINTEXT", port), ("CONTROLLER", free_port()?)]);
    for listener in LISTENERS {
        ports.insert(listener.name, free_port()?);
    }
    let addresses = |chosen: fn(&str) -> bool| {
        let ports = ports.iter().filter(|(name, _)| chosen(name));
        let all: Vec<_> = ports
            .map(|(name, port)| format!("{name}://127.0.0.1:{port}"))
            .collect();
        all.join(",")
    };
    let protocols = LISTENERS.iter();
    let protocols = protocols.map(|listener| format!(",{}:{}", listener.name, listener.protocol));
    let mut settings = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{}\n\
         controller.listener.names=CONTROLLER\n\
         listeners={}\n\
         advertised.listeners={}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{}\n\
         log.dirs={}\n\
         # wlf makes its topics itself, and a test would not notice if the broker did.\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         # A measurement deletes gigabytes every few seconds, and after a minute, the default, the disk is full.\n\
         log.segment.delete.delay.ms=5000\n",
        ports["CONTROLLER"],
        addresses(|_| true),
        addresses(|name| name != "CONTROLLER"),
        protocols.collect::<String>(),
        data(home).display()
    );
    for listener in LISTENERS {
        listener.write(&mut settings)?;
    }
    Ok(settings)
}

impl Listener {
    /// Appends what the broker's settings say of it.
    fn write(&self, settings: &mut String) -> Result<()> {
        let prefix = format!("listener.name.{}", self.name.to_lowercase());
        for (name, value) in self.settings {
            writeln!(settings, "{prefix}.{name}={value}")?;
        }
        if let Some(certificate) = self.certificate {
            let certs = certs::provide()?;
            let file = |name: &str| certs.join(name).display().to_string();
            for (name, value) in [
                ("keystore.type", "PEM".to_owned()),
                (
                    "keystore.location",
                    file(&format!("{certificate}.both.pem")),
                ),
                ("truststore.type", "PEM".to_owned()),
                ("truststore.location", file("ca.pem")),
            ] {
                writeln!(settings, "{prefix}.ssl.{name}={value}")?;
            }
        }
        if self.mechanisms.is_empty() {
            return Ok(());
        }
        let mechanisms = self.mechanisms.join(",");
        writeln!(settings, "{prefix}.sasl.enabled.mechanisms={mechanisms}")?;
        for mechanism in self.mechanisms {
            let module = match *mechanism {
                "PLAIN" => {
                    format!("plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\"")
                }
                // Takes tokens that nobody signed.
                "OAUTHBEARER" => "oauthbearer.OAuthBearerLoginModule required".to_owned(),
                _ => "scram.ScramLoginModule required".to_owned(),
            };
            writeln!(
                settings,
                "{prefix}.{}.sasl.jaas.config=org.apache.kafka.common.security.{module};",
                mechanism.to_lowercase()
            )?;
        }
        Ok(())
    }
}

const LOGGING: &str = "\
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
";

/// Returns the directory of the broker's jars, which Maven downloads the first time.
fn jars() -> Result<PathBuf> {
    let name = format!("kafka-{VERSION}");
    layout::built(&layout::tools().join(&name), POM, |partial| {
        eprintln!("kafka: downloading the jars of {name} with Maven");
        fs::write(partial.join("pom.xml"), POM.replace("$VERSION", VERSION))?;
        let repository = layout::tools().join("maven");
        let mut maven = java::maven()?;
        maven
            .args(["--batch-mode", "--quiet"])
            .arg(format!("-Dmaven.repo.local={}", repository.display()))
            .arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", partial.display()))
            .current_dir(partial);
        apt::output(&mut maven).context("downloading Kafka from Maven Central")?;
        Ok(())
    })
}

const POM: &str = "\
<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
  <modelVersion>4.0.0</modelVersion>
  <groupId>wlf</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$VERSION</version>
      <exclusions><exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion></exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
";
