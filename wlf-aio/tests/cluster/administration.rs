//! What administrators do while rows come: records deleted, leaders moved, partitions added, replicas asked for, quotas set.

use std::time::Duration;

use serde_json::json;

use crate::brokers::{Brokers, COUNT, id};
use crate::healing::SOON;
use crate::run::Pipeline;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";
const ELECTION: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const REASSIGNMENT: &str = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
const CONFIGURATION: &str = "kafka.admin.ConfigCommand";

/// Producers are forgotten after seconds instead of a day.
const FORGETFUL: &str =
    "producer.id.expiration.ms=3000\nproducer.id.expiration.check.interval.ms=500\n";

/// A run's own limit, so that partitions that are added are used while the test lasts.
const FRESH: &str = ", metadata_max_age: 5s";

fn configure(brokers: &Brokers, entity: &[&str], change: &[&str]) {
    let arguments = [&["--alter"], entity, change].concat();
    brokers.tool(CONFIGURATION, &arguments);
}

/// Gives each of so many partitions its replicas in another order, whose first leads.
fn rotate(pipeline: &Pipeline, partitions: usize, by: usize) {
    let replicas = |partition: usize| -> Vec<i32> {
        (0..COUNT)
            .map(|place| id((partition + by + place) % COUNT))
            .collect()
    };
    let partitions: Vec<_> = (0..partitions)
        .map(|partition| {
            json!({"topic": pipeline.topic, "partition": partition, "replicas": replicas(partition)})
        })
        .collect();
    let plan = json!({"version": 1, "partitions": partitions}).to_string();
    let plan = pipeline.brokers.file("plan.json", &plan);
    let arguments = ["--execute", "--reassignment-json-file", &plan];
    pipeline.brokers.tool(REASSIGNMENT, &arguments);
    let arguments = ["--election-type", "preferred", "--all-topic-partitions"];
    pipeline.brokers.tool(ELECTION, &arguments);
    pipeline.is_whole_again();
}

/// Nothing counts as delivered for a while.
#[track_caller]
fn stands_still(pipeline: &Pipeline) {
    let before = pipeline.position();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(pipeline.position(), before, "it is counted as delivered");
}

#[test]
fn what_administrators_do_to_a_cluster() {
    let mut pipeline = Pipeline::start("administration", 1, FRESH, FORGETFUL);

    // Of a topic without records no broker knows a producer, and then of a silent one either.
    pipeline.settle();
    let first = pipeline.source.last() + 1;
    let all: Vec<_> = (0..6)
        .map(|partition| json!({"topic": pipeline.topic, "partition": partition, "offset": -1}))
        .collect();
    let all = json!({"version": 1, "partitions": all}).to_string();
    let all = pipeline.brokers.file("records.json", &all);
    pipeline
        .brokers
        .tool(RECORDS, &["--offset-json-file", &all]);
    pipeline.note("all records deleted");
    for _ in 0..2 {
        pipeline.source.go_on();
        pipeline.flows();
        pipeline.settle();
        std::thread::sleep(Duration::from_secs(6));
        pipeline.note("producer forgotten");
    }
    pipeline.source.go_on();
    pipeline.flows();

    for by in [1, 2, 0] {
        rotate(&pipeline, 6, by);
        pipeline.note("all leaders moved");
    }
    pipeline.kill_program();
    rotate(&pipeline, 6, 1);
    pipeline.note("all leaders moved");

    let topic = pipeline.topic.clone();
    pipeline
        .brokers
        .tool(TOPICS, &["--alter", "--topic", &topic, "--partitions", "9"]);
    pipeline.note("partitions added");
    pipeline.uses(9);

    // As many replicas as there are brokers, and one of those is away.
    let of_topic = ["--entity-type", "topics", "--entity-name", &topic];
    let replicas = ["--add-config", "min.insync.replicas=3"];
    configure(&pipeline.brokers, &of_topic, &replicas);
    pipeline.watch().needs(3);
    pipeline.brokers.kill(2);
    pipeline.note("too few replicas");
    pipeline.run().says("NotEnoughReplicas");
    stands_still(&pipeline);
    pipeline.brokers.restart(2);
    pipeline.is_whole_again();
    pipeline.watch().needs(2);
    let replicas = ["--delete-config", "min.insync.replicas"];
    configure(&pipeline.brokers, &of_topic, &replicas);

    // Two of three, with whom the cluster has no majority either.
    pipeline.brokers.kill(0);
    pipeline.brokers.kill(1);
    pipeline.note("two of three away");
    std::thread::sleep(Duration::from_secs(1));
    stands_still(&pipeline);
    pipeline.brokers.launch(0);
    pipeline.brokers.restart(1);
    pipeline.is_whole_again();

    // A tenth of what comes.
    let clients = ["--entity-type", "clients", "--entity-default"];
    let before = pipeline.run().said().matches("trying again").count();
    let quota = ["--add-config", "producer_byte_rate=5000"];
    configure(&pipeline.brokers, &clients, &quota);
    pipeline.note("throttled");
    std::thread::sleep(Duration::from_secs(20));
    let quota = ["--delete-config", "producer_byte_rate"];
    configure(&pipeline.brokers, &clients, &quota);
    pipeline.flows();
    let said = pipeline.run().said();
    assert_eq!(said.matches("trying again").count(), before, "{said}");

    pipeline.ends_whole("What administrators do", first, SOON);
}
