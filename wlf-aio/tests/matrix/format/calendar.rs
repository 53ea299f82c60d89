//! Dates and times from counts since 1970, in the proleptic Gregorian calendar.

const DAY: i64 = 86_400;

/// The date so many days after 1970-01-01.
pub fn date(days: i64) -> String {
    // Year by year, and so right by being simple.
    let (mut year, mut rest) = (1970_i64, days);
    loop {
        let length = 365 + i64::from(is_leap(year));
        if rest < 0 {
            year -= 1;
            rest += 365 + i64::from(is_leap(year));
        } else if rest >= length {
            year += 1;
            rest -= length;
        } else {
            break;
        }
    }
    let mut month = 1;
    while rest >= days_of_month(year, month) {
        rest -= days_of_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a text begins with a date of the calendar; the year 0 is not in it.
pub fn is_date(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse().ok());
    match (part(0..4), part(5..7), part(8..10)) {
        (Some(year), Some(month), Some(day)) => {
            year > 0 && (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day)
        }
        _ => false,
    }
}

/// `2024-02-29 12:34:56.789`, so many units of a second after 1970, with so many digits of the fraction.
pub fn moment(count: i64, unit: i64, digits: u32) -> Result<String, String> {
    let (seconds, fraction) = (count.div_euclid(unit), count.rem_euclid(unit));
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let clock = clock(of_day);
    Ok(format!(
        "{} {clock}{}",
        date(days),
        behind_point(fraction * (1_000_000 / unit), digits)?
    ))
}

/// `-838:59:59.5`, so many microseconds.
pub fn time(microseconds: i64, digits: u32) -> Result<String, String> {
    let sign = if microseconds < 0 { "-" } else { "" };
    let count = microseconds.abs();
    let fraction = behind_point(count % 1_000_000, digits)?;
    Ok(format!("{sign}{}{fraction}", clock(count / 1_000_000)))
}

fn clock(seconds: i64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn behind_point(microseconds: i64, digits: u32) -> Result<String, String> {
    let unit = 10_i64.pow(6 - digits);
    if microseconds % unit != 0 {
        return Err(format!(
            "{microseconds} microseconds have more than {digits} digits"
        ));
    }
    let width = digits as usize;
    Ok(match digits {
        0 => String::new(),
        _ => format!(".{:0width$}", microseconds / unit),
    })
}

#[test]
fn counts_are_dates_and_times() {
    assert_eq!(date(0), "1970-01-01");
    assert_eq!(date(-1), "1969-12-31");
    assert_eq!(date(17533), "2018-01-02");
    assert_eq!(date(-719_162), "0001-01-01");
    assert_eq!(date(2_932_896), "9999-12-31");
    assert_eq!(
        moment(1_529_476_623_125, 1000, 3).as_deref(),
        Ok("2018-06-20 06:37:03.125")
    );
    assert_eq!(
        moment(-1, 1_000_000, 6).as_deref(),
        Ok("1969-12-31 23:59:59.999999")
    );
    assert_eq!(time(-3_020_399_000_000, 1).as_deref(), Ok("-838:59:59.0"));
    assert!(time(1, 5).is_err());
    assert!(is_date("2024-02-29 00:00:00") && !is_date("2023-02-29") && !is_date("0000-01-01"));
}
