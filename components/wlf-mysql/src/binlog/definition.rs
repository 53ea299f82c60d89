//! A table's definition from elsewhere, for a binlog that has no names in it.

use super::charset::Charset;

/// What TABLE_MAP leaves out with `binlog_row_metadata=MINIMAL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub columns: Vec<ColumnDefinition>,
    /// Indexes of columns, in the key's order.
    pub primary_key: Vec<usize>,
}

/// A column's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    pub name: String,
    pub unsigned: bool,
    /// `None` for a column without charset.
    pub charset: Option<Charset>,
    /// Of an ENUM or SET.
    pub labels: Vec<String>,
}

impl ColumnDefinition {
    /// Reads a row of `information_schema.columns`: COLUMN_NAME, COLUMN_TYPE as in `enum('a','b')` or `int unsigned`,
    /// and CHARACTER_SET_NAME.
    pub fn from_information_schema(
        name: &str,
        column_type: &str,
        character_set: Option<&str>,
    ) -> Self {
        let lower = column_type.to_ascii_lowercase();
        let (word, _) = lower.split_once('(').unwrap_or((&lower, ""));
        let is_choice = matches!(word.trim(), "enum" | "set");
        let is_binary = [
            "binary",
            "varbinary",
            "blob",
            "tinyblob",
            "mediumblob",
            "longblob",
        ]
        .contains(&word.trim());
        let charset = match character_set {
            Some(name) => Some(Charset::named(name)),
            None if is_binary => Some(Charset::Binary),
            None => None,
        };
        Self {
            name: name.to_owned(),
            unsigned: !is_choice && (lower.contains("unsigned") || lower.contains("zerofill")),
            charset,
            labels: if is_choice {
                labels(column_type)
            } else {
                Vec::new()
            },
        }
    }
}

/// The quoted texts in `enum('a','it''s')`.
fn labels(column_type: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut chars = column_type.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    label.push('\'');
                }
                '\'' => break,
                // information_schema leaves a backslash as it is.
                c => label.push(c),
            }
        }
        labels.push(label);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_information_schema() {
        let column = ColumnDefinition::from_information_schema(
            "size",
            "enum('s,m','it''s','unsigned','')",
            Some("utf8mb4"),
        );
        assert_eq!(column.labels, ["s,m", "it's", "unsigned", ""]);
        assert!(!column.unsigned);
        let column =
            ColumnDefinition::from_information_schema("n", "int(8) unsigned zerofill", None);
        assert!(column.unsigned);
        assert_eq!(column.charset, None);
        let column = ColumnDefinition::from_information_schema("b", "varbinary(3)", None);
        assert_eq!(column.charset, Some(Charset::Binary));
    }
}
