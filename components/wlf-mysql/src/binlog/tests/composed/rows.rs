//! Rows of every width and version.

use serde_json::{Value, json};

use super::*;

#[test]
fn optional_metadata_of_later_versions_are_passed_over() {
    let mut binlog = Binlog::new();
    let mut map = table_map(1, "t", &[TINY]);
    map.extend(metadata(14, b"not known yet"));
    map.extend(metadata(255, &[0; 300]));
    // Behind them: the column is unsigned.
    map.extend(metadata(1, &[0x80]));
    let rows = [&front(types::WRITE_ROWS, 1, 1)[..], &[0, 200]].concat();
    binlog
        .transaction(&map, &[(types::WRITE_ROWS, rows)])
        .unwrap();
    assert_eq!(binlog.images(), [inserted(json!({ "c0": 200 }))]);
}

/// The server counts tables in 48 bits, and from the beginning again when it is restarted.
#[test]
fn a_tables_id_is_another_tables_in_another_transaction() {
    let id = 0xffff_ffff_fffe;
    let mut binlog = Binlog::new();
    let row = |images: &[u8]| {
        let columns = images.len() - 1;
        let rows = [&front(types::WRITE_ROWS, id, columns), images].concat();
        vec![(types::WRITE_ROWS, rows)]
    };
    let (first, second) = (
        table_map(id, "first", &[TINY]),
        table_map(id, "second", &[TINY; 2]),
    );
    binlog.transaction(&first, &row(&[0, 1])).unwrap();
    binlog.transaction(&second, &row(&[0, 2, 3])).unwrap();
    binlog.transaction(&first, &row(&[0, 4])).unwrap();
    let rows = binlog.rows();
    let seen = rows.iter().map(|row| (&row["table"], &row["data"]));
    let expected = [
        (json!("first"), json!({ "c0": 1 })),
        (json!("second"), json!({ "c0": 2, "c1": 3 })),
        (json!("first"), json!({ "c0": 4 })),
    ];
    assert!(seen.eq(expected.iter().map(|(table, data)| (table, data))));

    binlog.query("BEGIN");
    let (code, rows) = row(&[0, 5]).remove(0);
    let place = binlog.end;
    let error = binlog.take(code, &rows).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("binlog.000001:{place}: rows of a table (id {id}) that no TABLE_MAP introduces")
    );
}

/// Other tables go on: only who wants the rows of this one is told.
#[test]
fn a_column_of_an_unknown_type_is_named_and_harms_no_other_table() {
    let mut binlog = Binlog::new();
    let rows = |id, columns, images: &[u8]| {
        let rows = [&front(types::WRITE_ROWS, id, columns), images].concat();
        [(types::WRITE_ROWS, rows)]
    };
    let odd = table_map(1, "odd", &[TINY, 200]);
    binlog.transaction(&odd, &rows(1, 2, &[0, 1, 1])).unwrap();
    let even = table_map(2, "even", &[TINY]);
    binlog.transaction(&even, &rows(2, 1, &[0, 7])).unwrap();
    let batch = binlog.assembler.cut().unwrap();
    let mut encoder = wlf_core::format::Encoder::new(wlf_core::format::Format::default());
    let error = encoder.encode(&batch.events[0]).unwrap_err();
    let said = error.fault.to_string();
    assert!(
        said.contains("rows of `d`.`odd` cannot be decoded: column @2 has a type (number 200) that is not known"),
        "{said}"
    );
    encoder.encode(&batch.events[1]).unwrap();
    assert_eq!(encoder.len(), 1);
}

/// The second row changes another column than the first.
#[test]
fn old_has_what_its_own_row_changed() {
    let mut binlog = Binlog::new();
    let map = table_map(1, "t", &[TINY; 3]);
    let mut rows = front(types::UPDATE_ROWS, 1, 3);
    for (before, after) in [
        ([0, 1, 10, 20], [0, 1, 11, 20]),
        ([0, 2, 10, 20], [0, 2, 10, 21]),
        ([0, 3, 10, 20], [0, 3, 10, 20]),
    ] {
        rows.extend(before);
        rows.extend(after);
    }
    binlog
        .transaction(&map, &[(types::UPDATE_ROWS, rows)])
        .unwrap();
    let old: Vec<_> = binlog.images().into_iter().map(|(_, _, old)| old).collect();
    assert_eq!(old, [json!({ "c1": 10 }), json!({ "c2": 20 }), Value::Null]);
}
