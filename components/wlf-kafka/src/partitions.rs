//! The partitions that are written to, each under the number of its lane.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use rskafka::protocol::error::Error as Code;
use wlf_core::Severity;
use wlf_core::format::{Lanes, Target};

use crate::cluster::Described;
use crate::code::verdict;
use crate::error::Error;
use crate::record_batch::HEADER;
use crate::window::Window;

/// The size that a batch has at most, before compression, until a broker says otherwise, unless a row alone is larger.
///
/// A broker takes a megabyte (`message.max.bytes`), but its collector of garbage keeps what is as large as half a region
/// apart, with a heap of up to 2 GB that is half a megabyte, and looks through the whole heap for it again and again.
pub const BATCH: usize = 500_000;

/// Refused topics that are remembered; more than this and all are asked for anew.
const REFUSED: usize = 1_000;

/// The partitions of all topics that were written to since the cluster was connected.
///
/// It alone makes lanes, one for each partition, so that both have one number.
#[derive(Debug, Default)]
pub struct Partitions {
    list: Vec<Partition>,
    /// Where each topic's partitions stand.
    topics: HashMap<Arc<str>, Target>,
    /// The topics that the cluster will not have, and what it says of each.
    refused: HashMap<Box<str>, (Code, Option<String>)>,
}

#[derive(Debug)]
pub struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
    /// The id of the broker that leads it.
    pub leader: i32,
    pub window: Window,
    /// It has rows of the write under way.
    pub is_touched: bool,
}

impl Partitions {
    /// Where a topic's partitions stand, if it was written to.
    pub fn topic(&self, name: &str) -> Option<Target> {
        self.topics.get(name).copied()
    }

    /// Why the cluster refuses a topic, if it did.
    pub fn refusal(&self, name: &str) -> Option<Error> {
        let (code, message) = self.refused.get(name)?;
        Some(Error::Topic {
            topic: name.to_owned(),
            code: *code,
            message: message.clone(),
        })
    }

    /// Remembers a topic that is refused for good, so that it is not asked for again with each row.
    pub fn note(&mut self, error: &Error) {
        if let Error::Topic {
            topic,
            code,
            message,
        } = error
            && verdict(*code).0 == Severity::Reject
        {
            if self.refused.len() >= REFUSED {
                self.refused.clear();
            }
            let refusal = (*code, message.clone());
            self.refused.insert(topic.as_str().into(), refusal);
        }
    }

    /// The names of all topics.
    pub fn topics(&self) -> Vec<Arc<str>> {
        self.topics.keys().cloned().collect()
    }

    /// Takes another topic, given the leaders of its partitions.
    pub fn add(&mut self, name: &str, leaders: &[i32], lanes: &mut Lanes) -> Target {
        let limit = BATCH - HEADER;
        self.place(name.into(), leaders, limit, lanes, |_| Window::default())
    }

    fn place(
        &mut self,
        topic: Arc<str>,
        leaders: &[i32],
        limit: usize,
        lanes: &mut Lanes,
        mut window: impl FnMut(i32) -> Window,
    ) -> Target {
        let target = Target {
            first: lanes.add(leaders.len()),
            lanes: leaders.len(),
            limit,
        };
        debug_assert_eq!(target.first, self.list.len());
        let partitions = (0..).zip(leaders).map(|(number, leader)| Partition {
            topic: topic.clone(),
            number,
            leader: *leader,
            window: window(number),
            is_touched: false,
        });
        self.list.extend(partitions);
        self.topics.insert(topic, target);
        target
    }

    /// Takes note that a topic takes no larger batches than this; `true` if that is news.
    pub fn narrow(&mut self, topic: &str, limit: usize) -> bool {
        let target = self.topics.get_mut(topic);
        let Some(target) = target.filter(|target| target.limit > limit) else {
            return false;
        };
        target.limit = limit;
        true
    }

    /// Takes what the cluster says of its topics now, while nothing is under way; `true` if that is news, and lanes have
    /// other numbers then. What is known of a partition stays; topics that were refused may be taken now.
    pub fn renew(&mut self, described: &[Described], lanes: &mut Lanes) -> bool {
        self.refused.clear();
        let is_same = |(name, leaders): &Described| {
            let leaders = leaders.as_deref().unwrap_or_default();
            let ours = self.topic(name).map_or(&[][..], |target| self.of(target));
            ours.iter()
                .map(|ours| ours.leader)
                .eq(leaders.iter().copied())
        };
        if described.iter().all(is_same) {
            return false;
        }
        let mut news: HashMap<&str, _> = HashMap::new();
        for (name, leaders) in described {
            news.insert(name, leaders);
        }
        lanes.remove();
        let topics = std::mem::take(&mut self.topics);
        let mut windows = HashMap::new();
        let mut known: HashMap<Arc<str>, Vec<i32>> = HashMap::new();
        for partition in self.list.drain(..) {
            let topic = partition.topic;
            known
                .entry(topic.clone())
                .or_default()
                .push(partition.leader);
            windows.insert((topic, partition.number), partition.window);
        }
        for (topic, Target { limit, .. }) in topics {
            let leaders = match news.get(&*topic) {
                Some(Some(leaders)) => leaders,
                // It is gone, and is made anew when a row comes.
                Some(None) => continue,
                None => &known[&topic],
            };
            let name = topic.clone();
            self.place(topic, leaders, limit, lanes, |number| {
                windows.remove(&(name.clone(), number)).unwrap_or_default()
            });
        }
        true
    }

    /// The partitions that have other leaders now: topic, number, the leader that is known and the new one.
    pub fn moved<'a>(
        &'a self,
        described: &'a [Described],
    ) -> impl Iterator<Item = (&'a Arc<str>, i32, i32, i32)> {
        described.iter().flat_map(|(name, leaders)| {
            let ours = self.topic(name).map_or(&[][..], |target| self.of(target));
            let both = ours.iter().zip(leaders.iter().flatten());
            both.filter(|(ours, leader)| ours.leader != **leader)
                .map(|(ours, leader)| (&ours.topic, ours.number, ours.leader, *leader))
        })
    }

    fn of(&self, target: Target) -> &[Partition] {
        let end = target.first + target.lanes;
        self.list.get(target.first..end).unwrap_or_default()
    }
}

impl Index<usize> for Partitions {
    type Output = Partition;

    fn index(&self, lane: usize) -> &Partition {
        &self.list[lane]
    }
}

impl IndexMut<usize> for Partitions {
    fn index_mut(&mut self, lane: usize) -> &mut Partition {
        &mut self.list[lane]
    }
}
