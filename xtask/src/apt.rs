//! Debian's archive without root: `apt-get` in a world of its own, which changes nothing on the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};

use crate::layout::{self, Lock};

/// Names the variable that overrides the mirror, e.g. `http://mirror.example.org/debian/`.
pub const MIRROR_VARIABLE: &str = "WLF_DEBIAN_MIRROR";

/// The mirror network that Debian itself names, for machines whose own sources have no Debian (Ubuntu).
const PUBLIC_MIRROR: &str = "http://deb.debian.org/debian/";

/// Package lists older than this are fetched again before something is installed from them.
const LISTS_AGE: Duration = Duration::from_secs(6 * 3600);

/// Downloads `packages` of a Debian `suite` with all they depend on, down to the C library, and unpacks them into `prefix`;
/// the packages of `alone` come without what they depend on.
///
/// Returns the names of the package files, `mysql-server-core_9.7.4-2_amd64.deb` and the like.
pub fn unpack(
    suite: &str,
    packages: &[&str],
    alone: &[&str],
    prefix: &Path,
) -> Result<Vec<String>> {
    let world = World::of_suite(suite)?;
    let _lock = Lock::hold(&world.dir.join("world.lock"))?;
    world.refresh(false)?;
    let downloads = prefix.join("downloads");
    let mut install = vec!["--yes", "--download-only", "install"];
    install.extend(packages);
    if world.apt_get(&downloads, &install).is_err() {
        // The archive moved on since the lists were fetched.
        world.refresh(true)?;
        world.apt_get(&downloads, &install)?;
    }
    let mut unpacked = extract(&downloads.join("archives"), prefix)?;
    if !alone.is_empty() {
        world.apt_get(&downloads, &[&["download"], alone].concat())?;
        unpacked.extend(extract(&downloads, prefix)?);
        unpacked.sort();
    }
    layout::remove(&downloads)?;
    Ok(unpacked)
}

/// A package world: sources, lists and an empty "nothing is installed" status, all of its own.
struct World {
    dir: PathBuf,
    /// What `sources.list` says; `None` takes the machine's own sources.
    sources: Option<String>,
}

impl World {
    fn of_suite(suite: &str) -> Result<World> {
        let keyring = keyring()?;
        let mirror = mirror()?;
        Ok(World {
            dir: layout::tools().join("apt").join(suite),
            sources: Some(format!(
                "deb [signed-by={}] {mirror} {suite} main\n",
                keyring.display()
            )),
        })
    }

    /// Fetches the package lists unless they are fresh.
    fn refresh(&self, force: bool) -> Result<()> {
        let stamp = self.dir.join("fetched");
        let sources = self.sources.clone().unwrap_or_default();
        let age = fs::metadata(&stamp)
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        let same = fs::read_to_string(&stamp).is_ok_and(|at| at == sources);
        if !force && same && age.is_some_and(|age| age < LISTS_AGE) {
            return Ok(());
        }
        fs::create_dir_all(self.dir.join("lists/partial"))?;
        fs::create_dir_all(self.dir.join("none"))?;
        fs::write(self.dir.join("status"), "")?;
        if let Some(sources) = &self.sources {
            fs::write(self.dir.join("sources.list"), sources)?;
        }
        fs::write(self.dir.join("apt.conf"), self.settings()?)?;
        eprintln!(
            "fetching package lists: {}",
            self.sources
                .as_deref()
                .unwrap_or("this machine's sources")
                .trim()
        );
        // Of the machine's own sources some may be out of order without harm.
        let arguments: &[&str] = match self.sources {
            Some(_) => &["update", "--error-on=any"],
            None => &["update"],
        };
        self.apt_get(&self.dir.join("cache"), arguments)
            .with_context(|| {
                format!("set {MIRROR_VARIABLE} to a Debian mirror that this machine can reach")
            })?;
        Ok(fs::write(stamp, sources)?)
    }

    /// Writes a configuration that keeps the machine's proxies and the like, and leaves out its hooks.
    fn settings(&self) -> Result<String> {
        let dump = output(Command::new("apt-config").arg("dump"))?;
        let mut settings: String = dump
            .lines()
            .filter(|line| {
                line.starts_with("Acquire::") && !line.starts_with("Acquire::IndexTargets")
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let dir = self.dir.display();
        settings += &format!(
            "Dir::State::Lists \"{dir}/lists\";\nDir::State::status \"{dir}/status\";\nDir::Etc::parts \"{dir}/none\";\n\
             Dir::Etc::preferencesparts \"{dir}/none\";\nAPT::Install-Recommends \"false\";\nAPT::Sandbox::User \"\";\n"
        );
        if self.sources.is_some() {
            settings += &format!(
                "Dir::Etc::sourcelist \"{dir}/sources.list\";\nDir::Etc::sourceparts \"{dir}/none\";\n"
            );
        }
        Ok(settings)
    }

    fn apt_get(&self, cache: &Path, arguments: &[&str]) -> Result<String> {
        fs::create_dir_all(cache.join("archives/partial"))?;
        output(
            Command::new("apt-get")
                .env("APT_CONFIG", self.dir.join("apt.conf"))
                .env("LC_ALL", "C")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .arg(format!("-oDir::Cache={}", cache.display()))
                .args(["-qq", "-oAcquire::Retries=3"])
                .args(arguments)
                .current_dir(cache),
        )
    }
}

/// Unpacks every package file of `archives` into `prefix`, and returns their names.
fn extract(archives: &Path, prefix: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(archives)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            output(Command::new("dpkg").arg("-x").arg(&path).arg(prefix))?;
            names.extend(
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    ensure!(
        !names.is_empty(),
        "apt-get downloaded no package into {}",
        archives.display()
    );
    names.sort();
    keep_links_inside(prefix, prefix)?;
    Ok(names)
}

/// Turns the absolute links below `dir` into relative ones, where what they point to is in the prefix.
fn keep_links_inside(prefix: &Path, dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            keep_links_inside(prefix, &path)?;
        } else if let Ok(target) = fs::read_link(&path)
            && let Ok(inside) = target.strip_prefix("/")
            && prefix.join(inside).symlink_metadata().is_ok()
        {
            let depth = dir.strip_prefix(prefix)?.components().count();
            let up: PathBuf = std::iter::repeat_n("..", depth).collect();
            fs::remove_file(&path)?;
            std::os::unix::fs::symlink(up.join(inside), &path)?;
        }
    }
    Ok(())
}

/// Returns the address of a Debian mirror: `WLF_DEBIAN_MIRROR`, else the machine's own, else Debian's public one.
fn mirror() -> Result<String> {
    if let Ok(mirror) = std::env::var(MIRROR_VARIABLE) {
        return Ok(mirror);
    }
    // Without release information, since a fresh container has sources but no lists yet.
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--no-release-info",
        "--format",
        "$(RELEASE) $(COMPONENT) $(REPO_URI)",
        "Created-By: Packages",
    ]))
    .context(
        "wlf's servers and tools come as Debian packages, which needs apt-get (Debian or Ubuntu)",
    )?;
    Ok(debian_mirror(&targets).unwrap_or(PUBLIC_MIRROR).to_owned())
}

/// Finds Debian's own archive among lines of "release component uri".
fn debian_mirror(targets: &str) -> Option<&str> {
    const SUITES: [&str; 9] = [
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "sid",
        "oldstable",
        "stable",
        "testing",
        "unstable",
    ];
    let archives = || {
        targets.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (release, component, uri) = (words.next()?, words.next()?, words.next()?);
            (SUITES.contains(&release) && component == "main").then_some(uri)
        })
    };
    // Other vendors name their suites after Debian's, so the path decides where it can.
    let plain = |uri: &&str| uri.trim_end_matches('/').ends_with("/debian");
    archives()
        .find(plain)
        .or_else(|| archives().find(|uri| uri.contains("debian")))
}

/// Returns the keyring that signs Debian's archive; Ubuntu has it as a package, signed by Ubuntu.
fn keyring() -> Result<PathBuf> {
    let among = |root: &Path| {
        ["gpg", "pgp"]
            .map(|kind| {
                root.join("usr/share/keyrings/debian-archive-keyring")
                    .with_extension(kind)
            })
            .into_iter()
            .find(|path| path.is_file())
    };
    if let Some(found) = among(Path::new("/")) {
        return Ok(found);
    }
    let dir = layout::built(&layout::tools().join("debian-keyring"), "debian-archive-keyring", |prefix| {
        let world = World { dir: layout::tools().join("apt/machine"), sources: None };
        world.refresh(false)?;
        let downloads = prefix.join("downloads");
        // Not `install`: its dependencies are of no use here.
        world.apt_get(&downloads, &["download", "debian-archive-keyring"])?;
        extract(&downloads, prefix)?;
        layout::remove(&downloads)
    })
    .context("the package debian-archive-keyring, which verifies Debian's packages, cannot be had from this machine's sources")?;
    among(&dir).context("debian-archive-keyring holds no keyring")
}

/// Runs a command and returns what it printed; a failure carries its whole output.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let result = command
        .output()
        .with_context(|| format!("running {name}"))?;
    if !result.status.success() {
        let said = [result.stdout, result.stderr].concat();
        bail!(
            "{name} failed ({}):\n{}",
            result.status,
            String::from_utf8_lossy(&said).trim()
        );
    }
    String::from_utf8(result.stdout).with_context(|| format!("{name} printed what is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::debian_mirror;

    #[test]
    fn the_mirror_is_debians_archive_and_not_a_vendor_that_borrows_its_suite_names() {
        let targets = "bookworm main https://apt.releases.example.com/\n\
                       bookworm-security main http://mirror.local/debian-security/\n\
                       bookworm stable https://download.example.com/linux/debian/\n\
                       bookworm main http://mirror.local/debian/\n";
        assert_eq!(debian_mirror(targets), Some("http://mirror.local/debian/"));
        assert_eq!(
            debian_mirror("trixie main http://proxy.local/debian-remote/"),
            Some("http://proxy.local/debian-remote/")
        );
        assert_eq!(
            debian_mirror("noble main http://archive.ubuntu.com/ubuntu/"),
            None
        );
    }
}
