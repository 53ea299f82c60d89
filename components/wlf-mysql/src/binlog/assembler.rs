//! Makes batches of whole transactions out of a binlog's events: bytes in, batches out.

mod checked;
mod control;
pub mod definition_statement;
mod definition_statements;
mod logged_statements;
mod mariadb;
mod payload;
mod rewritten;
mod statements;
pub mod temporary_tables;
mod unknown;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use wlf_core::{Batch, Mark, Position};

use self::checked::Checked;
use self::logged_statements::LoggedStatements;
pub(in crate::binlog) use self::logged_statements::Of;
pub use self::logged_statements::OnStatement;
use self::payload::OpenPayload;
use self::temporary_tables::TemporaryTables;
use super::error::Error;
use super::events::checksum::Checksum;
use super::events::event_type as types;
use super::events::format_description::FormatDescription;
use super::events::header::Header;
use super::events::inflate::Inflater;
use super::events::query::Query;
use super::events::rows::RowsEvent;
use super::events::table_map;
use super::events::transaction_payload::Decoder;
use super::events::{commit_timestamp, gtid, xid};
use super::fate::Fate;
use super::tables::{Definitions, Introduced, NotIntroduced, Tables};
#[cfg(test)]
use super::transactions::block::Block;
use super::transactions::{Limits, Transactions};
use crate::ddl::TableName;
use crate::positions::TransactionGtid;
use crate::positions::coordinates::Coordinates;
use crate::positions::executed::Executed;
use crate::positions::saved_position::{Boundary, SavedPosition};
use crate::reader::Malformed;
use crate::schema::History;

/// Makes batches of whole transactions out of a binlog's events.
///
/// The reader gives it one event after the other with [`take`](Self::take), and asks after each whether a batch is
/// [`full`](Self::is_full); when no more bytes are there for the moment, it [`cut`](Self::cut)s what there is.
#[derive(Debug)]
pub struct Assembler {
    format: FormatDescription,
    tables: Tables,
    transactions: Transactions,
    /// The file that is being read, and where its next event begins.
    file: Arc<str>,
    end: u64,
    /// The place behind the last transaction that has ended, and what the last batch gave.
    boundary: Boundary,
    reported: Option<Boundary>,
    /// All that was executed before the boundary, where it is known.
    executed: Option<Executed>,
    /// Whether it is known what was executed before the first event that was read: otherwise what follows is no set to go
    /// on from.
    knows_before: bool,
    /// Of the transaction that is being read.
    gtid: Option<TransactionGtid>,
    /// The statement that comes next is not done yet, or never will be.
    undecided_statement: bool,
    server_uuid: Option<String>,
    decrypted: bool,
    definitions: Definitions,
    /// The table whose definition was needed last.
    needed: Option<TableName>,
    /// Changes of definitions are events too.
    emits_ddl: bool,
    logged: LoggedStatements,
    /// The temporary tables of sessions that log statements.
    temporary: TemporaryTables,
    /// How many events of which types were passed over, since the server marks them as ignorable.
    ignored: BTreeMap<u8, u64>,
    /// A compressed transaction of which not all events were taken, and what decompresses it.
    payload: Option<Box<OpenPayload>>,
    decoder: Decoder,
    inflater: Inflater,
    checked: Checked,
}

/// What became of an event. A number: what has more parts goes through memory for each event, and waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Event,
    /// A piece of the event, which is large: [`cut`](Assembler::cut) if a batch is full, and give the event again.
    More,
    /// Nothing was taken: the table has no names in the binlog, and the [history](Assembler::history) does not know it.
    /// Let it learn the [table](Assembler::needed), or refuse it, and give the event again.
    NeedsDefinition,
}

impl Assembler {
    pub fn new(limits: Limits) -> Self {
        let file: Arc<str> = Arc::from("");
        Self {
            format: FormatDescription::default(),
            tables: Tables::default(),
            transactions: Transactions::new(limits),
            boundary: Boundary {
                file: file.clone(),
                position: 0,
            },
            reported: None,
            file,
            end: 0,
            executed: None,
            knows_before: false,
            gtid: None,
            undecided_statement: false,
            server_uuid: None,
            decrypted: false,
            definitions: Definitions::default(),
            needed: None,
            emits_ddl: false,
            logged: LoggedStatements::default(),
            temporary: TemporaryTables::default(),
            ignored: BTreeMap::new(),
            payload: None,
            decoder: Decoder::default(),
            inflater: Inflater::default(),
            checked: Checked::default(),
        }
    }

    /// Asks for the definitions of tables that have no names in the binlog, instead of refusing their rows.
    #[must_use]
    pub fn with_definitions(mut self) -> Self {
        self.definitions.asks = true;
        self
    }

    /// The events come from a server, which decrypts them before it sends them, and says all the same that it has them
    /// encrypted.
    #[must_use]
    pub fn decrypted_by_the_server(mut self) -> Self {
        self.decrypted = true;
        self
    }

    /// Makes events of statements that change definitions.
    #[must_use]
    pub fn with_ddl(mut self) -> Self {
        self.emits_ddl = true;
        self
    }

    /// What becomes of statements that changed rows and are in the binlog as text.
    #[must_use]
    pub fn with_on_statement(mut self, on_statement: OnStatement) -> Self {
        self.logged.on_statement = on_statement;
        self
    }

    /// What the server's `lower_case_table_names` is: with 1 it writes all names in lower case, whatever statements do, and
    /// with 1 and 2 names that differ in case only are the same.
    pub fn set_lower_case_table_names(&mut self, mode: u8) {
        self.logged.lowers_case = mode == 1;
        self.temporary.folds_case = mode > 0;
    }

    /// Sets where definitions come from that the binlog does not have; statements in the binlog move it on.
    pub fn set_history(&mut self, history: Option<History>) {
        self.definitions.history = history.map(Box::new);
        self.tables.forget_definitions(|_, _| true);
    }

    /// Where definitions come from that the binlog does not have.
    pub fn history(&mut self) -> Option<&mut History> {
        self.definitions.history.as_deref_mut()
    }

    /// The table whose definition is [needed](Taken::NeedsDefinition).
    pub fn needed(&self) -> Option<&TableName> {
        self.needed.as_ref()
    }

    /// Puts the server's identity into positions.
    pub fn set_server_uuid(&mut self, uuid: Option<String>) {
        self.server_uuid = uuid;
    }

    /// Begins, or begins again after a lost connection, at a place between two transactions. What was not cut is forgotten.
    ///
    /// `executed` has all transactions that were executed before, where GTIDs are in use: each transaction that follows is
    /// added to it. Without it the first PREVIOUS_GTIDS event that is read says what was.
    pub fn start(&mut self, file: &str, position: u64, executed: Option<Executed>) {
        self.file = Arc::from(file);
        self.end = position;
        self.boundary = Boundary {
            file: self.file.clone(),
            position,
        };
        self.reported = Some(self.boundary.clone());
        // Another connection may be to a server whose events are protected otherwise.
        self.format = FormatDescription::default();
        self.knows_before = executed.is_some();
        self.executed = executed;
        self.gtid = None;
        self.payload = None;
        self.checked.forget();
        self.undecided_statement = false;
        self.transactions.forget();
        self.tables.next_transaction();
    }

    /// Goes on at the beginning of another file.
    pub fn next_file(&mut self, file: &str) {
        self.file = Arc::from(file);
        self.end = 4;
        self.advance_boundary();
    }

    /// How the events that come are read; a reader that does not begin at a file's front gives it the file's first event.
    pub fn format(&self) -> &FormatDescription {
        &self.format
    }

    /// Where the unfinished transaction begins.
    pub fn unfinished(&self) -> Option<Coordinates> {
        self.transactions.open_at()
    }

    /// Whether there is such a transaction.
    pub fn is_unfinished(&self) -> bool {
        self.transactions.is_open()
    }

    /// How many events of a type that is not known were passed over, because the server marks them as ignorable.
    pub fn ignored(&self) -> u64 {
        self.ignored.values().sum()
    }

    #[cfg(test)]
    pub(super) fn filled(&self) -> &Block {
        self.transactions.filled()
    }

    /// The place behind the last event.
    pub fn coordinates(&self) -> Coordinates {
        self.place_at(self.end)
    }

    /// The same without a copy: the file, which stays the same value for as long as it is read, and the position.
    pub fn at(&self) -> (&Arc<str>, u64) {
        (&self.file, self.end)
    }

    /// Checks the event that comes next and those behind it at once, if that was not done: short ones that are in one
    /// block, one close behind the other, take less than half of the time that each takes by itself. Damage is left for
    /// [`take`](Self::take) to find and to name.
    #[inline(always)]
    pub fn check_ahead<I>(&mut self, block: &Bytes, next: usize, events: impl FnOnce() -> I)
    where
        I: Iterator<Item = Range<usize>>,
    {
        if self.format.checksum == Checksum::Crc32 && !self.checked.knows(block, next) {
            self.checked.check(block, events());
        }
    }

    /// Takes the event that is `event` in `block`, with header and checksum.
    ///
    /// `at` is where the event begins in its file; a reader that cannot know it leaves it to the event's header.
    ///
    /// # Errors
    /// If the event is damaged or malformed, or something that cannot be passed over. What was taken before stays and
    /// can be cut.
    #[inline]
    pub fn take(
        &mut self,
        block: &Bytes,
        event: Range<usize>,
        at: Option<u64>,
    ) -> Result<Taken, Error> {
        if self.payload.is_some() {
            return self.inside();
        }
        let bytes = block.get(event).unwrap_or_default();
        let header = Header::decode(bytes).map_err(|source| self.malformed(0, source))?;
        let (start, end) = self.locate(&header, at);
        if usize::try_from(header.length) != Ok(bytes.len()) {
            let source = Malformed::Invalid("its length");
            return Err(self.malformed_at(start, header.code, source));
        }
        if header.code == types::FORMAT_DESCRIPTION {
            return self.format_description(bytes, &header, start, end);
        }
        let checksum = if self.format.server_version.is_empty() {
            // A stream's first event comes before the one that says how events are protected.
            Checksum::found_in(bytes)
        } else {
            self.format.checksum
        };
        let verified = if self.checked.take(bytes) {
            checksum.split(bytes).map(Ok)
        } else {
            checksum.verify(bytes)
        };
        let whole = match verified {
            Ok(Ok(whole)) => whole,
            Ok(Err(damaged)) => {
                return Err(Error::Checksum {
                    place: self.place_at(start),
                    event: types::name(header.code),
                    stored: damaged.stored,
                    computed: damaged.computed,
                });
            }
            Err(source) => return Err(self.malformed_at(start, header.code, source)),
        };
        let body = whole.get(Header::LENGTH..).unwrap_or_default();
        let taken = self.event(block, &header, body, start..end)?;
        if matches!(taken, Taken::Event)
            && header.flags & Header::ARTIFICIAL == 0
            && header.code != types::TRANSACTION_PAYLOAD
        {
            self.transactions.count(bytes.len());
        }
        Ok(taken)
    }

    #[inline(always)]
    fn event(
        &mut self,
        block: &Bytes,
        header: &Header,
        body: &[u8],
        range: Range<u64>,
    ) -> Result<Taken, Error> {
        let (start, end) = (range.start, range.end);
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        match header.code {
            types::WRITE_ROWS
            | types::UPDATE_ROWS
            | types::DELETE_ROWS
            | types::PRE_GA_WRITE_ROWS..=types::DELETE_ROWS_V1 => {
                let place = self.place_at(start);
                self.transactions.begin(&place);
                let rows = RowsEvent::decode(header.code, body, &self.format)
                    .map_err(|source| wrong(self, source))?;
                self.transactions
                    .rows(block, header, &rows, &self.tables, place)?;
            }
            types::TABLE_MAP => {
                let split = table_map::split_id(body, self.format.short_table_ids);
                let (id, rest) = split.map_err(|source| wrong(self, source))?;
                match self.tables.introduce(id, rest, &mut self.definitions) {
                    Ok(Introduced::Known) => {}
                    Ok(Introduced::Nameless { database, table }) => {
                        self.needed = Some(TableName { database, table });
                        return Ok(Taken::NeedsDefinition);
                    }
                    Err(NotIntroduced::Malformed(source)) => return Err(wrong(self, source)),
                    Err(NotIntroduced::History(error)) => return Err(error.into()),
                }
            }
            types::XID => {
                let xid = xid::decode(body).map_err(|source| wrong(self, source))?;
                self.end = end;
                self.commit(Some(xid));
            }
            types::QUERY => {
                let query = Query::decode(body).map_err(|source| wrong(self, source))?;
                self.end = end;
                self.query(&query, header, start)?;
            }
            types::GTID => {
                let gtid = gtid::decode(body).map_err(|source| wrong(self, source))?;
                let gtid = TransactionGtid::Mysql(gtid);
                self.transactions
                    .introduce(Some(gtid.clone()), commit_timestamp::decode(body));
                self.gtid = Some(gtid);
                self.refuse_unfinished()?;
            }
            types::ANONYMOUS_GTID => {
                self.gtid = None;
                self.transactions
                    .introduce(None, commit_timestamp::decode(body));
                self.refuse_unfinished()?;
            }
            types::TRANSACTION_PAYLOAD => return self.payload(block, body, start, end),
            _ => {
                self.rarer(block, header, body, start, end)?;
                return Ok(Taken::Event);
            }
        }
        self.end = end;
        Ok(Taken::Event)
    }

    #[inline(always)]
    fn advance_boundary(&mut self) {
        self.boundary.position = self.end;
        if !Arc::ptr_eq(&self.boundary.file, &self.file) {
            self.boundary.file = self.file.clone();
        }
    }

    /// Whether a batch should be cut before the next event is taken.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.transactions.is_full()
    }

    /// Whether the unfinished transaction is larger than what may be held: before its first rows go on it has to be
    /// [known](Self::decide) how it ends.
    pub fn needs_fate(&self) -> bool {
        self.transactions.needs_fate()
    }

    /// How many bytes of an unfinished transaction are held.
    pub fn transaction_limit(&self) -> usize {
        self.transactions.limit()
    }

    /// Says how the unfinished transaction ends.
    pub fn decide(&mut self, fate: Fate) {
        self.transactions.decide(fate);
    }

    /// Gives what was taken and not cut yet: whole transactions, or a piece of one that is too large to be held.
    ///
    /// `None` if there is nothing, not even a new position.
    pub fn cut(&mut self) -> Option<Batch> {
        let mut batch = self.transactions.cut();
        if self.transactions.is_inside() {
            return (!batch.events.is_empty()).then_some(batch);
        }
        if batch.events.is_empty()
            && batch.ended.is_none()
            && self.reported.as_ref() == Some(&self.boundary)
        {
            return None;
        }
        self.reported = Some(self.boundary.clone());
        batch.mark = Mark::Upto(self.position());
        Some(batch)
    }

    /// What was executed before the unfinished transaction, and the place where that begins.
    pub fn before_unfinished(&self) -> Option<SavedPosition> {
        let place = self.unfinished()?;
        Some(SavedPosition {
            file: place.file.to_string(),
            position: place.position,
            gtid_set: self.executed.as_ref().map(Executed::to_string),
            server_uuid: self.server_uuid.clone(),
        })
    }

    /// The place behind the last transaction that has ended, or before the first that is prepared and not decided.
    pub fn position(&self) -> Position {
        let before = self.transactions.before_prepared();
        let boundary = before.map_or(&self.boundary, |before| &before.boundary);
        let executed = before
            .and_then(|before| before.executed.as_ref())
            .or(self.executed.as_ref());
        let saved = SavedPosition {
            file: boundary.file.to_string(),
            position: boundary.position,
            gtid_set: executed.map(Executed::to_string),
            server_uuid: self.server_uuid.clone(),
        };
        Position(serde_json::to_value(saved).unwrap_or_default())
    }

    /// Where the event begins and ends: as the reader says, or as its header does. One that is in no file does both where
    /// the last one ended.
    #[inline(always)]
    fn locate(&mut self, header: &Header, at: Option<u64>) -> (u64, u64) {
        let length = u64::from(header.length);
        match at {
            Some(at) => {
                self.end = at;
                (at, at.saturating_add(length))
            }
            None if header.end == 0 => (self.end, self.end_without_position(header)),
            None => {
                let end = self.unwrapped(header.end);
                (end.saturating_sub(length), end)
            }
        }
    }

    /// Where an event ends whose header does not say it: inside of MariaDB's transactions, since 11.4, it is in the file
    /// behind the last one all the same.
    #[cold]
    fn end_without_position(&self, header: &Header) -> u64 {
        let is_made_up = header.flags & Header::ARTIFICIAL != 0;
        if is_made_up || self.transactions.open_at().is_none() {
            self.end
        } else {
            self.end.saturating_add(u64::from(header.length))
        }
    }

    /// The whole position of which a header has the lower 32 bits: the first from here on, since positions only grow.
    #[inline(always)]
    fn unwrapped(&self, end: u32) -> u64 {
        let position = self.same_4_gib(end);
        if position < self.end {
            position.saturating_add(1 << 32)
        } else {
            position
        }
    }

    #[inline(always)]
    fn same_4_gib(&self, position: u32) -> u64 {
        (self.end & !u64::from(u32::MAX)) | u64::from(position)
    }

    fn place_at(&self, position: u64) -> Coordinates {
        Coordinates {
            file: self.file.clone(),
            position,
        }
    }

    #[cold]
    fn malformed(&self, code: u8, source: Malformed) -> Error {
        self.malformed_at(self.end, code, source)
    }

    #[cold]
    fn malformed_at(&self, start: u64, code: u8, source: Malformed) -> Error {
        Error::Malformed {
            place: self.place_at(start),
            event: types::name(code),
            source,
        }
    }
}
