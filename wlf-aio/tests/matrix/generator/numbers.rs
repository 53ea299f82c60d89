//! Integers, decimals, floating-point numbers, bits and years.

use crate::column::{Column, Kind};
use crate::table::Table;

pub fn tables() -> Vec<Table> {
    vec![
        integers(),
        decimals(),
        floats(),
        bits(),
        single_bits(),
        years(),
    ]
}

fn integers() -> Table {
    let mut columns = Vec::new();
    for (name, bits) in [
        ("TINYINT", 8),
        ("SMALLINT", 16),
        ("MEDIUMINT", 24),
        ("INT", 32),
        ("BIGINT", 64),
    ] {
        let (middle, top) = (1_i128 << (bits - 1), 1_i128 << bits);
        let signed = [-middle, middle - 1, -1, 0, 1, middle / 2, -middle + 1];
        let unsigned = [0, top - 1, middle, middle + 1, middle - 1, 1, top - 2];
        let text = |values: [i128; 7]| values.map(|value| value.to_string());
        let lower = name.to_lowercase();
        columns.push(Column::new(
            lower.clone(),
            name,
            Kind::Integer,
            text(signed),
        ));
        for (suffix, attribute) in [("u", "UNSIGNED"), ("z", "UNSIGNED ZEROFILL")] {
            let definition = format!("{name} {attribute}");
            columns.push(Column::new(
                format!("{lower}_{suffix}"),
                definition,
                Kind::Integer,
                text(unsigned),
            ));
        }
    }
    columns.push(Column::new(
        "flag",
        "BOOL",
        Kind::Integer,
        ["TRUE", "FALSE", "-5"],
    ));
    columns.push(Column::new("short", "INT(3) ZEROFILL", Kind::Integer, ["7", "1234"]).not_null());
    Table::new("integers", columns)
}

/// Every precision, each with no, all and some of its digits behind the point.
fn decimals() -> Table {
    let mut columns = Vec::new();
    for precision in 1..=65_usize {
        let mut scales = vec![
            0,
            precision.min(30),
            precision.min(30) / 2,
            precision.min(30).saturating_sub(1),
        ];
        scales.sort_unstable();
        scales.dedup();
        for scale in scales {
            let number = |digits: &str| -> String {
                let (whole, fraction) = digits.split_at(precision - scale);
                format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole })
            };
            let one = format!("{}1", "0".repeat(precision - 1));
            let nines = "9".repeat(precision);
            let mixed = "1203456789".repeat(7);
            let values = [
                number(&nines),
                format!("-{}", number(&nines)),
                "0".to_owned(),
                format!("-{}", number(&one)),
                number(&one),
                number(&mixed[..precision]),
                format!("-{}", number(&mixed[..precision])),
                "-0.0".to_owned(),
            ];
            let name = format!("d{precision}_{scale}");
            let definition = format!("DECIMAL({precision},{scale})");
            columns.push(Column::new(name, definition, Kind::Decimal, values));
        }
    }
    let unsigned = ["0", "9999999999999999.9999", "0.0001", "1.5"];
    columns.push(
        Column::new(
            "unsigned",
            "DECIMAL(20,4) UNSIGNED",
            Kind::Decimal,
            unsigned,
        )
        .not_null(),
    );
    Table::new("decimals", columns)
}

/// Numbers that nobody chose, the same in every run.
struct Arbitrary(u64);

impl Arbitrary {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 29)
    }
}

fn floats() -> Table {
    let mut arbitrary = Arbitrary(4);
    let mut singles: Vec<f32> = vec![
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        1e-45,
        -1e-45,
        1.175_494_2e-38,
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1.0 / 3.0,
        100.0,
        16_777_216.0,
        16_777_217.0,
        1e10,
        123_456.79,
        9_999_999.0,
        1e7,
        1e-3,
        9.999_999e-4,
        1e15,
        1e16,
        1e20,
        1e21,
        1e22,
        8.589_973e9,
        3.141_592_4,
        2.5e-40,
    ];
    let mut doubles: Vec<f64> = vec![
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        -f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        2.225_073_858_507_201e-308,
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1.0 / 3.0,
        0.1 + 0.2,
        9_007_199_254_740_992.0,
        9_007_199_254_740_993.0,
        1e15,
        1e16,
        1e17,
        1e20,
        1e21,
        1e22,
        1e23,
        1e-3,
        1e-4,
        1e-5,
        1e-7,
        123_456_789.123_456_79,
        1.5e300,
        4.35,
        2.5e-310,
    ];
    while singles.len() < 120 {
        singles.extend(
            Some(f32::from_bits(arbitrary.next() as u32)).filter(|value| value.is_finite()),
        );
        doubles.extend(Some(f64::from_bits(arbitrary.next())).filter(|value| value.is_finite()));
    }
    let single: Vec<String> = singles.iter().map(|value| format!("{value:e}")).collect();
    let double: Vec<String> = doubles.iter().map(|value| format!("{value:e}")).collect();
    let unsigned = |values: &[String]| -> Vec<String> {
        values
            .iter()
            .map(|value| value.trim_start_matches('-').to_owned())
            .collect()
    };
    let columns = [
        Column::new("f", "FLOAT", Kind::Float, single.clone()),
        Column::new("d", "DOUBLE", Kind::Double, double.clone()),
        Column::new("fu", "FLOAT UNSIGNED", Kind::Float, unsigned(&single)),
        Column::new("du", "DOUBLE UNSIGNED", Kind::Double, unsigned(&double)).not_null(),
        Column::new(
            "f7_3",
            "FLOAT(7,3)",
            Kind::Float,
            ["9999.999", "-9999.999", "0.001", "0", "0.1"],
        ),
        Column::new(
            "d10_4",
            "DOUBLE(10,4)",
            Kind::Double,
            ["999999.9999", "-999999.9999", "0.0001", "0.1"],
        ),
        Column::new("f24", "FLOAT(24)", Kind::Float, ["0.1", "1e30"]),
        Column::new("f25", "FLOAT(25)", Kind::Double, ["0.1", "1e30"]),
    ];
    Table::new("floats", columns)
}

/// All ones of so many bits.
fn ones(bits: u8) -> u64 {
    u64::MAX >> (64 - bits)
}

fn bits() -> Table {
    let columns = (1..=64_u8).map(|bits| {
        let top = 1_u64 << (bits - 1);
        let values = [
            0,
            ones(bits),
            1,
            top,
            ones(bits) & 0xAAAA_AAAA_AAAA_AAAA,
            ones(bits) & 0x0123_4567_89AB_CDEF,
        ];
        Column::new(
            format!("b{bits}"),
            format!("BIT({bits})"),
            Kind::Bit(bits),
            values.map(|value| value.to_string()),
        )
    });
    Table::new("bits", columns)
}

fn single_bits() -> Table {
    let columns = [1_u8, 8, 31, 32, 33, 63, 64].map(|bits| {
        let values = (0..bits).map(|bit| (1_u64 << bit).to_string());
        Column::new(
            format!("b{bits}"),
            format!("BIT({bits})"),
            Kind::Bit(bits),
            values,
        )
        .not_null()
    });
    Table::new("single_bits", columns)
}

fn years() -> Table {
    let values = ["1901", "2155", "'0000'", "2026", "1970", "2000"];
    Table::new("years", [Column::new("y", "YEAR", Kind::Year, values)])
}
