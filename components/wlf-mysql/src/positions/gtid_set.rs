//! Sets of transactions: which ones were executed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use mysql_cdc::providers::mysql::gtid;
use mysql_cdc::providers::mysql::gtid::interval::Interval;
use mysql_cdc::providers::mysql::gtid::uuid::Uuid;
use mysql_cdc::providers::mysql::gtid::uuid_set::UuidSet;

use super::gtid::{Gtid, is_tag, name, parse_uuid, read_tag, split};
use crate::reader::{Malformed, Reader};

/// A set of transactions of MySQL, with the algebra of `mysql_cdc` inside.
///
/// `mysql_cdc` knows no tags; a source and a tag together are one of its sources.
#[derive(Debug, Default)]
pub struct GtidSet {
    sources: BTreeMap<String, UuidSet>,
    /// The latest transactions, which mostly follow each other: they join the set when it is looked at.
    run: Option<Run>,
}

#[derive(Debug, Clone)]
struct Run {
    source: [u8; 16],
    first: u64,
    last: u64,
}

/// A text or bytes that are no set of GTIDs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no set of GTIDs: {reason}")]
pub struct NotGtidSet {
    pub text: String,
    pub reason: &'static str,
}

/// The binary form has tags (mysql-server, `sql/rpl_gtid_set.cc`).
const TAGGED: u64 = 1;

impl GtidSet {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.run.is_none() && self.sources.is_empty()
    }

    /// Adds one transaction.
    #[inline(always)]
    pub fn add(&mut self, gtid: &Gtid) {
        if gtid.tag.is_none() {
            match &mut self.run {
                Some(run) if run.source == gtid.source && gtid.number == run.last + 1 => {
                    run.last = gtid.number;
                }
                _ => {
                    self.settle();
                    self.run = Some(Run {
                        source: gtid.source,
                        first: gtid.number,
                        last: gtid.number,
                    });
                }
            }
        } else {
            self.insert(gtid.source, gtid.tag.as_deref(), gtid.number, gtid.number);
        }
    }

    /// Adds all transactions of another set.
    pub fn merge(&mut self, other: &GtidSet) {
        for (source, first, last) in other.intervals() {
            let (uuid, tag) = split(source.as_str());
            if let Some(uuid) = uuid {
                self.insert(uuid, tag, first, last);
            }
        }
    }

    /// Whether it has all transactions of the other set.
    pub fn contains(&self, other: &GtidSet) -> bool {
        let mine: Vec<_> = self.intervals().collect();
        other.intervals().all(|(source, first, last)| {
            mine.iter()
                .any(|(name, from, to)| *name == source && *from <= first && last <= *to)
        })
    }

    /// Whether it has the transaction.
    pub fn has(&self, gtid: &Gtid) -> bool {
        let source = name(gtid.source, gtid.tag.as_deref());
        self.intervals()
            .any(|(name, first, last)| name == source && (first..=last).contains(&gtid.number))
    }

    /// Reads the binary form, as PREVIOUS_GTIDS has it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut set = Self::new();
        // int<8>: number of sources, or with tags: int<1>: 1, int<6>: number of sources, int<1>: 1
        let head = reader.u64("the number of sources")?;
        let tagged = head >> 56 == TAGGED;
        let sources = if tagged { head << 8 >> 16 } else { head };
        for _ in 0..sources {
            let source = reader.array("a source")?;
            let tag = if tagged { read_tag(&mut reader)? } else { None };
            // int<8>: number of intervals
            for _ in 0..reader.u64("the number of intervals")? {
                // int<8>: first, int<8>: the one behind the last
                let first = reader.u64("an interval")?;
                let end = reader.u64("an interval")?;
                if first == 0 || end <= first || end > i64::MAX.cast_unsigned() {
                    return Err(Malformed::Invalid("an interval"));
                }
                set.insert(source, tag, first, end - 1);
            }
        }
        Ok(set)
    }

    /// Writes the binary form, as COM_BINLOG_DUMP_GTID has it.
    pub fn encode(&self) -> Vec<u8> {
        let mut sources = BTreeMap::<_, Vec<_>>::new();
        for (source, first, last) in self.intervals() {
            if let (Some(uuid), tag) = split(&source) {
                let key = (uuid.to_vec(), tag.unwrap_or_default().to_owned());
                sources.entry(key).or_default().push((first, last));
            }
        }
        let tagged = sources.keys().any(|(_, tag)| !tag.is_empty());
        let count = u64::try_from(sources.len()).unwrap_or(u64::MAX);
        let head = if tagged {
            TAGGED << 56 | count << 8 | TAGGED
        } else {
            count
        };
        let mut bytes = head.to_le_bytes().to_vec();
        for ((uuid, tag), intervals) in sources {
            bytes.extend(uuid);
            if tagged {
                // A tag has at most 32 characters, so its length is an integer of one byte.
                bytes.push(u8::try_from(tag.len() * 2).unwrap_or(0));
                bytes.extend(tag.as_bytes());
            }
            let count = u64::try_from(intervals.len()).unwrap_or(u64::MAX);
            bytes.extend(count.to_le_bytes());
            for (first, last) in intervals {
                bytes.extend(first.to_le_bytes());
                bytes.extend((last + 1).to_le_bytes());
            }
        }
        bytes
    }

    /// All intervals with the names of their sources, in order.
    fn intervals(&self) -> impl Iterator<Item = (String, u64, u64)> {
        let mut all = BTreeMap::new();
        let run = self.run.iter().map(|run| {
            let interval = (run.first, run.last);
            (name(run.source, None), vec![interval])
        });
        let settled = self.sources.iter().map(|(name, set)| {
            let intervals = set.intervals.iter();
            (
                name.clone(),
                intervals.map(|each| (each.start, each.end)).collect(),
            )
        });
        for (name, intervals) in settled.chain(run) {
            all.entry(name).or_insert_with(Vec::new).extend(intervals);
        }
        all.into_iter().flat_map(|(name, mut intervals)| {
            normalize(&mut intervals);
            intervals
                .into_iter()
                .map(move |(first, last)| (name.clone(), first, last))
        })
    }

    #[inline(never)]
    fn settle(&mut self) {
        if let Some(run) = self.run.take() {
            self.insert(run.source, None, run.first, run.last);
        }
    }

    fn insert(&mut self, uuid: [u8; 16], tag: Option<&str>, first: u64, last: u64) {
        let name = name(uuid, tag);
        let source = Uuid {
            data: uuid,
            uuid: name.clone(),
        };
        let set = self
            .sources
            .entry(name)
            .or_insert_with(|| UuidSet::new(source.clone(), Vec::new()));
        if first == last {
            // It fails for another source only.
            let _ = set.add_gtid(gtid::gtid::Gtid::new(source, first));
            return;
        }
        let mut intervals: Vec<_> = set
            .intervals
            .iter()
            .map(|each| (each.start, each.end))
            .collect();
        intervals.push((first, last));
        normalize(&mut intervals);
        let intervals = intervals.into_iter();
        set.intervals = intervals
            .map(|(first, last)| Interval::new(first, last))
            .collect();
    }
}

/// Sorts intervals and joins those that touch.
fn normalize(intervals: &mut Vec<(u64, u64)>) {
    intervals.sort_unstable();
    intervals.dedup_by(|next, previous| {
        let touch = next.0 <= previous.1.saturating_add(1);
        if touch {
            previous.1 = previous.1.max(next.1);
        }
        touch
    });
}

/// The text form: `uuid:1-5:7:tag:1-3,uuid:9`.
impl FromStr for GtidSet {
    type Err = NotGtidSet;

    fn from_str(text: &str) -> Result<Self, NotGtidSet> {
        let wrong = |reason| NotGtidSet {
            text: text.to_owned(),
            reason,
        };
        let mut set = Self::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut tokens = part.split(':').map(str::trim);
            let uuid = parse_uuid(tokens.next().unwrap_or_default())
                .ok_or_else(|| wrong("a source is not a UUID"))?;
            let mut tag = None;
            let mut intervals = 0;
            for token in tokens {
                if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                    let token = token.to_ascii_lowercase();
                    if !is_tag(&token) {
                        return Err(wrong("a tag is not like nightly_1"));
                    }
                    tag = Some(token);
                    continue;
                }
                let (first, last) = token.split_once('-').unwrap_or((token, token));
                let number = |text: &str| text.trim().parse::<u64>().ok();
                match (number(first), number(last)) {
                    (Some(first), Some(last))
                        if 0 < first && first <= last && last < i64::MAX.cast_unsigned() =>
                    {
                        set.insert(uuid, tag.as_deref(), first, last);
                        intervals += 1;
                    }
                    _ => return Err(wrong("an interval is not like 3 or 1-7")),
                }
            }
            if intervals == 0 {
                return Err(wrong("a source has no interval"));
            }
        }
        Ok(set)
    }
}

/// As the server writes sets: `uuid:1-5:7:tag:1-3,uuid:9`.
impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut uuid, mut tag) = (String::new(), None);
        for (source, first, last) in self.intervals() {
            let (this_uuid, this_tag) = match source.split_once(':') {
                Some((uuid, tag)) => (uuid, Some(tag.to_owned())),
                None => (source.as_str(), None),
            };
            if uuid != this_uuid {
                if !uuid.is_empty() {
                    f.write_str(",")?;
                }
                f.write_str(this_uuid)?;
                (uuid, tag) = (this_uuid.to_owned(), None);
            }
            if tag != this_tag {
                write!(f, ":{}", this_tag.as_deref().unwrap_or_default())?;
                tag = this_tag;
            }
            if first == last {
                write!(f, ":{first}")?;
            } else {
                write!(f, ":{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl Clone for GtidSet {
    fn clone(&self) -> Self {
        let mut set = Self::new();
        set.merge(self);
        set
    }
}

impl PartialEq for GtidSet {
    fn eq(&self, other: &Self) -> bool {
        self.intervals().eq(other.intervals())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "24bc7850-2c16-11e6-a073-0242ac110001";
    const B: &str = "24bc7850-2c16-11e6-a073-0242ac110002";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap()
    }

    fn gtid(source: &str, number: u64) -> Gtid {
        let (source, tag) = split(source);
        Gtid {
            source: source.unwrap(),
            tag: tag.map(Box::from),
            number,
        }
    }

    #[test]
    fn joins_what_touches_in_any_order() {
        assert_eq!(
            set(&format!("{B}:7,\n{A}:5-9:1-3:4:20")).to_string(),
            format!("{A}:1-9:20,{B}:7")
        );
        let mut grown = set(&format!("{A}:1-3:5"));
        for number in [4, 6, 7, 9, 9] {
            grown.add(&gtid(A, number));
        }
        grown.add(&gtid(B, 1));
        grown.add(&gtid(A, 8));
        assert_eq!(grown.to_string(), format!("{A}:1-9,{B}:1"));
        assert_eq!(set("").to_string(), "");
    }

    #[test]
    fn keeps_tags_apart() {
        let mut tagged = set(&format!("{A}:1-2:tag_1:1-3:5:other:9"));
        tagged.add(&gtid(&format!("{A}:tag_1"), 4));
        assert_eq!(tagged.to_string(), format!("{A}:1-2:other:9:tag_1:1-5"));
        assert_eq!(GtidSet::decode(&tagged.encode()).unwrap(), tagged);
    }

    /// PREVIOUS_GTIDS of MySQL 9.7.4 without header and checksum, and what `@@gtid_executed` was.
    #[test]
    fn reads_and_writes_what_the_server_does() {
        let uuid = b"\xbb\x95\x5d\x22\xe5\x57\x11\xf1\xa1\xd8\x02\xfc\x00\x00\x00\x01";
        let mut bytes = b"\x01\x03\0\0\0\0\0\x01".to_vec();
        let sources: [(&[u8], u64); 3] = [
            (b"\0", 2207),
            (b"\x40a_tag_of_thirty_two_characters_x", 4),
            (b"\x08blue", 2),
        ];
        for (tag, end) in sources {
            bytes.extend(uuid);
            bytes.extend(tag);
            bytes.extend([1u64, 1, end].map(u64::to_le_bytes).concat());
        }
        let text = "bb955d22-e557-11f1-a1d8-02fc00000001:1-2206:a_tag_of_thirty_two_characters_x:1-3:blue:1";
        let set = GtidSet::decode(&bytes).unwrap();
        assert_eq!(set.to_string(), text);
        assert_eq!(set.encode(), bytes);
        assert_eq!(text.parse(), Ok(set));
    }

    #[test]
    fn knows_what_it_contains() {
        let all = set(&format!("{A}:1-10,{B}:1"));
        assert!(all.contains(&set(&format!("{A}:2-3:7"))));
        assert!(all.contains(&set("")));
        assert!(!all.contains(&set(&format!("{A}:10-11"))));
        assert!(!all.contains(&set(&format!("{B}:t:1"))));
        assert!(all.has(&gtid(A, 10)) && !all.has(&gtid(B, 2)));
    }

    #[test]
    fn says_what_is_wrong() {
        for text in [
            "x",
            "24bc:1",
            A,
            &format!("{A}:0"),
            &format!("{A}:3-2"),
            &format!("{A}:1-2-3"),
        ] {
            assert!(text.parse::<GtidSet>().is_err(), "{text}");
        }
    }

    #[test]
    fn survives_hostile_bytes() {
        let bytes = set(&format!("{A}:1-2:t:1-3,{B}:9")).encode();
        for end in 0..bytes.len() {
            assert!(GtidSet::decode(&bytes[..end]).is_err(), "{end}");
        }
        let huge = [255; 64];
        assert!(GtidSet::decode(&huge).is_err());
    }

    /// It would be saved as text, and could not be read again.
    #[test]
    fn a_tag_that_text_cannot_have_is_refused() {
        let bytes = set(&format!("{A}:tag_1:1-3")).encode();
        assert!(GtidSet::decode(&bytes).is_ok());
        let at = bytes
            .windows(5)
            .position(|bytes| bytes == b"tag_1")
            .unwrap();
        for wrong in [b',', b':', b' ', b'A', b'1'] {
            let mut bytes = bytes.clone();
            bytes[at] = wrong;
            assert_eq!(
                GtidSet::decode(&bytes).err(),
                Some(Malformed::Invalid("a tag"))
            );
        }
        let long = "a".repeat(33);
        assert!(format!("{A}:{long}:1").parse::<GtidSet>().is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_numbers(numbers in proptest::collection::vec(1..60u64, 0..80)) {
            let mut grown = GtidSet::new();
            let mut model = std::collections::BTreeSet::new();
            for number in numbers {
                grown.add(&gtid(A, number));
                model.insert(number);
            }
            let read: GtidSet = grown.to_string().parse().unwrap();
            prop_assert_eq!(&read, &grown);
            prop_assert_eq!(&GtidSet::decode(&grown.encode()).unwrap(), &grown);
            for number in 1..60 {
                prop_assert_eq!(read.has(&gtid(A, number)), model.contains(&number));
            }
        }
    }
}
