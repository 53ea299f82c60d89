//! What becomes of rows that a transformer refuses: `delivery.on_reject`, as at a dispatcher.

use super::Session;
use crate::config::OnReject;
use crate::event::{Batch, Event};
use crate::fault::{Exit, Fault};
use crate::router::Delivery;
use crate::runtime::receipt::Receipt;

/// As much of a batch as is needed if all of it is refused.
pub(super) struct Kept {
    events: Vec<Event>,
    rows: u64,
}

impl Session<'_> {
    /// Events are kept only for whom they would be sent to.
    pub(super) fn kept(&self, batch: &Batch) -> Kept {
        let most = match &self.component.on_reject {
            OnReject::DeadLetter(_) | OnReject::Nack => batch.events.len(),
            OnReject::Stop | OnReject::Skip => batch.events.len().min(1),
        };
        Kept {
            events: batch.events.get(..most).unwrap_or_default().to_vec(),
            rows: batch.rows(),
        }
    }

    /// Does with a batch what `delivery.on_reject` says.
    pub(super) async fn reject_whole(
        &mut self,
        Kept { events, rows }: Kept,
        fault: Fault,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        self.reject_rows(events, rows, fault, receipt).await
    }

    /// Does with refused events what `delivery.on_reject` says.
    pub(super) async fn reject(
        &mut self,
        rejected: Vec<(Event, Fault)>,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let (events, faults): (Vec<Event>, Vec<Fault>) = rejected.into_iter().unzip();
        let rows = super::rows(&events);
        match faults.into_iter().next() {
            None => Ok(()),
            Some(first) => self.reject_rows(events, rows, first, receipt).await,
        }
    }

    async fn reject_rows(
        &mut self,
        events: Vec<Event>,
        rows: u64,
        fault: Fault,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let component = self.component;
        let id = &component.id;
        let first = events.first();
        let table = first.map_or_else(String::new, |event| {
            format!("{}.{}", event.table.database, event.table.name)
        });
        let row = first.map_or(0, |event| event.rows.start);
        let many = if rows > 1 {
            format!("{rows} rows were refused; the first: ")
        } else {
            String::new()
        };
        match &component.on_reject {
            OnReject::Stop => {
                if rows > 1 {
                    tracing::warn!(component = id, "{rows} rows were refused");
                }
                if fault.hint.is_some() {
                    return Err(fault);
                }
                return Err(fault.with_hint(
                    "`delivery.on_reject` can be `skip` or `{dead_letter: <dispatcher>}`",
                ));
            }
            OnReject::Skip => {
                tracing::warn!(component = id, table, row, "skipped a row: {many}{fault}");
            }
            OnReject::Nack if receipt.has_token() => {
                tracing::warn!(component = id, table, row, "to its source: {many}{fault}");
                receipt.refuse(&events);
            }
            OnReject::Nack => {
                let source = "its source takes nothing back: it is read from positions";
                return Err(Fault::stop(Exit::Config, "give a refused row back", source)
                    .with_hint("`on_reject: nack` is for queues; `skip` and `{dead_letter: <dispatcher>}` are for all"));
            }
            OnReject::DeadLetter(letters) => {
                tracing::warn!(component = id, table, row, "to `{letters}`: {many}{fault}");
                let letter = Delivery::letters(events, receipt.another());
                self.send(letter, letters).await?;
            }
        }
        self.component.status.add_rejected(rows);
        Ok(())
    }
}
