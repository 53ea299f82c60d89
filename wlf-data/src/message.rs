//! Messages that are carried as they are: what sources of messages make events of, and what destinations see of them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Batch, Changes, EncodeError, Event, Mark, Operation, Table};
use crate::format::Encoder;

/// A message, borrowed from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Message<'a> {
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone, where the source knows such.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
    /// When it was made, in microseconds since 1970; 0 if the source does not say.
    pub time: i64,
}

/// The messages of an event, for what looks into them.
pub trait Messages {
    /// The message that is the row `row` of the part `part`; `None` behind the last.
    fn get(&self, part: u32, row: u32) -> Option<Message<'_>>;
}

/// Names and values of a message, in their order; a name may come twice.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    first: Option<(&'a str, &'a [u8])>,
    packed: &'a [u8],
}

impl<'a> Headers<'a> {
    /// Those that were packed.
    pub(crate) fn packed(self) -> &'a [u8] {
        self.packed
    }

    /// Those that a [`HeaderList`] packed.
    pub(crate) fn of_packed(packed: &'a [u8]) -> Self {
        Self {
            first: None,
            packed,
        }
    }

    /// One more in front of those that were packed.
    pub(crate) fn with_first(mut self, first: Option<(&'a str, &'a [u8])>) -> Self {
        self.first = first;
        self
    }

    pub fn is_empty(self) -> bool {
        self.first.is_none() && self.packed.is_empty()
    }

    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let mut rest = self.packed;
        let packed = std::iter::from_fn(move || {
            let name = take(&mut rest)?;
            let value = take(&mut rest)?;
            Some((std::str::from_utf8(name).unwrap_or_default(), value))
        });
        self.first.into_iter().chain(packed)
    }

    /// The last value under this name.
    pub fn find(self, name: &str) -> Option<&'a [u8]> {
        let of_name = self.iter().filter(|(other, _)| *other == name);
        of_name.last().map(|(_, value)| value)
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .iter()
            .map(|(name, value)| (name, value.escape_ascii().to_string()));
        f.debug_list().entries(shown).finish()
    }
}

/// Takes bytes from the front that stand behind their length.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (bytes, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = behind;
    Some(bytes)
}

/// Headers in one piece of memory, each name and value behind its length: packed once, and from then on only walked over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderList(Vec<u8>);

impl HeaderList {
    pub fn push(&mut self, name: &str, value: &[u8]) {
        for bytes in [name.as_bytes(), value] {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.0.extend_from_slice(&length.to_le_bytes());
            let bytes = bytes.get(..length as usize).unwrap_or_default();
            self.0.extend_from_slice(bytes);
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn headers(&self) -> Headers<'_> {
        Headers::of_packed(&self.0)
    }

    pub(crate) fn packed(&self) -> &[u8] {
        &self.0
    }
}

/// Messages of one stream in the frame in which their source received them: ranges into it, and no allocation for a message.
///
/// ```
/// use std::sync::Arc;
/// use wlf_data::message::{MessageBlock, HeaderList};
/// use wlf_data::{Operation, Table};
///
/// let mut block = MessageBlock::new("key1value1value2".into());
/// block.push(Some(0..4), Some(4..10), &HeaderList::default(), 0);
/// block.push(None, Some(10..16), &HeaderList::default(), 0);
/// let events = block.into_events(&Arc::new(Table::stream("orders")));
/// assert_eq!((events.len(), events[0].len()), (1, 2));
/// assert_eq!(events[0].operation, Operation::Message);
/// let messages = events[0].changes.messages().unwrap();
/// assert_eq!(messages.get(0, 1).unwrap().value, Some(&b"value2"[..]));
/// ```
#[derive(Debug)]
pub struct MessageBlock {
    frame: Bytes,
    headers: Vec<u8>,
    messages: Vec<Spans>,
}

/// Where a message is.
#[derive(Debug)]
struct Spans {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    /// In `headers`.
    headers: Range<usize>,
    time: i64,
}

/// An event of messages is about as large as this at most, in bytes: others get their turn only between events.
const LARGEST_EVENT: usize = 128 << 10;

impl MessageBlock {
    /// A block of messages that lie in `frame`.
    pub fn new(frame: Bytes) -> Self {
        Self {
            frame,
            headers: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// A batch of these messages, which is settled as `mark` says.
    pub fn into_batch(self, stream: &Arc<Table>, mark: Mark) -> Batch {
        let bytes = self.bytes();
        Batch {
            events: self.into_events(stream),
            mark,
            bytes,
            ..Batch::default()
        }
    }

    /// A block of a single message.
    pub fn single(message: &Message<'_>) -> Self {
        let (key, value) = (message.key, message.value);
        let mut frame = Vec::from(key.unwrap_or_default());
        let keys = frame.len();
        frame.extend_from_slice(value.unwrap_or_default());
        let values = keys..frame.len();
        let mut headers = HeaderList::default();
        for (name, value) in message.headers.iter() {
            headers.push(name, value);
        }
        let mut block = Self::new(frame.into());
        let (key, value) = (key.map(|_| 0..keys), value.map(|_| values));
        block.push(key, value, &headers, message.time);
        block
    }

    /// Adds a message whose key and value are those bytes of the frame, made at `time` microseconds since 1970.
    pub fn push(
        &mut self,
        key: Option<Range<usize>>,
        value: Option<Range<usize>>,
        headers: &HeaderList,
        time: i64,
    ) {
        let start = self.headers.len();
        self.headers.extend_from_slice(headers.packed());
        self.messages.push(Spans {
            key,
            value,
            headers: start..self.headers.len(),
            time,
        });
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The memory that it holds, in bytes.
    pub fn bytes(&self) -> usize {
        self.frame.len() + self.headers.len() + self.messages.len() * size_of::<Spans>()
    }

    /// Makes events of the messages, which are of `stream`: as many as are needed for none to be much larger than 128 KiB.
    pub fn into_events(self, stream: &Arc<Table>) -> Vec<Event> {
        let mut ends = Vec::new();
        let mut size = 0;
        for (n, message) in self.messages.iter().enumerate() {
            size += message.size();
            if size >= LARGEST_EVENT || n + 1 == self.messages.len() {
                ends.push(n + 1);
                size = 0;
            }
        }
        let block = Arc::new(self);
        let mut start = 0;
        let event = |end: usize| {
            let first = std::mem::replace(&mut start, end);
            Event {
                table: Arc::clone(stream),
                operation: Operation::Message,
                time: block.messages.get(first).map_or(0, |message| message.time),
                transaction: None,
                changes: block.clone(),
                part: 0,
                rows: number(first)..number(end),
            }
        };
        ends.into_iter().map(event).collect()
    }

    fn message(&self, spans: &Spans) -> Message<'_> {
        let bytes = |range: &Range<usize>| self.frame.get(range.clone()).unwrap_or_default();
        let headers = self.headers.get(spans.headers.clone());
        Message {
            key: spans.key.as_ref().map(bytes),
            value: spans.value.as_ref().map(bytes),
            headers: Headers::of_packed(headers.unwrap_or_default()),
            time: spans.time,
        }
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Spans {
    fn size(&self) -> usize {
        let length = |range: &Option<Range<usize>>| range.as_ref().map_or(0, Range::len);
        length(&self.key) + length(&self.value) + self.headers.len()
    }
}

impl Messages for MessageBlock {
    fn get(&self, _: u32, row: u32) -> Option<Message<'_>> {
        let spans = self.messages.get(row as usize)?;
        Some(self.message(spans))
    }
}

impl Changes for MessageBlock {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let range = event.rows.start as usize..event.rows.end as usize;
        let messages = self.messages.get(range).unwrap_or_default();
        encoder.encode_messages(event, messages.iter().map(|spans| self.message(spans)))
    }

    fn messages(&self) -> Option<&dyn Messages> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_in_their_order_and_the_last_of_a_name_counts() {
        let mut list = HeaderList::default();
        assert!(list.headers().is_empty());
        for (name, value) in [("a", &b"1"[..]), ("", b""), ("a", b"\xff2")] {
            list.push(name, value);
        }
        let found: Vec<_> = list
            .headers()
            .with_first(Some(("b", b"0")))
            .iter()
            .collect();
        let expected: [(&str, &[u8]); 4] = [("b", b"0"), ("a", b"1"), ("", b""), ("a", b"\xff2")];
        assert_eq!(found, expected);
        assert_eq!(list.headers().find("a"), Some(&b"\xff2"[..]));
        assert_eq!(list.headers().find("c"), None);
    }

    #[test]
    fn a_block_is_split_where_events_would_be_large() {
        let frame = vec![b'x'; 1 << 20];
        let mut block = MessageBlock::new(frame.into());
        for n in 0..1024 {
            block.push(
                None,
                Some(n * 1024..(n + 1) * 1024),
                &HeaderList::default(),
                n as i64,
            );
        }
        assert!(block.bytes() >= 1 << 20);
        let events = block.into_events(&Arc::new(Table::stream("s")));
        assert_eq!(events.len(), 8);
        assert_eq!(events[7].rows, 896..1024);
        assert_eq!(events[7].time, 896);
        assert!(events.iter().all(|event| event.transaction.is_none()));
    }
}
