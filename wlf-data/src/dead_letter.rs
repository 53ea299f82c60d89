//! A row or message that a destination refused, on its way to another.

use std::sync::Arc;

use crate::event::{Changes, EncodeError, Event};
use crate::format::Encoder;
use crate::message::{HeaderList, Messages};

/// What was refused, and why: it is written as it would have been, with the headers `wlf-error`, `wlf-component` and
/// `wlf-position`, or where there are no headers inside of a JSON object.
#[derive(Debug)]
pub struct DeadLetter {
    changes: Arc<dyn Changes>,
    reason: Reason,
}

/// Why something was refused, where and when.
#[derive(Debug, Clone)]
pub struct Reason {
    pub error: String,
    /// The id of the component that refused it.
    pub component: String,
    /// Where it is in its source; empty if that is not known.
    pub position: String,
    /// When it was refused, in microseconds since 1970.
    pub time: i64,
}

impl Reason {
    pub(crate) fn headers(&self) -> HeaderList {
        let mut headers = HeaderList::default();
        headers.push("wlf-error", self.error.as_bytes());
        headers.push("wlf-component", self.component.as_bytes());
        headers.push("wlf-position", self.position.as_bytes());
        headers
    }
}

impl DeadLetter {
    /// The same event as a dead letter.
    pub fn of(mut event: Event, reason: Reason) -> Event {
        event.changes = Arc::new(Self {
            changes: event.changes,
            reason,
        });
        event
    }
}

impl Changes for DeadLetter {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.encode_letter(&self.reason, |encoder| self.changes.encode(event, encoder))
    }

    fn messages(&self) -> Option<&dyn Messages> {
        self.changes.messages()
    }

    fn place(&self, event: &Event) -> Option<String> {
        self.changes.place(event)
    }
}
