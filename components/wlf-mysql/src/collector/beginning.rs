//! Where a stream begins: at a saved position, or where the configuration says.

mod mariadb;

use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;
use wlf_core::Position;

use super::locate::{self, Sought};
use super::replica::Replica;
use super::server::{BinlogFile, BinlogStatus, Server, without_spaces};
use super::start::{FIRST_EVENT, Start};
use super::stream::Dump;
use crate::binlog::Flavor;
use crate::connection::{Connection, Endpoint};
use crate::error::Error;
use crate::positions::{Executed, GtidSet, SavedPosition};

/// How often it is looked whether the server has executed a transaction after all: it sends one a moment before it
/// counts it as executed.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Reads a position that was saved.
pub fn saved(position: &Position) -> Result<SavedPosition, Error> {
    SavedPosition::deserialize(&position.0).map_err(Error::SavedPosition)
}

/// How errors name a position: the file and the offset, and the GTIDs.
pub fn shown(place: &SavedPosition) -> String {
    match &place.gtid_set {
        Some(set) => format!("{}:{} (GTIDs {set})", place.file, place.position),
        None => format!("{}:{}", place.file, place.position),
    }
}

/// Where a stream begins, and how it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub place: SavedPosition,
    pub dump: Dump,
}

/// Finds the place on a server where a stream begins.
#[derive(Debug)]
pub struct Search<'a> {
    pub endpoint: &'a Endpoint,
    pub replica: &'a Replica,
    pub server: &'a Server,
    pub connection: &'a mut Connection,
}

impl Search<'_> {
    /// Goes on at a saved place.
    ///
    /// # Errors
    /// If the place is another server's, or if what follows it was purged.
    pub async fn resume(&mut self, saved: SavedPosition) -> Result<Beginning, Error> {
        self.of_this_kind(&saved)?;
        match &saved.gtid_set {
            Some(set) if self.server.has_gtids() => {
                let set = match self.server.executed(set)? {
                    Executed::Mysql(set) => set,
                    Executed::Mariadb(position) => {
                        return self.resume_mariadb(position, saved).await;
                    }
                };
                let mut beginning = self.behind(&set, saved).await?;
                self.at_home(&mut beginning.place).await?;
                Ok(beginning)
            }
            _ => {
                self.of_this_server(&saved)?;
                self.find_file(&saved).await?;
                // What was executed before is learnt from the next file, if there are GTIDs by now.
                self.of_place(SavedPosition {
                    gtid_set: None,
                    ..saved
                })
            }
        }
    }

    /// Begins where the configuration says.
    pub async fn start(
        &mut self,
        start: &Start,
        status: &BinlogStatus,
    ) -> Result<Beginning, Error> {
        match start {
            Start::Latest => {
                let place = self.place(&status.file, status.position, || status.executed.clone());
                let is_exact = self.server.flavor() == Flavor::Mariadb
                    && self.server.has_files()
                    && u32::try_from(place.position).is_ok();
                if is_exact || !self.server.has_gtids() {
                    return self.of_place(place);
                }
                // The server looks at the set first and at the position then, which may be a transaction further.
                let dump = match self.server.executed(&status.executed)? {
                    Executed::Mysql(set) => Dump::Gtids(set.encode()),
                    Executed::Mariadb(position) => Dump::Mariadb(position),
                };
                Ok(Beginning { dump, place })
            }
            Start::Earliest => {
                self.of_files()?;
                let files = self.server.binlogs(self.connection).await?;
                self.at(&oldest(&files), FIRST_EVENT).await
            }
            Start::Gtid(set) => {
                let files = self.server.binlogs(self.connection).await?;
                let place = SavedPosition {
                    gtid_set: Some(set.to_string()),
                    ..self.place(&oldest(&files), FIRST_EVENT, String::new)
                };
                self.of_this_kind(&place)?;
                if !self.server.has_gtids() {
                    return Err(self.foreign(&place, "it has no GTIDs (gtid_mode is not ON)"));
                }
                match set {
                    Executed::Mysql(set) => self.behind(set, place).await,
                    Executed::Mariadb(position) => {
                        self.behind_mariadb(position.clone(), place).await
                    }
                }
            }
            Start::File { file, position } => {
                self.of_files()?;
                let place = self.place(file, *position, String::new);
                self.find_file(&SavedPosition {
                    gtid_set: None,
                    ..place
                })
                .await?;
                self.at(file, *position).await
            }
            Start::Timestamp(time) => {
                self.of_files()?;
                let file = self.file_of(*time).await?;
                let found =
                    locate::locate(self.endpoint, self.replica, &file, Sought::Time(*time)).await?;
                let place = self.place(&file, found.position, || found.executed());
                self.of_place(place)
            }
        }
    }

    /// Behind a set of GTIDs, which the server must have executed and whose followers it must still have.
    async fn behind(&mut self, set: &GtidSet, place: SavedPosition) -> Result<Beginning, Error> {
        let sql = format!(
            "SELECT GTID_SUBTRACT('{set}', @@GLOBAL.gtid_executed), \
             GTID_SUBTRACT(@@GLOBAL.gtid_purged, '{set}')"
        );
        for look in 1.. {
            let rows = self.connection.query(&sql).await?;
            let text = |column| {
                let row = rows.rows.first();
                without_spaces(row.and_then(|row| row.text(column)).unwrap_or_default())
            };
            let (unknown, purged) = (text(0), text(1));
            // What is purged of a server that never had the set says nothing about the set.
            if unknown.is_empty() && !purged.is_empty() {
                return Err(self.purged(&place, Some(purged)).await?);
            }
            if unknown.is_empty() {
                break;
            }
            if look == LOOKS {
                let reason = format!("the server has never executed {unknown}");
                return Err(self.foreign(&place, reason));
            }
            sleep(BETWEEN_LOOKS).await;
        }
        Ok(Beginning {
            dump: Dump::Gtids(set.encode()),
            place,
        })
    }

    /// At an offset of a file that the server has; looks for what was executed before.
    async fn at(&mut self, file: &str, position: u64) -> Result<Beginning, Error> {
        if !self.server.has_gtids() {
            let place = self.place(file, position, String::new);
            return self.of_place(place);
        }
        let target = Sought::Position(position);
        let found = locate::locate(self.endpoint, self.replica, file, target).await?;
        let place = self.place(file, found.position, || found.executed());
        self.of_place(place)
    }

    fn place(&self, file: &str, position: u64, executed: impl FnOnce() -> String) -> SavedPosition {
        SavedPosition {
            server_uuid: Some(self.server.identity().to_owned()),
            file: file.to_owned(),
            position,
            gtid_set: self.server.has_gtids().then(executed),
        }
    }

    fn of_place(&self, place: SavedPosition) -> Result<Beginning, Error> {
        let position = u32::try_from(place.position).map_err(|_| Error::TooFar {
            file: place.file.clone(),
            position: place.position,
        })?;
        Ok(Beginning {
            dump: Dump::Position {
                file: place.file.clone(),
                position,
            },
            place,
        })
    }

    /// Forgets the file and the offset of another server: nothing here must be compared with them. Where the set leads
    /// to in this server's files is what the stream's first event says.
    async fn at_home(&mut self, place: &mut SavedPosition) -> Result<(), Error> {
        if place.server_uuid.as_deref() != Some(self.server.identity()) {
            let files = self.server.binlogs(self.connection).await?;
            place.server_uuid = Some(self.server.identity().to_owned());
            place.file = oldest(&files);
            place.position = FIRST_EVENT;
        }
        Ok(())
    }

    /// A file and an offset mean something to the server only that they are from.
    fn of_this_server(&self, place: &SavedPosition) -> Result<(), Error> {
        let from = place.server_uuid.as_deref().unwrap_or_default();
        if from == self.server.identity() {
            return Ok(());
        }
        let reason = format!(
            "it is from the server {from}, this one is {}, and without GTIDs a position means nothing elsewhere",
            self.server.identity()
        );
        Err(self.foreign(place, reason))
    }

    /// Makes sure that the server still has the place's file, and as much of it.
    async fn find_file(&mut self, place: &SavedPosition) -> Result<(), Error> {
        let files = self.server.binlogs(self.connection).await?;
        if let Some(file) = files.iter().find(|file| file.name == place.file) {
            if place.position <= file.size {
                return Ok(());
            }
            let reason = format!(
                "the file has only {} bytes: the binlog was reset",
                file.size
            );
            return Err(self.foreign(place, reason));
        }
        let newest = files.last().map_or("", |file| &file.name);
        if number(&place.file) < number(newest) {
            return Err(self.purged(place, None).await?);
        }
        let reason = format!("its newest file is {newest}: the binlog was reset");
        Err(self.foreign(place, reason))
    }

    /// The last file that was begun before the time; the oldest if there is none.
    async fn file_of(&mut self, time: u32) -> Result<String, Error> {
        let files = self.server.binlogs(self.connection).await?;
        let (mut known, mut beyond) = (0, files.len());
        while beyond - known > 1 {
            let middle = known.midpoint(beyond);
            let Some(file) = files.get(middle) else { break };
            if locate::begun(self.endpoint, self.replica, &file.name).await? < time {
                known = middle;
            } else {
                beyond = middle;
            }
        }
        Ok(files
            .get(known)
            .map_or_else(String::new, |file| file.name.clone()))
    }

    fn foreign(&self, place: &SavedPosition, reason: impl Into<String>) -> Error {
        Error::Foreign {
            server: self.server.address().to_owned(),
            position: shown(place),
            reason: reason.into(),
        }
    }

    async fn purged(
        &mut self,
        place: &SavedPosition,
        missing: Option<String>,
    ) -> Result<Error, Error> {
        let files = self.server.binlogs(self.connection).await?;
        Ok(Error::Purged {
            server: self.server.address().to_owned(),
            position: shown(place),
            oldest: oldest(&files),
            missing,
        })
    }
}

fn oldest(files: &[BinlogFile]) -> String {
    files
        .first()
        .map_or_else(String::new, |file| file.name.clone())
}

/// Reads what a server of either kind says was executed.
pub fn executed(server: &str, text: &str) -> Result<Executed, Error> {
    text.parse().map_err(|source| Error::GtidSet {
        server: server.to_owned(),
        source,
    })
}

/// The position in `file` from which on everything before a place in the same server's binlog was read: none is large
/// enough in a file before it, and any is in one behind it.
pub fn bound(file: &str, place: &str, position: u64) -> u64 {
    if *file == *place {
        return position;
    }
    match number(file) > number(place) {
        true => 0,
        false => u64::MAX,
    }
}

/// The number at the end of a binlog file's name, by which files are in order.
pub fn number(file: &str) -> u64 {
    file.rsplit_once('.')
        .and_then(|(_, number)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        assert!(number("bin.999999") < number("bin.1000000"));
        assert!(number("other.000009") < number("bin.000010"));
        assert_eq!(bound("bin.000002", "bin.000001", 900), 0);
        assert_eq!(bound("bin.000001", "bin.000001", 900), 900);
        assert_eq!(bound("bin.999999", "bin.1000000", 4), u64::MAX);
    }

    #[test]
    fn a_position_of_something_else_is_refused() {
        let foreign = Position(serde_json::json!({"offset": 7}));
        assert!(matches!(saved(&foreign), Err(Error::SavedPosition(_))));
    }
}
