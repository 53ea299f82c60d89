//! The rows of a write that the destination will never accept.

use super::{Load, Task};
use crate::component::Refusal;
use crate::event::Event;
use crate::fault::Fault;
use crate::runtime::refusing::{Reasons, Refused, Refusing};

impl Task<'_> {
    /// Does with refused rows what `delivery.on_reject` says. Their events begin at `first` in the load.
    pub(super) async fn refuse(
        &mut self,
        refused: Vec<Refusal>,
        first: usize,
        load: &Load,
    ) -> Result<(), Fault> {
        let refusing = Refusing {
            id: &self.component.id,
            on_reject: &self.component.settings.on_reject,
            router: self.router,
            status: &self.component.status,
            refusals: &self.component.refusals,
        };
        let mut events: Vec<(usize, Refused)> = Vec::new();
        for refusal in refused.iter().filter(|_| refusing.needs_rows()) {
            let index = first + refusal.event;
            if let Some(event) = row(load, index, refusal.row) {
                let error = refusal.fault.to_string();
                events.push((index, Refused { event, error }));
            }
        }
        let mut reasons = Reasons::default();
        for refusal in refused {
            let place = || row(load, first + refusal.event, refusal.row);
            reasons.add(1, place, refusal.fault);
        }
        let mut of_batches: Vec<(usize, Vec<Refused>)> = Vec::new();
        for (index, refused) in events {
            let origin = load.origin(index);
            match of_batches.last_mut() {
                Some((last, rows)) if load.origin(*last) == origin => rows.push(refused),
                _ => of_batches.push((index, vec![refused])),
            }
        }
        let of_batches = of_batches
            .into_iter()
            .filter_map(|(index, rows)| Some((load.receipt(index)?, rows)));
        refusing.refuse(reasons, of_batches).await
    }
}

/// A row of an event in the load.
fn row(load: &Load, index: usize, row: u32) -> Option<Event> {
    let mut event = load.events.get(index)?.clone();
    event.split_to(row);
    Some(event.split_to(1))
}
