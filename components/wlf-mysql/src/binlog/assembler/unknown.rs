//! Events that are not known.

use super::Assembler;
use crate::binlog::error::Error;
use crate::binlog::events::header::Header;

impl Assembler {
    /// Passes an event over that the server marks as one that may be ignored; any other may hold rows.
    pub(super) fn unknown(&mut self, header: &Header, start: u64) -> Result<(), Error> {
        let code = header.code;
        if header.flags & Header::IGNORABLE == 0 {
            let place = self.place_at(start);
            return Err(Error::UnknownEvent { place, code });
        }
        let count = self.ignored.entry(code).or_default();
        *count += 1;
        // The first of each type, then each time that they are ten times as many.
        if count
            .checked_ilog10()
            .is_some_and(|digits| *count == 10_u64.pow(digits))
        {
            tracing::warn!(
                place = %self.place_at(start),
                code,
                count = self.ignored.get(&code),
                "events of a type that is not known are passed over: the server says that they may be ignored"
            );
        }
        Ok(())
    }
}
