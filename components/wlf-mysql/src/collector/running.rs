//! A stream that is being read.

use std::ops::Range;
use std::sync::Arc;

use wlf_core::{Batch, Fault, Mark, Position, turn};

use super::beginning;
use super::definitions::Definitions;
use super::end::End;
use super::stream::{Item, Stream};
use crate::binlog::{Assembler, Taken};
use crate::error::Error;

/// Whether others on this thread should get their turn is asked at the latest when so many bytes were read.
const TURN: usize = 128 * 1024;

/// A stream that is being read.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) stream: Stream,
    /// How the stream's connection is secured, if it is.
    pub(super) session: Option<String>,
    pub(super) assembler: Assembler,
    pub(super) server_uuid: String,
    /// An event that waits for its table's definition: where it is in the stream's block.
    pub(super) waiting: Option<Range<usize>>,
    /// Said once at the beginning, so that a position is saved before the first row.
    pub(super) first: Option<Position>,
    /// How many bytes were taken since others had their turn.
    pub(super) taken: usize,
    pub(super) state: State,
    /// The file that was read last, and the position in it from which on a bounded run is at its end.
    pub(super) bound: Option<(Arc<str>, u64)>,
    /// What went wrong, once everything that was read before it has gone on.
    pub(super) fault: Option<Fault>,
}

/// Why no more events were taken.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    /// All that was received was taken.
    All,
    /// A batch is full, or the end is reached.
    Enough,
    /// Others should have their turn.
    Turn,
    /// The definition of a table has to be asked for first.
    Definition,
    /// Nothing goes on before it is known how the transaction ends.
    Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Reading,
    /// Everything up to the end was taken.
    Reached,
    Ended,
}

impl Running {
    /// Cancel-safe: an event is taken out of the block when it was taken by the assembler, which no wait interrupts.
    pub(super) async fn read(
        &mut self,
        end: Option<&End>,
        definitions: &mut Definitions,
    ) -> Result<Option<Batch>, Fault> {
        if let Some(position) = self.first.take() {
            return Ok(Some(Batch {
                mark: Mark::Upto(position),
                ..Batch::default()
            }));
        }
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            let is_all = match self.state {
                State::Reading => match self.take_received(end, definitions).await {
                    Ok(is_all) => is_all,
                    Err(fault) => {
                        self.fault = Some(fault);
                        false
                    }
                },
                State::Reached => false,
                State::Ended => return Ok(None),
            };
            if let Some(batch) = self.assembler.cut() {
                // What is behind its position must be found again.
                if let Some(history) = self.assembler.history() {
                    history.sync().await.map_err(Error::from)?;
                }
                return Ok(Some(batch));
            }
            match self.state {
                State::Reading if self.fault.is_some() => {}
                State::Reading if is_all => self.stream.receive().await?,
                State::Reading => {}
                State::Reached | State::Ended => self.state = State::Ended,
            }
        }
    }

    /// Takes what was received, until a batch is full or the end is reached; `true` if it was all.
    async fn take_received(
        &mut self,
        end: Option<&End>,
        definitions: &mut Definitions,
    ) -> Result<bool, Fault> {
        loop {
            match self.take_events(end)? {
                Stopped::Turn => {
                    self.taken = 0;
                    turn::pass_on().await;
                }
                Stopped::Definition => definitions.answer(&mut self.assembler).await?,
                Stopped::Fate => definitions.decide(&mut self.assembler).await?,
                Stopped::All => return Ok(true),
                Stopped::Enough => return Ok(false),
            }
        }
    }

    /// Takes events that were received. A function that nothing waits in: what an event is while it is taken stays in
    /// registers.
    fn take_events(&mut self, end: Option<&End>) -> Result<Stopped, Fault> {
        while self.taken < TURN {
            let event = match self.waiting.take() {
                Some(event) => event,
                None => match self.stream.received()? {
                    Some(Item::Event(event)) => {
                        let block = self.stream.block();
                        self.assembler
                            .check_ahead(block, event.start, || self.stream.events());
                        event
                    }
                    Some(Item::End) => {
                        self.reach(end)?;
                        return Ok(Stopped::Enough);
                    }
                    None => return Ok(Stopped::All),
                },
            };
            let length = event.len();
            match self
                .assembler
                .take(self.stream.block(), event.clone(), None)?
            {
                Taken::Event => self.taken += length,
                Taken::More => {
                    self.waiting = Some(event);
                    self.taken = TURN;
                }
                Taken::NeedsDefinition => {
                    self.waiting = Some(event);
                    return Ok(Stopped::Definition);
                }
            }
            if end.is_some_and(|end| self.has_reached(end)) {
                self.state = State::Reached;
                return Ok(Stopped::Enough);
            }
            if self.assembler.is_full() {
                return Ok(match self.assembler.needs_fate() {
                    true => Stopped::Fate,
                    false => Stopped::Enough,
                });
            }
        }
        Ok(Stopped::Turn)
    }

    /// Whether a bounded run is at its end. Asked for each event: names of files are compared once for each file.
    #[inline(always)]
    pub(super) fn has_reached(&mut self, end: &End) -> bool {
        if self.assembler.is_unfinished() {
            return false;
        }
        let (file, position) = self.assembler.at();
        match &self.bound {
            Some((known, bound)) if Arc::ptr_eq(known, file) => position >= *bound,
            _ => {
                let bound = end.bound(file, &self.server_uuid);
                self.bound = Some((file.clone(), bound));
                position >= bound
            }
        }
    }

    /// The server has sent all that it has.
    fn reach(&mut self, end: Option<&End>) -> Result<(), Error> {
        // A stream that was asked to go on ends only because the server goes away: it says so in an orderly way.
        let Some(end) = end else {
            return Err(self.stream.ended());
        };
        // A server that shuts down ends the stream too, wherever it is; and another server has files of its own.
        if !self.has_reached(end) {
            let server = self.stream.server();
            let position = beginning::saved(&self.assembler.position())?;
            let has_all = match &position.gtid_set {
                Some(read) => beginning::executed(server, read)?
                    .contains(&beginning::executed(server, &end.status.executed)?),
                None => false,
            };
            if !has_all {
                return Err(Error::NotThereYet {
                    server: server.to_owned(),
                    end: match &*end.status.executed {
                        "" => format!("{}:{}", end.status.file, end.status.position),
                        gtids => gtids.to_owned(),
                    },
                });
            }
        }
        self.state = State::Reached;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
