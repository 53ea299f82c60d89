//! ENUM and SET: odd labels, many labels, charsets, and the index 0.

use crate::column::{Column, Kind, quoted};
use crate::table::{Extent, Table};

const ODD: [&str; 11] = [
    "größe",
    "日本",
    "it's",
    "a\"b",
    "back\\slash",
    "per%cent",
    " leading",
    "semi;colon",
    "x=y",
    "new\nline",
    "",
];

pub fn tables() -> Vec<Table> {
    vec![enums(), sets(), beyond()]
}

fn list<T: AsRef<str>>(labels: &[T]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| quoted(label.as_ref())).collect();
    quoted.join(",")
}

fn numbers<const N: usize>(values: [u64; N]) -> Vec<String> {
    values.map(|value| value.to_string()).to_vec()
}

fn enums() -> Table {
    let many: Vec<String> = (1..=300).map(|number| format!("e{number}")).collect();
    // A comma is fine in a label of an ENUM.
    let odd: Vec<&str> = ODD.into_iter().chain(["a,b"]).collect();
    let column = |name: &str, definition: String, values: Vec<String>| {
        Column::new(name, definition, Kind::Enum, values)
    };
    let odd_values: Vec<String> = (1..=odd.len()).map(|index| index.to_string()).collect();
    Table::new(
        "enums",
        [
            column(
                "e",
                "ENUM('small','medium','large')".to_owned(),
                numbers([1, 2, 3]),
            ),
            column("one", "ENUM('only')".to_owned(), numbers([1])),
            column("odd", format!("ENUM({})", list(&odd)), odd_values),
            column(
                "many",
                format!("ENUM({})", list(&many)),
                numbers([1, 255, 256, 257, 300]),
            ),
            // An invalid label is stored as the index 0.
            column(
                "invalid",
                "ENUM('a','b')".to_owned(),
                vec!["'no such'".to_owned(), "1".to_owned()],
            ),
            column(
                "latin",
                "ENUM('größe','é') CHARACTER SET latin1".to_owned(),
                numbers([1, 2]),
            ),
            column(
                "gbk",
                "ENUM('漢字','汉字') CHARACTER SET gbk".to_owned(),
                numbers([1, 2]),
            ),
            column(
                "utf16",
                "ENUM('漢字','é') CHARACTER SET utf16".to_owned(),
                numbers([1, 2]),
            ),
            column(
                "sjis",
                "ENUM('表','ソ') CHARACTER SET sjis".to_owned(),
                numbers([1, 2]),
            ),
            column("required", "ENUM('1','0')".to_owned(), numbers([2, 1])).not_null(),
        ],
    )
}

fn sets() -> Table {
    let many: Vec<String> = (1..=64).map(|number| format!("s{number}")).collect();
    let odd: Vec<&str> = ODD.into_iter().filter(|label| !label.is_empty()).collect();
    let column = |name: &str, definition: String, values: Vec<String>| {
        Column::new(name, definition, Kind::Set, values)
    };
    let nine: Vec<String> = (0..9).map(|bit| (1_u64 << bit).to_string()).collect();
    let all: Vec<String> = (0..64)
        .map(|bit| (1_u64 << bit).to_string())
        .chain([u64::MAX.to_string(), "0".to_owned()])
        .collect();
    Table::new(
        "sets",
        [
            column("s", "SET('a','b','c')".to_owned(), numbers([0, 1, 5, 7, 2])),
            column("one", "SET('only')".to_owned(), numbers([1, 0])),
            column(
                "odd",
                format!("SET({})", list(&odd)),
                numbers([1, 2, 4, 8, 16, 32, 64, 1023, 0, 512]),
            ),
            column(
                "nine",
                "SET('1','2','3','4','5','6','7','8','9')".to_owned(),
                nine,
            ),
            column("many", format!("SET({})", list(&many)), all),
            column(
                "latin",
                "SET('größe','é') CHARACTER SET latin1".to_owned(),
                numbers([1, 3]),
            ),
            column(
                "ujis",
                "SET('漢字','ソ') CHARACTER SET ujis".to_owned(),
                numbers([3, 2]),
            ),
            column("required", "SET('x','y')".to_owned(), numbers([3, 0])).not_null(),
        ],
    )
}

/// Labels with characters beyond U+FFFF.
fn beyond() -> Table {
    let labels = list(&["😀", "𠀀", "plain"]);
    let column = |name: &str, definition: String, kind: Kind, values: Vec<String>| {
        Column::new(name, definition, kind, values)
    };
    let columns = [
        column(
            "e",
            format!("ENUM({labels})"),
            Kind::Enum,
            numbers([1, 2, 3]),
        ),
        column("s", format!("SET({labels})"), Kind::Set, numbers([7, 1, 2])),
        column(
            "u",
            format!("ENUM({labels}) CHARACTER SET utf16"),
            Kind::Enum,
            numbers([1, 2]),
        ),
    ];
    Table {
        extent: Extent::FullMetadata,
        ..Table::new("labels_beyond", columns)
    }
}
