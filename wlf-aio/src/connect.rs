//! `check --connect`: logs in to everything and says what is there.

use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::join_all;
use wlf_core::config::Checked;
use wlf_core::runtime::probe;
use wlf_core::store::try_folder;
use wlf_core::{ComponentKind, Exit, Fault, FileStore, Store, Unchanged};

use crate::{output, report};

/// Connects all components at once, tells what each found and what is wrong, and ends as a run would with the first of that.
pub(crate) fn connect(checked: Checked) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::stop(Exit::Io, "start the runtime", error));
    let found = runtime.and_then(|runtime| {
        runtime.block_on(async {
            // As a task, as a run is: else each wake costs a poll of all sockets.
            let found = tokio::spawn(all(checked)).await;
            found.map_err(|error| Fault::stop(Exit::Software, "connect", error))
        })
    });
    let found = match found {
        Ok(found) => found,
        Err(fault) => return report::fault(&fault),
    };
    let mut code = None;
    for Part { name, found } in found {
        match found {
            Ok(words) => {
                let printed = output::print(&format!("{name}: {}\n", words.join("; ")));
                if printed != ExitCode::SUCCESS {
                    return printed;
                }
            }
            Err((fault, place)) => {
                let its = report::fault_at(&fault, &format!("{place}   {name}"));
                code.get_or_insert(its);
            }
        }
    }
    code.unwrap_or(ExitCode::SUCCESS)
}

/// A part of the configuration, and what it found or why it would not run, with the place to look at.
struct Part {
    name: String,
    found: Result<Vec<String>, (Fault, String)>,
}

/// What each part found, in the order of the configuration.
async fn all(mut checked: Checked) -> Vec<Part> {
    let state = checked.settings.state.take();
    let directory = state.map(|state| state.directory);
    let store: Option<Arc<dyn Store>> = directory.as_ref().map(|directory| {
        let store: Arc<dyn Store> = Arc::new(FileStore::new(directory));
        Arc::new(Unchanged(store)) as Arc<dyn Store>
    });
    let mut all = Vec::new();
    if let Some(directory) = &directory {
        let shown = directory.display();
        let found = match try_folder(directory) {
            Ok(true) => Ok(vec![format!("{shown} can be written")]),
            Ok(false) => Ok(vec![format!("{shown} can be made")]),
            Err(error) => Err(Fault::stop(
                Exit::Io,
                format!("open the state directory {shown}"),
                error,
            )
            .with_hint("state.directory must be writable; under WasmEdge it must also lie below a --dir that is mounted")),
        };
        all.push(Part {
            name: "state".to_owned(),
            found: found.map_err(|fault| (fault, checked.source.clone())),
        });
    }
    let probes = checked
        .components
        .iter_mut()
        .filter(|component| component.kind != ComponentKind::Transformer)
        .map(|component| {
            let name = format!("{} ({})", component.id, component.type_name);
            let store = store.as_deref();
            async move {
                let found = probe(component, store).await.map(|mut words| {
                    if words.is_empty() {
                        words.push("nothing to connect to".to_owned());
                    }
                    words
                });
                let found = found.map_err(|fault| {
                    let place = component.places.of_fault(&fault);
                    (fault, place)
                });
                Part { name, found }
            }
        });
    all.extend(join_all(probes).await);
    all
}
