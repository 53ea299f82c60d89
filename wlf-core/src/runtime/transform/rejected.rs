//! What becomes of rows that a transformer refuses: `delivery.on_reject`, as at a dispatcher.

use super::Task;
use crate::config::OnReject;
use crate::event::{Batch, Event};
use crate::fault::Fault;
use crate::runtime::receipt::Receipt;
use crate::runtime::refusing::{Reasons, Refused, Refusing};

/// As much of a batch as is needed if all of it is refused.
pub(super) struct Kept {
    events: Vec<Event>,
    rows: u64,
}

impl Task<'_> {
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
        let error = fault.to_string();
        let first = events.first().cloned();
        let refused = events.into_iter().map(|event| Refused {
            event,
            error: error.clone(),
        });
        let mut reasons = Reasons::default();
        reasons.add(rows, || first, fault);
        self.reject_rows(refused.collect(), reasons, receipt).await
    }

    /// Does with refused events what `delivery.on_reject` says.
    pub(super) async fn reject(
        &mut self,
        rejected: Vec<(Event, Fault)>,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let mut reasons = Reasons::default();
        let mut refused = Vec::with_capacity(rejected.len());
        for (event, fault) in rejected {
            let error = fault.to_string();
            reasons.add(u64::from(event.len()), || Some(event.clone()), fault);
            refused.push(Refused { event, error });
        }
        self.reject_rows(refused, reasons, receipt).await
    }

    async fn reject_rows(
        &mut self,
        refused: Vec<Refused>,
        reasons: Reasons,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let refusing = Refusing {
            id: &self.component.id,
            on_reject: &self.component.on_reject,
            router: self.router,
            status: &self.component.status,
            refusals: &self.component.refusals,
        };
        refusing.refuse(reasons, [(receipt, refused)]).await
    }
}
