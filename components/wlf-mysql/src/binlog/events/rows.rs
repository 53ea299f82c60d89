//! WRITE_ROWS, UPDATE_ROWS and DELETE_ROWS in their three versions.

use wlf_core::Operation;

use super::event_type as types;
use super::format_description::FormatDescription;
use crate::binlog::images::row_image::{self, Present};
use crate::binlog::tables::table_plan::TablePlan;
use crate::reader::{Malformed, Reader};

/// The front of a rows event, and the rows behind it.
#[derive(Debug, Clone, Copy)]
pub struct RowsEvent<'a> {
    pub table_id: u64,
    pub operation: Operation,
    /// It is the last of its statement.
    pub ends_statement: bool,
    pub columns: usize,
    /// Which columns the images hold: the only ones, or of an update those before.
    pub present: &'a [u8],
    /// Of an update: which columns the images after it hold.
    pub present_after: &'a [u8],
    pub rows: &'a [u8],
}

/// The flag of the last rows event of a statement.
const STATEMENT_END: u16 = 1;

/// A rows event of this id and without rows only ends a statement.
pub const DUMMY_TABLE_ID: u64 = 0x00ff_ffff;

impl<'a> RowsEvent<'a> {
    /// Reads the event without header and checksum.
    #[inline(always)]
    pub fn decode(code: u8, body: &'a [u8], format: &FormatDescription) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        // int<6>: table id, before MySQL 5.1.4 int<4>
        let table_id = if format.short_table_ids {
            u64::from(reader.u32("the table's id")?)
        } else {
            reader.u48("the table's id")?
        };
        // int<2>: flags
        let flags = reader.u16("the flags")?;
        if matches!(
            code,
            types::WRITE_ROWS..=types::DELETE_ROWS
                | types::PARTIAL_UPDATE_ROWS
                | types::MARIADB_WRITE_ROWS_COMPRESSED..=types::MARIADB_DELETE_ROWS_COMPRESSED
        ) {
            // int<2>: length of the extra data, itself included
            let length = usize::from(reader.u16("the extra data")?);
            let length = length
                .checked_sub(2)
                .ok_or(Malformed::Invalid("the length of the extra data"))?;
            reader.bytes(length, "the extra data")?;
        }
        let operation = match code {
            types::WRITE_ROWS
            | types::WRITE_ROWS_V1
            | types::PRE_GA_WRITE_ROWS
            | types::MARIADB_WRITE_ROWS_COMPRESSED_V1
            | types::MARIADB_WRITE_ROWS_COMPRESSED => Operation::Insert,
            types::UPDATE_ROWS
            | types::UPDATE_ROWS_V1
            | types::PRE_GA_UPDATE_ROWS
            | types::PARTIAL_UPDATE_ROWS
            | types::MARIADB_UPDATE_ROWS_COMPRESSED_V1
            | types::MARIADB_UPDATE_ROWS_COMPRESSED => Operation::Update,
            _ => Operation::Delete,
        };
        // int<lenenc>: number of columns
        let columns = reader.lenenc("the number of columns")?;
        let present = reader.bytes(columns.div_ceil(8), "the columns' bits")?;
        let present_after = if operation == Operation::Update {
            reader.bytes(columns.div_ceil(8), "the columns' bits")?
        } else {
            &[]
        };
        Ok(Self {
            table_id,
            operation,
            ends_statement: flags & STATEMENT_END != 0,
            columns,
            present,
            present_after,
            rows: reader.rest(),
        })
    }

    /// Goes over all rows and gives each image's offset in `rows` to `image`: one a row, of an update two. The plan is of
    /// as many columns as the event.
    #[inline(always)]
    pub fn walk(
        &self,
        plan: &'a TablePlan,
        mut image: impl FnMut(usize),
    ) -> Result<u32, Malformed> {
        let present = Present::new(self.present, self.columns);
        let is_update = self.operation == Operation::Update;
        let present_after = if is_update {
            Present::new(self.present_after, self.columns)
        } else {
            Present::NONE
        };
        let mut rest = self.rows;
        let mut count = 0;
        while !rest.is_empty() {
            image(self.rows.len() - rest.len());
            let behind = row_image::behind(plan, present, rest)?;
            let behind = if is_update {
                image(self.rows.len() - behind.len());
                row_image::behind(plan, present_after, behind)?
            } else {
                behind
            };
            if behind.len() == rest.len() {
                return Err(Malformed::Invalid("a row without columns"));
            }
            rest = behind;
            count += 1;
        }
        Ok(count)
    }
}
