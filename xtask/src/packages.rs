//! Programs from Debian packages, each with its own libraries in a prefix below `target/tools`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{apt, layout};

/// A set of packages of one suite, unpacked together.
pub struct Bundle {
    /// The prefix below `target/tools`.
    pub name: &'static str,
    pub suite: &'static str,
    pub packages: &'static [&'static str],
    /// Packages of which some files are wanted, and nothing that they depend on.
    pub alone: &'static [&'static str],
    /// The package whose version counts, and how that version is expected to begin.
    pub version: (&'static str, &'static str),
    /// Scripts at the top of the prefix, each with the program it runs and arguments that it always gets, in which `$here`
    /// is the prefix.
    pub launchers: &'static [(&'static str, &'static str)],
}

pub const MYSQL: Bundle = Bundle {
    name: "mysql",
    suite: "sid",
    packages: &["mysql-server-core", "mysql-client-core"],
    alone: &[],
    version: ("mysql-server-core", "9."),
    launchers: &[
        ("mysql", "usr/bin/mysql"),
        ("mysqlbinlog", "usr/bin/mysqlbinlog"),
    ],
};
pub const MARIADB_1011: Bundle = Bundle {
    name: "mariadb-10.11",
    suite: "bookworm",
    packages: &["mariadb-server-core", "mariadb-client-core"],
    // The plugins of authentication and encryption, and mariadb-binlog.
    alone: &["mariadb-server", "mariadb-client"],
    version: ("mariadb-server-core", "1:10.11."),
    launchers: MARIADB_LAUNCHERS,
};
pub const MARIADB_118: Bundle = Bundle {
    name: "mariadb-11.8",
    suite: "trixie",
    version: ("mariadb-server-core", "1:11.8."),
    ..MARIADB_1011
};
const MARIADB_LAUNCHERS: &[(&str, &str)] = &[
    ("mariadb", "usr/bin/mariadb"),
    ("mariadb-binlog", "usr/bin/mariadb-binlog"),
];
pub const REDIS: Bundle = Bundle {
    name: "redis",
    suite: "bookworm",
    packages: &["redis-server"],
    alone: &[],
    version: ("redis-server", "5:7."),
    launchers: &[("redis-cli", "usr/bin/redis-cli")],
};
pub const NATS: Bundle = Bundle {
    name: "nats",
    suite: "bookworm",
    packages: &["nats-server"],
    alone: &[],
    version: ("nats-server", "2.9."),
    launchers: &[("nats-server", "usr/sbin/nats-server")],
};
/// For machines without Java and Maven: openssl makes the trust store that Maven needs.
pub const JAVA: Bundle = Bundle {
    name: "java",
    suite: "trixie",
    packages: &[
        "openjdk-21-jre-headless",
        "maven",
        "ca-certificates",
        "openssl",
    ],
    alone: &[],
    version: ("openjdk-21-jre-headless", "21."),
    launchers: &[],
};
pub const WASMEDGE_014: Bundle = Bundle {
    name: "wasmedge-0.14",
    suite: "trixie",
    packages: &["wasmedge"],
    alone: &[],
    version: ("wasmedge", "0.14."),
    launchers: &[("wasmedge", "usr/bin/wasmedge")],
};
pub const WASMEDGE_017: Bundle = Bundle {
    name: "wasmedge-0.17",
    suite: "sid",
    packages: &["wasmedge"],
    alone: &[],
    version: ("wasmedge", "0.17."),
    launchers: &[("wasmedge", "usr/bin/wasmedge")],
};
/// The process 1 of the image: WasmEdge as such heeds no SIGTERM.
pub const TINI: Bundle = Bundle {
    name: "tini",
    suite: "trixie",
    // One of its two programs is static.
    packages: &["tini"],
    alone: &[],
    version: ("tini", "0.19."),
    launchers: &[],
};
/// For machines that have none of their own: as much of it as it takes to compile C for WebAssembly, without headers.
pub const CLANG: Bundle = Bundle {
    name: "clang",
    suite: "bookworm",
    packages: &[
        "libedit2",
        "libffi8",
        "libstdc++6",
        "libtinfo6",
        "libxml2",
        "libz3-4",
        "zlib1g",
    ],
    // With what it depends on it would be some sixty packages.
    alone: &[
        "clang-14",
        "libclang-common-14-dev",
        "libclang-cpp14",
        "libllvm14",
    ],
    version: ("clang-14", "1:14."),
    launchers: &[(
        "clang",
        "usr/lib/llvm-14/bin/clang -resource-dir $here/usr/lib/llvm-14/lib/clang/14.0.6",
    )],
};
/// For machines that have none of their own.
pub const VALGRIND: Bundle = Bundle {
    name: "valgrind",
    suite: "trixie",
    packages: &["valgrind"],
    alone: &[],
    version: ("valgrind", "1:3."),
    launchers: &[],
};

/// A directory that holds unpacked packages, from the C library up.
pub struct Prefix {
    pub root: PathBuf,
}

impl Bundle {
    /// Returns the unpacked packages, downloading them the first time.
    pub fn provide(&self) -> Result<Prefix> {
        let recipe = format!(
            "{}: {} {:?}",
            self.suite,
            [self.packages, self.alone].concat().join(" "),
            self.launchers
        );
        let root = layout::built(&layout::tools().join(self.name), &recipe, |partial| {
            eprintln!("{}: unpacking packages of Debian {}", self.name, self.suite);
            let names =
                apt::unpack(self.suite, self.packages, self.alone, partial).with_context(|| {
                    format!(
                        "getting {} from Debian {}",
                        self.packages.join(", "),
                        self.suite
                    )
                })?;
            fs::write(partial.join("packages.txt"), names.join("\n") + "\n")?;
            let prefix = Prefix {
                root: partial.to_path_buf(),
            };
            for (name, command) in self.launchers {
                prefix.write_launcher(name, command)?;
            }
            let version = prefix.version(self.version.0)?;
            if !version.starts_with(self.version.1) {
                eprintln!(
                    "{}: Debian {} has version {version} now, where {}* was expected",
                    self.name, self.suite, self.version.1
                );
            }
            Ok(())
        })?;
        Ok(Prefix { root })
    }
}

impl Prefix {
    /// Returns the full version of a package, `9.7.4-2`.
    pub fn version(&self, package: &str) -> Result<String> {
        let names = fs::read_to_string(self.root.join("packages.txt"))?;
        names
            .lines()
            .find_map(|name| {
                name.strip_prefix(package)?
                    .strip_prefix('_')?
                    .split('_')
                    .next()
            })
            .map(|version| version.replace("%3a", ":"))
            .with_context(|| format!("{} holds no package {package}", self.root.display()))
    }

    /// Makes a command that runs a program of the prefix, e.g. `usr/sbin/mysqld`, with the prefix's libraries.
    pub fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(self.loader()?);
        command
            .arg("--library-path")
            .arg(self.library_path()?)
            .arg(self.root.join(program));
        Ok(command)
    }

    /// Writes a shell script `name` into the prefix that runs `command`, a program and its arguments; it works wherever the
    /// prefix is moved.
    fn write_launcher(&self, name: &str, command: &str) -> Result<()> {
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let arguments: String = arguments
            .split_whitespace()
            .map(|argument| format!(" \"{argument}\""))
            .collect();
        let relative = |path: &Path| -> Result<String> {
            Ok(format!(
                "$here/{}",
                path.strip_prefix(&self.root)?.display()
            ))
        };
        let libraries: Vec<_> = self
            .library_directories()?
            .iter()
            .map(|dir| relative(dir))
            .collect::<Result<_>>()?;
        let script = format!(
            "#!/bin/sh\nhere=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 1\n\
             exec \"{}\" --library-path \"{}\" \"$here/{program}\"{arguments} \"$@\"\n",
            relative(&self.loader()?)?,
            libraries.join(":"),
        );
        let path = self.root.join(name);
        fs::write(&path, script)?;
        Ok(fs::set_permissions(
            &path,
            fs::Permissions::from_mode(0o755),
        )?)
    }

    fn library_directories(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for lib in ["usr/lib", "lib"] {
            let Ok(entries) = fs::read_dir(self.root.join(lib)) else {
                continue;
            };
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() && path.to_string_lossy().contains("-linux-gnu") {
                    found.push(path);
                }
            }
        }
        ensure!(
            !found.is_empty(),
            "{} has no library directory",
            self.root.display()
        );
        Ok(found)
    }

    fn library_path(&self) -> Result<OsString> {
        Ok(std::env::join_paths(self.library_directories()?)?)
    }

    /// Finds the dynamic loader that came with the prefix's C library.
    fn loader(&self) -> Result<PathBuf> {
        for dir in self.library_directories()? {
            for entry in fs::read_dir(dir)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with("ld-linux") && path.is_file() {
                    return Ok(path.clone());
                }
            }
        }
        anyhow::bail!("{} has no dynamic loader", self.root.display())
    }
}
