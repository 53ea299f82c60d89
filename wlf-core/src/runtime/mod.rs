//! Runs a pipeline and keeps its promises: acknowledgement, retry, backoff, reconnection and saved positions, once for
//! all components.

mod backoff;
mod checkpoint;
mod collect;
mod desk;
mod dispatch;
pub(crate) mod ledger;
mod numbering;
pub(crate) mod out;
mod outage;
mod pipeline;
mod probe;
pub(crate) mod receipt;
mod refusals;
mod refusing;
mod state;
pub mod status;
mod stop;
mod transform;

pub use backoff::Backoff;
pub(crate) use backoff::LONGEST_WAIT;
pub use desk::{Desk, Settled};
pub use out::{Emissions, Held, Out};
pub use pipeline::Pipeline;
pub use probe::probe;
pub use receipt::Receipt;
pub use state::{load_position, save_position};
pub use status::{ComponentStatus, ReadSoFar, Status};
pub use stop::Stop;
