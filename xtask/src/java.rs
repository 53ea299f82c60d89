//! Java and Maven: the machine's own where they are new enough, else from packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::layout;
use crate::packages::{JAVA, Prefix};

/// Kafka 4 needs this version of Java.
const OLDEST: u32 = 17;

/// Protects nothing: the certificates in the trust store are public.
const TRUST_PASSWORD: &str = "changeit";

/// Makes a command of the Java virtual machine.
pub fn java() -> Result<Command> {
    if machine_has_java() {
        Ok(Command::new("java"))
    } else {
        packaged_java(&JAVA.provide()?)
    }
}

/// Makes a command of Maven.
pub fn maven() -> Result<Command> {
    if machine_has_java() && apt::output(Command::new("mvn").arg("--version")).is_ok() {
        return Ok(Command::new("mvn"));
    }
    let prefix = JAVA.provide()?;
    let home = prefix.root.join("usr/share/maven");
    let mut command = packaged_java(&prefix)?;
    // What Maven's own script does, which looks for itself and for Java at their usual places.
    command
        .arg("-classpath")
        .arg(home.join("boot/plexus-classworlds-2.x.jar"))
        .arg(format!(
            "-Djavax.net.ssl.trustStore={}",
            trust_store(&prefix)?.display()
        ))
        .arg(format!(
            "-Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD}"
        ))
        .arg(format!(
            "-Dclassworlds.conf={}",
            home.join("bin/m2.conf").display()
        ))
        .arg(format!("-Dmaven.home={}", home.display()))
        .arg(format!(
            "-Dmaven.multiModuleProjectDirectory={}",
            prefix.root.display()
        ))
        .arg("org.codehaus.plexus.classworlds.launcher.Launcher");
    Ok(command)
}

fn machine_has_java() -> bool {
    let said = Command::new("java").arg("-version").output();
    said.is_ok_and(|said| {
        version(&String::from_utf8_lossy(&said.stderr)).is_some_and(|version| version >= OLDEST)
    })
}

/// Finds the major version in `openjdk version "17.0.15" 2025-04-15`.
fn version(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("version \"")?;
    rest.split(|char: char| !char.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn packaged_java(prefix: &Prefix) -> Result<Command> {
    let machines = fs::read_dir(prefix.root.join("usr/lib/jvm"))?;
    let home = machines
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("bin/java").exists())
        .with_context(|| format!("{} has no Java", prefix.root.display()))?;
    prefix.command(
        &home
            .join("bin/java")
            .strip_prefix(&prefix.root)?
            .to_string_lossy(),
    )
}

/// Makes Java's trust store of the machine's certificates, which a package's script would do at installation.
fn trust_store(prefix: &Prefix) -> Result<PathBuf> {
    let certificates = match Path::new("/etc/ssl/certs/ca-certificates.crt") {
        of_machine if of_machine.exists() => of_machine.to_path_buf(),
        _ => {
            let mut bundle = Vec::new();
            for entry in fs::read_dir(prefix.root.join("usr/share/ca-certificates/mozilla"))? {
                bundle.extend(fs::read(entry?.path())?);
            }
            let path = layout::tools().join("certificates.pem");
            fs::write(&path, bundle)?;
            path
        }
    };
    let store = layout::tools().join("trust-store.p12");
    let mut openssl = prefix.command("usr/bin/openssl")?;
    openssl
        .args([
            "pkcs12",
            "-export",
            "-nokeys",
            "-jdktrust",
            "anyExtendedKeyUsage",
        ])
        .arg("-passout")
        .arg(format!("pass:{TRUST_PASSWORD}"))
        .arg("-in")
        .arg(certificates)
        .arg("-out")
        .arg(&store);
    apt::output(&mut openssl).context("making Java's trust store")?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn javas_version_is_found_in_what_it_says() {
        assert_eq!(
            version("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"),
            Some(17)
        );
        assert_eq!(version("java version \"1.8.0_292\""), Some(1));
        assert_eq!(version("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(version("The operation couldn't be completed."), None);
    }
}
