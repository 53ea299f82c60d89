//! Rows as records in lanes, written where they are sent from.

use super::{Output, Plan, Scratch, head, rendered, row};
use crate::event::Event;
use crate::format::buffer::Buffer;
use crate::format::lanes::Lanes;
use crate::format::row_format::Failed;
use crate::value::{Columns, Row, RowError, Rows};

/// Encodes the rows of an event, each as a record with its key; on an error the rows before stay and nothing of the failed
/// one.
pub(in crate::format) fn encode_in_place<R: Rows>(
    plan: &Plan,
    event: &Event,
    rows: &mut R,
    lanes: &mut Lanes,
    scratch: &mut Scratch,
) -> Result<(), RowError<R::Error>> {
    head(plan, event, scratch);
    let mut number = 0;
    loop {
        let at = |(column, error)| RowError {
            row: number,
            column,
            error,
        };
        let Some(images) = rows.next().map_err(|error| at((None, error)))? else {
            return Ok(());
        };
        // The key chooses the lane and stands before the row, so it is written first.
        key(plan, &images, scratch, &mut lanes.key).map_err(at)?;
        let lane = lanes.choose();
        let (payload, begun) = lanes.begin(lane);
        let out = &mut Output {
            payload,
            keys: None,
            scratch,
        };
        if let Err(failed) = row(plan, event, &images, number, out) {
            lanes.take_back(lane, begun);
            return Err(at(failed));
        }
        lanes.end(lane, begun, number);
        number += 1;
    }
}

/// Writes the key of a row: the new image's, and the old one's where the new one does not hold a column.
#[inline(always)]
fn key<C: Columns>(
    plan: &Plan,
    images: &Row<C>,
    scratch: &mut Scratch,
    out: &mut Buffer,
) -> Result<(), Failed<C::Error>> {
    let (image, other) = match images {
        Row::Insert(image) | Row::Delete(image) => (image, None),
        Row::Update { before, after } => (after, Some(before)),
    };
    out.clear();
    plan.key
        .write_straight(image, other, rendered, &mut scratch.key, out)
}
