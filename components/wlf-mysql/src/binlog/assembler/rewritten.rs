//! Events in a rarer form, which are made into the common one before they are taken.

use std::sync::Arc;

use bytes::Bytes;

use super::Assembler;
use crate::binlog::error::Error;
use crate::binlog::events::event_type as types;
use crate::binlog::events::header::Header;
use crate::binlog::events::partial_update::{self, Completed};
use crate::binlog::events::query::Query;
use crate::binlog::events::rows::RowsEvent;
use crate::binlog::tables::table_plan::{TablePlan, Undecodable};
use crate::positions::coordinates::Coordinates;
use crate::reader::Malformed;

const NO_DOCUMENT: &str = "SET PERSIST binlog_row_image = 'FULL' or binlog_row_value_options = '' on the server and load the table \
                           anew, or exclude the table with a filter";

impl Assembler {
    /// Takes a PARTIAL_UPDATE_ROWS, as the UPDATE_ROWS that the server would write without
    /// `binlog_row_value_options=PARTIAL_JSON`.
    #[inline(never)]
    pub(super) fn partial_update(
        &mut self,
        block: &Bytes,
        header: &Header,
        body: &[u8],
        start: u64,
    ) -> Result<(), Error> {
        let place = self.place_at(start);
        let wrong = |source| malformed(&place, header, source);
        self.transactions.begin(&place);
        let event = RowsEvent::decode(header.code, body, &self.format).map_err(wrong)?;
        let known = self.tables.plan(event.table_id).cloned();
        let Some(plan) = known.filter(|plan| plan.columns.len() == event.columns) else {
            return self.take_rows(block, header, &event, place);
        };
        if plan.undecodable.is_some() {
            let plan = plan.without_columns(None);
            return self.transactions.add(block, header, &event, &plan, place);
        }
        match partial_update::complete(&event, &plan).map_err(wrong)? {
            Completed::Rows(rows) => self.take_rewritten(header, &event, &rows, place),
            Completed::NoDocument { column } => {
                let name = plan.table.columns.get(column);
                let name = name.map_or("?", |column| &column.name);
                let why = Undecodable {
                    reason: format!(
                        "the binlog has only the differences between documents of column {name}, and not the documents \
                         before (binlog_row_value_options=PARTIAL_JSON with binlog_row_image=MINIMAL)"
                    ),
                    hint: Some(NO_DOCUMENT),
                };
                let plan = plan.without_columns(Some(why));
                self.transactions.add(block, header, &event, &plan, place)
            }
        }
    }

    /// Takes MariaDB's rows events of which the rows are compressed.
    #[inline(never)]
    pub(super) fn compressed_rows(
        &mut self,
        header: &Header,
        body: &[u8],
        start: u64,
    ) -> Result<(), Error> {
        let place = self.place_at(start);
        let wrong = |source| malformed(&place, header, source);
        self.transactions.begin(&place);
        let event = RowsEvent::decode(header.code, body, &self.format).map_err(wrong)?;
        let rows = self.inflater.inflate(event.rows).map_err(wrong)?;
        self.take_rewritten(header, &event, &rows, place)
    }

    /// Takes MariaDB's QUERY whose statement is compressed.
    #[inline(never)]
    pub(super) fn compressed_query(
        &mut self,
        header: &Header,
        body: &[u8],
        start: u64,
    ) -> Result<(), Error> {
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        let mut query = Query::decode(body).map_err(|source| wrong(self, source))?;
        let sql = self.inflater.inflate(query.sql);
        let sql = sql.map_err(|source| wrong(self, source))?;
        query.sql = &sql;
        self.query(&query, header, start)
    }

    /// Takes the event with other rows.
    fn take_rewritten(
        &mut self,
        header: &Header,
        event: &RowsEvent<'_>,
        rows: &[u8],
        place: Coordinates,
    ) -> Result<(), Error> {
        let block = Bytes::from([event.present, event.present_after, rows].concat());
        let (present, rest) = block
            .split_at_checked(event.present.len())
            .unwrap_or_default();
        let (present_after, rows) = rest
            .split_at_checked(event.present_after.len())
            .unwrap_or_default();
        let event = RowsEvent {
            present,
            present_after,
            rows,
            ..*event
        };
        self.transactions.count(block.len());
        self.take_rows(&block, header, &event, place)
    }

    fn take_rows(
        &mut self,
        block: &Bytes,
        header: &Header,
        event: &RowsEvent<'_>,
        place: Coordinates,
    ) -> Result<(), Error> {
        self.transactions
            .rows(block, header, event, &self.tables, place)
    }
}

fn malformed(place: &Coordinates, header: &Header, source: Malformed) -> Error {
    Error::Malformed {
        place: place.clone(),
        event: types::name(header.code),
        source,
    }
}

impl TablePlan {
    /// The same table, of whose rows not even the lengths are known, for the reason given or that which it has.
    fn without_columns(&self, why: Option<Undecodable>) -> Arc<Self> {
        Arc::new(Self {
            table: self.table.clone(),
            columns: Vec::new(),
            shown: 0,
            strides: None,
            undecodable: why.or_else(|| self.undecodable.clone()),
            borrowed: self.borrowed,
        })
    }
}
