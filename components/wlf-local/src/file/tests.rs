use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use wlf_core::value::{Datum, OwnedRows};
use wlf_core::{Column, Dispatcher, Event, Exit, Refusal, Severity, Table, WriteError};

use super::open::OpenFiles;
use super::{Config, FileDispatcher};
use crate::lines::Lines;

fn table(database: &str, name: &str) -> Arc<Table> {
    let columns = ["id", "text"].map(Column::untyped);
    Arc::new(Table::new(database, name, columns.into(), vec![0]))
}

fn inserts(table: &Arc<Table>, ids: std::ops::Range<i32>) -> Event {
    OwnedRows::insert(table, ids.map(|id| vec![id.into(), "x".into()]))
}

fn folder() -> TempDir {
    // On WASI nobody says where temporary files are to go.
    let parent = if cfg!(target_os = "wasi") {
        "/tmp".into()
    } else {
        std::env::temp_dir()
    };
    tempfile::tempdir_in(parent).expect("a folder")
}

/// A dispatcher whose `path` is below `folder`.
fn dispatcher(folder: &Path, path: &str) -> FileDispatcher {
    let path = folder.join(path);
    let config: Config = serde_json::from_value(json!({"path": path})).expect("a configuration");
    FileDispatcher::new(config)
}

async fn write(dispatcher: &mut FileDispatcher, events: &[Event]) -> Result<(), WriteError> {
    dispatcher.connect().await.expect("connect");
    dispatcher.write(events).await
}

/// The ids of a file's rows; the file ends with a whole line.
fn ids(path: impl AsRef<Path>) -> Vec<u64> {
    let text = fs::read_to_string(path).expect("a file");
    assert!(text.is_empty() || text.ends_with('\n'));
    let id = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        row["data"]["id"].as_u64().expect("an id")
    };
    text.lines().map(id).collect()
}

#[tokio::test]
async fn rows_are_appended_and_folders_are_created() {
    let folder = folder();
    let t = table("shop", "t");
    for from in [0, 10] {
        let mut file = dispatcher(folder.path(), "a/b/rows.jsonl");
        let events = [inserts(&t, from..from + 5), inserts(&t, from + 5..from + 9)];
        write(&mut file, &events).await.expect("write");
        file.write(&[inserts(&t, from + 9..from + 10)])
            .await
            .expect("write");
    }
    let expected: Vec<u64> = (0..20).collect();
    assert_eq!(ids(folder.path().join("a/b/rows.jsonl")), expected);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_when_the_file_is_opened() {
    let folder = folder();
    let path = folder.path().join("t");
    let long = format!("{{\"data\":\"{}", "x".repeat(200_000));
    for (before, after) in [
        ("", ""),
        ("{\"a\":1}\n", "{\"a\":1}\n"),
        ("{\"a\":1}\n{\"a\":", "{\"a\":1}\n"),
        ("{\"a\":", ""),
        ("{\"a\":1}\n\n", "{\"a\":1}\n\n"),
        (&format!("{{\"a\":1}}\n{long}"), "{\"a\":1}\n"),
        (&long, ""),
    ] {
        fs::write(&path, before).expect("write");
        // At the start already, when the path is known without an event, or with the first row for the file.
        dispatcher(folder.path(), "t")
            .connect()
            .await
            .expect("connect");
        assert_eq!(fs::read_to_string(&path).expect("a file"), after);
        fs::write(&path, before).expect("write");
        let mut file = dispatcher(folder.path(), "%{/table}");
        let events = [inserts(&table("shop", "t"), 1..2)];
        write(&mut file, &events).await.expect("write");
        let text = fs::read_to_string(&path).expect("a file");
        let row = text.strip_prefix(after).expect("what was whole");
        assert!(row.starts_with("{\"database\":\"shop\"") && row.lines().count() == 1);
    }
}

#[tokio::test]
async fn each_table_has_its_file_and_few_are_open_at_a_time() {
    let folder = folder();
    let tables: Vec<_> = (0..200).map(|n| table("shop", &format!("t{n}"))).collect();
    let mut file = dispatcher(folder.path(), "%{/database}/%{/table}-%{/type}");
    for from in [0, 3] {
        let events: Vec<_> = tables.iter().map(|t| inserts(t, from..from + 3)).collect();
        write(&mut file, &events).await.expect("write");
        assert!(file.open.len() <= 64);
    }
    for n in 0..200 {
        let path = folder.path().join(format!("shop/t{n}-insert"));
        assert_eq!(ids(path), [0, 1, 2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn thousands_of_files_leave_no_memory_behind() {
    let folder = folder();
    let t = table("shop", "t");
    let mut file = dispatcher(folder.path(), "%{/data/id}");
    let long = "x".repeat(4_000);
    for from in [0, 1_000] {
        let rows = (from..from + 1_000).map(|id| vec![id.into(), long.as_str().into()]);
        write(&mut file, &[OwnedRows::insert(&t, rows)])
            .await
            .expect("write");
        assert!(file.groups.memory() <= 4 << 20, "{}", file.groups.memory());
    }
    for id in 0..2_000 {
        assert_eq!(ids(folder.path().join(id.to_string())), [id]);
    }
}

#[tokio::test]
async fn a_path_may_look_into_the_row_but_not_lead_astray() {
    let folder = folder();
    let evil = table("..", "../../evil");
    let mut file = dispatcher(folder.path(), "out/%{/database}/%{/table}/%{/data/text}");
    let row = |id: i32, text: &str| vec![id.into(), text.into()];
    let events = [
        OwnedRows::insert(
            &evil,
            [row(1, "a"), row(2, ".."), row(3, "/etc/x"), row(4, "a")],
        ),
        OwnedRows::insert(&evil, [row(5, "a")]),
    ];
    write(&mut file, &events).await.expect("write");
    let below = folder.path().join("out/%2E./%2E.%2F..%2Fevil");
    assert_eq!(ids(below.join("a")), [1, 4, 5]);
    assert_eq!(ids(below.join("%2E.")), [2]);
    assert_eq!(ids(below.join("%2Fetc%2Fx")), [3]);
    let outside: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(outside.len(), 1);
}

#[tokio::test]
async fn a_row_that_makes_no_path_is_rejected_and_those_before_it_are_written() {
    let folder = folder();
    let mut file = dispatcher(folder.path(), "%{/data/text}");
    let t = table("shop", "t");
    let events = [
        inserts(&t, 0..2),
        OwnedRows::insert(
            &t,
            [vec![2.into(), "x".into()], vec![3.into(), Datum::Absent]],
        ),
    ];
    let error = write(&mut file, &events).await.expect_err("no path");
    assert_eq!((error.durable, error.rows), (2, 0));
    assert_eq!((error.refused[0].event, error.refused[0].row), (1, 1));
    assert_eq!(error.faults().next().unwrap().severity, Severity::Reject);
    assert_eq!(ids(folder.path().join("x")), [0, 1, 2]);
}

/// A write of more than 128 KiB is encoded in several parts.
#[tokio::test]
async fn rows_keep_their_numbers_over_all_parts_of_a_write() {
    const EACH: i32 = 1_000;
    let t = table("shop", "t");
    let part = |n: i32| inserts(&t, n * EACH..(n + 1) * EACH);
    let before = (0..5 * EACH as u64).collect::<Vec<_>>();

    let folder = folder();
    let mut file = dispatcher(folder.path(), "%{/data/text}");
    let no_path = OwnedRows::insert(
        &t,
        [
            vec![(5 * EACH).into(), "x".into()],
            vec![1.into(), Datum::Absent],
        ],
    );
    let mut events: Vec<_> = (0..5).map(part).collect();
    events.extend([no_path, part(6)]);
    let error = write(&mut file, &events).await.expect_err("no path");
    assert_eq!((error.durable, error.rows), (7, 0));
    assert_eq!((error.refused[0].event, error.refused[0].row), (5, 1));
    let written = ids(folder.path().join("x"));
    assert_eq!(written[..before.len()], before);
    assert_eq!(written.len(), before.len() + 1 + EACH as usize);

    let folder = self::folder();
    fs::create_dir(folder.path().join("y")).expect("a folder");
    let mut file = dispatcher(folder.path(), "%{/data/text}");
    let no_file = OwnedRows::insert(&t, [vec![1.into(), "y".into()]]);
    let mut events: Vec<_> = (0..5).map(part).collect();
    events.extend([no_file, part(6)]);
    let error = write(&mut file, &events).await.expect_err("a folder");
    assert_eq!((error.durable, error.rows), (5, 0));
    assert_eq!(ids(folder.path().join("x"))[..before.len()], before);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_ends_the_program_and_says_which() {
    let folder = folder();
    fs::write(folder.path().join("no_folder"), "").expect("write");
    let mut file = dispatcher(folder.path(), "no_folder/t");
    let fault = file.connect().await.expect_err("not a folder");
    assert_eq!(fault.severity, Severity::Stop(Exit::Io));
    let text = fault.to_string();
    let path = folder.path().join("no_folder/t");
    assert!(
        text.starts_with(&format!("open {}: ", path.display())),
        "{text}"
    );
}

/// `/dev/full` takes nothing, as a full disk does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_ends_the_program_at_the_first_row_that_is_not_written() {
    let folder = folder();
    let link = folder.path().join("b");
    std::os::unix::fs::symlink("/dev/full", link).expect("a link");
    let mut file = dispatcher(folder.path(), "%{/table}");
    let (a, b) = (table("shop", "a"), table("shop", "b"));
    let events = [inserts(&a, 0..3), inserts(&b, 3..5), inserts(&a, 5..6)];
    let error = write(&mut file, &events).await.expect_err("a full disk");
    assert_eq!((error.durable, error.rows), (1, 0));
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Stop(Exit::Io)
    );
    assert!(
        error
            .faults()
            .next()
            .unwrap()
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("room"))
    );
    assert_eq!(ids(folder.path().join("a")), [0, 1, 2, 5]);
}

/// Writes of so many rows each into a file that becomes no larger than so many KiB, or half of them, depending on the
/// shell, in a process of its own.
#[cfg(unix)]
fn fill(limit: usize, each: usize) {
    let folder = folder();
    let program = std::env::current_exe().expect("this program");
    let status = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -f {limit} && trap '' XFSZ && exec \"$0\" --exact --ignored file::tests::fills_a_file"
        ))
        .arg(program)
        .env("FOLDER", folder.path())
        .env("EACH", each.to_string())
        .status();
    assert!(status.expect("a shell").success());
    let rows = ids(folder.path().join("t"));
    assert_eq!(rows, (0..rows.len() as u64).collect::<Vec<_>>());
    assert!(
        rows.len() >= 3 * each && rows.len().is_multiple_of(each),
        "{}",
        rows.len()
    );
}

#[cfg(unix)]
#[test]
fn what_a_failed_write_leaves_is_cut_off() {
    // Three writes of 1 KB each fit into either.
    fill(8, 10);
}

#[cfg(unix)]
#[test]
fn what_a_write_of_several_parts_has_begun_with_is_cut_off() {
    // Of 1 MB a write, of which a third goes out before the next is encoded.
    fill(7000, 10_000);
}

#[cfg(unix)]
#[ignore = "part of the two tests before, which limit the size of files"]
#[tokio::test]
async fn fills_a_file() {
    let folder = std::env::var_os("FOLDER").expect("a folder");
    let mut file = dispatcher(Path::new(&folder), "t");
    let t = table("shop", "t");
    file.connect().await.expect("connect");
    let each = std::env::var("EACH").expect("a number");
    let each: i32 = each.parse().expect("a number");
    for from in (0..100 * each).step_by(each as usize) {
        let thousands = (from..from + each).step_by(1000);
        let events: Vec<_> = thousands
            .map(|id| inserts(&t, id..(id + 1000).min(from + each)))
            .collect();
        let Err(error) = file.write(&events).await else {
            continue;
        };
        assert_eq!((error.durable, error.rows), (0, 0));
        assert_eq!(
            error.faults().next().unwrap().severity,
            Severity::Stop(Exit::Io)
        );
        assert!(
            error.faults().next().unwrap().hint.as_ref().is_some(),
            "{error:?}"
        );
        return;
    }
    panic!("the file has no limit");
}

#[tokio::test]
async fn a_name_that_is_too_long_is_that_of_its_rows_alone() {
    let folder = folder();
    let mut file = dispatcher(folder.path(), "%{/table}");
    let events = [
        inserts(&table("shop", "a"), 0..2),
        inserts(&table("shop", &"x".repeat(300)), 2..4),
        inserts(&table("shop", "b"), 4..5),
    ];
    let error = write(&mut file, &events)
        .await
        .expect_err("too long a name");
    assert_eq!((error.durable, error.rows), (3, 0));
    let refused = |refusal: &Refusal| (refusal.event, refusal.row);
    let refused: Vec<_> = error.refused.iter().map(refused).collect();
    assert_eq!(refused, [(1, 0), (1, 1)]);
    assert_eq!(ids(folder.path().join("b")), [4]);
    assert_eq!(error.faults().next().unwrap().severity, Severity::Reject);
}

/// Also of those that are more than is held for one file.
#[tokio::test]
async fn all_rows_of_a_name_that_is_too_long_are_refused_by_one_write() {
    const ROWS: u32 = 4_000;
    let folder = folder();
    let mut file = dispatcher(folder.path(), "%{/table}");
    let text = "x".repeat(300);
    let row = |id: u32| vec![id.into(), text.as_str().into()];
    let long = table("shop", &"x".repeat(300));
    let events = [
        OwnedRows::insert(&long, (0..ROWS).map(row)),
        inserts(&table("shop", "b"), 0..2),
    ];
    let error = write(&mut file, &events)
        .await
        .expect_err("too long a name");
    assert_eq!((error.durable, error.rows), (2, 0));
    assert!(error.fault.is_none());
    let refused = error.refused.iter().map(|row| (row.event, row.row));
    assert!(refused.eq((0..ROWS).map(|row| (0, row))));
    assert!(
        error
            .faults()
            .all(|fault| fault.severity == Severity::Reject)
    );
    assert_eq!(ids(folder.path().join("b")), [0, 1]);
}

#[tokio::test]
async fn paths_point_into_the_rows_of_every_format_and_tombstones_are_no_lines() {
    for (format, expected) in [
        ("maxwell", [1, 2]),
        ("debezium", [2, 2]),
        ("cloudevents", [2, 2]),
        ("canal", [1, 2]),
    ] {
        let folder = folder();
        let path = folder.path().join("%{/data/id}.jsonl");
        let config = json!({"path": path, "format": {format: {}}});
        let config: Config = serde_json::from_value(config).expect("a configuration");
        let mut file = FileDispatcher::new(config);
        let t = table("shop", "t");
        let row = |id: i32| vec![id.into(), "x".into()];
        let events = [
            OwnedRows::insert(&t, [row(1)]),
            OwnedRows::update(&t, [(row(1), row(2))]),
            OwnedRows::delete(&t, [row(2)]),
        ];
        write(&mut file, &events).await.expect(format);
        for (id, expected) in (1..).zip(expected) {
            let text = fs::read_to_string(folder.path().join(format!("{id}.jsonl")));
            let text = text.expect("a file");
            assert_eq!(text.lines().count(), expected, "{format} {id}: {text}");
            for line in text.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            }
        }
    }
}

/// What others do to files between two writes: logrotate with and without `create`, and with `copytruncate`.
#[tokio::test]
async fn each_row_goes_to_the_file_that_has_the_name_now() {
    for template in ["logs/shop.jsonl", "logs/%{/database}.jsonl"] {
        let folder = folder();
        let (now, old) = ("logs/shop.jsonl", "logs/shop.jsonl.1");
        let [now, old] = [now, old].map(|path| folder.path().join(path));
        let t = table("shop", "t");
        let mut file = dispatcher(folder.path(), template);
        file.connect().await.expect("connect");
        // Nothing was written yet, and a file whose name no event makes is open already.
        let _ = fs::remove_file(&now);
        let mut next = 0..2;
        let mut row = async |file: &mut FileDispatcher| {
            file.write(&[inserts(&t, next.clone())])
                .await
                .expect("write");
            next = next.end..next.end + 1;
        };
        row(&mut file).await;
        assert_eq!(ids(&now), [0, 1]);

        fs::rename(&now, &old).expect("rename");
        row(&mut file).await;
        assert_eq!((ids(&old), ids(&now)), (vec![0, 1], vec![2]));

        fs::remove_file(&now).expect("remove");
        row(&mut file).await;
        assert_eq!(ids(&now), [3]);

        fs::rename(&now, &old).expect("rename");
        fs::write(&now, "").expect("create");
        row(&mut file).await;
        row(&mut file).await;
        assert_eq!((ids(&old), ids(&now)), (vec![3], vec![4, 5]));

        fs::copy(&now, &old).expect("copy");
        fs::write(&now, "").expect("truncate");
        row(&mut file).await;
        assert_eq!((ids(&old), ids(&now)), (vec![4, 5], vec![6]));

        fs::remove_dir_all(folder.path().join("logs")).expect("remove");
        row(&mut file).await;
        assert_eq!(ids(&now), [7]);
        assert_eq!(file.open.len(), 1);
    }
}

fn lines(text: &str) -> Lines {
    let mut lines = Lines::default();
    lines.push((0, 0), text.as_bytes());
    lines
}

/// A large write goes out in parts, and what happens between them happens to all of them.
#[tokio::test]
async fn a_write_that_has_begun_ends_in_its_file_or_is_tried_again() {
    let folder = folder();
    let [now, old] = ["now", "old"].map(|name| folder.path().join(name));
    let path = now.to_str().expect("text");
    let mut open = OpenFiles::default();
    let begin = async |open: &mut OpenFiles, text| {
        let file = open.file(path).expect("a file");
        file.begin(&lines(text)).await.expect("write");
    };
    let end = async |open: &mut OpenFiles, text| {
        let file = open.file(path).expect("a file");
        file.append(&lines(text)).await
    };

    begin(&mut open, "a").await;
    fs::rename(&now, &old).expect("rename");
    end(&mut open, "b").await.expect("write");
    end(&mut open, "c").await.expect("write");
    let text = |path| fs::read_to_string(path).expect("a file");
    assert_eq!((text(&old), text(&now)), ("a\nb\n".into(), "c\n".into()));

    begin(&mut open, "d").await;
    fs::remove_file(&now).expect("remove");
    let fault = end(&mut open, "e").await.expect_err("no such file");
    assert_eq!(fault.severity, Severity::Retry { after: None });
    assert!(
        fault
            .to_string()
            .ends_with("now: the file was removed meanwhile"),
        "{fault}"
    );
    begin(&mut open, "d").await;
    end(&mut open, "e").await.expect("write");
    assert_eq!(text(&now), "d\ne\n");
}

#[tokio::test]
async fn what_was_cut_meanwhile_is_not_filled_up_when_a_write_fails() {
    let folder = folder();
    let path = folder.path().join("t");
    let mut open = OpenFiles::default();
    let file = open.file(path.to_str().expect("text")).expect("a file");
    file.append(&lines("a")).await.expect("write");
    file.begin(&lines("b")).await.expect("write");
    fs::write(&path, "").expect("truncate");
    file.fail();
    assert_eq!(fs::read(&path).expect("a file"), b"");
    file.append(&lines("c")).await.expect("write");
    file.begin(&lines("d")).await.expect("write");
    file.fail();
    assert_eq!(fs::read(&path).expect("a file"), b"c\n");
}
