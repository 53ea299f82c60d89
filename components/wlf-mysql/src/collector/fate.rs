//! Asks the server how a transaction ends that is too large to be held, by reading it once before its rows go on.

use wlf_core::Fault;

use super::replica::Replica;
use super::stream::{Dump, Item, Stream};
use crate::binlog::events::format_description::FormatDescription;
use crate::binlog::fate::{Fate, FateSearch};
use crate::connection::{Connection, Endpoint};
use crate::positions::Coordinates;

/// So many bytes are read before others get their turn.
const TURN: usize = 256 * 1024;

/// Finds out how the transaction ends that begins at a place.
///
/// `dump` is how the server is asked for a stream that has it, and `limit` is for what may be held of it, in bytes.
pub async fn find(
    endpoint: &Endpoint,
    replica: &Replica,
    dump: &Dump,
    place: &Coordinates,
    limit: usize,
) -> Result<Fate, Fault> {
    let connection = Connection::open(endpoint).await?;
    let mut stream = Stream::open(connection, replica, dump, true, place.to_string()).await?;
    let mut search = FateSearch::new(place.position, FormatDescription::default(), limit);
    let mut taken = 0;
    loop {
        while let Some(item) = stream.received()? {
            // A server sends no part of a transaction before it has written all of it: it is shut down.
            let Item::Event(event) = item else {
                return Err(stream.ended().into());
            };
            taken += event.len();
            let bytes = stream.block().get(event).unwrap_or_default();
            let seen = search.see(bytes);
            let seen = seen.map_err(|source| source.at(place.clone(), limit));
            if let Some(fate) = seen? {
                return Ok(fate);
            }
            if taken >= TURN {
                taken = 0;
                tokio::task::yield_now().await;
            }
        }
        stream.receive().await?;
    }
}
