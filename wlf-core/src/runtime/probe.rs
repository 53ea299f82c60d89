//! What a component finds when it connects, without a pipeline: nothing is written and nothing is consumed.

use std::time::Duration;

use tokio::time::timeout;

use crate::component::ComponentKind;
use crate::config::{CheckedComponent, Component};
use crate::fault::{Exit, Fault};
use crate::runtime::state::load_position;
use crate::store::Store;

/// How long a component may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Connects a component once and gives what it found, in the words of its [`Dispatcher::probe`](crate::Dispatcher::probe) or
/// [`Collector::probe`](crate::Collector::probe).
///
/// # Errors
/// Why it would not run: also an outage, which a pipeline would wait for the end of.
pub async fn probe(
    component: &mut CheckedComponent,
    store: Option<&dyn Store>,
) -> Result<Vec<String>, Fault> {
    let id = component.id.clone();
    let found = async {
        match &mut component.component {
            Component::Collector(collector) => {
                let after = match store {
                    Some(store) => load_position(store, &id).await?,
                    None => None,
                };
                let mut found = collector.probe(after.as_ref()).await?;
                found.extend(collector.session());
                if let Some(position) = collector.position() {
                    let word = if after.is_some() { "goes on" } else { "begins" };
                    found.push(format!("{word} at {position}"));
                }
                Ok(found)
            }
            Component::Dispatcher(dispatcher) => {
                let mut found = dispatcher.probe().await?;
                found.extend(dispatcher.session());
                Ok(found)
            }
            Component::Transformer(_) => Ok(Vec::new()),
            Component::Custom(component) => Ok(match component.kind() {
                ComponentKind::Transformer => Vec::new(),
                ComponentKind::Collector | ComponentKind::Dispatcher => {
                    vec!["it cannot be asked without being run".to_owned()]
                }
            }),
        }
    };
    match timeout(PATIENCE, found).await {
        Ok(found) => found,
        Err(_) => {
            let why = format!("there is no answer within {} s", PATIENCE.as_secs());
            Err(Fault::stop(Exit::Unavailable, "connect", why)
                .with_hint("check host and port, and that no firewall swallows the packets"))
        }
    }
}
