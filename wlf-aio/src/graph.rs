//! The pipeline as a picture.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::ValueEnum;
use wlf_core::ComponentKind;
use wlf_core::config::{Checked, CheckedComponent, OnReject};

/// In what form the pipeline is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Mermaid, which Markdown pages show as a picture.
    #[default]
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
    /// A tree of lines.
    Text,
}

pub(crate) fn draw(checked: &Checked, format: GraphFormat) -> String {
    let graph = Graph::of(checked);
    match format {
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Text => graph.text(),
    }
}

struct Graph<'a> {
    components: &'a [CheckedComponent],
    /// From, to; by index.
    edges: Vec<(usize, usize)>,
    /// The ways of events that were refused.
    rejects: Vec<(usize, usize)>,
}

impl<'a> Graph<'a> {
    fn of(checked: &'a Checked) -> Self {
        let components = checked.components.as_slice();
        let index = |id: &String| components.iter().position(|component| component.id == *id);
        let mut edges = Vec::new();
        let mut rejects = Vec::new();
        for (from, component) in components.iter().enumerate() {
            let to = component.destinations.iter().filter_map(index);
            edges.extend(to.map(|to| (from, to)));
            if component.kind == ComponentKind::Dispatcher {
                let dead_letter = match &component.delivery.on_reject {
                    OnReject::DeadLetter(id) => index(id),
                    OnReject::Stop | OnReject::Skip | OnReject::Nack => None,
                };
                let to = dead_letter.filter(|to| *to != from);
                rejects.extend(to.map(|to| (from, to)));
            }
        }
        Self {
            components,
            edges,
            rejects,
        }
    }

    fn mermaid(&self) -> String {
        let mut out = "flowchart LR\n".to_owned();
        for (n, component) in self.components.iter().enumerate() {
            let label = format!(
                "\"{}<br/>{}\"",
                mermaid_text(&component.id),
                component.type_name
            );
            let _ = match component.kind {
                ComponentKind::Collector => writeln!(out, "    n{n}[({label})]"),
                ComponentKind::Transformer => writeln!(out, "    n{n}[{label}]"),
                ComponentKind::Dispatcher => writeln!(out, "    n{n}([{label}])"),
            };
        }
        for (from, to) in &self.edges {
            let _ = writeln!(out, "    n{from} --> n{to}");
        }
        for (from, to) in &self.rejects {
            let _ = writeln!(out, "    n{from} -. rejected .-> n{to}");
        }
        out
    }

    fn dot(&self) -> String {
        let mut out = "digraph wlf {\n    rankdir=LR;\n".to_owned();
        for (n, component) in self.components.iter().enumerate() {
            let shape = match component.kind {
                ComponentKind::Collector => "cylinder",
                ComponentKind::Transformer => "box",
                ComponentKind::Dispatcher => "oval",
            };
            let _ = writeln!(
                out,
                "    n{n} [label=\"{}\\n{}\", shape={shape}];",
                dot_text(&component.id),
                component.type_name
            );
        }
        for (from, to) in &self.edges {
            let _ = writeln!(out, "    n{from} -> n{to};");
        }
        for (from, to) in &self.rejects {
            let _ = writeln!(out, "    n{from} -> n{to} [style=dashed, label=rejected];");
        }
        out.push_str("}\n");
        out
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let mut shown = BTreeSet::new();
        let reached = |n| self.edges.iter().any(|(_, to)| *to == n);
        for (n, component) in self.components.iter().enumerate() {
            if !reached(n) {
                let _ = writeln!(out, "{} ({})", component.id, component.type_name);
                self.branches(n, "", &mut shown, &mut out);
            }
        }
        for (from, to) in &self.rejects {
            if let (Some(from), Some(to)) = (self.components.get(*from), self.components.get(*to)) {
                let _ = writeln!(out, "{}: what it rejects goes to {}", from.id, to.id);
            }
        }
        out
    }

    /// What a component leads to, each branch once.
    fn branches(&self, from: usize, indent: &str, shown: &mut BTreeSet<usize>, out: &mut String) {
        let ends = self.edges.iter().filter(|(start, _)| *start == from);
        let ends: Vec<usize> = ends.map(|(_, to)| *to).collect();
        for (n, to) in ends.iter().enumerate() {
            let Some(component) = self.components.get(*to) else {
                continue;
            };
            let last = n + 1 == ends.len();
            let (branch, below) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let leads_on = self.edges.iter().any(|(start, _)| start == to);
            let again = leads_on && !shown.insert(*to);
            let more = if again { " …" } else { "" };
            let _ = writeln!(
                out,
                "{indent}{branch}{} ({}){more}",
                component.id, component.type_name
            );
            if !again {
                self.branches(*to, &format!("{indent}{below}"), shown, out);
            }
        }
    }
}

fn mermaid_text(text: &str) -> String {
    text.replace('#', "#35;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use wlf_core::config::{Component, Delivery, Places, Problems, Settings, Source};
    use wlf_core::testing::MemoryDispatcher;

    use super::*;

    fn component(id: &str, kind: ComponentKind, destinations: &[&str]) -> CheckedComponent {
        let unused = MemoryDispatcher::new(Arc::new(Mutex::new(Vec::new())));
        CheckedComponent {
            id: id.to_owned(),
            type_name: "Type",
            kind,
            destinations: destinations.iter().map(|id| (*id).to_owned()).collect(),
            delivery: Delivery {
                on_reject: OnReject::DeadLetter("dead".to_owned()),
                ..Delivery::default()
            },
            component: Component::Dispatcher(Box::new(unused)),
            places: Places::default(),
        }
    }

    /// Two collectors, a transformer that both lead to, and a dead letter.
    fn checked() -> Checked {
        use ComponentKind::{Collector, Dispatcher, Transformer};
        Checked {
            source: "x.yaml".to_owned(),
            warnings: Problems::none(Source::new("x.yaml", "")),
            settings: Settings::default(),
            components: vec![
                component("a", Collector, &["t"]),
                component("b \"#\"", Collector, &["t", "out"]),
                component("t", Transformer, &["out"]),
                component("out", Dispatcher, &[]),
                component("dead", Dispatcher, &[]),
            ],
        }
    }

    #[test]
    fn a_branch_is_drawn_once_and_rejects_have_their_way() {
        assert_eq!(
            draw(&checked(), GraphFormat::Text),
            "\
a (Type)
└─ t (Type)
   └─ out (Type)
b \"#\" (Type)
├─ t (Type) …
└─ out (Type)
dead (Type)
out: what it rejects goes to dead
"
        );
    }

    #[test]
    fn ids_with_any_character_are_drawn() {
        let mermaid = draw(&checked(), GraphFormat::Mermaid);
        assert!(mermaid.contains("n1[(\"b #quot;#35;#quot;<br/>Type\")]\n"));
        assert!(mermaid.ends_with("    n3 -. rejected .-> n4\n"));
        let dot = draw(&checked(), GraphFormat::Dot);
        assert!(dot.contains("n1 [label=\"b \\\"#\\\"\\nType\", shape=cylinder];\n"));
        assert!(dot.contains("n3 -> n4 [style=dashed, label=rejected];\n"));
    }
}
