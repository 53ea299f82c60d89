//! TABLE_MAP: what the rows behind it are rows of.

use wlf_core::data_type::BlobSize;

use super::metadata::Metadata;
use crate::binlog::tables::column_type::{self as types, ColumnType, Meta};
use crate::charset::Charset;
use crate::reader::{Malformed, Reader};

/// A table as the binlog describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMap {
    pub database: String,
    pub table: String,
    pub columns: Vec<ColumnType>,
    /// For each column.
    pub nullable: Vec<bool>,
    pub metadata: Metadata,
    /// Whether MariaDB wrote it.
    pub is_mariadb: bool,
}

/// Takes a table's id off the event without header and checksum; what is left is the same as long as the table is.
#[inline(always)]
pub fn split_id(body: &[u8], short: bool) -> Result<(u64, &[u8]), Malformed> {
    let mut reader = Reader::new(body);
    // int<6>: table id, before MySQL 5.1.4 int<4>
    let id = if short {
        u64::from(reader.u32("the table's id")?)
    } else {
        reader.u48("the table's id")?
    };
    Ok((id, reader.rest()))
}

/// A table whose rows are there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType {
    pub database: String,
    pub table: String,
    /// The column's number, from 1.
    pub column: usize,
    pub code: u8,
}

impl TableMap {
    /// Reads what is behind the table's id.
    pub fn decode(body: &[u8], is_mariadb: bool) -> Result<Result<Self, UnknownType>, Malformed> {
        let mut reader = Reader::new(body);
        // int<2>: flags
        reader.u16("the flags")?;
        let database = text(reader.name("the database's name")?);
        let table = text(reader.name("the table's name")?);
        // int<lenenc>: number of columns, string<n>: their types
        let count = reader.lenenc("the number of columns")?;
        let codes = reader.bytes(count, "the columns' types")?;
        // string<lenenc>: the types' metadata
        let mut type_metadata = Reader::new(reader.lenenc_bytes("the columns' metadata")?);
        let mut columns = Vec::with_capacity(count);
        for (n, code) in codes.iter().enumerate() {
            match ColumnType::decode(*code, &mut type_metadata) {
                Ok(column) => columns.push(column),
                Err(_) => {
                    return Ok(Err(UnknownType {
                        database,
                        table,
                        column: n + 1,
                        code: *code,
                    }));
                }
            }
        }
        // string<n>: which columns may be NULL
        let bits = reader.bytes(count.div_ceil(8), "the bits of NULL")?;
        let nullable = (0..count).map(|n| {
            let byte = bits.get(n / 8).copied().unwrap_or_default();
            byte >> (n % 8) & 1 == 1
        });
        let metadata = Metadata::decode(reader.rest(), &columns, is_mariadb)?;
        Ok(Ok(Self {
            database,
            table,
            columns,
            nullable: nullable.collect(),
            metadata,
            is_mariadb,
        }))
    }

    /// Whether nobody has to be asked for more of the table's definition.
    ///
    /// MariaDB's binlog has UUID, INET4 and INET6 as BINARY, VECTOR as VARBINARY and JSON as LONGTEXT, and it does not say how
    /// many digits of a fraction TIME, DATETIME and TIMESTAMP have in their old form.
    pub fn says_all(&self) -> bool {
        let mut numbered = self.columns.iter().enumerate();
        let has_names = !self.metadata.names.is_empty();
        has_names && self.hashes() == 0 && !numbered.any(|(n, column)| self.hides(n, *column))
    }

    /// How many of the last columns look like those in which MariaDB keeps the hashes of unique keys, and which it shows to
    /// nobody: a user may have columns of these names.
    pub fn hashes(&self) -> usize {
        let is_hash = |n: &usize| {
            let name = self.metadata.names.get(*n);
            let number = name.and_then(|name| name.strip_prefix("DB_ROW_HASH_"));
            let code = self.columns.get(*n).map(|column| column.code);
            number.is_some_and(|number| number.parse::<u32>().is_ok())
                && code == Some(types::LONGLONG)
                && self.metadata.unsigned.get(*n) != Some(&false)
        };
        match self.is_mariadb {
            true => (0..self.columns.len()).rev().take_while(is_hash).count(),
            false => 0,
        }
    }

    /// The charset of a column, if the binlog says it.
    pub fn charset(&self, n: usize) -> Option<Charset> {
        let collation = self.metadata.collations.get(n).copied().flatten();
        collation.map(Charset::of_collation)
    }

    /// Whether a column of MariaDB's may be of another type than it looks.
    pub fn hides(&self, n: usize, column: ColumnType) -> bool {
        let is_binary = self.charset(n) == Some(Charset::BINARY);
        match column.code {
            _ if !self.is_mariadb => false,
            _ if column.is_old_temporal() => true,
            types::STRING => is_binary && matches!(column.meta, Meta::Bytes(4 | 16)),
            _ if column.is_varying() => {
                is_binary && matches!(column.meta, Meta::Bytes(bytes) if bytes % 4 == 0)
            }
            _ => column.blob() == Some(BlobSize::Long) && !is_binary,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
