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
    /// Whether all connections have TLS.
    pub tls: bool,
    /// Whether the position is saved, as a user's configuration has it.
    pub saved: bool,
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
    /// From MySQL to NATS, which has no stream for it.
    Nats,
    /// From MySQL to Kafka, to Redis and into a file.
    Three,
}

impl Way {
    /// Whether Kafka, Redis or NATS is a real one.
    pub fn is_live(self) -> bool {
        self.has_kafka() || matches!(self, Way::RedisPublish | Way::RedisStream | Way::Nats)
    }

    /// Whether rows go to a real Kafka.
    pub fn has_kafka(self) -> bool {
        matches!(self, Way::Kafka { .. } | Way::Three)
    }
}

/// Where the servers of a case are, and where it writes.
#[derive(Debug, Default)]
pub struct Addresses {
    pub mysql: u16,
    pub kafka: String,
    pub redis: String,
    pub nats: String,
    pub output: PathBuf,
    /// The directory of positions that are saved.
    pub state: PathBuf,
    pub topic: String,
}

const fn case(
    name: &'static str,
    about: &'static str,
    recording: &'static str,
    way: Way,
    goal: Option<f64>,
) -> Case {
    Case {
        name,
        about,
        recording,
        way,
        tls: false,
        saved: false,
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
        Some(4e6),
    )
    .long(),
    case(
        "file-narrow",
        "file, filter, nothing: 5 short columns, 1000 rows a transaction",
        "narrow",
        Way::File,
        Some(4e6),
    )
    .long(),
    case(
        "file-single",
        "file, filter, nothing: one row a transaction",
        "single",
        Way::File,
        None,
    ),
    case(
        "file-mixed",
        "file, filter, nothing: inserts, updates and deletes of 12 columns, a row an event",
        "mixed",
        Way::File,
        None,
    ),
    case(
        "file-tables",
        "file, filter, nothing: 1,000 tables, 10 rows a transaction",
        "tables",
        Way::File,
        None,
    ),
    case(
        "files-sbtest",
        "file, filter, file",
        "sbtest",
        Way::Files,
        None,
    ),
    case(
        "fan-out",
        "file, nothing three times over",
        "sbtest",
        Way::FanOut,
        None,
    ),
    case(
        "socket-sbtest",
        "replayer to discarding broker",
        "sbtest",
        PLAIN,
        Some(2e6),
    )
    .long(),
    case(
        "socket-narrow",
        "replayer to discarding broker",
        "narrow",
        PLAIN,
        Some(2.5e6),
    )
    .long(),
    case(
        "socket-single",
        "replayer to discarding broker: one row a transaction",
        "single",
        PLAIN,
        Some(0.8e6),
    ),
    case(
        "socket-mixed",
        "replayer to discarding broker",
        "mixed",
        PLAIN,
        None,
    ),
    case(
        "gzip",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "gzip",
        },
        None,
    ),
    case(
        "snappy",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "snappy",
        },
        None,
    ),
    case(
        "lz4",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket { compression: "lz4" },
        Some(0.7e6),
    ),
    case(
        "zstd",
        "replayer to discarding broker, compressed",
        "sbtest",
        Way::Socket {
            compression: "zstd",
        },
        None,
    ),
    case(
        "large",
        "MySQL to nothing: one transaction of five times the rows",
        "large",
        Way::Null,
        None,
    ),
    case(
        "null-sbtest",
        "MySQL to nothing: what a live case has before it",
        "sbtest",
        Way::Null,
        None,
    )
    .long(),
    case(
        "null-mixed",
        "MySQL to nothing: what a live case has before it",
        "mixed",
        Way::Null,
        None,
    ),
    case(
        "kafka-sbtest",
        "MySQL to one partition of Kafka",
        "sbtest",
        Way::Kafka {
            compression: "none",
        },
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
        None,
    ),
    case(
        "kafka-live",
        "MySQL to one partition of Kafka: nine rows of ten in transactions of 100, one alone",
        "live",
        Way::Kafka {
            compression: "none",
        },
        None,
    )
    .long(),
    case(
        "kafka-live-saved",
        "the same, and the position is saved, as a user has it",
        "live",
        Way::Kafka {
            compression: "none",
        },
        None,
    )
    .long()
    .with_state(),
    case(
        "null-sbtest-tls",
        "MySQL to nothing, over TLS",
        "sbtest",
        Way::Null,
        None,
    )
    .long()
    .secured(),
    case(
        "kafka-sbtest-tls",
        "MySQL to one partition of Kafka, TLS on both sides",
        "sbtest",
        Way::Kafka {
            compression: "none",
        },
        Some(0.3e6),
    )
    .long()
    .secured(),
    case(
        "kafka-lz4",
        "MySQL to one partition of Kafka, compressed",
        "sbtest",
        Way::Kafka { compression: "lz4" },
        None,
    ),
    case(
        "redis-publish",
        "MySQL to Redis, PUBLISH",
        "sbtest",
        Way::RedisPublish,
        None,
    ),
    case(
        "redis-publish-tls",
        "MySQL to Redis, PUBLISH, TLS on both sides",
        "sbtest",
        Way::RedisPublish,
        None,
    )
    .secured(),
    case("nats", "MySQL to NATS", "sbtest", Way::Nats, None),
    case(
        "nats-tls",
        "MySQL to NATS, TLS on both sides",
        "sbtest",
        Way::Nats,
        None,
    )
    .secured(),
    case(
        "redis-stream",
        "MySQL to Redis, XADD",
        "sbtest",
        Way::RedisStream,
        None,
    ),
    case(
        "three",
        "MySQL to Kafka, to Redis by PUBLISH, and into a file at once",
        "sbtest",
        Way::Three,
        None,
    ),
];

impl Case {
    /// Of four times the rows.
    const fn long(mut self) -> Self {
        self.times = 4;
        self
    }

    /// Over TLS on both sides.
    const fn secured(mut self) -> Self {
        self.tls = true;
        self
    }

    /// With its position saved.
    const fn with_state(mut self) -> Self {
        self.saved = true;
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
        let tls = match self.tls {
            true => ", tls: {mode: required}",
            false => "",
        };
        let from_server = format!(
            "{{id: c, type: BinlogCollector, port: {port}, user: root, password: {password}, \
             start: {{file: {name}, position: 4}}, stop_at_end: true{tls}"
        );
        let filter =
            "{id: f, type: BinlogFilter, destination: d, rules: [{exclude: {database: x}}]}";
        let kafka = |id: &str, compression: &str| {
            let (broker, topic) = (&at.kafka, &at.topic);
            format!(
                "{{id: {id}, type: KafkaDispatcher, bootstrap_brokers: ['{broker}'], topic: '{topic}', compression: {compression}{tls}}}"
            )
        };
        let redis = |id: &str, mode: &str| {
            format!(
                "{{id: {id}, type: RedisDispatcher, url: '{}', mode: {mode}{tls}}}",
                at.redis
            )
        };
        let null = "{id: d, type: NullDispatcher}".to_owned();
        let output = at.output.display();
        let into_file = |id: &str| format!("{{id: {id}, type: FileDispatcher, path: '{output}'}}");
        // Bounded servers are read to their end, which is behind the recording: a filter costs what it always does.
        let (collector, destination, transformers, dispatchers) = match self.way {
            Way::File => (from_file, "f", filter, null),
            Way::Files => (from_file, "f", filter, into_file("d")),
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
                (from_server, "d", "", kafka("d", compression))
            }
            Way::Nats => {
                let nats = format!(
                    "{{id: d, type: NatsDispatcher, servers: ['{}'], subject: bench{tls}}}",
                    at.nats
                );
                (from_server, "d", "", nats)
            }
            Way::RedisPublish => {
                let publish = redis("d", "{type: Pub, channel: bench}");
                (from_server, "d", "", publish)
            }
            Way::RedisStream => (
                from_server,
                "d",
                "",
                redis("d", "{type: XAdd, key: bench, max_len: 1000}"),
            ),
            Way::Three => (
                from_server,
                "r",
                "{id: r, type: EventReplicator, destinations: [d, e, g]}",
                [
                    kafka("d", "none"),
                    redis("e", "{type: Pub, channel: bench}"),
                    into_file("g"),
                ]
                .join(", "),
            ),
        };
        let state = match self.saved {
            true => format!("state: {{directory: '{}'}}\n", at.state.display()),
            false => String::new(),
        };
        format!(
            "{state}collectors: [{collector}, destination: {destination}}}]\ntransformers: [{transformers}]\ndispatchers: [{dispatchers}]\n"
        )
    }
}
