//! Looks for a transaction among a file's events as they go by.

use super::{Located, Sought};
use crate::binlog::events::checksum::Checksum;
use crate::binlog::events::event_type as event;
use crate::binlog::events::format_description::FormatDescription;
use crate::binlog::events::gtid;
use crate::binlog::events::header::Header;
use crate::binlog::events::mariadb_gtid::{self, GtidEvent};
use crate::collector::start::FIRST_EVENT;
use crate::error::ScanError;
use crate::positions::Executed;
use crate::positions::TransactionGtid;
use crate::positions::gtid_set::GtidSet;
use crate::reader::Malformed;

/// A file's events as they go by.
#[derive(Debug)]
pub(super) struct Scan {
    target: Sought,
    /// Where the next event begins.
    pub(super) position: u64,
    executed: Option<Executed>,
    checksum: Checksum,
    is_mariadb: bool,
    /// Whether the event before opened a transaction.
    opened: bool,
    begun: bool,
}

impl Scan {
    pub(super) fn new(target: Sought) -> Self {
        Self {
            target,
            position: FIRST_EVENT,
            executed: None,
            checksum: Checksum::None,
            is_mariadb: false,
            opened: false,
            begun: false,
        }
    }

    /// Takes the next event; gives the place if the target is right before it.
    pub(super) fn see(&mut self, bytes: &[u8]) -> Result<Option<Located>, ScanError> {
        let header = Header::decode(bytes)?;
        match header.code {
            event::HEARTBEAT | event::HEARTBEAT_V2 => return Ok(None),
            // The stream's first event names the file.
            event::ROTATE if !self.begun => return Ok(None),
            _ => self.go_to(&header),
        }
        match header.code {
            event::FORMAT_DESCRIPTION => {
                let format = FormatDescription::decode(bytes)?;
                self.checksum = format.checksum;
                self.is_mariadb = format.server_version.contains("MariaDB");
                self.begun = true;
            }
            event::MARIADB_START_ENCRYPTION => {}
            event::PREVIOUS_GTIDS | event::MARIADB_GTID_LIST => {
                self.executed = Some(if header.code == event::PREVIOUS_GTIDS {
                    GtidSet::decode(self.body(bytes)?)?.into()
                } else {
                    mariadb_gtid::decode_list(self.body(bytes)?)?.into()
                });
                if self.target == Sought::Position(self.position) {
                    self.target = Sought::Position(FIRST_EVENT);
                }
            }
            _ => {
                if self.is_before(&header)? {
                    return Ok(Some(self.located()));
                }
                self.remember(&header, bytes)?;
            }
        }
        self.position += u64::from(header.length);
        Ok(None)
    }

    /// The file has no more events.
    pub(super) fn end(&mut self) -> Result<Option<Located>, ScanError> {
        match self.target {
            Sought::Position(position) if position != self.position && position != FIRST_EVENT => {
                Err(ScanError::NoEvent)
            }
            Sought::Position(_) | Sought::Time(_) => Ok(Some(self.located())),
        }
    }

    fn located(&mut self) -> Located {
        Located {
            position: self.position,
            executed: self.executed.take(),
        }
    }

    /// Whether the target is right before the event.
    fn is_before(&self, header: &Header) -> Result<bool, ScanError> {
        let is_boundary = !self.opened && self.may_begin(header.code);
        match self.target {
            Sought::Position(FIRST_EVENT) => Ok(true),
            Sought::Position(position) if position == self.position => {
                if is_boundary {
                    Ok(true)
                } else {
                    Err(ScanError::InTransaction)
                }
            }
            Sought::Position(position) if position < self.position => Err(ScanError::NoEvent),
            Sought::Position(_) => Ok(false),
            Sought::Time(time) => {
                let at_end = matches!(header.code, event::ROTATE | event::STOP);
                Ok(at_end || is_boundary && opens(header.code) && header.timestamp >= time)
            }
        }
    }

    /// Whether the event can stand between transactions or at the beginning of one.
    fn may_begin(&self, code: u8) -> bool {
        opens(code)
            || match code {
                // MariaDB has statements inside of transactions, too.
                event::QUERY => !self.is_mariadb,
                event::ROTATE
                | event::STOP
                | event::INCIDENT
                | event::MARIADB_BINLOG_CHECKPOINT => true,
                _ => false,
            }
    }

    /// Follows what the events say of where they are: events may be left out of a stream.
    fn go_to(&mut self, header: &Header) {
        let length = u64::from(header.length);
        if header.end == 0 {
            return;
        }
        let lower = u64::from(u32::MAX);
        let end = self.position.saturating_add(length);
        let said = (end & !lower) | u64::from(header.end);
        let said = if said < end { said + lower + 1 } else { said };
        self.position = said.saturating_sub(length);
    }

    fn remember(&mut self, header: &Header, bytes: &[u8]) -> Result<(), ScanError> {
        self.opened = opens(header.code);
        let body = self.body(bytes)?;
        match header.code {
            event::GTID => {
                let gtid = TransactionGtid::Mysql(gtid::decode(body)?);
                Executed::add(&mut self.executed, &gtid);
            }
            event::MARIADB_GTID => {
                let gtid = GtidEvent::decode(body, header.server_id)?.gtid;
                Executed::add(&mut self.executed, &TransactionGtid::MariaDb(gtid));
            }
            event::GTID_TAGGED => {
                let gtid = TransactionGtid::Mysql(gtid::decode_tagged(body)?);
                Executed::add(&mut self.executed, &gtid);
            }
            _ => {}
        }
        Ok(())
    }

    /// The event without header and checksum.
    fn body<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let body = bytes
            .get(Header::LENGTH..)
            .ok_or(Malformed::Truncated("its header"))?;
        match self.checksum {
            Checksum::None => Ok(body),
            Checksum::Crc32 => body
                .split_last_chunk::<{ Checksum::LENGTH }>()
                .map(|(body, _)| body)
                .ok_or(Malformed::Truncated("its checksum")),
        }
    }
}

/// Whether the event opens a transaction. Before MySQL 5.7 those without a GTID open with a QUERY, which is not told
/// from one inside.
fn opens(code: u8) -> bool {
    matches!(
        code,
        event::GTID | event::GTID_TAGGED | event::ANONYMOUS_GTID | event::MARIADB_GTID
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: [u8; 16] = [7; 16];

    fn event(code: u8, timestamp: u32, body: &[u8]) -> Vec<u8> {
        let length = (Header::LENGTH + body.len()) as u32;
        let mut bytes = timestamp.to_le_bytes().to_vec();
        bytes.push(code);
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend(body);
        bytes
    }

    fn gtid(number: u64, timestamp: u32) -> Vec<u8> {
        let mut body = vec![0];
        body.extend(SOURCE);
        body.extend(number.to_le_bytes());
        event(event::GTID, timestamp, &body)
    }

    fn file() -> Vec<Vec<u8>> {
        let mut description = 4_u16.to_le_bytes().to_vec();
        description.extend(b"5.5.0");
        description.resize(2 + 50 + 4, 0);
        description.push(19);
        description.extend([0; 40]);
        let mut before = GtidSet::new();
        for number in 1..=9 {
            before.add(&gtid::decode(&gtid(number, 0)[Header::LENGTH..]).unwrap());
        }
        vec![
            event(event::ROTATE, 0, b"\x04\0\0\0\0\0\0\0binlog.000002"),
            event(event::FORMAT_DESCRIPTION, 90, &description),
            event(event::PREVIOUS_GTIDS, 90, &before.encode()),
            gtid(10, 100),
            event(event::QUERY, 100, b"BEGIN"),
            event(event::XID, 100, &[0; 8]),
            gtid(11, 200),
            event(event::QUERY, 200, b"CREATE"),
            event(event::ROTATE, 300, b"\x04\0\0\0\0\0\0\0binlog.000003"),
        ]
    }

    /// Where each of the file's events begins.
    fn positions() -> Vec<u64> {
        let mut position = 4;
        let lengths = file().into_iter().skip(1).map(|event| event.len() as u64);
        lengths
            .map(|length| {
                position += length;
                position - length
            })
            .collect()
    }

    fn scan(target: Sought) -> Result<(u64, String), ScanError> {
        let mut scan = Scan::new(target);
        for event in file() {
            if let Some(located) = scan.see(&event)? {
                return Ok((located.position, located.executed()));
            }
        }
        let located = scan.end()?.unwrap();
        Ok((located.position, located.executed()))
    }

    fn executed(last: u64) -> String {
        format!("07070707-0707-0707-0707-070707070707:1-{last}")
    }

    #[test]
    fn the_first_transaction_is_behind_what_describes_the_file() {
        let positions = positions();
        for position in [4, positions[1], positions[2]] {
            assert_eq!(
                scan(Sought::Position(position)),
                Ok((positions[2], executed(9)))
            );
        }
    }

    #[test]
    fn what_was_executed_before_a_position_is_counted() {
        let positions = positions();
        assert_eq!(
            scan(Sought::Position(positions[5])),
            Ok((positions[5], executed(10)))
        );
        assert_eq!(
            scan(Sought::Position(positions[7])),
            Ok((positions[7], executed(11)))
        );
    }

    /// A file of MariaDB 11.8: inside of transactions its events do not say where they are.
    fn mariadb_file() -> Vec<Vec<u8>> {
        let mut description = 4_u16.to_le_bytes().to_vec();
        description.extend(b"5.2.0-MariaDB");
        description.resize(2 + 50 + 4, 0);
        description.push(19);
        description.extend([0; 40]);
        let mut list = 2_u32.to_le_bytes().to_vec();
        list.extend([0_u32, 1].map(u32::to_le_bytes).concat());
        list.extend(9_u64.to_le_bytes());
        list.extend([7_u32, 1].map(u32::to_le_bytes).concat());
        list.extend(3_u64.to_le_bytes());
        let gtid = |number: u64, flags: u8| {
            let mut body = number.to_le_bytes().to_vec();
            body.extend([0, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0]);
            body
        };
        let mut at = 4;
        let events = [
            (event::FORMAT_DESCRIPTION, description, true),
            (event::MARIADB_GTID_LIST, list, true),
            (event::MARIADB_BINLOG_CHECKPOINT, vec![0; 4], true),
            (event::MARIADB_GTID, gtid(10, 0), true),
            (event::QUERY, b"CREATE AND SELECT".to_vec(), false),
            (event::XID, vec![0; 8], true),
            (event::MARIADB_GTID, gtid(11, 1), true),
            (event::QUERY, b"CREATE".to_vec(), true),
        ];
        let events = events.map(|(code, body, says_end)| {
            let mut bytes = event(code, 100, &body);
            at += bytes.len() as u32;
            if says_end {
                bytes[13..17].copy_from_slice(&at.to_le_bytes());
            }
            bytes
        });
        events.to_vec()
    }

    #[test]
    fn mariadb_is_followed_from_its_list_of_gtids() {
        let mut positions = vec![4];
        for event in mariadb_file() {
            positions.push(positions.last().unwrap() + event.len() as u64);
        }
        let scan = |position: u64| {
            let mut scan = Scan::new(Sought::Position(position));
            for event in mariadb_file() {
                if let Some(located) = scan.see(&event)? {
                    return Ok((located.position, located.executed()));
                }
            }
            let located = scan.end()?.unwrap();
            Ok((located.position, located.executed()))
        };
        for (position, found, executed) in [
            (4, positions[2], "0-1-9,7-1-3"),
            (positions[1], positions[2], "0-1-9,7-1-3"),
            (positions[2], positions[2], "0-1-9,7-1-3"),
            (positions[3], positions[3], "0-1-9,7-1-3"),
            (positions[6], positions[6], "0-1-10,7-1-3"),
            (positions[8], positions[8], "0-1-11,7-1-3"),
        ] {
            assert_eq!(
                scan(position),
                Ok((found, executed.to_owned())),
                "{position}"
            );
        }
        for inside in [4, 5, 7] {
            assert_eq!(
                scan(positions[inside]),
                Err(ScanError::InTransaction),
                "{inside}"
            );
        }
        assert_eq!(scan(positions[6] + 1), Err(ScanError::NoEvent));
    }

    #[test]
    fn positions_inside_of_something_are_refused() {
        let positions = positions();
        for inside in [3, 4, 6] {
            assert_eq!(
                scan(Sought::Position(positions[inside])),
                Err(ScanError::InTransaction),
                "{inside}"
            );
        }
        assert_eq!(
            scan(Sought::Position(positions[5] + 1)),
            Err(ScanError::NoEvent)
        );
        let mut open = file();
        open.pop();
        for (position, found) in [
            (positions[7] - 1, Err(ScanError::NoEvent)),
            (positions[7], Ok(true)),
            (positions[7] + 1, Err(ScanError::NoEvent)),
        ] {
            let mut scan = Scan::new(Sought::Position(position));
            for event in &open {
                assert_eq!(scan.see(event), Ok(None));
            }
            assert_eq!(scan.end().map(|located| located.is_some()), found);
        }
    }

    #[test]
    fn a_time_is_that_of_the_first_transaction_that_is_not_older() {
        let positions = positions();
        assert_eq!(scan(Sought::Time(0)), Ok((positions[2], executed(9))));
        assert_eq!(scan(Sought::Time(101)), Ok((positions[5], executed(10))));
        assert_eq!(scan(Sought::Time(200)), Ok((positions[5], executed(10))));
        assert_eq!(scan(Sought::Time(201)), Ok((positions[7], executed(11))));
    }

    #[test]
    fn any_prefix_of_any_event_is_an_error_or_not_the_place() {
        for event in file() {
            for end in 0..event.len() {
                let mut scan = Scan::new(Sought::Position(1 << 40));
                scan.begun = true;
                let _ = scan.see(&event[..end]);
            }
        }
    }

    /// Headers have the lower 32 bits of a position only, and events may be left out in between.
    #[test]
    fn a_target_beyond_4_gib_is_found() {
        let at = |position: u64, mut bytes: Vec<u8>| {
            let end = position + bytes.len() as u64;
            bytes[13..17].copy_from_slice(&(end as u32).to_le_bytes());
            bytes
        };
        for target in [(1_u64 << 32) - 5, 1 << 32, (1 << 32) + 5, (2 << 32) + 7] {
            let mut scan = Scan::new(Sought::Position(target));
            for event in &file()[..3] {
                assert_eq!(scan.see(event), Ok(None));
            }
            // One event for each 4 GiB, as a stream has them from which most are left out.
            for n in (0..3).filter(|n| (n << 32) + 2000 < target) {
                let before = at((n << 32) + 1000, event(event::XID, 100, &[0; 8]));
                assert_eq!(scan.see(&before), Ok(None));
            }
            let last = event(event::XID, 100, &[0; 8]);
            let start = target - last.len() as u64;
            assert_eq!(scan.see(&at(start, last)), Ok(None));
            let located = scan.see(&at(target, gtid(10, 100))).unwrap();
            assert_eq!(located.map(|located| located.position), Some(target));
        }
    }
}
