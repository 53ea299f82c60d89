//! Topics that are deleted and clusters that are built anew: what was in them is gone, what comes later is there.

use crate::brokers::{CLUSTERS, COUNT};
use crate::run::Pipeline;
use crate::source::Version;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

impl Pipeline {
    /// Deletes the topic, while rows come; says from which version on all has to be in the next one.
    fn delete_topic(&mut self) -> Version {
        let topic = self.topic.clone();
        self.brokers.tool(TOPICS, &["--delete", "--topic", &topic]);
        self.note("topic deleted");
        self.source.last() + 1
    }

    /// All from a version on is there and in order; rows come again afterwards.
    #[track_caller]
    fn has_all_since(&mut self, first: Version, title: &str) {
        self.flows();
        self.settle();
        let (_, judgement) = self.judge(first);
        self.report(title, &judgement, &[]);
        judgement.is_whole();
        self.source.go_on();
        self.flows();
    }
}

#[test]
fn a_topic_that_is_deleted_is_made_again() {
    let mut pipeline = Pipeline::start("deleted", 1, "", "");
    let first = pipeline.delete_topic();
    pipeline.has_all_since(first, "A topic deleted");

    // By somebody else, in the same moment.
    let first = pipeline.delete_topic();
    let topic = pipeline.topic.clone();
    let arguments = ["--create", "--if-not-exists", "--topic", &topic];
    pipeline.brokers.tool(TOPICS, &arguments);
    pipeline.has_all_since(first, "A topic deleted and made again");
    pipeline.kill_program();
    let first = pipeline.delete_topic();
    pipeline.has_all_since(first, "A topic deleted after a crash");

    // Who may not make it ends, and goes on where it was when there is one.
    pipeline.restart_with(", create_topics: false");
    pipeline.flows();
    let first = pipeline.delete_topic();
    let said = pipeline.ends_with(69);
    assert!(said.contains("does not exist"), "{said}");
    assert!(said.contains("create the topic"), "{said}");
    pipeline
        .brokers
        .tool(TOPICS, &["--create", "--topic", &topic]);
    pipeline.start_again();
    pipeline.has_all_since(first, "A topic deleted that is not made");
}

#[test]
fn a_cluster_that_is_built_anew_gets_what_comes_later() {
    let mut pipeline = Pipeline::start("rebuilt", 1, "", "");
    // Another cluster, once more the same by its id, and each with a crash of the program meanwhile.
    for (cluster, title) in [
        (CLUSTERS[1], "A cluster rebuilt under another id"),
        (CLUSTERS[1], "A cluster rebuilt under the same id"),
    ] {
        for with_crash in [false, true] {
            (0..COUNT).for_each(|number| pipeline.brokers.kill(number));
            // What is written now cannot have been taken before.
            let first = pipeline.source.last() + 1;
            pipeline.brokers.rebuild(cluster);
            pipeline.note("cluster rebuilt");
            if with_crash {
                pipeline.kill_program();
            }
            pipeline.has_all_since(first, title);
        }
    }
}
