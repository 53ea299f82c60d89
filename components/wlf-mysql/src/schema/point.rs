//! Where in the binlog a definition begins to hold.

use serde::{Deserialize, Serialize};

use crate::positions::SavedPosition;
use crate::positions::executed::Executed;

/// The place behind a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub file: String,
    pub position: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid: Option<String>,
    /// The server that file and position belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// A saved position, read so that points can be compared with it.
#[derive(Debug)]
pub struct Reached {
    position: SavedPosition,
    executed: Option<Executed>,
}

impl Reached {
    pub fn new(position: SavedPosition) -> Self {
        let executed = position.gtid_set.as_deref().map(str::parse);
        Self {
            executed: executed.and_then(Result::ok),
            position,
        }
    }

    /// Whether the point is not behind the position; `None` if the two cannot be compared.
    pub fn includes(&self, point: &Point) -> Option<bool> {
        if let (Some(executed), Some(gtid)) = (&self.executed, &point.gtid) {
            return Some(executed.contains(&gtid.parse().ok()?));
        }
        self.is_at_or_behind(&point.file, point.position, point.server.as_deref())
    }

    /// Whether another saved position is not behind this one; `None` if the two cannot be compared.
    pub fn includes_position(&self, other: &SavedPosition) -> Option<bool> {
        if let (Some(executed), Some(other)) = (&self.executed, &other.gtid_set) {
            return Some(executed.contains(&other.parse().ok()?));
        }
        self.is_at_or_behind(&other.file, other.position, other.server_uuid.as_deref())
    }

    fn is_at_or_behind(&self, file: &str, position: u64, server: Option<&str>) -> Option<bool> {
        if self.position.server_uuid.as_deref() != server {
            return None;
        }
        Some((number(file), position) <= (number(&self.position.file), self.position.position))
    }
}

/// The number at the end of a file's name: `bin.999999` is before `bin.1000000`.
pub fn number(file: &str) -> u64 {
    let digits = file.rsplit('.').next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(file: &str, position: u64, gtid_set: Option<&str>) -> Reached {
        Reached::new(SavedPosition {
            file: file.to_owned(),
            position,
            gtid_set: gtid_set.map(str::to_owned),
            server_uuid: Some("a".to_owned()),
        })
    }

    fn point(file: &str, position: u64, gtid: Option<&str>, server: &str) -> Point {
        Point {
            file: file.into(),
            position,
            gtid: gtid.map(str::to_owned),
            server: Some(server.to_owned()),
        }
    }

    #[test]
    fn gtids_decide_wherever_both_have_them() {
        let one = "5ec0d3d0-0000-11f1-8000-0242ac110002";
        let at = reached("b.000007", 4, Some(&format!("{one}:1-19")));
        assert_eq!(
            at.includes(&point("x.000099", 9, Some(&format!("{one}:19")), "b")),
            Some(true)
        );
        assert_eq!(
            at.includes(&point("b.000001", 4, Some(&format!("{one}:20")), "a")),
            Some(false)
        );
        let at = reached("b.000007", 4, Some("0-1-5,1-1-9"));
        assert_eq!(
            at.includes(&point("x.000099", 9, Some("1-7-9"), "b")),
            Some(true)
        );
        assert_eq!(
            at.includes(&point("x.000099", 9, Some("0-1-6"), "b")),
            Some(false)
        );
        assert_eq!(
            at.includes(&point("x.000099", 9, Some("2-1-6"), "b")),
            Some(false)
        );
    }

    #[test]
    fn files_are_compared_by_number_and_only_of_one_server() {
        let at = reached("b.1000000", 500, None);
        assert_eq!(at.includes(&point("b.999999", 900, None, "a")), Some(true));
        assert_eq!(at.includes(&point("b.1000000", 500, None, "a")), Some(true));
        assert_eq!(
            at.includes(&point("b.1000000", 501, None, "a")),
            Some(false)
        );
        assert_eq!(at.includes(&point("b.999999", 900, None, "b")), None);
    }
}
