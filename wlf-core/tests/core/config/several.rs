//! Several things wrong at once: each is told once, in the file's order, and nothing that follows from another.

use super::components::check_text;

/// Lines that are right, each with what may be wrong there instead, and how that is told.
const LINES: &[(&str, &[(&str, &str)])] = &[
    ("collectors:", &[]),
    ("  - id: binlog", &[]),
    ("    type: BinlogCollector", &[]),
    ("    destination: filter", &[]),
    (
        "    user: root",
        &[
            ("    usr: root", "unknown key `usr`"),
            ("    user: [root]", "expected text, found a list"),
            ("    user:", "expected text, found nothing"),
            ("    user: ${NOPE}", "the variable `NOPE` is not set"),
            ("", "missing key `user`"),
        ],
    ),
    (
        "    password: x",
        &[
            ("    pass_word: x", "unknown key `pass_word`"),
            ("    password: {a: b}", "expected text, found a mapping"),
            ("", "missing key `password`"),
        ],
    ),
    (
        "    port: 3306",
        &[
            ("    port: 99999", "from 0 to 65535"),
            ("    prt: 3306", "unknown key `prt`"),
            ("    port: [1]", "found a list"),
        ],
    ),
    (
        "    heartbeat: 10s",
        &[
            ("    heartbeat: 10", "`10` has no unit"),
            ("    heartbeat: soon", "`soon` is not a duration"),
        ],
    ),
    (
        "    tls: {mode: required}",
        &[
            ("    tls: {mode: requird}", "unknown choice `requird`"),
            ("    tls: {}", "missing key `mode`"),
            ("    tls: {mode: verify_ca}", "`verify_ca` needs `ca`"),
            ("    tls: {mode: required, b: 1}", "unknown key `b`"),
            ("    tls: required", "expected a mapping, found text"),
        ],
    ),
    (
        "    start: latest",
        &[
            ("    start: lastest", "unknown choice `lastest`"),
            ("    start: {gtid: [1]}", "expected text, found a list"),
            ("    start: [latest]", "found a list"),
        ],
    ),
    ("transformers:", &[]),
    ("  - id: filter", &[]),
    ("    type: BinlogFilter", &[]),
    ("    destinations: [kafka, redis]", &[]),
    ("    rules:", &[]),
    (
        "      - exclude: {database: a}",
        &[
            ("      - exclude: {databas: a}", "unknown key `databas`"),
            ("      - exclde: {database: a}", "unknown key `exclde`"),
        ],
    ),
    (
        "      - include: {table: b}",
        &[
            ("      - include: {table: [b]}", "found a list"),
            ("      - included", "unknown choice `included`"),
        ],
    ),
    ("dispatchers:", &[]),
    ("  - id: kafka", &[]),
    ("    type: KafkaDispatcher", &[]),
    (
        "    bootstrap_brokers: [\"a:1\", \"b:2\"]",
        &[
            ("    bootstrap_brokers: [\"a\", \"b:2\"]", "`a` has no port"),
            ("    bootstrap_brokers: []", "there is no broker"),
            ("    bootstrap_brokers: a:1", "expected a list"),
            ("    brokers: [a]", "unknown key `brokers`"),
        ],
    ),
    (
        "    topic: x",
        &[
            ("    topics: x", "unknown key `topics`"),
            (
                "    topic: \"%{/nope\"",
                "begins a pointer and does not end it",
            ),
            ("", "missing key `topic`"),
        ],
    ),
    (
        "    sample: 0.5",
        &[("    sample: much", "expected a number, found text `much`")],
    ),
    (
        "    delivery: {batch: {rows: 10}}",
        &[
            (
                "    delivery: {batch: {rows: 0}}",
                "expected a whole number from 1",
            ),
            ("    delivery: {batch: {row: 1}}", "unknown key `row`"),
        ],
    ),
    ("  - id: redis", &[]),
    ("    type: RedisDispatcher", &[]),
    (
        "    mode: {type: XAdd, key: k}",
        &[
            ("    mode: {type: XAd, key: k}", "unknown choice `XAd`"),
            ("    mode: {type: XAdd}", "missing key `key`"),
            (
                "    mode: {type: XAdd, key: k, max_len: y}",
                "expected a whole number",
            ),
            ("    mode: {key: k}", "unknown key `key`"),
            ("", "missing key `mode`"),
        ],
    ),
    (
        "log: {level: info}",
        &[("log: {level: loud}", "unknown choice `loud`")],
    ),
    (
        "state: {directory: s}",
        &[
            ("state: {}", "missing key `directory`"),
            ("state: {directory: \"\"}", "the folder has no name"),
        ],
    ),
];

/// What is left out counts as what its line has instead; `brokers` is too far from `bootstrap_brokers` to be a slip.
fn also(line: &str) -> Option<&'static str> {
    (line == "    brokers: [a]").then_some("missing key `bootstrap_brokers`")
}

/// What is wrong with values together is not known of an entry that lacks some.
const TOGETHER: [&str; 2] = ["`verify_ca` needs `ca`", "there is no broker"];

#[test]
fn each_of_several_things_that_are_wrong_is_told_once() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..600 {
        let (mut text, mut expected) = (String::new(), Vec::new());
        let share = random.f64();
        for (right, wrong) in LINES {
            let line = match random.choice(*wrong) {
                Some((line, message)) if random.f64() < share => {
                    expected.push(*message);
                    expected.extend(also(line));
                    line
                }
                _ => right,
            };
            if !line.is_empty() {
                text.push_str(line);
                text.push('\n');
            }
        }
        let problems = match check_text("x.yaml", &text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.list,
        };
        let told: Vec<&str> = problems.iter().map(|problem| &*problem.message).collect();
        let mut untold = told.clone();
        for message in &expected {
            let at = untold.iter().position(|told| told.contains(message));
            if at.is_none() && TOGETHER.contains(message) {
                continue;
            }
            let at = at.unwrap_or_else(|| panic!("{round}: `{message}` of\n{text}\n{told:#?}"));
            untold.remove(at);
        }
        assert!(untold.is_empty(), "{round}: {untold:#?} of\n{text}");
        let places = problems.iter().map(|problem| problem.span);
        assert!(places.is_sorted(), "{text}");
    }
}

#[test]
fn what_is_allowed_and_hardly_meant_is_a_warning() {
    let text = "collectors:
  - id: binlog
    type: BinlogCollector
    destination: out
    user: ${EMPTY}
    password: $DB_PASSWORD
    host: ${EMPTY:-}
dispatchers:
  - id: out
    type: StdoutDispatcher
state: {directory: /elsewhere/state}
";
    let checked = check_text("x.yaml", text).map_err(|problems| problems.to_string());
    let warnings = checked.map(|checked| checked.warnings).unwrap();
    let lines: Vec<String> = warnings.lines().collect();
    assert_eq!(
        lines,
        [
            "x.yaml:5:11: the variable `EMPTY` is set to nothing; write `${EMPTY:-}` if that is meant",
            "x.yaml:6:15: this is plain text, and looks like a variable; a variable is written `${NAME}`",
            "x.yaml:11:20: `/elsewhere/state` is in no directory that the program sees; the program sees only what \
             `--dir` gives it, under the name that it has there, as in `wasmedge --dir /out:out …`",
        ]
    );
    let shown = warnings.to_string();
    assert!(
        shown.starts_with("warning: the variable `EMPTY` is set to nothing\n --> x.yaml:5:11\n"),
        "{shown}"
    );
    assert!(!shown.contains("$DB_PASSWORD\n"), "{shown}");
    // Beside an error they are told too, and are not counted.
    let wrong = text.replace("StdoutDispatcher", "StdoutDispatchr");
    let problems = check_text("x.yaml", &wrong).map(|_| ()).unwrap_err();
    let told = problems.to_string();
    assert_eq!(
        (
            told.matches("warning: ").count(),
            told.matches("error: ").count()
        ),
        (3, 1)
    );
}
