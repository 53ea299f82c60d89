//! Whether every component is given only such events as it takes: rows, messages or both.

use std::collections::{BTreeMap, BTreeSet};

use super::component_type::ComponentType;
use super::event_kinds::EventKinds;
use super::graph::DeadLetters;
use super::outline::{Declared, Word};
use super::problem::Problem;
use crate::component::ComponentKind;

/// Follows what the collectors give through the whole pipeline; what a component does not take goes to `problems`.
pub(crate) fn check_flow(
    components: &[Declared<'_>],
    letters: &[DeadLetters<'_>],
    problems: &mut Vec<Problem>,
) {
    let ways = ways(components, letters);
    let mut arrive = vec![None; components.len()];
    // What arrives only ever becomes more, so that this ends even where components lead in a circle.
    loop {
        let mut more = false;
        for way in &ways {
            let given = gives(components, &arrive, way);
            if let (Some(given), Some(slot)) = (given, arrive.get_mut(way.to)) {
                let all = given.with(*slot);
                more |= *slot != Some(all);
                *slot = Some(all);
            }
        }
        if !more {
            break;
        }
    }
    // All may send their dead letters to the one that the file names once.
    let mut told = BTreeSet::new();
    problems.extend(ways.iter().filter_map(|way| {
        let given = gives(components, &arrive, way)?;
        wrong(components, way, given).filter(|_| told.insert(way.named.span))
    }));
}

/// From a component to one that its file names.
struct Way<'a> {
    from: usize,
    to: usize,
    named: Word<'a>,
    part: &'a str,
    /// What `from` refuses goes there, and not what it gives.
    is_refused: bool,
}

fn ways<'a>(components: &'a [Declared<'a>], letters: &'a [DeadLetters<'a>]) -> Vec<Way<'a>> {
    let ids = components.iter().enumerate();
    let ids = ids.filter_map(|(at, component)| Some((component.id?.text, at)));
    let by_id: BTreeMap<&str, usize> = ids.collect();
    let way = |from, named: Word<'a>, part, is_refused| {
        let to = *by_id.get(named.text)?;
        Some(Way {
            from,
            to,
            named,
            part,
            is_refused,
        })
    };
    let mut ways = Vec::new();
    for (from, component) in components.iter().enumerate() {
        let part = component.part.as_str();
        let named = component.destinations.iter();
        ways.extend(named.filter_map(|named| way(from, *named, part, false)));
    }
    // A dispatcher whose own dead letters would come to itself has none.
    let letters = letters.iter();
    let letters = letters.filter_map(|letter| way(letter.from, letter.to, &letter.part, true));
    ways.extend(letters.filter(|way| way.from != way.to));
    ways
}

/// What a component gives on a way, as far as is known what arrives at it.
fn gives(
    components: &[Declared<'_>],
    arrive: &[Option<EventKinds>],
    way: &Way<'_>,
) -> Option<EventKinds> {
    let from = components.get(way.from)?;
    let kind = from.component_type?;
    let gives = kind.gives();
    if from.kind == ComponentKind::Collector {
        return Some(gives.unwrap_or(EventKinds::Both));
    }
    let taken = (*arrive.get(way.from)?)?.among(kind.takes())?;
    match gives {
        Some(gives) if !way.is_refused => Some(gives),
        _ => Some(taken),
    }
}

/// What is wrong with what a component is given on a way.
fn wrong(components: &[Declared<'_>], way: &Way<'_>, given: EventKinds) -> Option<Problem> {
    let to: &ComponentType = components.get(way.to)?.component_type?;
    let surplus = given.without(to.takes())?;
    let from = components.get(way.from)?;
    let id = from.id.map_or("", |id| id.text);
    let given = match way.is_refused {
        true => format!("the dead letters of `{id}` are {}", surplus.name()),
        false => format!("`{id}` gives {}", surplus.name()),
    };
    let (named, takes) = (way.named.text, to.takes().name());
    let message = format!("{given}, and `{named}` takes {takes} alone");
    let label = format!("a `{}` can do nothing with {}", to.name(), surplus.name());
    Some(
        Problem::new(way.named.span, message)
            .part(way.part)
            .label(label),
    )
}
