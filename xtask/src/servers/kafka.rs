//! A Kafka broker from Maven Central: KRaft, one node that is broker and controller.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::kind::free_port;
use super::{probe, process::Process};
use crate::{apt, java, layout};

/// The newest version of which Maven Central has both the server and the tools.
pub const VERSION: &str = "4.3.1";

/// Sixteen bytes ("wlf-test-cluster") in the base64 that Kafka writes its ids in.
const CLUSTER: &str = "d2xmLXRlc3QtY2x1c3Rlcg";

/// Starts a broker and waits until it is registered.
pub fn start(home: &Path, port: u16) -> Result<Process> {
    let jars = jars()?;
    fs::create_dir_all(home)?;
    let properties = home.join("server.properties");
    fs::write(&properties, settings(home, port, free_port()?))?;
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
    if !home.join("data/meta.properties").exists() {
        let mut format = kafka("kafka.tools.StorageTool")?;
        format
            .args(["format", "--ignore-formatted", "-t", CLUSTER, "-c"])
            .arg(&properties);
        apt::output(&mut format).context("formatting Kafka's storage")?;
    }
    let log = home.join("kafka.log");
    let process = Process::start(kafka("kafka.Kafka")?.arg(&properties), &log)?;
    let address = format!("127.0.0.1:{port}");
    process.wait_until(|| probe::kafka(&address), Duration::from_secs(120), &log)?;
    Ok(process)
}

fn settings(home: &Path, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         # wlf makes its topics itself, and a test would not notice if the broker did.\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         # A measurement deletes gigabytes every few seconds, and after a minute, the default, the disk is full.\n\
         log.segment.delete.delay.ms=5000\n",
        home.join("data").display()
    )
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
