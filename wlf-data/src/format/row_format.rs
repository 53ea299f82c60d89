//! How rows become messages in the formats in which a row may be other than one message of its own text.

use super::buffer::Buffer;
use super::encoder::{Clock, KeyForm};
use super::pointed::Pointed;
use super::record::{End, Shape};
use crate::event::Event;
use crate::origin::Origin;
use crate::value::{Columns, Row, RowError, Rows};

/// The column, where it is known, and what its source said.
pub(super) type Failed<E> = (Option<usize>, E);

/// A format: it prepares itself for an event and then writes its rows.
pub(super) trait RowFormat {
    /// Prepares what all rows of the event have in common.
    fn begin(&mut self, event: &Event, key: KeyForm, origin: &Origin<'_>, now: Moment);

    /// Writes the row with this number in its event, and ends each of its records with [`Output::end`].
    fn row<C: Columns>(
        &mut self,
        images: Row<C>,
        number: u32,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>>;
}

/// An instant, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub u64);

impl Moment {
    pub fn now(clock: Clock) -> Self {
        let nanoseconds = clock().as_nanos();
        Self(nanoseconds.try_into().unwrap_or(u64::MAX))
    }

    pub fn milliseconds(self) -> u64 {
        self.0 / 1_000_000
    }

    pub fn microseconds(self) -> u64 {
        self.0 / 1_000
    }
}

/// Where the encoded rows go.
pub(super) struct Output<'a> {
    pub payload: &'a mut Buffer,
    pub keys: Option<&'a mut Buffer>,
    pub views: Option<Views<'a>>,
    pub ends: &'a mut Vec<End>,
    pub key: KeyForm,
    pub now: Moment,
}

impl Output<'_> {
    /// Ends a record: what was written since the last one ended is its own.
    pub fn end(&mut self, shape: Shape) {
        self.ends.push(End {
            payload: self.payload.len(),
            key: self.keys.as_ref().map_or(0, |keys| keys.len()),
            view: self.views.as_ref().map_or(0, |views| views.out.len()),
            shape,
        });
    }

    /// Writes what templates point to in the row, if there are such.
    pub fn view<C: Columns>(
        &mut self,
        images: impl FnOnce() -> Row<C>,
        number: u32,
    ) -> Result<(), Failed<C::Error>> {
        match &mut self.views {
            Some(Views {
                out,
                pointed,
                event,
            }) => pointed.write(event, images(), number, out),
            None => Ok(()),
        }
    }

    /// Forgets what was written since `ends` records were there.
    fn back_to(&mut self, ends: usize, lengths: (usize, usize, usize)) {
        let (payload, key, view) = lengths;
        self.ends.truncate(ends);
        self.payload.truncate(payload);
        if let Some(keys) = &mut self.keys {
            keys.truncate(key);
        }
        if let Some(views) = &mut self.views {
            views.out.truncate(view);
        }
    }

    fn lengths(&self) -> (usize, usize, usize) {
        (
            self.payload.len(),
            self.keys.as_ref().map_or(0, |keys| keys.len()),
            self.views.as_ref().map_or(0, |views| views.out.len()),
        )
    }
}

/// What templates point to, beside what the format writes.
pub(super) struct Views<'a> {
    pub out: &'a mut Buffer,
    pub pointed: &'a mut Pointed,
    pub event: &'a Event,
}

/// Encodes the rows of an event; on an error the rows before stay and nothing of the failed one.
pub(super) fn encode<F: RowFormat, R: Rows>(
    format: &mut F,
    event: &Event,
    rows: &mut R,
    out: &mut Output<'_>,
) -> Result<(), RowError<R::Error>> {
    format.begin(event, out.key, &rows.origin(), out.now);
    if let Some(views) = &mut out.views {
        views.pointed.begin(event);
    }
    let mut row = 0;
    loop {
        let at = |(column, error)| RowError { row, column, error };
        let Some(images) = rows.next().map_err(|error| at((None, error)))? else {
            return Ok(());
        };
        let (ends, lengths) = (out.ends.len(), out.lengths());
        if let Err(failed) = format.row(images, row, out) {
            out.back_to(ends, lengths);
            return Err(at(failed));
        }
        row += 1;
    }
}
