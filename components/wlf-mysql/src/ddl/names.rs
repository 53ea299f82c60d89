//! How servers compare names.

/// The name in lower case, as servers compare the names of columns, and those of tables where `lower_case_table_names` says
/// so: character by character (`my_casedn_str` of `strings/ctype-utf8.cc`), so that a sigma stays what it is at a word's end
/// too. MySQL, and MariaDB before 11.5, have the table of an older Unicode: capital letters that are younger are letters of
/// their own there.
pub fn folded(name: &str) -> String {
    let each = |c: char| match c {
        'İ' => 'i',
        c => c.to_lowercase().next().unwrap_or(c),
    };
    name.chars().map(each).collect()
}

/// Whether two names mean the same column, as they do in any case.
pub fn same(a: &str, b: &str) -> bool {
    a == b || folded(a) == folded(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MySQL 9.7.4 answers `SELECT LOWER(…)` of utf8mb3_general_ci.
    #[test]
    fn names_are_folded_character_by_character() {
        for (name, lower) in [
            ("ÜBER", "über"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδοσ"),
            ("straße", "straße"),
            ("ЁЖ", "ёж"),
        ] {
            assert_eq!(folded(name), lower);
            assert!(same(name, lower));
        }
        assert!(!same("ss", "ß"));
    }
}
