//! What is kept, what a crash leaves of it, and how large it grows.

use std::fs;
use std::sync::Arc;

use wlf_core::testing::{MemoryStore, at_once};
use wlf_core::{Exit, FileStore, Store};

use super::*;
use crate::ddl::{Client, Dialect, parse};
use crate::schema::table::ColumnSchema;

const DIALECT: Dialect = Dialect {
    sql_mode: 0,
    version: 90_704,
    is_mariadb: false,
    client: Client::Utf8,
    timestamps_not_null: false,
};

fn at(position: u64) -> SavedPosition {
    SavedPosition {
        file: "b.000001".to_owned(),
        position,
        gtid_set: None,
        server_uuid: Some("s".to_owned()),
    }
}

fn around(position: u64) -> Surroundings {
    Surroundings {
        point: Point {
            file: "b.000001".to_owned(),
            position,
            gtid: None,
            server: Some("s".to_owned()),
        },
        server_charset: Some("utf8mb4".to_owned()),
    }
}

fn name(table: &str) -> TableName {
    TableName {
        database: "d".to_owned(),
        table: table.to_owned(),
    }
}

fn schema(columns: &[&str]) -> TableSchema {
    let columns = columns.iter().map(|name| ColumnSchema {
        name: (*name).to_owned(),
        column_type: "int".to_owned(),
        charset: None,
        nullable: true,
        ..ColumnSchema::default()
    });
    TableSchema {
        charset: "utf8mb4".to_owned(),
        columns: columns.collect(),
        primary_key: Vec::new(),
        ..TableSchema::default()
    }
}

fn owner(directory: &tempfile::TempDir) -> Owner {
    Owner {
        collector: "c".to_owned(),
        kept: Some((
            Arc::new(FileStore::new(directory.path())),
            "c.schema".to_owned(),
        )),
        ..Owner::default()
    }
}

/// A history from position 100 with the tables `t` and `u` of one column `a`.
fn begun(owner: &Owner) -> History {
    let mut history = History::create(owner.clone(), at(100), true).unwrap();
    history.add_database("d", "latin1").unwrap();
    history.add_table(&name("t"), schema(&["a"])).unwrap();
    history.add_table(&name("u"), schema(&["a"])).unwrap();
    at_once(history.begin()).unwrap();
    history
}

fn run(history: &mut History, position: u64, sql: &str) -> usize {
    let effects = parse(sql, "d", DIALECT);
    let changes = effects.into_iter().map(|effect| {
        let change = history.apply(effect, &around(position)).unwrap();
        usize::from(change.is_some())
    });
    changes.sum()
}

/// The table's columns, or what is known of it instead.
fn columns(history: &mut History, table: &str) -> String {
    match history.lookup(&name(table)).unwrap() {
        Lookup::Known(schema) => {
            let names = schema.columns.into_iter().map(|column| column.name);
            names.collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn each_position_has_its_definitions() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = begun(&owner);
    run(&mut history, 200, "ALTER TABLE t ADD b INT");
    run(&mut history, 300, "RENAME TABLE t TO v, u TO t");
    run(&mut history, 400, "CREATE TABLE u (z VARCHAR(3))");
    run(&mut history, 500, "DROP DATABASE d");
    at_once(history.sync()).unwrap();
    let expected = [
        (500, "Unknown", "Unknown", "Unknown"),
        (450, "a", "z", "a,b"),
        (300, "a", "Unknown", "a,b"),
        (299, "a,b", "a", "Unknown"),
        (100, "a", "a", "Unknown"),
    ];
    for (position, t, u, v) in expected {
        let path = directory.path().join("c.schema");
        let whole = fs::read(&path).unwrap();
        let mut then = at_once(History::open(owner.clone(), &at(position)))
            .unwrap()
            .unwrap();
        let found = ["t", "u", "v"].map(|table| columns(&mut then, table));
        assert_eq!(found, [t, u, v], "at {position}");
        // And so it does when it goes back while it runs, after which all comes again.
        fs::write(&path, &whole).unwrap();
        let mut back = at_once(History::open(owner.clone(), &at(500)))
            .unwrap()
            .unwrap();
        assert!(at_once(back.go_to(&at(position))).unwrap());
        assert_eq!(
            ["t", "u", "v"].map(|table| columns(&mut back, table)),
            [t, u, v]
        );
        fs::write(&path, &whole).unwrap();
    }
    assert!(
        at_once(History::open(owner.clone(), &at(99)))
            .unwrap()
            .is_none(),
        "before its beginning"
    );
    // A new table takes the database's charset.
    let mut then = at_once(History::open(owner, &at(400))).unwrap().unwrap();
    let Lookup::Known(u) = then.lookup(&name("u")).unwrap() else {
        panic!("it is known");
    };
    assert_eq!(u.columns[0].charset.as_deref(), Some("latin1"));
}

#[test]
fn a_torn_end_is_forgotten_and_damage_before_it_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = begun(&owner);
    run(&mut history, 200, "ALTER TABLE t ADD b INT");
    at_once(history.sync()).unwrap();
    let path = directory.path().join("c.schema");
    let durable = fs::read(&path).unwrap();
    run(&mut history, 300, "ALTER TABLE t ADD c INT");
    run(&mut history, 400, "ALTER TABLE u ADD c INT");
    at_once(history.sync()).unwrap();
    let whole = fs::read(&path).unwrap();
    // As far as the line that says that those before it are whole.
    let torn = whole.len() - 19;
    assert!(torn > durable.len());
    for length in (durable.len()..torn).step_by(9) {
        fs::write(&path, &whole[..length]).unwrap();
        let mut found = at_once(History::open(owner.clone(), &at(200)))
            .unwrap()
            .unwrap();
        assert_eq!(columns(&mut found, "t"), "a,b");
        // It goes on as if nothing had been.
        run(&mut found, 300, "ALTER TABLE t ADD c INT");
        at_once(found.sync()).unwrap();
        let mut found = at_once(History::open(owner.clone(), &at(300)))
            .unwrap()
            .unwrap();
        assert_eq!(columns(&mut found, "t"), "a,b,c");
    }
    for byte in (0..durable.len()).step_by(3) {
        let mut damaged = durable.clone();
        damaged[byte] ^= 0x08;
        fs::write(&path, &damaged).unwrap();
        let opened = at_once(History::open(owner.clone(), &at(200)));
        // The last line alone says nothing but that the others are whole.
        // A line feed that is gone makes one torn line of two.
        let in_last = byte >= durable.len() - 19;
        assert_eq!(opened.is_err(), !in_last, "byte {byte}: {opened:?}");
    }
}

/// As a file of zeros, which a crash of the machine may leave.
#[test]
fn a_line_that_does_not_end_is_damage_and_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    drop(begun(&owner));
    let path = directory.path().join("c.schema");
    let whole = fs::metadata(&path).unwrap().len();
    // Its length is all that there is of it.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(4 << 30).unwrap();
    let error = at_once(History::open(owner.clone(), &at(200))).unwrap_err();
    let expected = format!("{} is damaged at byte {whole}", path.display());
    assert!(error.to_string().ends_with(&expected), "{error}");
    assert_eq!(error.exit(), Exit::Data);
    // What may be torn is forgotten.
    file.set_len(16 << 20).unwrap();
    let mut found = at_once(History::open(owner, &at(200))).unwrap().unwrap();
    assert_eq!(columns(&mut found, "t"), "a");
}

#[test]
fn another_collectors_or_versions_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut owner = owner(&directory);
    drop(begun(&owner));
    owner.collector = "other".to_owned();
    let error = at_once(History::open(owner.clone(), &at(100))).unwrap_err();
    assert!(
        error.to_string().ends_with("belongs to the collector `c`"),
        "{error}"
    );
    let mut log = Log::default();
    log.append(&serde_json::json!({"schema_history": 2, "new": true}))
        .unwrap();
    let (store, name) = owner.kept.as_ref().unwrap();
    at_once(log.replace(store.as_ref(), name)).unwrap();
    let error = at_once(History::open(owner.clone(), &at(100))).unwrap_err();
    assert!(error.to_string().contains("is of version 2"), "{error}");
    fs::write(directory.path().join("c.schema"), "").unwrap();
    let error = at_once(History::open(owner, &at(100))).unwrap_err();
    assert_eq!(error.exit(), wlf_core::Exit::Data);
}

#[test]
fn a_position_of_another_server_needs_gtids() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = begun(&owner);
    run(&mut history, 200, "ALTER TABLE t ADD b INT");
    at_once(history.sync()).unwrap();
    let elsewhere = SavedPosition {
        server_uuid: Some("other".to_owned()),
        ..at(200)
    };
    assert!(at_once(History::open(owner, &elsewhere)).unwrap().is_none());
}

#[test]
fn what_was_learnt_late_counts_from_when_it_was_unknown() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = begun(&owner);
    run(&mut history, 200, "ALTER TABLE t SOMETHING NEW");
    assert_eq!(columns(&mut history, "t"), "Unknown");
    history.learn(&name("t"), schema(&["a", "new"])).unwrap();
    history.learn(&name("w"), schema(&["w"])).unwrap();
    run(&mut history, 400, "ALTER TABLE t ADD more INT");
    at_once(history.sync()).unwrap();
    let mut then = at_once(History::open(owner.clone(), &at(250)))
        .unwrap()
        .unwrap();
    assert_eq!(columns(&mut then, "t"), "a,new");
    assert_eq!(columns(&mut then, "w"), "w");
    let mut before = at_once(History::open(owner, &at(150))).unwrap().unwrap();
    assert_eq!(columns(&mut before, "t"), "a");
}

#[test]
fn a_statement_that_may_have_changed_any_table_leaves_none_known() {
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = begun(&owner);
    run(
        &mut history,
        200,
        "ALTER TABLE t SOMETHING NEW, RENAME TO x",
    );
    for table in ["t", "u", "x"] {
        assert_eq!(columns(&mut history, table), "Unknown");
    }
    history.refuse(&name("u"), "no".to_owned());
    assert_eq!(columns(&mut history, "u"), "Refused(\"no\")");
    assert_eq!(
        run(&mut history, 300, "CREATE TABLE IF NOT EXISTS u (b INT)"),
        0
    );
    assert_eq!(run(&mut history, 300, "CREATE TABLE u (b INT)"), 1);
    assert_eq!(columns(&mut history, "u"), "b");
    at_once(history.sync()).unwrap();
    let mut again = at_once(History::open(owner.clone(), &at(300)))
        .unwrap()
        .unwrap();
    assert_eq!(columns(&mut again, "u"), "b");
    assert_eq!(columns(&mut again, "t"), "Unknown");
    let mut before = at_once(History::open(owner, &at(199))).unwrap().unwrap();
    assert_eq!(columns(&mut before, "t"), "a");
}

#[test]
fn names_meet_in_any_case_where_the_server_says_so() {
    let directory = tempfile::tempdir().unwrap();
    for (setting, folds_case, lowers_case, written) in [
        (1, true, true, "tab"),
        (2, true, false, "Tab"),
        (0, false, false, "Tab"),
    ] {
        let owner = Owner {
            folds_case,
            lowers_case,
            ..owner(&directory)
        };
        let mut history = History::create(owner, at(100), true).unwrap();
        history.add_database("d", "utf8mb4").unwrap();
        let effects = parse("CREATE TABLE D.Tab (a INT)", "d", DIALECT);
        let effect = effects.into_iter().next().unwrap();
        let change = history.apply(effect, &around(200)).unwrap().unwrap();
        assert_eq!(change.table.as_deref(), Some(written), "{setting}");
        let lower = columns(&mut history, "tab");
        assert_eq!(lower == "a", folds_case, "{setting}: {lower}");
    }
}

#[test]
fn one_hundred_thousand_tables_take_little_memory_and_old_versions_go() {
    const TABLES: u64 = 100_000;
    let directory = tempfile::tempdir().unwrap();
    let owner = owner(&directory);
    let mut history = History::create(owner.clone(), at(100), true).unwrap();
    history.add_database("d", "utf8mb4").unwrap();
    for n in 0..TABLES {
        let table = name(&format!("a_table_with_a_long_name_{n}"));
        history.add_table(&table, schema(&["id", "other"])).unwrap();
    }
    at_once(history.begin()).unwrap();
    let first = history.length();
    let mut largest = 0;
    for n in 0..TABLES + TABLES / 2 {
        let table = name(&format!("a_table_with_a_long_name_{}", n % TABLES));
        let state = TableState::Known(schema(&["id", "changed"]));
        let point = around(101 + n).point;
        history.set(&table, &state, Some(point)).unwrap();
        if n % 60_000 == 0 {
            at_once(history.sync()).unwrap();
            largest = largest.max(history.length());
            // What is saved is never far behind.
            at_once(history.commit(&at(101 + n))).unwrap();
        }
    }
    assert_eq!(history.tables() as u64, TABLES);
    let index = history.index.capacity() * (size_of::<(u128, Line)>() + 1);
    assert!(index < 10 << 20, "{index} bytes of index");
    let log = history.log.footprint();
    assert!(log < 16 << 20, "{log} bytes of log");
    assert!(
        largest < 3 * first + (16 << 20),
        "{largest} bytes, {first} at first"
    );
    at_once(history.commit(&at(101 + 2 * TABLES))).unwrap();
    at_once(history.sync()).unwrap();
    let mut again = at_once(History::open(owner, &at(101 + 2 * TABLES)))
        .unwrap()
        .unwrap();
    assert_eq!(
        columns(&mut again, "a_table_with_a_long_name_77"),
        "id,changed"
    );
}

/// A store that once takes a part of what is put behind a value, and fails; it may give little at a time.
#[derive(Debug, Default)]
struct Torn {
    store: MemoryStore,
    tears: std::sync::atomic::AtomicBool,
    /// How much it gives at a time, in bytes, if not as much as is wanted.
    gives: Option<usize>,
}

#[async_trait::async_trait]
impl Store for Torn {
    fn place(&self, name: &str) -> String {
        self.store.place(name)
    }

    async fn read(&self, name: &str, from: u64, most: usize) -> std::io::Result<Option<Vec<u8>>> {
        let most = self.gives.unwrap_or(most).min(most);
        self.store.read(name, from, most).await
    }

    async fn replace(
        &self,
        name: &str,
        pieces: &mut wlf_core::store::Pieces<'_>,
    ) -> std::io::Result<()> {
        self.store.replace(name, pieces).await
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        if self.tears.swap(false, std::sync::atomic::Ordering::Relaxed) {
            self.store.append(name, &bytes[..bytes.len() / 2]).await?;
            return Err(std::io::Error::other("torn"));
        }
        self.store.append(name, bytes).await
    }

    async fn remove(&self, name: &str) -> std::io::Result<()> {
        self.store.remove(name).await
    }
}

#[test]
fn a_long_line_is_searched_for_its_end_once() {
    let store = Torn {
        gives: Some(256),
        ..Torn::default()
    };
    let mut log = Log::default();
    let lines = ["x".repeat(2 << 20), "y".to_owned()];
    let appended: Vec<_> = lines.iter().map(|text| log.append(text).unwrap()).collect();
    at_once(log.replace(&store, "log")).unwrap();
    let began = std::time::Instant::now();
    let mut log = at_once(Log::load(&store, "log")).unwrap().unwrap();
    // Eight thousand times would be a minute.
    assert!(began.elapsed().as_secs() < 10);
    for (line, text) in appended.into_iter().zip(&lines) {
        let json = log.read(line).unwrap();
        assert!(json == serde_json::to_vec(text).unwrap());
    }
}

#[test]
fn a_store_that_took_a_part_is_written_anew() {
    let store = Arc::new(Torn::default());
    let kept: (Arc<dyn Store>, String) = (store.clone(), "c.schema".to_owned());
    let owner = Owner {
        collector: "c".to_owned(),
        kept: Some(kept),
        ..Owner::default()
    };
    let mut history = begun(&owner);
    run(&mut history, 200, "ALTER TABLE t ADD b INT");
    store
        .tears
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let error = at_once(history.sync()).unwrap_err();
    assert!(error.to_string().contains("c.schema in memory"), "{error}");
    let mut torn = at_once(History::open(owner.clone(), &at(100)))
        .unwrap()
        .unwrap();
    assert_eq!(columns(&mut torn, "t"), "a");
    run(&mut history, 300, "ALTER TABLE t ADD c INT");
    at_once(history.sync()).unwrap();
    let mut whole = at_once(History::open(owner, &at(300))).unwrap().unwrap();
    assert_eq!(columns(&mut whole, "t"), "a,b,c");
}
