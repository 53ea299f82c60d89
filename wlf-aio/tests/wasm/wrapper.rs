//! The script `wlf`, which finds the runtime and the module and maps what the configuration names.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::on_both;
use crate::program::{Runtime, root};

/// Reads a recorded binlog, of which the first row is looked for, and writes its rows to a folder and its position to another.
fn pipeline(binlogs: &str, out: &str, state: &str) -> String {
    format!(
        "collectors:
  - id: shop
    type: BinlogFileCollector
    paths:
      - \"{binlogs}/binlog.*\"
    destinations: [screen, files]
dispatchers:
  - {{id: screen, type: StdoutDispatcher}}
  - {{id: files, type: FileDispatcher, path: '{out}/%{{/database}}/%{{/table}}.jsonl'}}
state:
  directory: {state} # of this run
"
    )
}

const FIRST_ROW: &str = r#"{"database":"shop","table":"products","type":"insert","ts":1767261600,"#;

/// A folder with blanks in its name, and in it the recorded binlog below `data`.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("with a blank, and 'quotes'");
        fs::create_dir_all(path.join("data")).expect("a folder");
        let recorded = root().join("configs/quickstart/binlog.000001");
        fs::copy(recorded, path.join("data/binlog.000001")).expect("copied");
        Self {
            _folder: folder,
            path,
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }
}

/// The script as somebody in this folder calls it, with a runtime and its module.
fn wlf(runtime: &Runtime, from: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("wlf"));
    command
        .args(arguments)
        .current_dir(from)
        .env("WASMEDGE", runtime.launcher())
        .env("WLF_MODULE", runtime.object())
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn ran(mut command: Command, code: i32) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the script starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

on_both!(
    folders_are_taken_from_the_configuration_and_made,
    a_configuration_may_come_from_anywhere,
    options_arguments_variables_and_exit_codes_are_passed_on,
    what_a_command_prints_is_the_programs,
    a_fresh_clone_has_the_folders_that_the_readme_maps,
);

fn folders_are_taken_from_the_configuration_and_made(runtime: &Runtime) {
    let place = Place::new();
    place.write(
        "wlf.yaml",
        &pipeline("data", "out/by table", "state/of shop"),
    );
    let (stdout, _) = ran(wlf(runtime, &place.path, &[]), 0);
    assert!(stdout.starts_with(FIRST_ROW), "{stdout}");
    assert!(place.has("out/by table/shop/orders.jsonl"));
    assert!(place.has("state/of shop/shop.json"));
    let (again, _) = ran(wlf(runtime, &place.path, &[]), 0);
    assert_eq!(again, "", "a second run goes on where the first ended");
}

fn a_configuration_may_come_from_anywhere(runtime: &Runtime) {
    let place = Place::new();
    let elsewhere = Place::new();
    let absolute = |name: &str| place.path.join(name).display().to_string();
    // A quote in a path would end the scalar of YAML that it stands in.
    let plain = tempfile::tempdir().expect("a directory");
    let out = plain.path().join("out").display().to_string();
    let state = plain.path().join("state").display().to_string();
    let binlogs = root().join("configs/quickstart").display().to_string();
    place.write("conf/shop.yaml", &pipeline(&binlogs, &out, &state));
    symlink(absolute("conf/shop.yaml"), elsewhere.path.join("link.yaml")).expect("a link");
    symlink(&elsewhere.path, place.path.join("over there")).expect("a link");
    for named in [
        absolute("conf/shop.yaml").as_str(),
        "link.yaml",
        "./link.yaml",
        "../with a blank, and 'quotes'/link.yaml",
    ] {
        fs::remove_dir_all(&state).ok();
        let (stdout, _) = ran(wlf(runtime, &elsewhere.path, &["--config", named]), 0);
        assert!(stdout.starts_with(FIRST_ROW), "{named}: {stdout}");
    }
    // The folder itself behind a link.
    let over = "over there/link.yaml";
    fs::remove_dir_all(&state).ok();
    let (stdout, _) = ran(wlf(runtime, &place.path, &["-c", over]), 0);
    assert!(stdout.starts_with(FIRST_ROW), "{stdout}");
    // A guest cannot go up, whatever is mapped.
    place.write("conf/up.yaml", &pipeline("data", "../out", "state"));
    let (_, stderr) = ran(
        wlf(runtime, &place.path.join("conf"), &["--config=up.yaml"]),
        78,
    );
    assert!(stderr.contains("`../out` goes up"), "{stderr}");
    assert!(!place.has("out"));
    // On stdin.
    fs::remove_dir_all(&state).ok();
    let mut command = wlf(runtime, &elsewhere.path, &["--config=-"]);
    command.stdin(fs::File::open(place.path.join("conf/shop.yaml")).expect("a file"));
    assert!(ran(command, 0).0.starts_with(FIRST_ROW));
    // The script behind a link on PATH.
    let bin = tempfile::tempdir().expect("a directory");
    symlink(root().join("wlf"), bin.path().join("wlf")).expect("a link");
    fs::remove_dir_all(&state).ok();
    let mut command = Command::new("wlf");
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{path}", bin.path().display()))
        .env("WASMEDGE", runtime.launcher())
        .env("WLF_MODULE", runtime.object())
        .args(["run", "--config", "link.yaml"])
        .current_dir(&elsewhere.path);
    assert!(ran(command, 0).0.starts_with(FIRST_ROW));
}

fn options_arguments_variables_and_exit_codes_are_passed_on(runtime: &Runtime) {
    let place = Place::new();
    place.write("password", "s3cret\n");
    place.write(
        "wlf.yaml",
        &pipeline("${BINLOGS}", "/of the guest", "${STATE:-state}")
            .replace("collectors:", "name: ${file:secrets/name}\ncollectors:"),
    );
    place.write("secrets/name", "shop\n");
    let out = tempfile::tempdir().expect("a directory");
    let mapped = format!("/of the guest:{}", out.path().display());
    let mut command = wlf(
        runtime,
        &place.path,
        &["--dir", &mapped, "--env=STATE=kept", "run"],
    );
    command.env("BINLOGS", "data");
    let (stdout, _) = ran(command, 0);
    assert!(stdout.starts_with(FIRST_ROW), "{stdout}");
    assert!(out.path().join("shop/orders.jsonl").exists() && !Path::new("/of the guest").exists());
    assert!(
        place.has("kept/shop.json") && !place.has("state"),
        "a variable that is given counts for folders too"
    );
    // An unset variable, an option that the program does not know, and files that are not there.
    let (_, stderr) = ran(wlf(runtime, &place.path, &["--dir", &mapped]), 78);
    assert!(stderr.contains("BINLOGS"), "{stderr}");
    ran(
        wlf(runtime, &place.path, &["--dir", &mapped, "--bogus"]),
        64,
    );
    place.write("none.yaml", &pipeline("nowhere", "out", "state"));
    ran(wlf(runtime, &place.path, &["--config", "none.yaml"]), 66);
}

fn what_a_command_prints_is_the_programs(runtime: &Runtime) {
    let place = Place::new();
    place.write("shop.yaml", &pipeline("data", "out", "state"));
    let (stdout, _) = ran(
        wlf(
            runtime,
            &place.path,
            &["graph", "--format", "text", "--config", "shop.yaml"],
        ),
        0,
    );
    assert!(
        stdout.starts_with("shop (BinlogFileCollector)\n"),
        "{stdout}"
    );
    let (stdout, _) = ran(
        wlf(runtime, &place.path, &["check", "--config=shop.yaml"]),
        0,
    );
    assert!(stdout.starts_with("shop.yaml: "), "{stdout}");
    assert!(
        !place.has("out") && !place.has("state"),
        "only a run makes folders"
    );
    let (stdout, _) = ran(
        wlf(runtime, &place.path, &["components", "NullDispatcher"]),
        0,
    );
    assert!(
        stdout.starts_with("NullDispatcher (dispatcher)\n"),
        "{stdout}"
    );
    assert!(
        ran(wlf(runtime, &place.path, &["--version"]), 0)
            .0
            .starts_with("wlf-aio ")
    );
}

fn a_fresh_clone_has_the_folders_that_the_readme_maps(runtime: &Runtime) {
    assert!(
        root().join("state/.gitignore").is_file(),
        "git keeps no empty folder"
    );
    let folders = ["configs", "state"].map(|name| (name, Path::new(name)));
    let mut command = runtime.command(&folders, &[("WLF_STATE", "state")]);
    command.arg("check").current_dir(root());
    assert!(ran(command, 0).0.starts_with("configs/wlf.yaml: "));
}

/// What goes wrong before the module runs needs no module.
#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let place = Place::new();
    let runtime = Runtime::v0_14();
    let refuses = |command: Command, code, words: &[&str]| {
        let (_, stderr) = ran(command, code);
        for word in words {
            assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
        }
        assert_eq!(stderr.lines().count(), 2, "{stderr}");
    };
    // A copy of the script has no repository around it, and so neither a runtime nor a module.
    let alone = tempfile::tempdir().expect("a directory");
    fs::copy(root().join("wlf"), alone.path().join("wlf")).expect("copied");
    let lonely = |variables: &[(&str, &Path)]| {
        let mut command = Command::new(alone.path().join("wlf"));
        command
            .arg("components")
            .env_remove("WASMEDGE")
            .env_remove("CARGO_TARGET_DIR")
            .env("HOME", alone.path())
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().copied());
        command
    };
    refuses(
        lonely(&[]),
        69,
        &["there is no WasmEdge", "cargo xtask demo"],
    );
    let not_one = [("WASMEDGE", Path::new("/bin/true"))];
    refuses(
        lonely(&not_one),
        69,
        &["`/bin/true --version`", "WASMEDGE="],
    );
    let launcher = [("WASMEDGE", runtime.launcher())];
    refuses(
        lonely(&launcher),
        69,
        &["there is no wlf-aio.wasm", "WLF_MODULE="],
    );
    // The one that WasmEdge's own installer puts into the home.
    let bin = alone.path().join(".wasmedge/bin");
    fs::create_dir_all(&bin).expect("a folder");
    let script = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        runtime.launcher().display()
    );
    fs::write(bin.join("wasmedge"), script).expect("written");
    let mode = PermissionsExt::from_mode(0o755);
    fs::set_permissions(bin.join("wasmedge"), mode).expect("executable");
    refuses(lonely(&[]), 69, &["there is no wlf-aio.wasm"]);

    let none = wlf(&runtime, &place.path, &[]);
    refuses(
        none,
        66,
        &["there is no configuration in ", "--config FILE"],
    );
    let other = wlf(
        &runtime,
        &place.path,
        &["check", "--config", "no such.yaml"],
    );
    refuses(
        other,
        66,
        &["there is no configuration `no such.yaml`", "this machine"],
    );
    let value = wlf(&runtime, &place.path, &["--dir"]);
    refuses(value, 64, &["--dir has no value"]);
    place.write("shop.yaml", &pipeline("data", "out", "shop.yaml/state"));
    let (_, stderr) = ran(wlf(&runtime, &place.path, &["--config", "shop.yaml"]), 74);
    assert!(
        stderr.contains("cannot create `shop.yaml/state`"),
        "{stderr}"
    );
}

/// A module that is not compiled is compiled once, for the runtime that there is.
#[test]
fn a_module_is_compiled_once() {
    let home = tempfile::tempdir().expect("a directory");
    let path = |name: &str| home.path().join(name);
    fs::copy(root().join("wlf"), path("wlf")).expect("copied");
    fs::write(path("wlf-aio.wasm"), "a module").expect("written");
    fs::write(path("wlf.yaml"), "collectors: []\n").expect("written");
    // Tells what it is asked for.
    let fake = "#!/bin/sh
case $1 in
    --version) echo \"wasmedge version $FAKE_VERSION\" ;;
    compile) echo compiles && cp \"$2\" \"$3\" ;;
    *) for word; do case $word in *.so | *.wasm | --run*) echo \"${word##*/}\" ;; esac; done ;;
esac
";
    fs::write(path("fake"), fake).expect("written");
    fs::set_permissions(path("fake"), PermissionsExt::from_mode(0o755)).expect("executable");
    let run = |version: &str, arguments: &[&str], interpret: &str| {
        let mut command = Command::new(path("wlf"));
        command
            .args(arguments)
            .current_dir(home.path())
            .env("WASMEDGE", path("fake"))
            .env("FAKE_VERSION", version)
            .env("WLF_INTERPRET", interpret)
            .env_remove("CARGO_TARGET_DIR");
        let (stdout, stderr) = ran(command, 0);
        (stdout, stderr.contains("\ncompiles\n"))
    };
    let compiled = |out: &str, compiles| (out.to_owned(), compiles);
    assert_eq!(
        run("0.14.1", &["check"], ""),
        compiled("wlf-aio.wasm\n", false)
    );
    assert_eq!(run("0.14.1", &[], "1"), compiled("wlf-aio.wasm\n", false));
    assert_eq!(run("0.14.1", &[], ""), compiled("wlf-aio.so\n", true));
    assert_eq!(run("0.14.1", &[], ""), compiled("wlf-aio.so\n", false));
    assert_eq!(
        run("0.14.1", &["check"], ""),
        compiled("wlf-aio.so\n", false)
    );
    let told = "--run-mode=aot\nwlf-aio.so\n";
    assert_eq!(run("0.17.1", &["run"], ""), compiled(told, true));
    assert_eq!(run("0.17.1", &["run"], ""), compiled(told, false));
    // Another module is another one.
    fs::write(path("wlf-aio.wasm"), "a newer module").expect("written");
    assert_eq!(run("0.14.1", &[], ""), compiled("wlf-aio.so\n", true));
    // And without one, what was compiled last.
    fs::remove_file(path("wlf-aio.wasm")).expect("removed");
    assert_eq!(run("0.14.1", &[], ""), compiled("wlf-aio.so\n", false));
}
