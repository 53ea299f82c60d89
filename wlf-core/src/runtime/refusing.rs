//! What becomes of rows that a component will never accept: `delivery.on_reject`, for dispatchers and transformers alike.

use std::time::{SystemTime, UNIX_EPOCH};

use wlf_data::{DeadLetter, Reason};

use crate::config::OnReject;
use crate::event::Event;
use crate::fault::{Exit, Fault};
use crate::router::{Delivery, EventRouter};
use crate::runtime::receipt::Receipt;
use crate::runtime::refusals::Refusals;
use crate::runtime::status::ComponentStatus;

/// Who refuses rows, and what is to be done about it.
pub(super) struct Refusing<'a> {
    pub id: &'a str,
    pub on_reject: &'a OnReject,
    pub router: &'a EventRouter,
    pub status: &'a ComponentStatus,
    pub refusals: &'a Refusals,
}

/// Why rows are refused, the first first.
#[derive(Default)]
pub(super) struct Reasons {
    list: Vec<Because>,
}

/// Rows that are refused for one reason, of which `first` is one.
struct Because {
    rows: u64,
    first: Option<Event>,
    fault: Fault,
}

impl Reasons {
    /// Adds rows: to those before, if the reason is the same.
    pub fn add(&mut self, rows: u64, first: impl FnOnce() -> Option<Event>, fault: Fault) {
        if let Some(last) = self.list.last_mut()
            && last.fault.to_string() == fault.to_string()
        {
            last.rows += rows;
            return;
        }
        let first = first();
        self.list.push(Because { rows, first, fault });
    }
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

    /// Does with refused rows what `delivery.on_reject` says. `of_batches` are all of them, those of a batch together with its
    /// receipt, if they are needed.
    pub async fn refuse<'r>(
        &self,
        Reasons { list }: Reasons,
        of_batches: impl IntoIterator<Item = (&'r Receipt, Vec<Refused>)>,
    ) -> Result<(), Fault> {
        if list.is_empty() {
            return Ok(());
        }
        let id = self.id;
        let rows = list.iter().map(|reason| reason.rows).sum();
        let what = match self.on_reject {
            OnReject::Stop => return self.stop(rows, list),
            OnReject::DeadLetter(letters) if letters == id => {
                return self.stop(rows, list).map_err(|fault| {
                    fault.with_hint("the dead-letter dispatcher itself refused the row")
                });
            }
            OnReject::Nack => "given back to its source".to_owned(),
            OnReject::Skip => "skipped".to_owned(),
            OnReject::DeadLetter(letters) => format!("sent to `{letters}`"),
        };
        for Because { rows, first, fault } in &list {
            self.refusals.add(id, &what, *rows, first.as_ref(), fault);
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

    /// The fault that ends the program because of the first refused row; without one there is nothing to end for.
    fn stop(&self, rows: u64, list: Vec<Because>) -> Result<(), Fault> {
        let Some(Because { first, fault, .. }) = list.into_iter().next() else {
            return Ok(());
        };
        if rows > 1 {
            tracing::warn!(component = self.id, "{rows} rows were refused");
        }
        let row = self.refusals.example(self.id, first.as_ref(), &fault);
        let help = fault.hint.as_deref();
        let help =
            help.unwrap_or("`delivery.on_reject` can be `skip` or `{dead_letter: <dispatcher>}`");
        let help = match row.in_words() {
            words if words.is_empty() => help.to_owned(),
            words => format!("{help}; the row: {words}"),
        };
        Err(fault.with_hint(help))
    }
}
