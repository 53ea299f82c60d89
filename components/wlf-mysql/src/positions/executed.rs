//! What was executed before a place, as either kind of server has it.

use std::fmt;
use std::str::FromStr;

use super::gtid_set::{GtidSet, NotGtidSet};
use super::mariadb_position::MariadbPosition;
use crate::positions::TransactionGtid;

/// What was executed before a place: all transactions of MySQL, or the last one of each of MariaDB's domains.
#[derive(Debug, Clone, PartialEq)]
pub enum Executed {
    Mysql(GtidSet),
    Mariadb(MariadbPosition),
}

impl Executed {
    /// Adds a transaction that comes next; of the other kind of server it is the first.
    #[inline(always)]
    pub fn add(executed: &mut Option<Self>, gtid: &TransactionGtid) {
        match (executed, gtid) {
            (Some(Self::Mysql(set)), TransactionGtid::Mysql(gtid)) => set.add(gtid),
            (executed, gtid) => Self::add_rarer(executed, gtid),
        }
    }

    #[inline(never)]
    fn add_rarer(executed: &mut Option<Self>, gtid: &TransactionGtid) {
        match (executed, gtid) {
            (Some(Self::Mariadb(position)), TransactionGtid::MariaDb(gtid)) => position.add(*gtid),
            (executed, TransactionGtid::MariaDb(gtid)) => {
                let mut position = MariadbPosition::default();
                position.add(*gtid);
                *executed = Some(Self::Mariadb(position));
            }
            (executed, TransactionGtid::Mysql(gtid)) => {
                let mut set = GtidSet::new();
                set.add(gtid);
                *executed = Some(Self::Mysql(set));
            }
        }
    }

    /// Whether it has come at least as far as the other.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mysql(mine), Self::Mysql(other)) => mine.contains(other),
            (Self::Mariadb(mine), Self::Mariadb(other)) => mine.is_at_or_behind(other),
            _ => other.is_empty(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Mysql(set) => set.is_empty(),
            Self::Mariadb(position) => position.is_empty(),
        }
    }
}

impl From<GtidSet> for Executed {
    fn from(set: GtidSet) -> Self {
        Self::Mysql(set)
    }
}

impl From<MariadbPosition> for Executed {
    fn from(position: MariadbPosition) -> Self {
        Self::Mariadb(position)
    }
}

impl fmt::Display for Executed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(set) => set.fmt(f),
            Self::Mariadb(position) => position.fmt(f),
        }
    }
}

/// Either kind's text, which tells them apart; the empty one is MySQL's.
impl FromStr for Executed {
    type Err = NotGtidSet;

    fn from_str(text: &str) -> Result<Self, NotGtidSet> {
        let is_mariadb = text
            .trim_start()
            .split(',')
            .next()
            .is_some_and(|first| !first.contains(':') && first.matches('-').count() == 2);
        if is_mariadb {
            text.parse().map(Self::Mariadb)
        } else {
            text.parse().map(Self::Mysql)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_the_servers_apart() {
        let mysql = "24bc7850-2c16-11e6-a073-0242ac110001:1-9";
        assert!(matches!(mysql.parse(), Ok(Executed::Mysql(_))));
        assert!(matches!("0-1-270,7-2-13".parse(), Ok(Executed::Mariadb(_))));
        assert!(matches!("".parse(), Ok(Executed::Mysql(set)) if set.is_empty()));
        for text in ["1-5", "0-1-x", "24bc7850-2c16-11e6-a073-0242ac110001"] {
            assert!(text.parse::<Executed>().is_err(), "{text}");
        }
    }
}
