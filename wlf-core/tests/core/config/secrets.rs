//! Secrets anywhere in configurations that are broken anyhow: no message shows one.

use std::collections::HashMap;
use std::io;

use fastrand::Rng;
use wlf_core::config::{Environment, Source, check};

use super::components::COMPONENTS;

/// What may stand in a password, and means something in URLs, YAML, variables or messages.
const SPECIAL: &str = "@/#?%' :,{}[]&*!|>\"`-\\$";

/// Variables and files that all hold the same.
struct Holding(HashMap<String, String>);

impl Environment for Holding {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, path: &str) -> io::Result<String> {
        let text = self.0.get(path).cloned();
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn secret(random: &mut Rng) -> String {
    let mut text: Vec<char> = (0..random.usize(8..16))
        .map(|_| random.alphanumeric())
        .collect();
    for _ in 0..random.usize(0..3) {
        let special: Vec<char> = SPECIAL.chars().collect();
        let at = random.usize(1..text.len());
        text.insert(at, special[random.usize(0..special.len())]);
    }
    text.into_iter().collect()
}

fn double_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as YAML may have it, on a line of its own or filled in.
fn written(text: &str, random: &mut Rng, held: &mut HashMap<String, String>) -> String {
    match random.u8(0..8) {
        0 => double_quoted(text),
        1 => single_quoted(text),
        2 => text.to_owned(),
        3 => format!("|\n      {text}"),
        4 => format!(">-\n      {text}"),
        5 => format!("${{NOPE:-{text}}}"),
        6 => {
            held.insert("SOME_NAME".to_owned(), text.to_owned());
            "${SOME_NAME}".to_owned()
        }
        _ => {
            held.insert("/run/x".to_owned(), format!("{text}\n"));
            "\"${file:/run/x}\"".to_owned()
        }
    }
}

/// A configuration that has a secret in one place.
fn configuration(
    secret: &str,
    random: &mut Rng,
    held: &mut HashMap<String, String>,
) -> Vec<String> {
    let scheme = random.choice(["redis://", "nats://", "mysql:/", "redis//", ""]);
    let host = random.choice(["127.0.0.1:1", "127.0.0.1:x", "[::1", "/none", ""]);
    let user = random.choice(["me:", ":"]).unwrap_or_default();
    let (scheme, host) = (scheme.unwrap_or_default(), host.unwrap_or_default());
    let url = format!("{scheme}{user}{secret}@{host}");
    let quoted = |random: &mut Rng, text: &str| match random.bool() {
        true => double_quoted(text),
        false => single_quoted(text),
    };
    let mut line = |choices: &[&str], random: &mut Rng| {
        let key = random.choice(choices.iter().copied()).unwrap_or_default();
        format!("    {key}: {}", written(secret, random, held))
    };
    let mut lines = vec![
        "collectors:".to_owned(),
        "  - id: binlog".to_owned(),
        "    type: BinlogCollector".to_owned(),
        "    destination: kafka".to_owned(),
        "    user: root".to_owned(),
    ];
    let place = random.u8(0..7);
    lines.push(match place {
        0 => line(&["password", "pasword", "Password", "passwort"], random),
        1 => format!("    host: {}", quoted(random, &url)),
        2 => format!(
            "    tls: {{mode: {}}}\n    password: x",
            quoted(random, &url)
        ),
        3 => format!("    password: {{{}: 1}}", quoted(random, secret)),
        _ => "    password: x".to_owned(),
    });
    lines.extend([
        "dispatchers:".to_owned(),
        "  - id: kafka".to_owned(),
        "    type: KafkaDispatcher".to_owned(),
        "    topic: x".to_owned(),
    ]);
    lines.push(match place {
        4 => format!("    bootstrap_brokers: [{}, 'a:1']", quoted(random, &url)),
        5 => format!("    bootstrap_brokers: {}", quoted(random, &url)),
        _ => "    bootstrap_brokers: ['a:1']".to_owned(),
    });
    if place == 6 {
        lines.insert(0, format!("x-secret: &a {}", double_quoted(secret)));
        lines.push("    sample: *a".to_owned());
    }
    lines
}

/// Breaks a line.
fn broken(line: &str, random: &mut Rng) -> String {
    match random.u8(0..6) {
        0 => line.replacen(':', "", 1),
        1 => format!("{line} ]"),
        2 => format!("  {line}"),
        3 => line.trim_end_matches(['"', '\'', ']', '}']).to_owned(),
        4 => line.replacen("    ", "\t", 1),
        _ => {
            let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
            let (front, back) = match random.choice(places) {
                Some(at) => line.split_at(at),
                None => (line, ""),
            };
            let breaks = "\"'{}[]:#&*!|>%@`";
            let with = random.choice(breaks.bytes()).map_or('"', char::from);
            format!("{front}{with}{back}")
        }
    }
}

#[test]
fn no_message_shows_a_secret() {
    let mut random = Rng::with_seed(11);
    let mut shown = 0;
    for round in 0..2_500 {
        let (mut held, secret) = (HashMap::new(), secret(&mut random));
        let mut lines = configuration(&secret, &mut random, &mut held);
        let is_secrets = |line: &String| line.contains(&secret);
        for _ in 0..random.usize(0..3) {
            let at = random.usize(0..lines.len());
            // A secret that is broken itself is another.
            if !is_secrets(&lines[at]) || random.bool() {
                lines[at] = broken(&lines[at], &mut random);
            }
        }
        let text = lines.join("\n") + "\n";
        let Err(problems) = check(
            Source::new("x.yaml", &text),
            COMPONENTS,
            &Holding(held.clone()),
        ) else {
            continue;
        };
        shown += 1;
        let told = problems.to_string();
        let mut parts: Vec<&str> = secret
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| part.len() >= 5)
            .collect();
        parts.push(&secret);
        for part in parts {
            assert!(
                !told.contains(part),
                "{round}: `{part}` of\n{text}\n{held:?}\n{told}"
            );
        }
    }
    assert!(shown > 1_200, "{shown}");
}
