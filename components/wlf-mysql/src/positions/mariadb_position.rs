//! How far a binlog of MariaDB has come: the last transaction of each domain.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::gtid_set::NotGtidSet;
use crate::positions::MariadbGtid;

/// The last transaction of each domain, in the order of the binlog, as `@@gtid_binlog_pos` has it.
///
/// Not the highest number: several servers may write to a domain, and without `gtid_strict_mode` numbers may go back. What
/// came before the last transaction of a domain is what the binlog has before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MariadbPosition {
    domains: BTreeMap<u32, MariadbGtid>,
}

impl MariadbPosition {
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// Goes on behind a transaction.
    #[inline]
    pub fn add(&mut self, gtid: MariadbGtid) {
        self.domains.insert(gtid.domain, gtid);
    }

    /// Takes over the domains that it does not have.
    pub fn add_missing(&mut self, other: &Self) {
        for gtid in other.gtids() {
            self.domains.entry(gtid.domain).or_insert(gtid);
        }
    }

    /// The last transaction of a domain.
    pub fn last(&self, domain: u32) -> Option<MariadbGtid> {
        self.domains.get(&domain).copied()
    }

    /// Whether it has come at least as far in every domain of the other, as far as the numbers tell.
    pub fn is_at_or_behind(&self, other: &Self) -> bool {
        other.gtids().all(|theirs| {
            self.last(theirs.domain)
                .is_some_and(|mine| mine == theirs || mine.sequence >= theirs.sequence)
        })
    }

    /// The last transactions in the order of their domains.
    pub fn gtids(&self) -> impl Iterator<Item = MariadbGtid> {
        self.domains.values().copied()
    }
}

/// As the server writes it: `0-1-270,7-2-13`.
impl fmt::Display for MariadbPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, gtid) in self.gtids().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            gtid.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for MariadbPosition {
    type Err = NotGtidSet;

    fn from_str(text: &str) -> Result<Self, NotGtidSet> {
        let wrong = |reason| NotGtidSet {
            text: text.to_owned(),
            reason,
        };
        let mut position = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let gtid = gtid(part).ok_or_else(|| wrong("a transaction is not like 0-1-270"))?;
            if position.last(gtid.domain).is_some() {
                return Err(wrong("a domain is there twice"));
            }
            position.add(gtid);
        }
        Ok(position)
    }
}

/// Reads `domain-server-sequence`.
pub fn gtid(text: &str) -> Option<MariadbGtid> {
    let mut parts = text.split('-');
    let gtid = MariadbGtid {
        domain: number(parts.next()?)?,
        server_id: number(parts.next()?)?,
        sequence: number(parts.next()?)?,
    };
    parts.next().is_none().then_some(gtid)
}

/// Reads digits; a sign is no part of a number here.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> MariadbPosition {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_of_a_domain_counts_and_not_the_highest() {
        let mut last = position("0-1-100");
        // Another server writes to the domain, the first again, and one with lower numbers: a double failover.
        for (text, expected) in [
            ("0-2-101", "0-2-101"),
            ("0-1-102", "0-1-102"),
            ("7-1-3", "0-1-102,7-1-3"),
            ("0-3-5", "0-3-5,7-1-3"),
        ] {
            last.add(gtid(text).unwrap());
            assert_eq!(last.to_string(), expected);
        }
        assert!(last.is_at_or_behind(&position("0-3-5")) && last.is_at_or_behind(&position("")));
        assert!(
            !last.is_at_or_behind(&position("0-3-6")) && !last.is_at_or_behind(&position("8-1-1"))
        );
        last.add_missing(&position("0-1-1,9-1-2"));
        assert_eq!(last.to_string(), "0-3-5,7-1-3,9-1-2");
    }

    #[test]
    fn is_read_as_it_is_written() {
        for text in [
            "",
            "0-1-270",
            "0-1-270,7-2-13",
            "4294967295-1-18446744073709551615",
        ] {
            assert_eq!(position(text).to_string(), text);
        }
        assert_eq!(
            position(" 7-2-13 , 0-1-270\n").to_string(),
            "0-1-270,7-2-13"
        );
    }

    #[test]
    fn says_what_is_wrong() {
        for text in [
            "x",
            "0-1",
            "0-1-2-3",
            "0-1-",
            "-1-2",
            "0-+1-2",
            "0-1-2,0-2-3",
            "4294967296-1-1",
        ] {
            assert!(text.parse::<MariadbPosition>().is_err(), "{text}");
        }
    }
}
