//! What becomes of rows that a destination will never accept: `delivery.on_reject`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Load, Session};
use crate::component::Refusal;
use crate::config::OnReject;
use crate::event::Event;
use crate::fault::{Exit, Fault};
use crate::router::Delivery;
use wlf_data::{DeadLetter, Reason};

impl Session<'_> {
    /// Does with refused rows what `delivery.on_reject` says. Their events begin at `first` in the load.
    pub(super) async fn refuse(
        &mut self,
        refused: Vec<Refusal>,
        first: usize,
        load: &Load,
    ) -> Result<(), Fault> {
        let Some(Refusal {
            event, row, fault, ..
        }) = refused.first()
        else {
            return Ok(());
        };
        let id = &self.component.id;
        let place = load.events.get(first + event);
        let table = place.map_or_else(String::new, name);
        let row = place.map_or(0, |event| event.rows.start.saturating_add(*row));
        let rows = refused.len();
        let many = if rows > 1 {
            format!("{rows} rows were refused; the first: ")
        } else {
            String::new()
        };
        match &self.component.settings.on_reject {
            OnReject::Stop => return Err(self.stop(refused)),
            OnReject::DeadLetter(letters) if letters == id => {
                let fault = self.stop(refused);
                return Err(fault.with_hint("the dead-letter dispatcher itself refused the row"));
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
        self.component.status.add_rejected(rows as u64);
        self.send_away(refused, first, load).await
    }

    /// The fault that ends the program because of the first refused row.
    fn stop(&self, refused: Vec<Refusal>) -> Fault {
        let rows = refused.len();
        let mut faults = refused.into_iter().map(|refusal| refusal.fault);
        let Some(fault) = faults.next() else {
            return Fault::stop(
                Exit::Software,
                "write",
                "a row was refused without a reason",
            );
        };
        if rows > 1 {
            tracing::warn!(component = self.component.id, "{rows} rows were refused");
        }
        if fault.hint.is_some() {
            return fault;
        }
        fault.with_hint("`delivery.on_reject` can be `skip` or `{dead_letter: <dispatcher>}`")
    }

    /// Sends refused rows to the dead-letter dispatcher or back to their source, those of a batch together.
    async fn send_away(
        &mut self,
        refused: Vec<Refusal>,
        first: usize,
        load: &Load,
    ) -> Result<(), Fault> {
        let settings = &self.component.settings;
        let mut rows: Vec<(usize, Event)> = Vec::with_capacity(refused.len());
        let are_letters = matches!(settings.on_reject, OnReject::DeadLetter(_));
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_micros();
        for refusal in refused {
            let index = first + refusal.event;
            let Some(event) = load.events.get(index) else {
                continue;
            };
            let mut event = event.clone();
            event.split_to(refusal.row);
            let mut row = event.split_to(1);
            if are_letters {
                let reason = Reason {
                    error: refusal.fault.to_string(),
                    component: self.component.id.clone(),
                    position: row.changes.place(&row).unwrap_or_default(),
                    time: i64::try_from(now).unwrap_or(i64::MAX),
                };
                row = DeadLetter::of(row, reason);
            }
            rows.push((index, row));
        }
        let same_batch =
            |a: &(usize, Event), b: &(usize, Event)| load.origin(a.0) == load.origin(b.0);
        for of_batch in rows.chunk_by(same_batch) {
            let Some(receipt) = of_batch.first().and_then(|(index, _)| load.receipt(*index)) else {
                continue;
            };
            let events: Vec<Event> = of_batch.iter().map(|(_, event)| event.clone()).collect();
            match &settings.on_reject {
                OnReject::Nack if receipt.has_token() => receipt.refuse(&events),
                OnReject::Nack => {
                    let source = "its source takes nothing back: it is read from positions";
                    return Err(Fault::stop(Exit::Config, "give a refused row back", source)
                        .with_hint("`on_reject: nack` is for queues; `skip` and `{dead_letter: <dispatcher>}` are for all"));
                }
                OnReject::DeadLetter(letters) => {
                    let doing = format!("send refused rows to `{letters}`");
                    let stop = |error| Fault::stop(Exit::Software, doing, error);
                    let delivery = Delivery::letters(events, receipt.another());
                    let sent = self.router.send_event(delivery, letters).await;
                    sent.map_err(stop)?;
                }
                OnReject::Stop | OnReject::Skip => {}
            }
        }
        Ok(())
    }
}

fn name(event: &Event) -> String {
    format!("{}.{}", event.table.database, event.table.name)
}
