//! Events whose rows are numbers, for tests of what carries events and does not look into them.

use std::num::NonZeroU64;
use std::sync::{Arc, LazyLock};

use crate::event::{Changes, Column, EncodeError, Event, Operation, Table, Transaction};
use crate::fault::{Exit, Fault};
use crate::format::Encoder;

/// Rows that are numbers: row `n` of the part is the number `n`, and nothing encodes them.
#[derive(Debug)]
struct Numbers;

impl Changes for Numbers {
    fn encode(&self, event: &Event, _: &mut Encoder) -> Result<(), EncodeError> {
        let fault = Fault::stop(
            Exit::Software,
            "encode a number",
            "rows of `testing::numbers` have no columns",
        );
        Err(EncodeError {
            row: event.rows.start,
            fault,
        })
    }
}

/// Makes the rows `first..first + count` of `table`, in the transaction `number`; in none for 0.
pub fn numbers(table: &str, number: u64, xid: Option<u64>, first: u32, count: u32) -> Event {
    static CHANGES: LazyLock<Arc<dyn Changes>> = LazyLock::new(|| Arc::new(Numbers));
    Event {
        table: Arc::new(Table::new(
            "test",
            table,
            vec![Column::untyped("n")],
            vec![0],
        )),
        operation: Operation::Insert,
        time: 0,
        transaction: NonZeroU64::new(number).map(|number| Transaction::new(number, xid)),
        changes: Arc::clone(&CHANGES),
        part: 0,
        rows: first..first + count,
    }
}
