//! A collector of messages that are numbers, each of which its queue wants to be acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::numbers;
use crate::component::Collector;
use crate::event::{Batch, Event, Mark, Position};
use crate::fault::Fault;
use crate::runtime::{Desk, Settled};

/// How often a queue hears that its consumer lives.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A queue outside of the pipeline, which outlives it: what was given out and not acknowledged is given again.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<u32>,
    leased: BTreeMap<u64, Vec<u32>>,
    next_token: u64,
    /// The messages that were acknowledged, in the order in which they were.
    pub acknowledged: Vec<u32>,
    /// The messages that were given back for good, in order.
    pub refused: Vec<u32>,
    /// How often its consumer said that it lives.
    pub heartbeats: u32,
    /// How many connections were made.
    pub connections: u32,
    /// Acknowledgements that will fail with an outage: so many.
    pub failing: u32,
}

impl MemoryQueue {
    /// A queue that holds the messages `0..count`.
    pub fn new(count: u32) -> Self {
        let queue = Self::default();
        queue.queue().waiting.extend(0..count);
        queue
    }

    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A collector that reads up to `most` messages at a time, which count for `bytes` together.
    pub fn collector(&self, most: usize, bytes: usize) -> MemoryConsumer {
        MemoryConsumer {
            queue: self.clone(),
            most,
            bytes,
            settled: VecDeque::new(),
        }
    }
}

/// Reads from a [`MemoryQueue`].
#[derive(Debug)]
pub struct MemoryConsumer {
    queue: MemoryQueue,
    most: usize,
    bytes: usize,
    /// What is to be acknowledged: it is kept here, so that nothing is forgotten if `read` is dropped.
    settled: VecDeque<Settled>,
}

impl MemoryConsumer {
    async fn acknowledge(&mut self) -> Result<(), Fault> {
        while let Some(settled) = self.settled.front() {
            // The way to the queue and back.
            tokio::task::yield_now().await;
            let mut queue = self.queue.queue();
            if let Some(left) = queue.failing.checked_sub(1) {
                queue.failing = left;
                return Err(Fault::retry("acknowledge a message", "the queue is away"));
            }
            if let Settled::Done { token, refused } = settled
                // A message that was given again meanwhile is not ours to acknowledge.
                && let Some(messages) = queue.leased.remove(token)
            {
                for (number, message) in (0..).zip(messages) {
                    match refused.contains(&number) {
                        true => queue.refused.push(message),
                        false => queue.acknowledged.push(message),
                    }
                }
            }
            drop(queue);
            self.settled.pop_front();
        }
        Ok(())
    }

    fn take(&self) -> Option<Batch> {
        let mut queue = self.queue.queue();
        let messages: Vec<u32> = {
            let most = self.most.min(queue.waiting.len());
            queue.waiting.drain(..most).collect()
        };
        if messages.is_empty() {
            return None;
        }
        let token = queue.next_token;
        queue.next_token += 1;
        queue.leased.insert(token, messages.clone());
        let goes_on = |a: &u32, b: &u32| a + 1 == *b;
        let event = |run: &[u32]| -> Option<Event> {
            Some(numbers("queue", 0, None, *run.first()?, run.len() as u32))
        };
        Some(Batch {
            events: messages.chunk_by(goes_on).filter_map(event).collect(),
            mark: Mark::Token(token),
            ended: None,
            bytes: self.bytes,
        })
    }
}

#[async_trait]
impl Collector for MemoryConsumer {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        let mut queue = self.queue.queue();
        queue.connections += 1;
        let leased = std::mem::take(&mut queue.leased);
        let mut again: Vec<u32> = leased.into_values().flatten().collect();
        again.sort_unstable();
        for message in again.into_iter().rev() {
            queue.waiting.push_front(message);
        }
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        loop {
            self.acknowledge().await?;
            let is_empty = self.queue.queue().waiting.is_empty();
            if is_empty && self.queue.queue().leased.is_empty() {
                return Ok(None);
            }
            tokio::select! {
                biased;
                settled = desk.settled() => self.settled.push_back(settled),
                () = desk.room(), if !is_empty => {
                    tokio::task::yield_now().await;
                    if let Some(batch) = self.take() {
                        return Ok(Some(batch));
                    }
                }
                () = tokio::time::sleep(HEARTBEAT) => self.queue.queue().heartbeats += 1,
            }
        }
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.settled.push_back(settled);
        }
        self.acknowledge().await
    }
}
