//! The pages in `docs/reference/`, made from the doc comments of the components' `Config` structs, and the schemas there,
//! which the module reads in the place of making them.

use std::fmt::Write;

use serde_json::{Value, json};
use wlf_core::ComponentKind;
use wlf_core::config::{ComponentType, settings_schema};

use crate::components::{KINDS, events, of_kind};
use crate::options::{Opt, Options, summary};
use crate::schema::shared;

/// A page of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The file's name.
    pub name: String,
    /// Markdown, or JSON.
    pub text: String,
}

/// All pages: the index with the top-level keys, one for what components share, and one for each component; and the
/// schemas of them.
pub fn pages(systems: &[&[ComponentType]]) -> Vec<Page> {
    let mut pages = vec![
        Page {
            name: "README.md".to_owned(),
            text: index(systems),
        },
        Page {
            name: "pipeline.json".to_owned(),
            text: line(&settings_schema()),
        },
        Page {
            name: "shared.md".to_owned(),
            text: shared_page(systems),
        },
        Page {
            name: "shared.json".to_owned(),
            text: line(&json!({"$defs": shared(systems)})),
        },
    ];
    for (kind, section) in KINDS {
        for component in of_kind(systems, kind) {
            pages.push(Page {
                name: format!("{}.md", component.name()),
                text: component_page(component, section),
            });
            pages.push(Page {
                name: format!("{}.json", component.name()),
                text: line(&component.schema_document().schema),
            });
        }
    }
    pages
}

const HEAD: &str = "<!-- Made from the program: `UPDATE_REFERENCE=1 cargo test -p wlf-aio reference` writes it anew. -->\n\n";

const INDEX: &str = "# Configuration

A configuration is YAML: three lists of components and some keys for the whole. `wlf-aio check` says what is wrong with
one, `wlf-aio schema` prints its JSON Schema for editors.

Every component has `id` and `type`; collectors and transformers have `destination: x` or `destinations: [x, y]`. A dispatcher may have
a [`delivery`](shared.md#delivery) of its own, with `batch` and `on_reject` as the whole pipeline's, for what is different there. Options that
many components have are told once: [shared options](shared.md).

- `${VAR}`, `${VAR:-default}` and `${file:/run/secrets/x}` are filled in after the YAML is parsed, in values only. Without
  quotes the outcome may be a number; `$${` is a literal `${`.
- A **template** is text with JSON pointers into the event as JSON: `%{/database}`, `%{/table}`, `%{/type}`,
  `%{/data/<column>}`; of a message `%{/topic}`, `%{/key}`, `%{/headers/<name>}`, `%{/ts}` and `%{/data/…}`, which points into its value.
  Text is put in without quotes, a number as it stands, NULL as `null`. A pointer that finds nothing makes the row a rejected one, unless
  it has a default: `%{/data/name:-none}`. One that finds an object or a list always does. `%%{` is a literal `%{`.
- A **pattern** is a name, a glob with `*` and `?`, or a `/regex/` that is found anywhere in the name.
- A **duration** has its unit: `500ms`, `10s`, `5m`, `1h`. A **size** is bytes or has one: `KB`, `MB`, `GB`, `KiB`, `MiB`,
  `GiB`.
- A key that begins with `x-` is not read and may hold YAML anchors.

";

fn index(systems: &[&[ComponentType]]) -> String {
    let mut out = format!("{HEAD}{INDEX}## Components\n\n");
    for (kind, section) in KINDS {
        let _ = writeln!(out, "**`{section}`**\n");
        for component in of_kind(systems, kind) {
            let name = component.name();
            let _ = writeln!(out, "- [{name}]({name}.md): {}", summary(component));
        }
        out.push('\n');
    }
    out.push_str("## The whole pipeline\n\n");
    table(&mut out, &Options::read(&settings_schema()).list);
    out
}

fn component_page(component: &ComponentType, section: &str) -> String {
    let options = Options::of_its_own(component);
    let name = component.name();
    let mut out = format!("{HEAD}# {name}\n\n{}\n\n", options.description);
    let delivery = match component.kind() {
        ComponentKind::Dispatcher => " It may have a [`delivery`](shared.md#delivery) of its own.",
        _ => "",
    };
    let _ = writeln!(
        out,
        "A {}: it stands in the list `{section}`. {}{delivery}\n",
        component.kind().name(),
        events(component)
    );
    if options.list.is_empty() {
        out.push_str("It has no options besides those that every component has.\n");
    } else {
        table(&mut out, &options.list);
    }
    out
}

const SHARED: &str = "# Shared options

What these options mean is the same wherever they are; the pages of the components say what is theirs.

";

fn shared_page(systems: &[&[ComponentType]]) -> String {
    let mut out = format!("{HEAD}{SHARED}");
    for (name, definition) in shared(systems) {
        let having: Vec<String> = (systems.iter().flat_map(|system| system.iter()))
            .filter(|component| component.schema_document().shared.contains_key(&name))
            .map(|component| format!("[{0}]({0}.md)", component.name()))
            .collect();
        let having = match having.as_slice() {
            [] => "every dispatcher".to_owned(),
            some => some.join(", "),
        };
        let _ = writeln!(out, "## {name}\n\nOf {having}.\n");
        let options = Options::read(&json!({"properties": {name: definition}}));
        table(&mut out, &options.list);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// One line: the module holds this text as it stands.
fn line(schema: &Value) -> String {
    format!("{schema}\n")
}

fn table(out: &mut String, options: &[Opt]) {
    out.push_str("| option | value | default | |\n| --- | --- | --- | --- |\n");
    for option in options {
        let default = match &option.default {
            Some(default) => default.as_str(),
            None if option.required => "**required**",
            None => "",
        };
        let form = match &option.shared {
            Some(shared) => format!("[{shared}](shared.md#{shared})"),
            None => cell(&option.form),
        };
        let _ = writeln!(
            out,
            "| `{}` | {form} | {} | {} |",
            option.name,
            cell(default),
            cell(&option.description)
        );
    }
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        match line.strip_prefix("- ") {
            Some(item) => {
                let _ = write!(out, "<br>• {item}");
            }
            None if n == 0 => out.push_str(line),
            None if line.is_empty() => out.push_str("<br>"),
            None => {
                let _ = write!(out, " {line}");
            }
        }
    }
    out.replace('|', "\\|")
}
