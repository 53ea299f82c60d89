//! Where a stream of MariaDB begins.

use tokio::time::sleep;

use super::{BETWEEN_LOOKS, Beginning, LOOKS, Search, oldest};
use crate::binlog::Flavor;
use crate::collector::locate::{self, Sought};
use crate::collector::server::binlog_gtid_pos;
use crate::collector::start::FIRST_EVENT;
use crate::collector::stream::Dump;
use crate::error::Error;
use crate::positions::MariadbGtid;
use crate::positions::mariadb_position;
use crate::positions::{Executed, MariadbPosition, SavedPosition};

impl Search<'_> {
    /// Refuses the GTIDs of the other kind of server.
    pub(super) fn of_this_kind(&self, place: &SavedPosition) -> Result<(), Error> {
        let is_mariadb = match &place.gtid_set {
            Some(set) if !set.is_empty() => {
                matches!(
                    super::executed(self.server.address(), set)?,
                    Executed::Mariadb(_)
                )
            }
            _ => match &place.server_uuid {
                Some(from) => from.starts_with("mariadb-"),
                None => return Ok(()),
            },
        };
        let reason = match (self.server.flavor(), is_mariadb) {
            (Flavor::Mysql, true) => "it is one of MariaDB, and this server is MySQL",
            (Flavor::Mariadb, false) => "it is one of MySQL, and this server is MariaDB",
            _ => return Ok(()),
        };
        Err(self.foreign(place, reason))
    }

    /// Refuses to look for a place in the files of a server that has none.
    pub(super) fn of_files(&self) -> Result<(), Error> {
        if self.server.has_files() {
            return Ok(());
        }
        Err(Error::Settings {
            server: self.server.address().to_owned(),
            problems: "its binlog is inside of a storage engine (binlog_storage_engine), where only GTIDs name a place"
                .to_owned(),
            remedy: "write `start: latest`, or `start: {gtid: …}` with what `SELECT @@GLOBAL.gtid_binlog_pos` shows"
                .to_owned(),
            rights_only: false,
        })
    }

    /// Goes on behind a position of MariaDB.
    pub(super) async fn resume_mariadb(
        &mut self,
        position: MariadbPosition,
        saved: SavedPosition,
    ) -> Result<Beginning, Error> {
        // In the same server's same file the place is exact, whatever the order of the numbers.
        if saved.server_uuid.as_deref() == Some(self.server.identity())
            && u32::try_from(saved.position).is_ok()
            && self.server.has_files()
        {
            let sql = binlog_gtid_pos(&saved.file, saved.position);
            let rows = self.connection.query(&sql).await?;
            let there = rows.rows.first().and_then(|row| row.text(0));
            if there.is_some_and(|there| there.parse() == Ok(position.clone())) {
                return self.of_place(saved);
            }
        }
        let mut beginning = self.behind_mariadb(position, saved).await?;
        self.at_home(&mut beginning.place).await?;
        Ok(beginning)
    }

    /// Behind the last transaction of each domain, which the server must have written and whose followers it must still
    /// have.
    pub(super) async fn behind_mariadb(
        &mut self,
        position: MariadbPosition,
        place: SavedPosition,
    ) -> Result<Beginning, Error> {
        for look in 1.. {
            let Some(unknown) = self.unknown(&position).await? else {
                break;
            };
            if look == LOOKS {
                let reason = format!("the server has never written {unknown} to its binlog");
                return Err(self.foreign(&place, reason));
            }
            sleep(BETWEEN_LOOKS).await;
        }
        if self.server.has_files() {
            let files = self.server.binlogs(self.connection).await?;
            let target = Sought::Position(FIRST_EVENT);
            let first =
                locate::locate(self.endpoint, self.replica, &oldest(&files), target).await?;
            if let Some(Executed::Mariadb(before)) = first.executed
                && let Some(missing) = gone(&position, &before)
            {
                return Err(self.purged(&place, Some(missing)).await?);
            }
        }
        Ok(Beginning {
            dump: Dump::Mariadb(position),
            place,
        })
    }

    /// The first transaction that the server has never written, nor a later one of the same server in the domain.
    async fn unknown(&mut self, position: &MariadbPosition) -> Result<Option<MariadbGtid>, Error> {
        let sql = "SELECT @@GLOBAL.gtid_binlog_state";
        let rows = self.connection.query(sql).await?;
        let state = rows.rows.first().and_then(|row| row.text(0));
        let state: Vec<MariadbGtid> = state
            .unwrap_or_default()
            .split(',')
            .filter_map(|gtid| mariadb_position::gtid(gtid.trim()))
            .collect();
        Ok(unknown(position, &state))
    }
}

/// A domain of which the server has nothing may be another server's, or deleted, if others are known.
fn unknown(position: &MariadbPosition, state: &[MariadbGtid]) -> Option<MariadbGtid> {
    let in_domain = |mine: &MariadbGtid| state.iter().any(|gtid| gtid.domain == mine.domain);
    let has = |mine: &MariadbGtid| {
        state.iter().any(|gtid| {
            (gtid.domain, gtid.server_id) == (mine.domain, mine.server_id)
                && gtid.sequence >= mine.sequence
        })
    };
    let knows_some = position.gtids().any(|mine| in_domain(&mine));
    position
        .gtids()
        .find(|mine| !has(mine) && (in_domain(mine) || !knows_some))
}

/// What was written behind the position and is older than the oldest file, before which `before` was executed. Where
/// another server wrote last, only the server itself can tell.
fn gone(position: &MariadbPosition, before: &MariadbPosition) -> Option<String> {
    let gone: Vec<String> = before
        .gtids()
        .filter_map(|last| match position.last(last.domain) {
            None => Some(format!("domain {} up to {last}", last.domain)),
            Some(mine) if mine.server_id == last.server_id && mine.sequence < last.sequence => {
                Some(format!("{mine} to {last}"))
            }
            Some(_) => None,
        })
        .collect();
    (!gone.is_empty()).then(|| gone.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> MariadbPosition {
        text.parse().unwrap()
    }

    #[test]
    fn a_transaction_is_known_if_its_server_wrote_as_many_to_the_domain() {
        let state: Vec<_> = ["0-1-100", "0-2-101", "7-1-5"]
            .map(|gtid| mariadb_position::gtid(gtid).unwrap())
            .to_vec();
        let unknown = |text| unknown(&position(text), &state).map(|gtid| gtid.to_string());
        for known in ["", "0-1-100", "0-1-3,7-1-5", "0-2-101", "0-2-7,9-1-1"] {
            assert_eq!(unknown(known), None, "{known}");
        }
        assert_eq!(unknown("0-1-101").as_deref(), Some("0-1-101"));
        assert_eq!(unknown("0-3-1,7-1-5").as_deref(), Some("0-3-1"));
        assert_eq!(unknown("9-1-1").as_deref(), Some("9-1-1"));
    }

    #[test]
    fn what_is_gone_is_named() {
        let gone = |mine, before| gone(&position(mine), &position(before));
        assert_eq!(gone("0-1-5", "0-1-5"), None);
        assert_eq!(gone("0-1-5", ""), None);
        assert_eq!(gone("0-1-5", "0-2-4"), None);
        assert_eq!(gone("0-1-5", "0-1-6").as_deref(), Some("0-1-5 to 0-1-6"));
        assert_eq!(
            gone("0-1-5", "0-1-5,7-1-2").as_deref(),
            Some("domain 7 up to 7-1-2")
        );
    }
}
