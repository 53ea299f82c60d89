//! A collector whose rows are numbers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::json;

use crate::component::Collector;
use crate::event::{Batch, Position};
use crate::fault::{Exit, Fault};
use crate::runtime::{Desk, Settled};

/// What a [`MemoryCollector`] does when it is read.
#[derive(Debug)]
pub enum Step {
    /// A batch; its position, if it has one, is what [`MemoryCollector`] can begin after.
    Batch(Batch),
    /// A fault, once: reading goes on behind it after the next `connect`.
    Fault(Fault),
    /// Waits for ever.
    Silence,
}

/// A collector that reads its steps, and begins behind the batch with the position that it is given.
#[derive(Debug)]
pub struct MemoryCollector {
    steps: Arc<Mutex<Vec<Option<Step>>>>,
    next: usize,
    /// Every position that it was told is saved.
    committed: Arc<Mutex<Vec<Position>>>,
    connect_faults: VecDeque<Fault>,
}

impl MemoryCollector {
    pub fn new(steps: Vec<Step>) -> Self {
        Self {
            steps: Arc::new(Mutex::new(steps.into_iter().map(Some).collect())),
            next: 0,
            committed: Arc::default(),
            connect_faults: VecDeque::new(),
        }
    }

    /// The position that stands behind the batch number `n`.
    pub fn position(n: usize) -> Position {
        Position(json!(n))
    }

    /// Fails to connect with each of these first.
    #[must_use]
    pub fn failing_to_connect(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.connect_faults.extend(faults);
        self
    }

    /// The positions that it was told are saved, filled while it runs.
    pub fn committed(&self) -> Arc<Mutex<Vec<Position>>> {
        Arc::clone(&self.committed)
    }

    fn note(&self, settled: Settled) {
        if let Settled::Saved(position) = settled {
            let mut committed = self
                .committed
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            committed.push(position);
        }
    }

    fn place_behind(steps: &[Option<Step>], after: &Position) -> Option<usize> {
        let is_it = |step: &Option<Step>| match step {
            Some(Step::Batch(batch)) => batch.mark.position() == Some(after),
            Some(Step::Fault(_) | Step::Silence) | None => false,
        };
        steps.iter().position(is_it).map(|index| index + 1)
    }
}

#[async_trait]
impl Collector for MemoryCollector {
    async fn connect(&mut self, after: Option<&Position>) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        if let Some(fault) = self.connect_faults.pop_front() {
            return Err(fault);
        }
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        self.next = match after {
            None => 0,
            Some(after) => Self::place_behind(&steps, after).ok_or_else(|| {
                Fault::stop(
                    Exit::Data,
                    "find the saved position",
                    format!("there is no batch that ends at {after}"),
                )
            })?,
        };
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        while let Some(settled) = desk.settled_or_room().await {
            self.note(settled);
        }
        tokio::task::yield_now().await;
        let batch = {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let Some(step) = steps.get_mut(self.next) else {
                    return Ok(None);
                };
                match step {
                    Some(Step::Batch(batch)) => break Some(batch.clone()),
                    Some(Step::Silence) => break None,
                    Some(Step::Fault(_)) => {
                        if let Some(Step::Fault(fault)) = step.take() {
                            return Err(fault);
                        }
                    }
                    None => self.next += 1,
                }
            }
        };
        while batch.is_none() {
            let settled = desk.settled().await;
            self.note(settled);
        }
        self.next += 1;
        Ok(batch)
    }

    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        while let Some(settled) = desk.take_settled() {
            self.note(settled);
        }
        Ok(())
    }
}
