//! Recorded binlogs of MariaDB 10.11 and 11.8: their rows, and where their transactions end.

use std::collections::BTreeMap;

use super::recorded::{
    LIMITS, assert_given_same, assert_same, assert_same_from, assert_same_lines, batches, events,
    expected, files, history, lines,
};
use crate::binlog::events::event_type as types;
use crate::binlog::events::header::Header;
use crate::binlog::events::mariadb_gtid;
use crate::binlog::{Assembler, Taken};
use crate::positions::{MariadbPosition, SavedPosition};

const VERSIONS: [&str; 2] = ["mariadb-10.11", "mariadb-11.8"];
const SETS: [&str; 4] = ["types", "compressed", "minimal-image", "control"];

#[test]
fn every_type_is_what_the_server_shows() {
    for version in VERSIONS {
        let name = format!("{version}-types");
        // The statements that make the tables say what TABLE_MAP does not.
        let mut assembler = Assembler::new(LIMITS).with_definitions();
        assembler.set_history(Some(history()));
        for (file, bytes) in files(&name) {
            assembler.next_file(&file);
            for event in events(&bytes) {
                let at = Some(event.start as u64);
                assert_eq!(assembler.take(&bytes, event, at).unwrap(), Taken::Event);
            }
        }
        assert_same_lines(&name, lines(&[assembler.cut().unwrap()]), |_| true);
    }
}

#[test]
fn compressed_rows_are_those_that_were_written() {
    for version in VERSIONS {
        assert_same(&format!("{version}-compressed"), LIMITS);
    }
}

#[test]
fn ddl_xa_domains_and_tables_without_transactions() {
    for version in VERSIONS {
        // The rows before were put in before ALTER, RENAME and TRUNCATE, which are no events of rows.
        assert_same_from(&format!("{version}-control"), LIMITS, 4, |_| true);
    }
}

#[test]
fn images_without_all_columns() {
    for version in VERSIONS {
        let name = format!("{version}-minimal-image");
        let lines = lines(&batches(&name, LIMITS).unwrap());
        assert_given_same(&lines, &expected(&name));
    }
}

/// A file whose key only the server has is refused where it begins to be encrypted.
#[test]
fn an_encrypted_file_is_refused() {
    let fault = wlf_core::Fault::from(batches("mariadb-11.8-encrypted", LIMITS).unwrap_err());
    assert_eq!(fault.exit(), wlf_core::Exit::Data);
    assert_eq!(
        fault.to_string(),
        "read the binlog: binlog.000001:256: the events behind it are encrypted (START_ENCRYPTION)"
    );
    assert!(fault.hint.unwrap().contains("read from the live server"));
}

/// A TABLE_MAP without names, with and without signs and character sets.
#[test]
fn definitions_in_place_of_metadata() {
    for version in VERSIONS {
        let name = format!("{version}-no-metadata");
        let expected = expected(&name);
        let mut assembler = Assembler::new(LIMITS).with_definitions();
        assembler.set_history(Some(history()));
        for (file, bytes) in files(&name) {
            assembler.next_file(&file);
            for event in events(&bytes) {
                let at = Some(event.start as u64);
                // Nothing has to be asked for: the statement that made the table is in the binlog.
                assert_eq!(assembler.take(&bytes, event, at).unwrap(), Taken::Event);
            }
        }
        let lines = lines(&[assembler.cut().unwrap()]);
        assert_eq!(lines.len(), 5, "{version}");
        assert_given_same(&lines, &expected);
        assert!(
            lines[0].contains(r#""big":18446744073709551615"#),
            "{}",
            lines[0]
        );
    }
}

/// A stream's reader knows no places but what the events say, which since 11.4 is nothing inside of a transaction.
#[test]
fn places_are_those_in_the_file_even_where_events_do_not_say_them() {
    let mut silent = BTreeMap::<_, u32>::new();
    for version in VERSIONS {
        for set in SETS {
            let mut assembler = Assembler::new(LIMITS);
            for (name, file) in files(&format!("{version}-{set}")) {
                assembler.start(&name, 4, Some(MariadbPosition::default().into()));
                for event in events(&file) {
                    let header = Header::decode(&file[event.clone()]).unwrap();
                    *silent.entry(version).or_default() += u32::from(header.end == 0);
                    while assembler.take(&file, event.clone(), None).unwrap() != Taken::Event {}
                    let place = assembler.coordinates();
                    assert_eq!(
                        place.position, event.end as u64,
                        "{version}-{set} {name} {header:?}"
                    );
                }
            }
        }
    }
    assert_eq!(silent["mariadb-10.11"], 0);
    assert!(silent["mariadb-11.8"] > 100, "{silent:?}");
}

/// What a file ends with is what the server lists at the beginning of the next one.
#[test]
fn positions_have_every_domain() {
    for version in VERSIONS {
        let mut files = files(&format!("{version}-control")).into_iter().peekable();
        let mut assembler = Assembler::new(LIMITS);
        let mut compared = 0;
        while let Some((name, file)) = files.next() {
            assembler.next_file(&name);
            for event in events(&file) {
                let at = Some(event.start as u64);
                assert_eq!(assembler.take(&file, event, at).unwrap(), Taken::Event);
            }
            let position: SavedPosition = serde_json::from_value(assembler.position().0).unwrap();
            assert_eq!(
                (position.file, position.position),
                (name, file.len() as u64)
            );
            let set = position.gtid_set.unwrap();
            if let Some((_, next)) = files.peek() {
                let list = events(next).into_iter().find(|event| {
                    Header::decode(&next[event.clone()]).unwrap().code == types::MARIADB_GTID_LIST
                });
                let list = list.unwrap();
                let listed =
                    mariadb_gtid::decode_list(&next[list.start + Header::LENGTH..list.end]);
                assert_eq!(set, listed.unwrap().to_string());
                compared += 1;
            } else {
                assert!(set.starts_with("0-2-") && set.contains(",7-2-"), "{set}");
            }
        }
        assert_eq!(compared, 2);
    }
}

/// A distributed transaction that is prepared keeps the position before itself, whatever follows it.
#[test]
fn a_prepared_transaction_holds_the_position() {
    for version in VERSIONS {
        let (name, file) = files(&format!("{version}-control")).remove(0);
        let mut assembler = Assembler::new(LIMITS);
        assembler.next_file(&name);
        let saved = |assembler: &Assembler| -> SavedPosition {
            serde_json::from_value(assembler.position().0).unwrap()
        };
        let mut held = None;
        let mut seen = 0;
        for event in events(&file) {
            let code = Header::decode(&file[event.clone()]).unwrap().code;
            let at = Some(event.start as u64);
            let before = saved(&assembler);
            assert_eq!(assembler.take(&file, event, at).unwrap(), Taken::Event);
            let after = saved(&assembler);
            match (&held, code) {
                (None, types::XA_PREPARE) => {
                    assert_eq!(after, before);
                    held = Some(before);
                    seen += 1;
                }
                // The GTID of XA COMMIT or ROLLBACK, and the statement itself.
                (Some(held_at), types::MARIADB_GTID) => assert_eq!(after, *held_at),
                (Some(held_at), _) => {
                    assert_ne!(after, *held_at);
                    held = None;
                }
                _ => {}
            }
        }
        assert_eq!(seen, 2);
    }
}
