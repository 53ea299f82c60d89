//! What becomes of rows that a component will never accept: `delivery.on_reject`, for dispatchers and transformers alike.

use std::time::{SystemTime, UNIX_EPOCH};

use wlf_data::{DeadLetter, Reason};

use crate::config::OnReject;
use crate::event::Event;
use crate::fault::{Exit, Fault};
use crate::router::{Delivery, EventRouter};
use crate::runtime::receipt::Receipt;
use crate::runtime::status::ComponentStatus;

/// Who refuses rows, and what is to be done about it.
pub(super) struct Refusing<'a> {
    pub id: &'a str,
    pub on_reject: &'a OnReject,
    pub router: &'a EventRouter,
    pub status: &'a ComponentStatus,
}

/// Rows that are refused for one reason.
pub(super) struct Refused {
    pub event: Event,
    pub error: String,
}

impl Refusing<'_> {
    /// Whether the refused rows themselves are needed: all go somewhere.
    pub fn needs_rows(&self) -> bool {
        match self.on_reject {
            OnReject::DeadLetter(letters) => letters != self.id,
            OnReject::Nack => true,
            OnReject::Stop | OnReject::Skip => false,
        }
    }

    /// Does with refused rows what `delivery.on_reject` says: `rows` of them, the first of which is `first`, with its fault.
    /// `of_batches` are all of them, those of a batch together with its receipt, if they are needed.
    pub async fn refuse<'r>(
        &self,
        rows: u64,
        first: Option<&Event>,
        fault: Fault,
        of_batches: impl IntoIterator<Item = (&'r Receipt, Vec<Refused>)>,
    ) -> Result<(), Fault> {
        let id = self.id;
        let table = first.map_or_else(String::new, |event| {
            format!("{}.{}", event.table.database, event.table.name)
        });
        let row = first.map_or(0, |event| event.rows.start);
        let many = match rows {
            0 | 1 => String::new(),
            rows => format!("{rows} rows were refused; the first: "),
        };
        match self.on_reject {
            OnReject::Stop => return Err(stop(id, rows, fault)),
            OnReject::DeadLetter(letters) if letters == id => {
                return Err(stop(id, rows, fault)
                    .with_hint("the dead-letter dispatcher itself refused the row"));
            }
            OnReject::Nack => {
                tracing::warn!(component = id, table, row, "to its source: {many}{fault}");
            }
            OnReject::Skip => {
                tracing::warn!(component = id, table, row, "skipped a row: {many}{fault}");
            }
            OnReject::DeadLetter(letters) => {
                tracing::warn!(component = id, table, row, "to `{letters}`: {many}{fault}");
            }
        }
        self.status.add_rejected(rows);
        if self.needs_rows() {
            for (receipt, refused) in of_batches {
                self.send_away(receipt, refused).await?;
            }
        }
        Ok(())
    }

    /// Sends refused rows of one batch to the dead-letter dispatcher, or back to their source.
    async fn send_away(&self, receipt: &Receipt, refused: Vec<Refused>) -> Result<(), Fault> {
        match self.on_reject {
            OnReject::Nack if receipt.has_token() => {
                let events: Vec<Event> = refused.into_iter().map(|refused| refused.event).collect();
                receipt.refuse(&events);
                Ok(())
            }
            OnReject::Nack => {
                let source = "its source takes nothing back: it is read from positions";
                Err(Fault::stop(Exit::Config, "give a refused row back", source).with_hint(
                    "`on_reject: nack` is for queues; `skip` and `{dead_letter: <dispatcher>}` are for all",
                ))
            }
            OnReject::DeadLetter(letters) => {
                let letter = |refused: Refused| self.letter(refused);
                let letters_of_batch = refused.into_iter().map(letter).collect();
                let delivery = Delivery::letters(letters_of_batch, receipt.another());
                let sent = self.router.send_event(delivery, letters).await;
                sent.map_err(|error| {
                    let doing = format!("send refused rows to `{letters}`");
                    Fault::stop(Exit::Software, doing, error)
                })
            }
            OnReject::Stop | OnReject::Skip => Ok(()),
        }
    }

    fn letter(&self, Refused { event, error }: Refused) -> Event {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_micros();
        let reason = Reason {
            error,
            component: self.id.to_owned(),
            position: event.changes.place(&event).unwrap_or_default(),
            time: i64::try_from(now).unwrap_or(i64::MAX),
        };
        DeadLetter::of(event, reason)
    }
}

/// The fault that ends the program because of the first refused row.
fn stop(id: &str, rows: u64, fault: Fault) -> Fault {
    if rows > 1 {
        tracing::warn!(component = id, "{rows} rows were refused");
    }
    if fault.hint.is_some() {
        return fault;
    }
    fault.with_hint("`delivery.on_reject` can be `skip` or `{dead_letter: <dispatcher>}`")
}
