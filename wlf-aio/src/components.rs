//! What the program contains, and the command that shows it.

use std::fmt::Write;

use wlf_core::ComponentKind;
use wlf_core::config::{ComponentType, EventKinds};

use crate::options::{Options, summary};

/// The components of this program, by the system that they belong to, each of which is a feature of this crate. Everything
/// follows from this list: what a file may name, `components`, `schema` and the pages in `docs/reference/`.
pub const SYSTEMS: &[&[ComponentType]] = &[
    #[cfg(feature = "mysql")]
    wlf_mysql::COMPONENTS,
    #[cfg(feature = "transform")]
    wlf_transform::COMPONENTS,
    #[cfg(feature = "kafka")]
    wlf_kafka::COMPONENTS,
    #[cfg(feature = "redis")]
    wlf_redis::COMPONENTS,
    #[cfg(feature = "nats")]
    wlf_nats::COMPONENTS,
    #[cfg(feature = "local")]
    wlf_local::COMPONENTS,
];

/// The three kinds in the order of a file's sections, with the section's name.
pub(crate) const KINDS: [(ComponentKind, &str); 3] = [
    (ComponentKind::Collector, "collectors"),
    (ComponentKind::Transformer, "transformers"),
    (ComponentKind::Dispatcher, "dispatchers"),
];

/// All types of one kind.
pub(crate) fn of_kind<'a>(
    systems: &'a [&'a [ComponentType]],
    kind: ComponentKind,
) -> impl Iterator<Item = &'a ComponentType> {
    systems
        .iter()
        .flat_map(|system| system.iter())
        .filter(move |component| component.kind() == kind)
}

/// Finds a type by its name.
pub(crate) fn find<'a>(
    systems: &'a [&'a [ComponentType]],
    name: &str,
) -> Option<&'a ComponentType> {
    let mut all = systems.iter().flat_map(|system| system.iter());
    all.find(|component| component.name() == name)
}

/// All components, with what each does in a sentence.
pub(crate) fn overview(systems: &[&[ComponentType]]) -> String {
    let all = || systems.iter().flat_map(|system| system.iter());
    let width = all().map(|component| component.name().len()).max();
    let width = width.unwrap_or_default();
    let mut out = String::new();
    for (kind, section) in KINDS {
        let _ = writeln!(out, "{section}:");
        for component in of_kind(systems, kind) {
            let _ = writeln!(out, "  {:width$}  {}", component.name(), summary(component));
        }
    }
    out.push_str("\n`components NAME` shows the options of one.\n");
    out
}

/// Which events the component takes and gives, in a sentence.
pub(crate) fn events(component: &ComponentType) -> String {
    let (takes, gives) = (component.takes().name(), component.gives());
    match (component.kind(), gives) {
        (ComponentKind::Collector, gives) => {
            format!("It gives {}.", gives.unwrap_or(EventKinds::Both).name())
        }
        (ComponentKind::Transformer, Some(gives)) => {
            format!("It takes {takes} and gives {}.", gives.name())
        }
        _ => format!("It takes {takes}."),
    }
}

/// One component and its options.
pub(crate) fn detail(component: &ComponentType) -> String {
    let options = Options::of(component);
    let mut out = format!(
        "{} ({})\n\n{}\n\n{}\n",
        component.name(),
        component.kind().name(),
        options.description,
        events(component)
    );
    for option in &options.list {
        let _ = write!(out, "\n{}: {}", option.name, option.form);
        match &option.default {
            Some(default) => {
                let _ = write!(out, ", by default {default}");
            }
            None if option.required => out.push_str(", required"),
            None => {}
        }
        out.push('\n');
        for line in option.description.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    if options.list.is_empty() {
        out.push_str("\nIt has no options of its own.\n");
    }
    out
}
