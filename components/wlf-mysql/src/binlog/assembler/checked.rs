//! Events whose checksums are checked before they are taken, many at once.

use std::ops::Range;

use bytes::Bytes;
use wlf_core::checksum::Run;

use crate::binlog::events::event_type as types;
use crate::binlog::events::header::Header;

/// So much is checked at once, in bytes: little enough to be in the processor's first cache still when it is decoded.
const RUN: usize = 24 * 1024;

/// Events that are not damaged, and what finds that out.
#[derive(Debug, Default)]
pub struct Checked {
    /// The addresses of those that were not taken yet.
    whole: Range<usize>,
    run: Run,
}

impl Checked {
    pub fn forget(&mut self) {
        self.whole = 0..0;
    }

    /// Whether the event that begins there is one of those that were checked.
    #[inline(always)]
    pub fn knows(&self, block: &Bytes, begin: usize) -> bool {
        self.whole.contains(&(block.as_ptr().addr() + begin))
    }

    /// Checks events that lie one close behind the other in a block: none of them is known if one is damaged.
    #[inline(never)]
    pub fn check(&mut self, block: &Bytes, events: impl Iterator<Item = Range<usize>>) {
        self.run.clear();
        for event in events {
            let code = block.get(event.start + Header::CODE);
            // What comes behind this one may be protected otherwise.
            let is_last = code == Some(&types::FORMAT_DESCRIPTION);
            if is_last || !self.run.push(event) || self.run.messages().len() >= RUN {
                break;
            }
        }
        self.forget();
        if self.run.are_whole(block) {
            let (begin, events) = (block.as_ptr().addr(), self.run.messages());
            self.whole = begin + events.start..begin + events.end;
        }
    }

    /// Whether the event is one of those that were checked. It is known once: another block may come to have its address.
    #[inline(always)]
    pub fn take(&mut self, event: &[u8]) -> bool {
        let begin = event.as_ptr().addr();
        let end = begin + event.len();
        let is_whole = begin >= self.whole.start && end <= self.whole.end;
        if is_whole {
            self.whole.start = end;
        }
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_have_the_address_of_an_event_is_not_taken_for_it() {
        let mut event = vec![0; 40];
        let sum = wlf_core::checksum::crc32(&event);
        event.extend(sum.to_le_bytes());
        let block = Bytes::from(event);
        let all = 0..block.len();
        let mut checked = Checked::default();
        checked.check(&block, std::iter::once(all.clone()));
        assert!(checked.knows(&block, 0));
        assert!(checked.take(&block));

        let address = block.as_ptr();
        let mut damaged = block.try_into_mut().expect("nobody else has it");
        damaged[30] ^= 1;
        let damaged = damaged.freeze();
        assert_eq!(damaged.as_ptr(), address);
        assert!(!checked.knows(&damaged, 0));
        assert!(!checked.take(&damaged));
        checked.check(&damaged, std::iter::once(all));
        assert!(!checked.knows(&damaged, 0));
        assert!(!checked.take(&damaged));
    }
}
