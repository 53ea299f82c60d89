//! Columns of the matrix, and how an independent client asks for their values.

/// What a column holds, as far as it decides how a value is read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Decimal,
    Float,
    Double,
    /// So many bits.
    Bit(u8),
    Year,
    Date,
    DateTime,
    Timestamp,
    Time,
    Text,
    Binary,
    Enum,
    Set,
    Json,
    Point,
    Geometry,
    Vector,
    Uuid,
    Inet,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The row's number, from 1: by it the statements find the row.
    Number,
    /// The statements give one of `values`.
    Given,
    /// The server: generated, by default, or counted up.
    Server,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// What `CREATE TABLE` has behind the name.
    pub definition: String,
    pub kind: Kind,
    pub source: Source,
    /// SQL expressions; row n has the n-th, and begins anew behind the last.
    pub values: Vec<String>,
    pub nullable: bool,
}

impl Column {
    /// A column that may be null.
    pub fn new<V: Into<String>>(
        name: impl Into<String>,
        definition: impl Into<String>,
        kind: Kind,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            name: name.into(),
            definition: definition.into(),
            kind,
            source: Source::Given,
            values: values.into_iter().map(Into::into).collect(),
            nullable: true,
        }
    }

    /// The same, never null.
    pub fn not_null(self) -> Self {
        Self {
            definition: format!("{} NOT NULL", self.definition),
            nullable: false,
            ..self
        }
    }

    /// A column whose value the server makes.
    pub fn by_server(name: &str, definition: &str, kind: Kind) -> Self {
        Self {
            source: Source::Server,
            ..Self::new(name, definition, kind, Vec::<String>::new())
        }
    }

    /// Whether its values are computed from those of other columns.
    pub fn is_generated(&self) -> bool {
        self.definition.contains("GENERATED ALWAYS AS")
    }

    /// The value that the row with this index is inserted with.
    pub fn value(&self, row: usize) -> &str {
        &self.values[row % self.values.len()]
    }

    /// The numbers between the type's parentheses: precision and scale, or the digits of the fraction.
    pub fn arguments(&self) -> Vec<u32> {
        let inner = self
            .definition
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        let numbers = inner.map(|(inner, _)| inner.split(','));
        let numbers = numbers.into_iter().flatten();
        numbers
            .filter_map(|number| number.trim().parse().ok())
            .collect()
    }

    /// The expressions that show a value without loss: its facets. The first is the one of most formats.
    ///
    /// `mariadb`: whether the server is MariaDB.
    pub fn facets(&self, mariadb: bool) -> Vec<String> {
        let name = identifier(&self.name);
        match self.kind {
            // Without the zeros of ZEROFILL.
            Kind::Integer | Kind::Bit(_) | Kind::Year => vec![format!("CAST({name} + 0 AS CHAR)")],
            // FLOAT alone is shown with six digits, and a cast has no room for a sign before all of its digits.
            Kind::Float => vec![format!(
                "CONCAT(IF(LEFT(CAST({name} AS CHAR), 1) = '-', '-', ''), CAST(CAST(ABS({name}) AS DOUBLE) AS CHAR))"
            )],
            Kind::Text => vec![format!("CONVERT({name} USING utf8mb4)")],
            Kind::Binary | Kind::Vector => vec![name],
            Kind::Enum | Kind::Set => vec![
                format!("CONVERT({name} USING utf8mb4)"),
                // `+ 0` would give a number of 53 bits.
                format!("CAST(CAST({name} AS UNSIGNED) AS CHAR)"),
            ],
            Kind::Point | Kind::Geometry => vec![
                // As stored: the geographic reference systems would show latitude first.
                if mariadb {
                    format!("ST_AsText({name})")
                } else {
                    format!("ST_AsText({name}, 'axis-order=long-lat')")
                },
                name,
            ],
            Kind::Decimal
            | Kind::Double
            | Kind::Date
            | Kind::DateTime
            | Kind::Timestamp
            | Kind::Time
            | Kind::Json
            | Kind::Uuid
            | Kind::Inet => vec![format!("CAST({name} AS CHAR)")],
        }
    }
}

/// A name between backticks.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text between quotes, for `sql_mode` without NO_BACKSLASH_ESCAPES.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
