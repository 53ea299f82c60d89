//! Rules that are right by themselves and do not do what they look like.

use wlf_core::config::{Invalid, Pattern};

use super::{Rule, TableNames};

/// What looks wrong with the rules, each at its place.
pub(super) fn of(rules: &[Rule]) -> Vec<Invalid> {
    let mut doubts = Vec::new();
    if !rules.is_empty() && !rules.iter().any(is_exclude) {
        let message = "no rule excludes anything, so all tables pass";
        let hint = "to let only these pass, begin with `- exclude: {database: \"*\"}`";
        doubts.push(Invalid::new("rules", message).with_hint(hint));
    } else {
        doubts.extend(ineffective(rules));
    }
    for (index, rule) in rules.iter().enumerate() {
        let word = if is_exclude(rule) {
            "exclude"
        } else {
            "include"
        };
        let TableNames { database, table } = rule.tables();
        for (key, pattern) in [("database", database), ("table", table)] {
            if let Some((message, hint)) = pattern.as_ref().and_then(|name| odd(key, name)) {
                let place = format!("rules[{index}].{word}.{key}");
                doubts.push(Invalid::new(place, message).with_hint(hint));
            }
        }
    }
    doubts
}

fn is_exclude(rule: &Rule) -> bool {
    matches!(rule, Rule::Exclude(_))
}

/// Rules that never decide, or decide what would be so without them.
fn ineffective(rules: &[Rule]) -> Vec<Invalid> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let (before, from) = rules.split_at(index);
        let later = from.iter().skip(1);
        let place = || format!("rules[{index}]");
        if later.clone().any(|later| covers(later, rule)) {
            let message = "a later rule decides for all tables of this one";
            let hint = "the last rule that matches decides: put the rule for more tables first";
            doubts.push(Invalid::new(place(), message).with_hint(hint));
        } else if !is_exclude(rule) && !before.iter().any(is_exclude) {
            let message = "no rule before this one excludes anything, so it changes nothing";
            let hint = "the last rule that matches decides: put `exclude` first";
            doubts.push(Invalid::new(place(), message).with_hint(hint));
        }
    }
    doubts
}

fn covers(rule: &Rule, other: &Rule) -> bool {
    let (all, some) = (rule.tables(), other.tables());
    let covers = |all: &Option<Pattern>, some: &Option<Pattern>| match (all, some) {
        (None, _) => true,
        (Some(all), Some(some)) => all.covers(some),
        // Anything: what covers it covers a name that nobody has, too.
        (Some(all), None) => "*".parse().is_ok_and(|any| all.covers(&any)),
    };
    covers(&all.database, &some.database) && covers(&all.table, &some.table)
}

/// What looks like something else than a name or a glob, and what was likely meant.
fn odd(key: &str, pattern: &Pattern) -> Option<(String, String)> {
    let text = pattern.as_str();
    if pattern.is_regex() {
        return None;
    }
    if text.contains(".*") || text.starts_with('^') || text.ends_with('$') {
        let message = format!("`{text}` is no regex here: `*` and `?` are all that is special");
        return Some((message, format!("a regex is written `/{text}/`")));
    }
    if let Some((database, table)) = text.split_once('.') {
        let message = format!("`{text}` is one name with a `.` in it");
        let hint = format!("write `{{database: {database}, table: {table}}}`");
        return Some((message, hint));
    }
    if text.contains('%') {
        let message = format!("`%` in `{text}` stands for itself, not for any {key}");
        return Some((message, "a glob has `*` and `?`".to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(rules: &str) -> Vec<String> {
        let rules: Vec<Rule> = serde_json::from_str(rules).unwrap();
        let told = of(&rules).into_iter();
        told.map(|doubt| format!("{}: {}", doubt.key, doubt.message))
            .collect()
    }

    #[test]
    fn rules_that_do_nothing_and_names_that_are_none_are_doubted() {
        const ONLY: &str = "rules: no rule excludes anything, so all tables pass";
        const FIRST: &str =
            "rules[0]: no rule before this one excludes anything, so it changes nothing";
        const LATER: &str = "rules[0]: a later rule decides for all tables of this one";
        for (rules, expected) in [
            (r#"[]"#, vec![]),
            (r#"[{"include": {"database": "a"}}]"#, vec![ONLY]),
            (
                r#"[{"include": {"database": "a"}}, {"include": {"table": "b"}}]"#,
                vec![ONLY],
            ),
            (
                r#"[{"include": {"database": "a"}}, {"exclude": {"database": "b"}}]"#,
                vec![FIRST],
            ),
            (
                r#"[{"include": {"database": "a"}}, {"exclude": {"database": "*"}}]"#,
                vec![LATER],
            ),
            (
                r#"[{"exclude": {"database": "a", "table": "b"}}, {"include": {"database": "a"}}]"#,
                vec![LATER],
            ),
            (
                r#"[{"exclude": {"table": "b"}}, {"include": {"database": "a*", "table": "*"}}]"#,
                vec![],
            ),
            (
                r#"[{"exclude": {"database": "*"}}, {"include": {"database": "a", "table": "b"}}]"#,
                vec![],
            ),
            (
                r#"[{"exclude": {"database": "shop.orders"}}]"#,
                vec!["rules[0].exclude.database: `shop.orders` is one name with a `.` in it"],
            ),
            (
                r#"[{"exclude": {"table": "order.*"}}, {"exclude": {"table": "^a"}}]"#,
                vec![
                    "rules[0].exclude.table: `order.*` is no regex here: `*` and `?` are all that is special",
                    "rules[1].exclude.table: `^a` is no regex here: `*` and `?` are all that is special",
                ],
            ),
            (
                r#"[{"exclude": {"table": "order%"}}, {"exclude": {"table": "/a.b%$/"}}]"#,
                vec![
                    "rules[0].exclude.table: `%` in `order%` stands for itself, not for any table",
                ],
            ),
        ] {
            assert_eq!(doubts(rules), expected, "{rules}");
        }
    }
}
