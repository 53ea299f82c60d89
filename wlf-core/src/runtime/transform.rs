//! Runs a [`Transformer`].

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::component::{ComponentApi, ComponentKind, Transformer};
use crate::router::{EventRouter, RouterError};
use crate::runtime::status::ComponentStatus;

/// A [`Transformer`] with the duties that the runtime takes from it.
pub(crate) struct Transforming {
    pub id: String,
    pub destinations: Vec<String>,
    pub transformer: Mutex<Box<dyn Transformer>>,
    pub status: Arc<ComponentStatus>,
}

#[async_trait]
impl ComponentApi for Transforming {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transformer
    }

    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>> {
        let mut transformer = self.transformer.lock().await;
        loop {
            let mut delivery = match router.poll_event(&self.id).await {
                Ok(delivery) => delivery,
                Err(RouterError::Closed { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            // A batch that became empty goes on all the same: it may carry the end of a transaction.
            delivery.batch = transformer.apply(delivery.batch)?;
            self.status.add(delivery.batch.rows(), 0);
            router.send_to_all(delivery, &self.destinations).await?;
        }
    }
}
