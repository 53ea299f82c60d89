//! Makes batches of whole transactions out of a binlog's events: bytes in, batches out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use wlf_core::{Batch, Position};

use super::checksum::Checksum;
use super::definition::Definition;
use super::error::Error;
use super::event_type as types;
use super::format_description::FormatDescription;
use super::gtid_set::{Gtid, GtidSet};
use super::header::Header;
use super::heartbeat::Heartbeat;
use super::place::Place;
use super::position::{Boundary, SavedPosition};
use super::query::{Query, Statement};
use super::reader::Malformed;
use super::rotate::Rotate;
use super::table_map;
use super::tables::{Introduced, Tables};
use super::transactions::{Limits, Transactions};
use super::xa_prepare::XaPrepare;
use super::{gtid, incident, xid};

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
    executed: Option<GtidSet>,
    /// Whether it is known what was executed before the first event that was read: otherwise what follows is no set to go
    /// on from.
    knows_before: bool,
    /// Of the transaction that is being read.
    gtid: Option<Gtid>,
    server_uuid: Option<String>,
    /// Somebody answers when a table has no names in the binlog.
    definitions: bool,
    /// A statement that changes rows was already reported.
    warned_of_statement: bool,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Event,
    /// Nothing was taken: the table has no names in the binlog. [`Assembler::define`] it and give the event again.
    NeedsDefinition {
        database: String,
        table: String,
    },
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
            server_uuid: None,
            definitions: false,
            warned_of_statement: false,
        }
    }

    /// Asks for the definitions of tables that have no names in the binlog, instead of refusing their rows.
    #[must_use]
    pub fn with_definitions(mut self) -> Self {
        self.definitions = true;
        self
    }

    /// Puts the server's identity into positions.
    pub fn set_server_uuid(&mut self, uuid: Option<String>) {
        self.server_uuid = uuid;
    }

    /// Begins, or begins again after a lost connection, at a place between two transactions. What was not cut is forgotten.
    ///
    /// `executed` has all transactions that were executed before, where GTIDs are in use: each transaction that follows is
    /// added to it. Without it the first PREVIOUS_GTIDS event that is read says what was.
    pub fn start(&mut self, file: &str, position: u64, executed: Option<GtidSet>) {
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

    /// Learns what the server says of a table that has no names in the binlog; `None` if it does not know it.
    pub fn define(&mut self, database: String, table: String, definition: Option<Definition>) {
        self.tables.define(database, table, definition);
    }

    /// Where the unfinished transaction begins.
    pub fn unfinished(&self) -> Option<Place> {
        self.transactions.open_at()
    }

    /// The place behind the last event.
    pub fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            position: self.end,
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
        let bytes = block.get(event.clone()).unwrap_or_default();
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
        let whole = match checksum.verify(bytes) {
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
        let taken = self.event(block, event.start, &header, body, start..end)?;
        if taken == Taken::Event && header.flags & Header::ARTIFICIAL == 0 {
            self.transactions.count(bytes.len());
        }
        Ok(taken)
    }

    #[inline(always)]
    fn event(
        &mut self,
        block: &Bytes,
        offset: usize,
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
                let short = self.format.short_table_ids;
                self.transactions
                    .rows(block, offset, header, body, short, &self.tables, place)?;
            }
            types::TABLE_MAP => {
                let split = table_map::split_id(body, self.format.short_table_ids);
                let (id, rest) = split.map_err(|source| wrong(self, source))?;
                let introduced = self.tables.introduce(id, rest, self.definitions);
                match introduced.map_err(|source| wrong(self, source))? {
                    Introduced::Known => {}
                    Introduced::Nameless { database, table } => {
                        return Ok(Taken::NeedsDefinition { database, table });
                    }
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
                self.query(&query, start)?;
            }
            types::GTID => {
                self.gtid = Some(gtid::decode(body).map_err(|source| wrong(self, source))?);
                self.refuse_unfinished()?;
            }
            types::ANONYMOUS_GTID => {
                self.gtid = None;
                self.refuse_unfinished()?;
            }
            _ => {
                self.rarer(header, body, start, end)?;
                return Ok(Taken::Event);
            }
        }
        self.end = end;
        Ok(Taken::Event)
    }

    /// What stands between transactions, or stops everything.
    #[inline(never)]
    fn rarer(&mut self, header: &Header, body: &[u8], start: u64, end: u64) -> Result<(), Error> {
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        match header.code {
            types::ROTATE => return self.rotate(header, body, start, end),
            types::HEARTBEAT | types::HEARTBEAT_V2 => return self.heartbeat(header, body, start),
            _ => self.end = end,
        }
        match header.code {
            types::GTID_TAGGED => {
                self.gtid = Some(gtid::decode_tagged(body).map_err(|source| wrong(self, source))?);
                return self.refuse_unfinished();
            }
            types::MARIADB_GTID => {
                self.gtid = None;
                self.refuse_unfinished()?;
                // int<8>: sequence number, int<4>: domain, int<1>: flags, of which 1 is "stands alone"
                if body.get(12).is_some_and(|flags| flags & 1 == 0) {
                    let place = self.place_at(start);
                    self.transactions.begin(&place);
                }
                return Ok(());
            }
            types::XA_PREPARE => {
                let prepare = XaPrepare::decode(body).map_err(|source| wrong(self, source))?;
                return self.prepare(prepare, start);
            }
            types::PREVIOUS_GTIDS => {
                let set = GtidSet::decode(body).map_err(|source| wrong(self, source))?;
                // A server without GTIDs writes it too, and empty. What is prepared and not decided is in it already.
                if self.transactions.before_prepared().is_none() {
                    self.knows_before = true;
                    if !set.is_empty() {
                        self.executed.get_or_insert_default().merge(&set);
                    }
                }
            }
            types::INCIDENT => {
                let message = incident::decode(body).map_err(|source| wrong(self, source))?;
                let place = self.place_at(start);
                return Err(Error::Incident { place, message });
            }
            types::STOP
            | types::INTVAR
            | types::RAND
            | types::USER_VAR
            | types::BEGIN_LOAD_QUERY
            | types::EXECUTE_LOAD_QUERY
            | types::IGNORABLE
            | types::ROWS_QUERY
            | types::TRANSACTION_CONTEXT
            | types::VIEW_CHANGE
            | types::MARIADB_ANNOTATE_ROWS
            | types::MARIADB_BINLOG_CHECKPOINT
            | types::MARIADB_GTID_LIST => {}
            code => match self.refusal(code, start) {
                Some(error) => return Err(error),
                None if header.flags & Header::IGNORABLE != 0 => {}
                None => {
                    let place = self.place_at(start);
                    return Err(Error::UnknownEvent { place, code });
                }
            },
        }
        if self.transactions.open_at().is_none() && self.gtid.is_none() {
            self.advance_boundary();
        }
        Ok(())
    }

    /// Events that hold rows in a form which cannot be read here: passing them over would lose the rows.
    fn refusal(&self, code: u8, start: u64) -> Option<Error> {
        let (what, hint) = match code {
            types::TRANSACTION_PAYLOAD => (
                "a compressed transaction (TRANSACTION_PAYLOAD), which cannot be read yet",
                "SET PERSIST binlog_transaction_compression = OFF on the server, and begin behind this place",
            ),
            types::PARTIAL_UPDATE_ROWS => (
                "an update that has only parts of JSON documents (PARTIAL_UPDATE_ROWS), which cannot be read yet",
                "SET PERSIST binlog_row_value_options = '' on the server, and begin behind this place",
            ),
            types::MARIADB_QUERY_COMPRESSED..=types::MARIADB_DELETE_ROWS_COMPRESSED => (
                "a compressed event of MariaDB, which cannot be read yet",
                "SET GLOBAL log_bin_compress = OFF on the server, and begin behind this place",
            ),
            types::MARIADB_START_ENCRYPTION => (
                "the events behind it are encrypted (START_ENCRYPTION)",
                "SET encrypt_binlog = OFF in the server's configuration, or read from the live server",
            ),
            _ => return None,
        };
        Some(Error::Unsupported {
            place: self.place_at(start),
            what,
            hint,
        })
    }

    fn format_description(
        &mut self,
        bytes: &[u8],
        header: &Header,
        start: u64,
        end: u64,
    ) -> Result<Taken, Error> {
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        let format = FormatDescription::decode(bytes).map_err(|source| wrong(self, source))?;
        if format.checksum == Checksum::Crc32 {
            let verified = format.checksum.verify_format_description(bytes);
            if let Err(damaged) = verified.map_err(|source| wrong(self, source))? {
                return Err(Error::Checksum {
                    place: self.place_at(start),
                    event: types::name(header.code),
                    stored: damaged.stored,
                    computed: damaged.computed,
                });
            }
        }
        self.format = format;
        self.gtid = None;
        self.refuse_unfinished()?;
        // One that is in no file has no end.
        if end > start {
            self.end = end;
            self.advance_boundary();
        }
        Ok(Taken::Event)
    }

    /// A transaction cannot begin inside of another: the server died while it wrote that one.
    #[inline(always)]
    fn refuse_unfinished(&self) -> Result<(), Error> {
        match self.transactions.open_at() {
            None => Ok(()),
            Some(place) => Err(Error::TornTransaction {
                place,
                end: self.place(),
            }),
        }
    }

    #[inline(always)]
    fn query(&mut self, query: &Query<'_>, start: u64) -> Result<(), Error> {
        match query.statement() {
            Statement::Begin => {
                let place = self.place_at(start);
                self.refuse_unfinished()?;
                self.transactions.begin(&place);
            }
            Statement::Commit => self.commit(None),
            Statement::Rollback => {
                self.transactions.rollback()?;
                self.finish();
            }
            Statement::XaStart(id) => {
                let place = self.place_at(start);
                self.refuse_unfinished()?;
                self.transactions.begin_xa(&place, id);
            }
            Statement::XaCommit(id) => {
                match self.transactions.commit_prepared(id) {
                    Some(gtid) => self.execute(gtid),
                    None => tracing::warn!(
                        place = %self.place_at(start),
                        "a distributed transaction is committed that was prepared before the start: its rows are not read"
                    ),
                }
                self.finish();
            }
            Statement::XaRollback(id) => {
                if let Some(gtid) = self.transactions.rollback_prepared(id) {
                    self.execute(gtid);
                }
                self.finish();
            }
            Statement::Neutral => {}
            Statement::Dml if !self.warned_of_statement => {
                self.warned_of_statement = true;
                tracing::warn!(
                    place = %self.place_at(start),
                    "a change of rows is in the binlog as a statement and is passed over: set binlog_format=ROW"
                );
                self.other();
            }
            Statement::Dml | Statement::Other => self.other(),
        }
        Ok(())
    }

    /// A statement that stands alone, unless it is inside of a transaction, as that of CREATE TABLE … SELECT is.
    fn other(&mut self) {
        self.tables.forget_definitions();
        if self.transactions.open_at().is_none() {
            self.finish();
        }
    }

    #[inline(always)]
    fn commit(&mut self, xid: Option<u64>) {
        self.transactions.commit(xid);
        self.finish();
    }

    /// A transaction, or a statement that stands alone, has ended here.
    #[inline(always)]
    fn finish(&mut self) {
        if let Some(gtid) = self.gtid.take() {
            self.execute(Some(gtid));
        }
        self.tables.next_transaction();
        self.advance_boundary();
    }

    #[inline(always)]
    fn execute(&mut self, gtid: Option<Gtid>) {
        if let Some(gtid) = gtid
            && self.knows_before
        {
            self.executed.get_or_insert_default().add(&gtid);
        }
    }

    fn prepare(&mut self, prepare: XaPrepare, start: u64) -> Result<(), Error> {
        if prepare.one_phase {
            self.commit(None);
            return Ok(());
        }
        let before = self.boundary.clone();
        let place = self.place_at(start);
        let gtid = self.gtid.take();
        self.transactions.prepare(before, gtid, &place)?;
        self.finish();
        Ok(())
    }

    #[inline(always)]
    fn advance_boundary(&mut self) {
        self.boundary.position = self.end;
        if !Arc::ptr_eq(&self.boundary.file, &self.file) {
            self.boundary.file = self.file.clone();
        }
    }

    fn rotate(&mut self, header: &Header, body: &[u8], start: u64, end: u64) -> Result<(), Error> {
        let rotate = Rotate::decode(body);
        let rotate = rotate.map_err(|source| self.malformed_at(start, header.code, source))?;
        if header.flags & Header::ARTIFICIAL == 0 && header.timestamp != 0 {
            // The last event of a file: the reader says when the next begins.
            self.end = end;
            self.refuse_unfinished()?;
            self.advance_boundary();
            return Ok(());
        }
        // The first event of a stream, and of each file in it.
        if *self.file != *rotate.file {
            self.file = Arc::from(rotate.file);
        }
        self.end = rotate.position;
        if self.transactions.open_at().is_none() {
            self.advance_boundary();
        }
        Ok(())
    }

    /// Moves the position of a reader whose tables are idle, and never back.
    fn heartbeat(&mut self, header: &Header, body: &[u8], start: u64) -> Result<(), Error> {
        let heartbeat = if header.code == types::HEARTBEAT {
            Heartbeat::decode(body)
        } else {
            Heartbeat::decode_v2(body)
                .map_err(|source| self.malformed_at(start, header.code, source))?
        };
        let position = heartbeat
            .position
            .unwrap_or_else(|| self.same_4_gib(header.end));
        if *heartbeat.file == *self.file
            && position > self.end
            && self.transactions.open_at().is_none()
            && self.gtid.is_none()
        {
            self.end = position;
            self.advance_boundary();
        }
        Ok(())
    }

    /// Whether a batch should be cut before the next event is taken.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.transactions.is_full()
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
        batch.position = Some(self.position());
        Some(batch)
    }

    /// The place behind the last transaction that has ended, or before the first that is prepared and not decided.
    pub fn position(&self) -> Position {
        let boundary = self
            .transactions
            .before_prepared()
            .unwrap_or(&self.boundary);
        let saved = SavedPosition {
            file: boundary.file.to_string(),
            position: boundary.position,
            gtid_set: self.executed.as_ref().map(GtidSet::to_string),
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
            None if header.end == 0 => (self.end, self.end),
            None => {
                let end = self.unwrapped(header.end);
                (end.saturating_sub(length), end)
            }
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

    fn place_at(&self, position: u64) -> Place {
        Place {
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
