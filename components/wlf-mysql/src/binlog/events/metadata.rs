//! The optional metadata at a TABLE_MAP's end (manual: `binlog_row_metadata`).

use wlf_core::data_type::GeometryType;

use crate::binlog::tables::column_type::{self, ColumnType};
use crate::reader::{Malformed, Reader};

/// What the server says of a table's columns; with `binlog_row_metadata=MINIMAL`, the default, no names and labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// For each column; empty if the server said nothing.
    pub unsigned: Vec<bool>,
    /// For each column that has one: the number of its collation. Filled from defaults.
    pub collations: Vec<Option<u16>>,
    /// One for each column; empty without `binlog_row_metadata=FULL`.
    pub names: Vec<String>,
    /// For each ENUM and SET, in the columns' order: its labels, in the column's charset.
    pub labels: Vec<Option<Vec<Vec<u8>>>>,
    /// Indexes of columns, in the key's order.
    pub primary_key: Vec<usize>,
    /// Of each GEOMETRY, in the columns' order.
    pub geometry_types: Vec<GeometryType>,
    /// Of each VECTOR, in the columns' order: how many numbers it has at most.
    pub dimensions: Vec<u32>,
}

const SIGNEDNESS: u8 = 1;
const DEFAULT_CHARSET: u8 = 2;
const COLUMN_CHARSET: u8 = 3;
const COLUMN_NAME: u8 = 4;
const SET_STR_VALUE: u8 = 5;
const ENUM_STR_VALUE: u8 = 6;
const GEOMETRY_TYPE: u8 = 7;
const SIMPLE_PRIMARY_KEY: u8 = 8;
const PRIMARY_KEY_WITH_PREFIX: u8 = 9;
const ENUM_AND_SET_DEFAULT_CHARSET: u8 = 10;
const ENUM_AND_SET_COLUMN_CHARSET: u8 = 11;
const VECTOR_DIMENSIONALITY: u8 = 13;

impl Metadata {
    /// Reads the fields, each a type, a length and a value; COLUMN_VISIBILITY (12) and every one that is not known are
    /// passed over.
    pub fn decode(
        bytes: &[u8],
        columns: &[ColumnType],
        is_mariadb: bool,
    ) -> Result<Self, Malformed> {
        let mut metadata = Self {
            collations: vec![None; columns.len()],
            labels: vec![None; columns.len()],
            ..Self::default()
        };
        let of_kind = |kind: &dyn Fn(&ColumnType) -> bool| -> Vec<usize> {
            let numbered = columns.iter().enumerate();
            numbered
                .filter(|(_, column)| kind(column))
                .map(|(n, _)| n)
                .collect()
        };
        // To MariaDB a GEOMETRY has a charset, `binary`, and to MySQL a VECTOR.
        let binary = match is_mariadb {
            true => column_type::GEOMETRY,
            false => column_type::VECTOR,
        };
        let characters = || of_kind(&|column| column.is_character() || column.code == binary);
        let choices =
            || of_kind(&|column| matches!(column.code, column_type::ENUM | column_type::SET));
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let field = reader.u8("the optional metadata")?;
            let value = Reader::new(reader.lenenc_bytes("the optional metadata")?);
            match field {
                SIGNEDNESS => metadata.signedness(value, columns)?,
                DEFAULT_CHARSET => metadata.default_charset(value, &characters())?,
                COLUMN_CHARSET => metadata.column_charset(value, &characters())?,
                ENUM_AND_SET_DEFAULT_CHARSET => metadata.default_charset(value, &choices())?,
                ENUM_AND_SET_COLUMN_CHARSET => metadata.column_charset(value, &choices())?,
                COLUMN_NAME => metadata.column_names(value)?,
                SET_STR_VALUE => {
                    metadata
                        .read_labels(value, &of_kind(&|column| column.code == column_type::SET))?;
                }
                ENUM_STR_VALUE => {
                    metadata
                        .read_labels(value, &of_kind(&|column| column.code == column_type::ENUM))?;
                }
                SIMPLE_PRIMARY_KEY => metadata.read_primary_key(value, false)?,
                PRIMARY_KEY_WITH_PREFIX => metadata.read_primary_key(value, true)?,
                GEOMETRY_TYPE => metadata.read_geometry_types(value)?,
                VECTOR_DIMENSIONALITY => metadata.read_dimensions(value)?,
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// A bit for each numeric column, from the highest of the first byte on.
    fn signedness(&mut self, value: Reader<'_>, columns: &[ColumnType]) -> Result<(), Malformed> {
        let bits = value.rest();
        let mut numeric = 0;
        self.unsigned.clear();
        for column in columns {
            let mut unsigned = false;
            if column.is_numeric() {
                let byte = bits
                    .get(numeric / 8)
                    .ok_or(Malformed::Truncated("the columns' signs"))?;
                unsigned = byte & (0x80 >> (numeric % 8)) != 0;
                numeric += 1;
            }
            self.unsigned.push(unsigned);
        }
        Ok(())
    }

    /// The default, then pairs of a column's place among `columns` and its collation.
    fn default_charset(
        &mut self,
        mut value: Reader<'_>,
        columns: &[usize],
    ) -> Result<(), Malformed> {
        let default = collation(&mut value)?;
        for column in columns {
            self.set_collation(*column, default);
        }
        while !value.is_empty() {
            let place = value.lenenc("a column's number")?;
            let column = columns
                .get(place)
                .ok_or(Malformed::Invalid("a column's number"))?;
            let collation = collation(&mut value)?;
            self.set_collation(*column, collation);
        }
        Ok(())
    }

    fn column_charset(
        &mut self,
        mut value: Reader<'_>,
        columns: &[usize],
    ) -> Result<(), Malformed> {
        for column in columns {
            let collation = collation(&mut value)?;
            self.set_collation(*column, collation);
        }
        Ok(())
    }

    fn set_collation(&mut self, column: usize, collation: u16) {
        if let Some(place) = self.collations.get_mut(column) {
            *place = Some(collation);
        }
    }

    fn column_names(&mut self, mut value: Reader<'_>) -> Result<(), Malformed> {
        self.names.clear();
        while !value.is_empty() {
            let name = value.lenenc_bytes("a column's name")?;
            self.names.push(String::from_utf8_lossy(name).into_owned());
        }
        Ok(())
    }

    fn read_labels(&mut self, mut value: Reader<'_>, columns: &[usize]) -> Result<(), Malformed> {
        for column in columns {
            let count = value.lenenc("the number of labels")?;
            let mut labels = Vec::new();
            for _ in 0..count {
                labels.push(value.lenenc_bytes("a label")?.to_vec());
            }
            if let Some(place) = self.labels.get_mut(*column) {
                *place = Some(labels);
            }
        }
        Ok(())
    }

    fn read_primary_key(&mut self, mut value: Reader<'_>, prefixes: bool) -> Result<(), Malformed> {
        self.primary_key.clear();
        while !value.is_empty() {
            self.primary_key.push(value.lenenc("the primary key")?);
            if prefixes {
                value.lenenc("the primary key")?;
            }
        }
        Ok(())
    }

    fn read_geometry_types(&mut self, mut value: Reader<'_>) -> Result<(), Malformed> {
        self.geometry_types.clear();
        while !value.is_empty() {
            self.geometry_types
                .push(match value.lenenc("a GEOMETRY's type")? {
                    1 => GeometryType::Point,
                    2 => GeometryType::LineString,
                    3 => GeometryType::Polygon,
                    4 => GeometryType::MultiPoint,
                    5 => GeometryType::MultiLineString,
                    6 => GeometryType::MultiPolygon,
                    7 => GeometryType::GeometryCollection,
                    _ => GeometryType::Geometry,
                });
        }
        Ok(())
    }

    fn read_dimensions(&mut self, mut value: Reader<'_>) -> Result<(), Malformed> {
        const FIELD: &str = "a VECTOR's dimensions";
        self.dimensions.clear();
        while !value.is_empty() {
            let dimensions = value.lenenc(FIELD)?;
            self.dimensions
                .push(u32::try_from(dimensions).map_err(|_| Malformed::Invalid(FIELD))?);
        }
        Ok(())
    }
}

fn collation(value: &mut Reader<'_>) -> Result<u16, Malformed> {
    u16::try_from(value.lenenc("a collation")?).map_err(|_| Malformed::Invalid("a collation"))
}
