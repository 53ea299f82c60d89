//! Packets: `int<3>` length, `int<1>` sequence number, payload; a payload of 16 MiB − 1 and more goes on in the next.
//!
//! The manual's "MySQL Packets". A message of exactly 16 MiB − 1 bytes is followed by an empty packet.

use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::reader::DecodeError;

/// The longest payload of one packet, in bytes.
pub const MAX_PAYLOAD: usize = 0xFF_FFFF;
const HEADER: usize = 4;

/// What one read from the socket asks for, in bytes.
pub const READ_BLOCK: usize = 256 * 1024;

/// A message or block above this size, in bytes, keeps its memory for itself.
const LARGE: usize = 4 * READ_BLOCK;

/// The largest message that is put together, in bytes: the server's own limit of an event, 1 GiB, with room for its
/// header.
pub const MAX_MESSAGE: usize = (1 << 30) + (1 << 20);

/// Takes messages out of what was received, each as a slice of the block it was read into.
#[derive(Debug)]
pub struct Packets {
    /// The payloads of the message's earlier packets, then what was received behind them.
    received: BytesMut,
    /// How many bytes of `received` are payload without headers.
    joined: usize,
    sequence: u8,
    limit: usize,
    /// The messages are events of a binlog.
    are_events: bool,
}

impl Packets {
    /// Begins with sequence number 0; messages above `limit` bytes are errors.
    pub fn new(limit: usize) -> Self {
        Self {
            received: BytesMut::new(),
            joined: 0,
            sequence: 0,
            limit,
            are_events: false,
        }
    }

    /// Writes a message as the packets that come next in the conversation.
    pub fn answer(&mut self, message: &[u8]) -> Vec<u8> {
        encode(message, &mut self.sequence)
    }

    /// Writes a message as packets that begin a conversation.
    pub fn command(&mut self, message: &[u8]) -> Vec<u8> {
        self.sequence = 0;
        encode(message, &mut self.sequence)
    }

    /// Where to read into: a block's worth of room at least, and all of a packet whose length is known.
    pub fn room(&mut self) -> &mut BytesMut {
        let missing = self
            .header()
            .map(|(len, _)| {
                self.joined
                    .saturating_add(HEADER)
                    .saturating_add(len)
                    .saturating_sub(self.received.len())
            })
            .unwrap_or(0);
        let missing = missing.max(self.missing_of_event());
        // The end of what is large needs no block of its own.
        let fits = self.received.len() > READ_BLOCK && (1..=self.spare()).contains(&missing);
        if !fits && (self.spare() < missing || !self.has_room()) {
            self.make_room(missing.max(READ_BLOCK));
        }
        &mut self.received
    }

    /// Makes room for `more` bytes. `reserve` would take at least twice the memory that there is, which for what is large is
    /// too much.
    fn make_room(&mut self, more: usize) {
        if more <= READ_BLOCK {
            self.received.reserve(more);
        } else if !self.received.try_reclaim(more) {
            let mut larger = BytesMut::with_capacity(self.received.len().saturating_add(more));
            larger.extend_from_slice(&self.received);
            self.received = larger;
        }
    }

    /// Takes the first bytes. What is large goes with all of its memory: what comes behind it would fill that, and keep
    /// it.
    fn take(&mut self, end: usize) -> Bytes {
        if end <= LARGE {
            return self.received.split_to(end).freeze();
        }
        let rest = self.received.split_off(end);
        let rest = BytesMut::from(&*rest);
        std::mem::replace(&mut self.received, rest).freeze()
    }

    /// What is missing of an event of several packets: its header, which begins the first of them, says how long it is. So its
    /// memory does not grow in steps, each of which is a copy and leaves a hole where it was.
    fn missing_of_event(&self) -> usize {
        // int<1>: 0, then the event's header with its length.
        const LENGTH: Range<usize> = 10..14;
        let is_first = self.joined == 0 && self.header().is_some_and(|(len, _)| len == MAX_PAYLOAD);
        if !self.are_events || !(is_first || self.joined >= MAX_PAYLOAD) {
            return 0;
        }
        let begin = if is_first { HEADER } else { 0 };
        let length = self.received.get(begin..).and_then(|it| it.get(LENGTH));
        let Some(&[a, b, c, d]) = length.and_then(|length| length.first_chunk()) else {
            return 0;
        };
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        // Its last packet's header is there until that is whole.
        let whole = length
            .min(self.limit)
            .saturating_add(begin)
            .saturating_add(1 + 2 * HEADER);
        whole.saturating_sub(self.received.len())
    }

    /// Whether there is room left in the block that is being read into; its last bytes are not worth a read of their own.
    pub fn has_room(&self) -> bool {
        self.spare() >= READ_BLOCK / 8
    }

    fn spare(&self) -> usize {
        self.received.capacity().saturating_sub(self.received.len())
    }

    /// How many bytes were received and not taken.
    pub fn len(&self) -> usize {
        self.received.len()
    }

    pub fn is_empty(&self) -> bool {
        self.received.is_empty()
    }

    fn header(&self) -> Option<(usize, u8)> {
        self.header_at(self.joined)
    }

    fn header_at(&self, at: usize) -> Option<(usize, u8)> {
        let &[a, b, c, sequence] = self.received.get(at..)?.first_chunk::<HEADER>()?;
        let len = u32::from_le_bytes([a, b, c, 0]);
        Some((usize::try_from(len).ok()?, sequence))
    }

    /// Takes the next whole message; `None` if more has to be received first.
    ///
    /// # Errors
    /// If a packet has another sequence number than the next, or the message is larger than the limit.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, DecodeError> {
        while let Some((len, sequence)) = self.header() {
            if sequence != self.sequence {
                return Err(DecodeError::OutOfOrder {
                    expected: self.sequence,
                    got: sequence,
                });
            }
            let end = self.joined.saturating_add(len);
            if end > self.limit {
                return Err(DecodeError::TooLarge { limit: self.limit });
            }
            if self.received.len().saturating_sub(HEADER) < end {
                return Ok(None);
            }
            self.sequence = self.sequence.wrapping_add(1);
            self.drop_header();
            if len == MAX_PAYLOAD {
                self.joined = end;
                continue;
            }
            self.joined = 0;
            return Ok(Some(self.take(end)));
        }
        Ok(None)
    }

    /// Takes all whole messages at once, as one block of memory, and says where in it each of them is; `None` if more
    /// has to be received first.
    ///
    /// # Errors
    /// As those of [`next_message`](Self::next_message), once the messages before were taken.
    pub fn next_block(
        &mut self,
        messages: &mut Vec<Range<usize>>,
    ) -> Result<Option<Bytes>, DecodeError> {
        messages.clear();
        self.are_events = true;
        let mut end = 0_usize;
        while self.joined == 0
            && let Some((len, sequence)) = self.header_at(end)
            && len < MAX_PAYLOAD
            && len <= self.limit
            && sequence == self.sequence
        {
            let begin = end.saturating_add(HEADER);
            let behind = begin.saturating_add(len);
            if behind > self.received.len() {
                break;
            }
            self.sequence = self.sequence.wrapping_add(1);
            messages.push(begin..behind);
            end = behind;
        }
        if end > 0 {
            return Ok(Some(self.take(end)));
        }
        let message = self.next_message()?;
        messages.extend(message.iter().map(|message| 0..message.len()));
        Ok(message)
    }

    /// Closes the gap that the header behind `joined` is.
    fn drop_header(&mut self) {
        if self.joined == 0 {
            self.received.advance(HEADER);
            return;
        }
        // What lies behind the packet is less than a block, so this moves each packet about once.
        let from = self.joined.saturating_add(HEADER);
        let rest = self.received.len().saturating_sub(HEADER);
        self.received.copy_within(from.., self.joined);
        self.received.truncate(rest);
    }
}

/// Writes a message as packets, beginning with the sequence number that is given and put to the one behind the last.
fn encode(message: &[u8], sequence: &mut u8) -> Vec<u8> {
    let packets = message.len().checked_div(MAX_PAYLOAD).unwrap_or(0);
    let headers = packets.saturating_add(1).saturating_mul(HEADER);
    let mut out = Vec::with_capacity(message.len().saturating_add(headers));
    let mut chunks = message.chunks(MAX_PAYLOAD);
    loop {
        let chunk = chunks.next().unwrap_or_default();
        out.put_uint_le(u64::try_from(chunk.len()).unwrap_or(0), 3);
        out.put_u8(*sequence);
        out.put_slice(chunk);
        *sequence = sequence.wrapping_add(1);
        if chunk.len() < MAX_PAYLOAD {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of several packets gets the memory that it needs, once, when its first packet is there.
    #[test]
    fn a_large_event_grows_once() {
        let length = 5 * MAX_PAYLOAD;
        let mut message = vec![0; 1 + length];
        message[10..14].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        let sent = encode(&message, &mut 0);
        let mut packets = Packets::new(MAX_MESSAGE);
        let mut messages = Vec::new();
        let mut rest = &sent[..];
        let mut blocks = Vec::new();
        let mut capacities = Vec::new();
        while !rest.is_empty() {
            let room = packets.room();
            let count = rest.len().min(READ_BLOCK).min(room.capacity() - room.len());
            room.put_slice(&rest[..count]);
            if capacities.last() != Some(&room.capacity()) {
                capacities.push(room.capacity());
            }
            rest = &rest[count..];
            blocks.extend(packets.next_block(&mut messages).unwrap());
        }
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0], message);
        let most = capacities.iter().max().unwrap();
        assert!(*most <= message.len() + 2 * READ_BLOCK, "{capacities:?}");
        // The block for what is small, and the one for all of the event.
        assert!(capacities.len() <= 3, "{capacities:?}");
    }

    /// Each has its memory for as long as it is used, and what comes behind it other memory.
    #[test]
    fn large_events_in_a_row_take_no_more_than_one() {
        let mut packets = Packets::new(MAX_MESSAGE);
        let mut messages = Vec::new();
        let mut sequence = 0;
        for more in 0..4 {
            let length = 2 * MAX_PAYLOAD + more * READ_BLOCK;
            let mut message = vec![0; 1 + length];
            message[10..14].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            let sent = encode(&message, &mut sequence);
            let mut rest = &sent[..];
            let mut blocks = Vec::new();
            while !rest.is_empty() {
                let room = packets.room();
                assert!(room.capacity() <= length + 3 * READ_BLOCK);
                let count = rest.len().min(READ_BLOCK).min(room.capacity() - room.len());
                room.put_slice(&rest[..count]);
                rest = &rest[count..];
                blocks.extend(packets.next_block(&mut messages).unwrap());
            }
            assert_eq!(blocks.len(), 1);
            assert!(blocks[0] == message);
            // Nobody else holds it, so it is given back when it is dropped.
            let block = blocks.pop().unwrap();
            assert!(block.is_unique());
            assert!(packets.received.capacity() <= 2 * READ_BLOCK);
        }
    }

    fn receive(packets: &mut Packets, mut bytes: &[u8], step: usize) -> Vec<Bytes> {
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let (front, rest) = bytes.split_at(step.min(bytes.len()));
            packets.room().extend_from_slice(front);
            bytes = rest;
            while let Some(message) = packets.next_message().unwrap() {
                messages.push(message);
            }
        }
        messages
    }

    #[test]
    fn takes_messages_whatever_the_reads_are() {
        let mut wire = encode(b"one", &mut 0);
        wire.extend(encode(b"", &mut 1));
        wire.extend(encode(&[7; 1000], &mut 2));
        for step in [1, 3, 5, 999, 5000] {
            let messages = receive(&mut Packets::new(4096), &wire, step);
            assert_eq!(messages.len(), 3);
            assert_eq!(&messages[0][..], b"one");
            assert!(messages[1].is_empty());
            assert_eq!(&messages[2][..], [7; 1000]);
        }
    }

    #[test]
    fn joins_packets_at_the_boundary_of_16_mib() {
        for len in [
            MAX_PAYLOAD - 1,
            MAX_PAYLOAD,
            MAX_PAYLOAD + 1,
            2 * MAX_PAYLOAD,
            2 * MAX_PAYLOAD + 5,
        ] {
            let message: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let mut wire = encode(&message, &mut 0);
            let packets = len / MAX_PAYLOAD + 1;
            assert_eq!(wire.len(), len + 4 * packets);
            wire.extend(encode(b"next", &mut (packets as u8)));
            let messages = receive(&mut Packets::new(MAX_MESSAGE), &wire, 1 << 20);
            assert_eq!(messages.len(), 2, "{len}");
            assert!(messages[0] == message, "{len}");
            assert_eq!(&messages[1][..], b"next");
        }
    }

    #[test]
    fn blocks_hold_what_messages_do() {
        let lengths = [
            3,
            0,
            1000,
            MAX_PAYLOAD - 1,
            MAX_PAYLOAD,
            7,
            2 * MAX_PAYLOAD + 9,
            8,
        ];
        let mut wire = Vec::new();
        let mut sequence = 0;
        for (n, length) in lengths.into_iter().enumerate() {
            wire.extend(encode(&vec![n as u8; length], &mut sequence));
        }
        for step in [1000, 1 << 20, 1 << 30] {
            let mut packets = Packets::new(MAX_MESSAGE);
            let mut ranges = Vec::new();
            let mut seen = Vec::new();
            for bytes in wire.chunks(step) {
                packets.room().extend_from_slice(bytes);
                while let Some(block) = packets.next_block(&mut ranges).unwrap() {
                    for range in &ranges {
                        let message = &block[range.clone()];
                        assert!(message.iter().all(|byte| usize::from(*byte) == seen.len()));
                        seen.push(message.len());
                    }
                }
            }
            assert_eq!(seen, lengths, "{step}");
            assert!(packets.is_empty());
        }
    }

    #[test]
    fn sequence_numbers_wrap_and_are_checked() {
        let mut packets = Packets::new(64);
        packets.sequence = 255;
        packets.room().extend_from_slice(&encode(b"a", &mut 255));
        packets.room().extend_from_slice(&encode(b"b", &mut 0));
        assert_eq!(&packets.next_message().unwrap().unwrap()[..], b"a");
        assert_eq!(&packets.next_message().unwrap().unwrap()[..], b"b");
        packets.room().extend_from_slice(&encode(b"c", &mut 2));
        assert_eq!(
            packets.next_message(),
            Err(DecodeError::OutOfOrder {
                expected: 1,
                got: 2
            })
        );
    }

    #[test]
    fn a_length_does_not_make_us_allocate_more_than_a_packet() {
        let mut packets = Packets::new(MAX_MESSAGE);
        packets.room().extend_from_slice(&[0xFF, 0xFF, 0xFF, 0]);
        assert_eq!(packets.next_message(), Ok(None));
        assert!(packets.room().capacity() <= 2 * (MAX_PAYLOAD + READ_BLOCK));
        let mut packets = Packets::new(1000);
        packets.room().extend_from_slice(&[0xE9, 0x03, 0, 0]);
        assert_eq!(
            packets.next_message(),
            Err(DecodeError::TooLarge { limit: 1000 })
        );
    }
}
