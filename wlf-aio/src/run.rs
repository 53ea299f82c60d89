//! The last step: a pipeline that was checked runs.

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::{Either, select};

use wlf_core::config::{Checked, LogFormat};
use wlf_core::runtime::Pipeline;
use wlf_core::{Exit, Fault};
use wlf_core::{FileStore, Store};

use crate::progress::Reporter;
use crate::{interpreted, report};

/// Runs until every collector has ended and everything is delivered, or until a person must act.
pub(crate) fn run(checked: Checked) -> ExitCode {
    let json = checked.settings.log.format == LogFormat::Json;
    match interpreted::warning() {
        Some(warning) if json => tracing::warn!("{warning}"),
        Some(warning) if tracing::enabled!(tracing::Level::WARN) => report::say(&warning),
        Some(_) | None => {}
    }
    for warning in checked.warnings.lines() {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::stop(Exit::Io, "start the runtime", error));
    match runtime.and_then(|runtime| runtime.block_on(in_task(pipeline(checked)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) if json => report::logged_fault(&fault),
        Err(fault) => report::fault(&fault),
    }
}

/// Runs the pipeline as a task: in a guest each wake of what `block_on` itself waits for costs a poll of all sockets, that of a
/// task costs nothing.
async fn in_task(
    pipeline: impl Future<Output = Result<(), Fault>> + Send + 'static,
) -> Result<(), Fault> {
    match tokio::spawn(pipeline).await {
        Ok(result) => result,
        Err(error) => Err(Fault::stop(Exit::Software, "run the pipeline", error)),
    }
}

async fn pipeline(checked: Checked) -> Result<(), Fault> {
    let settings = checked.settings;
    let store: Option<Arc<dyn Store>> = match &settings.state {
        Some(state) => {
            let store = FileStore::new(&state.directory);
            store.open()?;
            Some(Arc::new(store))
        }
        None => {
            tracing::info!(
                "no `state.directory` is configured: each run begins at the `start` of its collectors"
            );
            None
        }
    };
    let mut pipeline = Pipeline::new(settings.delivery, store);
    for component in checked.components {
        let id = component.id;
        pipeline
            .add_with(
                &id,
                component.component,
                component.destinations,
                component.delivery,
            )
            .map_err(|error| Fault::stop(Exit::Software, format!("add `{id}`"), error))?;
        pipeline.add_places(&id, component.places);
    }
    let json = settings.log.format == LogFormat::Json;
    let mut reporter = Reporter::new(pipeline.status(), json);
    let result = {
        let running = pin!(pipeline.run());
        let reporting = pin!(reporter.run());
        match select(running, reporting).await {
            Either::Left((result, _)) => result,
            Either::Right(((), running)) => running.await,
        }
    };
    reporter.summary();
    result
}
