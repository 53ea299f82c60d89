//! Whether the components, by their destinations, make a pipeline.

use std::collections::{BTreeMap, BTreeSet};

use super::closest;
use super::outline::{Declared, Word};
use super::problem::Problem;
use crate::component::ComponentKind;

/// Where the dead letters of a dispatcher or transformer go.
#[derive(Debug)]
pub(crate) struct DeadLetters<'a> {
    /// The component's index.
    pub from: usize,
    pub to: Word<'a>,
    /// The part of the file that says it.
    pub part: String,
}

/// Looks at all components at once; what is wrong goes to `problems`.
pub(crate) fn check_graph<'a>(
    components: &[Declared<'a>],
    letters: &[DeadLetters<'a>],
    problems: &mut Vec<Problem>,
) {
    let mut graph = Graph::default();
    graph.add_ids(components, problems);
    graph.add_edges(components, problems);
    graph.add_dead_letters(components, letters, problems);
    graph.find_cycles(components, problems);
    graph.find_unreached(components, problems);
}

/// Components by their index.
#[derive(Default)]
struct Graph<'a> {
    by_id: BTreeMap<&'a str, usize>,
    /// The indexes that each component leads to.
    edges: Vec<Vec<usize>>,
    /// What is reached by other ways than edges.
    also_reached: BTreeSet<usize>,
}

impl<'a> Graph<'a> {
    fn add_ids(&mut self, components: &[Declared<'a>], problems: &mut Vec<Problem>) {
        for (index, component) in components.iter().enumerate() {
            let Some(id) = component.id else { continue };
            let Some(first) = self.by_id.get(id.text).and_then(|at| components.get(*at)) else {
                self.by_id.insert(id.text, index);
                continue;
            };
            let line = first.id.map_or(0, |id| id.span.line);
            problems.push(
                Problem::new(id.span, format!("the id `{}` is given twice", id.text))
                    .part(component.part.as_str())
                    .label(format!("first given at line {line}")),
            );
            self.also_reached.insert(index);
        }
    }

    fn add_edges(&mut self, components: &[Declared<'a>], problems: &mut Vec<Problem>) {
        for component in components {
            let mut edges = Vec::new();
            for destination in &component.destinations {
                let at = self.by_id.get(destination.text).copied();
                match at.and_then(|at| Some((at, components.get(at)?))) {
                    Some((at, target)) if target.kind != ComponentKind::Collector => edges.push(at),
                    Some(_) => problems.push(
                        Problem::new(
                            destination.span,
                            format!("`{}` is a collector and takes no events", destination.text),
                        )
                        .part(component.part.as_str())
                        .label("name a transformer or a dispatcher"),
                    ),
                    None => {
                        let candidates = components
                            .iter()
                            .filter(|target| target.kind != ComponentKind::Collector)
                            .filter_map(|target| target.id);
                        let unknown = self.unknown(*destination, candidates);
                        problems.push(unknown.part(component.part.as_str()));
                    }
                }
            }
            self.edges.push(edges);
        }
    }

    /// An id that no component has. What it was likely meant to be counts as reached, so that one slip is one error.
    fn unknown(
        &mut self,
        id: Word<'_>,
        candidates: impl Iterator<Item = Word<'a>> + Clone,
    ) -> Problem {
        let message = format!("no component has the id `{}`", id.text);
        let label = match closest(id.text, candidates.clone().map(|word| word.text)) {
            Some(closest) => {
                self.also_reached.extend(self.by_id.get(closest));
                format!("did you mean `{closest}`?")
            }
            None => {
                let ids: Vec<&str> = candidates.map(|word| word.text).collect();
                if ids.is_empty() {
                    String::new()
                } else {
                    format!("the ids are {}", super::read_error::list(&ids))
                }
            }
        };
        Problem::new(id.span, message).label(label)
    }

    fn add_dead_letters(
        &mut self,
        components: &[Declared<'a>],
        letters: &[DeadLetters<'a>],
        problems: &mut Vec<Problem>,
    ) {
        let mut told = BTreeSet::new();
        for DeadLetters { to, part, .. } in letters {
            if told.insert(to.span) {
                self.add_dead_letter(components, *to, part, problems);
            }
        }
        let next = |from: usize| -> Option<usize> {
            let to = letters.iter().find(|letters| letters.from == from)?;
            self.by_id.get(to.to.text).copied().filter(|to| *to != from)
        };
        for letters in letters {
            let mut at = next(letters.from);
            let mut steps = 0;
            while let Some(step) = at.filter(|_| steps <= components.len()) {
                if step == letters.from {
                    let message =
                        format!("dead letters that go to `{}` come back", letters.to.text);
                    problems.push(
                        Problem::new(letters.to.span, message)
                            .part(letters.part.as_str())
                            .label(
                                "name a dispatcher whose own dead letters go elsewhere, or stop",
                            ),
                    );
                    break;
                }
                at = next(step);
                steps += 1;
            }
        }
    }

    fn add_dead_letter(
        &mut self,
        components: &[Declared<'a>],
        id: Word<'_>,
        part: &str,
        problems: &mut Vec<Problem>,
    ) {
        let at = self.by_id.get(id.text).copied();
        match at.and_then(|at| Some((at, components.get(at)?))) {
            Some((at, target)) if target.kind == ComponentKind::Dispatcher => {
                self.also_reached.insert(at);
            }
            Some((_, target)) => problems.push(
                Problem::new(
                    id.span,
                    format!(
                        "`{}` is a {}, not a dispatcher",
                        id.text,
                        target.kind.name()
                    ),
                )
                .part(part)
                .label("name a dispatcher"),
            ),
            None => {
                let dispatchers = components
                    .iter()
                    .filter(|target| target.kind == ComponentKind::Dispatcher)
                    .filter_map(|target| target.id);
                let unknown = self.unknown(id, dispatchers);
                problems.push(unknown.part(part));
            }
        }
    }

    fn find_cycles(&self, components: &[Declared<'a>], problems: &mut Vec<Problem>) {
        let mut done = BTreeSet::new();
        for start in 0..components.len() {
            // The way from `start` to where we are, with the next edge to try at each.
            let mut way = vec![(start, 0)];
            while let Some((at, next)) = way.last_mut() {
                let (from, edge) = (*at, *next);
                *next += 1;
                let target = self.edges.get(from).and_then(|edges| edges.get(edge));
                match target {
                    _ if done.contains(&from) => {
                        way.pop();
                    }
                    None => {
                        done.insert(from);
                        way.pop();
                    }
                    Some(target) => match way.iter().position(|(on_way, _)| on_way == target) {
                        None => way.push((*target, 0)),
                        Some(begin) => {
                            let circle: Vec<usize> =
                                way.iter().skip(begin).map(|(at, _)| *at).collect();
                            problems.extend(cycle(components, &circle));
                        }
                    },
                }
            }
        }
    }

    /// Names what no collector leads to; of a whole unreached branch only its beginning.
    fn find_unreached(&self, components: &[Declared<'a>], problems: &mut Vec<Problem>) {
        let is_collector = |at: &usize| {
            components
                .get(*at)
                .is_some_and(|component| component.kind == ComponentKind::Collector)
        };
        if !(0..components.len()).any(|at| is_collector(&at)) {
            return;
        }
        let led_to = |at| self.edges.iter().flatten().any(|to| *to == at);
        for (at, component) in components.iter().enumerate() {
            let reached = is_collector(&at) || led_to(at) || self.also_reached.contains(&at);
            if reached {
                continue;
            }
            // Without an id nothing can lead to it, and that it has none is told already.
            let Some(id) = component.id else { continue };
            problems.push(
                Problem::new(id.span, format!("nothing leads to `{}`", id.text))
                    .part(component.part.as_str())
                    .label("no component names it as a destination"),
            );
        }
    }
}

/// The problem of a circle of components, at the destination that closes it.
fn cycle(components: &[Declared<'_>], circle: &[usize]) -> Option<Problem> {
    let ids: Vec<&str> = circle
        .iter()
        .filter_map(|at| components.get(*at)?.id)
        .map(|id| id.text)
        .collect();
    let (first, last) = (*ids.first()?, components.get(*circle.last()?)?);
    let closing = last.destinations.iter().find(|word| word.text == first)?;
    let message = if ids.len() == 1 {
        format!("`{first}` leads to itself")
    } else {
        format!("events would go in a circle: {} → {first}", ids.join(" → "))
    };
    Some(
        Problem::new(closing.span, message)
            .part(last.part.as_str())
            .label("name a component further on, in the end a dispatcher"),
    )
}
