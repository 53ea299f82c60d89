//! The cases: which recording goes which way, and what is aimed at.

use std::path::{Path, PathBuf};

use super::recording::Recording;
use crate::servers::mysql;

/// A recording on its way through the program.
#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub recording: &'static str,
    pub way: Way,
    pub engines: &'static [&'static str],
    /// Rows a second under WasmEdge 0.14, at the least.
    pub goal: Option<f64>,
    /// CPU seconds of the program for a million rows, at the most.
    pub cpu_goal: Option<f64>,
    /// How many times the rows of other recordings: what is aimed at is the rate of a long stream, and where rows are
    /// cheap, starting would be a seventh of a run of a million.
    pub times: u64,
}

/// Where rows come from and go to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// From a file through a filter into nothing.
    File,
    /// From a file through a filter into a file.
    Files,
    /// From a file into nothing three times over.
    FanOut,
    /// From a server into nothing.
    Null,
    /// From a replayer into a broker that discards.
    Socket {
        compression: &'static str,
    },
    /// From MySQL to one partition of Kafka.
    Kafka {
        compression: &'static str,
    },
    /// From MySQL to Redis.
    RedisPublish,
    RedisStream,
}

impl Way {
    /// Whether Kafka or Redis is a real one.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Way::Kafka { .. } | Way::RedisPublish | Way::RedisStream
        )
    }
}

/// Where the servers of a case are, and where it writes.
#[derive(Debug, Default)]
pub struct Addresses {
    pub mysql: u16,
    pub kafka: String,
    pub redis: String,
    pub output: PathBuf,
    pub topic: String,
}

const ALL: &[&str] = &["native", "0.14", "0.17"];
const SHIPPED: &[&str] = &["0.14"];

const fn case(
    name: &'static str,
    about: &'static str,
    recording: &'static str,
    way: Way,
    engines: &'static [&'static str],
    goal: Option<f64>,
) -> Case {
    Case {
        name,
        about,
        recording,
        way,
        engines,
        goal,
        cpu_goal: None,
        times: 1,
    }
}

const PLAIN: Way = Way::Socket {
    compression: "none",
};

/// All cases, in the order in which they run.
pub const CASES: &[Case] = &[
    case(
        "file-sbtest",
        "file, filter, nothing: 4 columns, 100 rows a transaction",
        "sbtest",
        Way::File,
        ALL,
        Some(4e6),
    )
    .long(),
    case(
        "file-narrow",
        "file, filter, nothing: 5 short columns, 1000 rows a transaction",
        "narrow",
        Way::File,
        ALL,
        Some(4e6),
    )
    .long(),
    case(
        "file-single",
        "file, filter, nothing: one row a transaction",
        "single",
        Way::File,
        ALL,
        None,
    ),
    case(
        "file-mixed",
        "file, filter, nothing: inserts, updates and deletes of 12 columns, a row an event",
        "mixed",
        Way::File,
        ALL,
        None,
    ),
    case(
        "file-tables",
        "file, filter, nothing: 1,000 tables, 10 rows a transaction",
        "tables",
        Way::File,
        SHIPPED,
        None,
    ),
    case(
        "files-sbtest",
        "file, filter, file",
        "sbtest",
        Way::Files,
        ALL,
        None,
    ),
    case(
        "fan-out",
        "file, nothing three times over",
        "sbtest",
        Way::FanOut,
        SHIPPED,
        None,
    ),
    case(
        "socket-sbtest",
        "replayer to discarding broker",
        "sbtest",
        PLAIN,
        ALL,
        Some(2e6),
    )
    .long(),
    case(
        "socket-narrow",
        "replayer to discarding broker",
        "narrow",
        PLAIN,
        ALL,
        Some(2.5e6),
    )
    .long(),
    case(
        "socket-single",
        "replayer to discarding broker: one row a transaction",
        "single",
        PLAIN,
        ALL,
        Some(0.8e6),
    ),
    case(
        "socket-mixed",
        "replayer to discarding broker",
        "mixed",
        PLAIN,
        ALL,
        None,
    ),
    case(
        "gzip",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "gzip",
        },
        SHIPPED,
        None,
    ),
    case(
        "snappy",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "snappy",
        },
        SHIPPED,
        None,
    ),
    case(
        "lz4",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket { compression: "lz4" },
        SHIPPED,
        Some(0.7e6),
    ),
    case(
        "zstd",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "zstd",
        },
        SHIPPED,
        None,
    ),
    case(
        "large",
        "MySQL to nothing: one transaction of five times the rows",
        "large",
        Way::Null,
        SHIPPED,
        None,
    ),
    case(
        "null-sbtest",
        "MySQL to nothing: what a live case has before it",
        "sbtest",
        Way::Null,
        SHIPPED,
        None,
    )
    .long(),
    case(
        "null-mixed",
        "MySQL to nothing: what a live case has before it",
        "mixed",
        Way::Null,
        SHIPPED,
        None,
    ),
    case(
        "kafka-sbtest",
        "MySQL to one partition of Kafka",
        "sbtest",
        Way::Kafka {
            compression: "none",
        },
        SHIPPED,
        Some(0.6e6),
    )
    .long()
    .within(0.6),
    case(
        "kafka-narrow",
        "MySQL to one partition of Kafka",
        "narrow",
        Way::Kafka {
            compression: "none",
        },
        SHIPPED,
        Some(0.7e6),
    )
    .long()
    .within(0.5),
    case(
        "kafka-mixed",
        "MySQL to one partition of Kafka",
        "mixed",
        Way::Kafka {
            compression: "none",
        },
        SHIPPED,
        Some(0.3e6),
    )
    .within(1.5),
    case(
        "kafka-single",
        "MySQL to one partition of Kafka: one row a transaction",
        "single",
        Way::Kafka {
            compression: "none",
        },
        SHIPPED,
        None,
    ),
    case(
        "kafka-lz4",
        "MySQL to one partition of Kafka, compressed",
        "sbtest",
        Way::Kafka { compression: "lz4" },
        SHIPPED,
        None,
    ),
    case(
        "redis-publish",
        "MySQL to Redis, PUBLISH",
        "sbtest",
        Way::RedisPublish,
        SHIPPED,
        None,
    ),
    case(
        "redis-stream",
        "MySQL to Redis, XADD",
        "sbtest",
        Way::RedisStream,
        SHIPPED,
        None,
    ),
];

impl Case {
    /// Of four times the rows.
    const fn long(mut self) -> Self {
        self.times = 4;
        self
    }

    /// What a million rows may cost, in CPU seconds.
    const fn within(mut self, cpu: f64) -> Self {
        self.cpu_goal = Some(cpu);
        self
    }

    /// The program's configuration for a run.
    pub fn configuration(&self, recording: &Recording, at: &Addresses) -> String {
        self.over(&recording.file, &recording.name(), at)
    }

    /// The same for a file of its own; `name` is what its server calls it.
    pub fn over(&self, file: &Path, name: &str, at: &Addresses) -> String {
        let file = file.display();
        let from_file = format!("{{id: c, type: BinlogFileCollector, paths: ['{file}']");
        let (port, password) = (at.mysql, mysql::PASSWORD);
        let from_server = format!(
            "{{id: c, type: BinlogCollector, port: {port}, user: root, password: {password}, \
             start: {{file: {name}, position: 4}}, stop_at_end: true"
        );
        let filter =
            "{id: f, type: BinlogFilter, destination: d, rules: [{exclude: {database: x}}]}";
        let kafka = |compression: &str| {
            let (broker, topic) = (&at.kafka, &at.topic);
            format!(
                "{{id: d, type: KafkaDispatcher, bootstrap_brokers: ['{broker}'], topic: '{topic}', compression: {compression}}}"
            )
        };
        let redis = |mode: &str| {
            format!(
                "{{id: d, type: RedisDispatcher, url: '{}', mode: {mode}}}",
                at.redis
            )
        };
        let null = "{id: d, type: NullDispatcher}".to_owned();
        // Bounded servers are read to their end, which is behind the recording: a filter costs what it always does.
        let (collector, destination, transformers, dispatchers) = match self.way {
            Way::File => (from_file, "f", filter, null),
            Way::Files => {
                let output = at.output.display();
                (
                    from_file,
                    "f",
                    filter,
                    format!("{{id: d, type: FileDispatcher, path: '{output}'}}"),
                )
            }
            Way::FanOut => {
                let three = ["d", "e", "g"].map(|id| format!("{{id: {id}, type: NullDispatcher}}"));
                (
                    from_file,
                    "r",
                    "{id: r, type: EventReplicator, destinations: [d, e, g]}",
                    three.join(", "),
                )
            }
            Way::Null => (from_server, "d", "", null),
            Way::Socket { compression } | Way::Kafka { compression } => {
                (from_server, "d", "", kafka(compression))
            }

            Way::RedisPublish => (from_server, "d", "", redis("{type: Pub, channel: bench}")),
            Way::RedisStream => (
                from_server,
                "d",
                "",
                redis("{type: XAdd, key: bench, max_len: 1000}"),
            ),
        };
        format!(
            "collectors: [{collector}, destination: {destination}}}]\ntransformers: [{transformers}]\ndispatchers: [{dispatchers}]\n"
        )
    }
}
