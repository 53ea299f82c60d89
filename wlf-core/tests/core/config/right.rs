//! Configurations that are right.

use wlf_core::ComponentKind;
use wlf_core::config::{Level, LogFormat, OnReject, Problems, Source, read};
use wlf_core::format::Format;

use super::components::{
    BinlogCollector, Names, RedisDispatcher, Start, StdoutDispatcher, Surroundings, check_text,
};

const FIRST: &str = r#"
collectors:
  - id: binlog_collector
    type: BinlogCollector
    destination: filter
    user: root
    password: password
transformers:
  - id: filter
    type: BinlogFilter
    destination: replicator
    rules:
      - exclude:
          database: d1
      - include:
          database: d1
          table: t1
  - id: replicator
    type: EventReplicator
    destinations:
      - redis
      - kafka
dispatchers:
  - id: kafka
    type: KafkaDispatcher
    topic: logFlex.%{/database}.%{/table}
    bootstrap_brokers: ["127.0.0.1:9092"]
  - id: redis
    type: RedisDispatcher
    mode:
      type: Pub
      channel: logFlex.%{/database}.%{/table}
"#;

fn read_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Box<Problems>> {
    read(Source::new("entry.yaml", text), &Surroundings::some())
}

#[test]
fn events_that_a_transformer_makes_reach_what_takes_no_others() {
    let text = "
collectors: [{id: binlog, type: BinlogCollector, user: root, password: x, destination: sums}]
transformers: [{id: sums, type: RowSumTransformer, destination: mail}]
dispatchers: [{id: mail, type: MailDispatcher}]
";
    let checked = check_text("sums.yaml", text).map_err(|problems| problems.to_string());
    assert_eq!(checked.map(|checked| checked.components.len()), Ok(3));
}

#[test]
fn the_first_configuration_is_right() {
    let checked = check_text("first.yaml", FIRST).map_err(|problems| problems.to_string());
    let checked = checked.unwrap_or_else(|problems| panic!("{problems}"));
    let shape: Vec<_> = checked
        .components
        .iter()
        .map(|component| {
            assert_eq!(component.component.kind(), component.kind);
            (
                component.id.as_str(),
                component.type_name,
                component.kind,
                component.destinations.join(" "),
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            (
                "binlog_collector",
                "BinlogCollector",
                ComponentKind::Collector,
                "filter".to_owned()
            ),
            (
                "filter",
                "BinlogFilter",
                ComponentKind::Transformer,
                "replicator".to_owned()
            ),
            (
                "replicator",
                "EventReplicator",
                ComponentKind::Transformer,
                "redis kafka".to_owned()
            ),
            (
                "kafka",
                "KafkaDispatcher",
                ComponentKind::Dispatcher,
                String::new()
            ),
            (
                "redis",
                "RedisDispatcher",
                ComponentKind::Dispatcher,
                String::new()
            ),
        ]
    );
    assert_eq!(checked.settings.name, "wlf");
    assert_eq!(checked.settings.delivery.max_in_flight.bytes(), 16 << 20);
    assert_eq!(
        checked.settings.delivery.transaction_buffer.bytes(),
        4 << 20
    );
}

#[test]
fn the_settings_are_read() {
    let text = format!(
        "{FIRST}
  - id: dead
    type: StdoutDispatcher
name: orders
state: {{directory: /var/lib/wlf}}
log: {{level: debug, format: json}}
delivery:
  max_in_flight: 2MiB
  batch: {{rows: 7, linger: 1s}}
  on_reject: {{dead_letter: dead}}
x-anchors: [anything]
"
    );
    let checked =
        check_text("settings.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let settings = checked.settings;
    assert_eq!(settings.name, "orders");
    assert_eq!(
        settings.state.unwrap().directory.to_str(),
        Some("/var/lib/wlf")
    );
    assert_eq!(
        (settings.log.level, settings.log.format),
        (Level::Debug, LogFormat::Json)
    );
    let delivery = settings.delivery;
    assert_eq!(delivery.max_in_flight.bytes(), 2 << 20);
    // The default would be larger than what may be in flight.
    assert_eq!(delivery.transaction_buffer.bytes(), 2 << 20);
    assert_eq!(
        (delivery.batch.rows, delivery.batch.bytes.bytes()),
        (7, 1 << 20)
    );
    assert_eq!(delivery.batch.linger.as_secs(), 1);
    assert_eq!(delivery.on_reject, OnReject::DeadLetter("dead".to_owned()));
}

#[test]
fn a_dispatcher_has_what_is_different_for_it() {
    let text = format!(
        "{FIRST}
  - id: dead
    type: StdoutDispatcher
    delivery: {{batch: {{rows: 10}}, on_reject: skip}}
delivery:
  batch: {{rows: 7, linger: 1s}}
  on_reject: {{dead_letter: dead}}
"
    );
    let checked = check_text("own.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let of = |id: &str| {
        let mut all = checked.components.iter();
        &all.find(|component| component.id == id).unwrap().delivery
    };
    assert_eq!(
        (of("dead").batch.rows, &of("dead").on_reject),
        (10, &OnReject::Skip)
    );
    assert_eq!(of("dead").batch.linger.as_secs(), 1);
    assert_eq!(of("kafka").batch.rows, 7);
    assert_eq!(
        of("kafka").on_reject,
        OnReject::DeadLetter("dead".to_owned())
    );
}

#[test]
fn variables_keep_the_form_of_their_scalar() {
    let config: BinlogCollector = read_text(
        "
host: '${PORT}'
port: ${PORT}
user: ${DIGITS}
password: ${file:/run/secrets/db}
heartbeat: ${HEARTBEAT:-10s}
stop_at_end: ${END:-true}
start: ${START:-earliest}
",
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.host.as_deref(), Some("3307"));
    assert_eq!(config.port, Some(3307));
    assert_eq!(config.user, "0123");
    assert_eq!(config.password.expose(), "hunter2");
    assert_eq!(
        config.heartbeat.map(|heartbeat| heartbeat.as_secs()),
        Some(10)
    );
    assert!(config.stop_at_end);
    assert_eq!(config.start, Some(Start::Earliest));
}

#[test]
fn an_empty_variable_is_an_empty_text_and_an_empty_value_is_nothing() {
    let config: BinlogCollector = read_text(
        "
host:
port: ~
user: me
password: ${EMPTY}
",
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((config.host, config.port), (None, None));
    assert_eq!(config.password.expose(), "");
}

#[test]
fn numbers_are_text_where_text_is_wanted() {
    let config: BinlogCollector = read_text("{user: 007, password: 1.50}").unwrap();
    assert_eq!(config.user, "007");
    assert_eq!(config.password.expose(), "1.50");
    let names: Names = read_text("database: 2024").unwrap();
    assert!(names.database.unwrap().is_match("2024"));
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "
x-login: &login
  user: me
  password: &secret p
  port: 1
collectors:
  - id: a
    type: BinlogCollector
    destination: out
    <<: *login
    port: 2
  - id: b
    type: BinlogCollector
    destination: out
    user: other
    password: *secret
dispatchers:
  - id: out
    type: StdoutDispatcher
";
    let checked = check_text("anchors.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(checked.components.len(), 3);
}

#[test]
fn a_word_alone_chooses_what_has_defaults_for_everything() {
    let format = |text: &str| {
        read_text::<StdoutDispatcher>(text).map_or_else(
            |problems| panic!("{problems}"),
            |dispatcher| dispatcher.format,
        )
    };
    for text in [
        "format: debezium",
        "format: {type: debezium}",
        "format: {debezium: {}}",
    ] {
        let Format::Debezium(options) = format(text) else {
            panic!("{text}");
        };
        assert!(options.tombstones_on_delete && !options.schemas_enable);
    }
    let text = "format: {type: debezium, schemas_enable: true, skipped_operations: []}";
    let Format::Debezium(options) = format(text) else {
        panic!("{text}");
    };
    assert!(options.schemas_enable && options.skipped_operations.is_empty());
    let text = "format: {type: maxwell, exclude_columns: [secret, /^x_/]}";
    let Format::Maxwell(options) = format(text) else {
        panic!("{text}");
    };
    assert!(options.output_nulls);
    let names = ["secret", "x_1", "x"];
    let is_excluded = |name| options.exclude_columns.iter().any(|p| p.is_match(name));
    assert_eq!(names.map(is_excluded), [true, true, false]);
    assert!(matches!(format("format: canal"), Format::Canal(_)));
    assert!(matches!(format("format: {type: canal}"), Format::Canal(_)));
    assert!(matches!(
        format("format: cloudevents"),
        Format::CloudEvents(_)
    ));
}

#[test]
fn a_choice_is_read_by_its_type_key() {
    for text in [
        "mode: {type: XAdd, key: a, max_len: 5}",
        "mode: {key: a, type: XAdd}",
        "mode: {XAdd: {key: a}}",
    ] {
        read_text::<RedisDispatcher>(text).unwrap_or_else(|problems| panic!("{problems}"));
    }
}
