//! TRANSACTION_PAYLOAD: the events of a whole transaction, compressed (mysql-server,
//! `libs/mysql/binlog/event/codecs/binary.h`).
//!
//! They are decompressed piece by piece, as they are asked for. What is held is the compressed event, which has at most
//! 1 GiB, the piece at hand, and the window of the compression: 2 MiB at the server's default level, and 128 MiB at level
//! 22 of `binlog_transaction_compression_level_zstd`.

use std::fmt;
use std::io::Read;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::header::Header;
use crate::reader::{Malformed, Reader};

/// What is decompressed before others get their turn, in bytes.
const TURN: usize = 256 * 1024;
/// How much is decompressed at once, as zstd's blocks have at most.
const STEP: usize = 128 * 1024;
/// The largest window that a decoder keeps for the next transaction.
const KEPT_WINDOW: u64 = 8 << 20;
/// The largest window that the server can be told to use.
const LARGEST_WINDOW: u64 = 128 << 20;

const END: u64 = 0;
const SIZE: u64 = 1;
const COMPRESSION: u64 = 2;
const UNCOMPRESSED_SIZE: u64 = 3;

const ZSTD: u64 = 0;
const NONE: u64 = 255;

/// A compressed transaction as the event has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionPayload<'a> {
    pub compression: u64,
    /// Of all events inside together, in bytes.
    pub uncompressed_size: Option<u64>,
    pub payload: &'a [u8],
}

impl<'a> TransactionPayload<'a> {
    /// Reads the event without header and checksum.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let mut size = None;
        let mut compression = NONE;
        let mut uncompressed_size = None;
        loop {
            // int<lenenc>: the field, int<lenenc>: its length, and its value
            let field = reader.lenenc_number("a field's number")?;
            if field == END {
                break;
            }
            let value = reader.lenenc_bytes("a field")?;
            let number = || Reader::new(value).lenenc_number("a field");
            match field {
                SIZE => size = Some(number()?),
                COMPRESSION => compression = number()?,
                UNCOMPRESSED_SIZE => uncompressed_size = Some(number()?),
                _ => {}
            }
        }
        let payload = reader.rest();
        if size.is_some_and(|size| usize::try_from(size) != Ok(payload.len())) {
            return Err(Malformed::Invalid("the payload's size"));
        }
        Ok(Self {
            compression,
            uncompressed_size,
            payload,
        })
    }
}

/// A payload whose events cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    #[error("it is compressed by method {0}, which is not known")]
    Method(u64),
    #[error(
        "its compression has a window of {window} bytes, and the server's largest has {LARGEST_WINDOW}"
    )]
    Window { window: u64 },
    #[error("it cannot be decompressed")]
    Zstd(#[source] Box<FrameDecoderError>),
    #[error(
        "decompressed it has another checksum ({computed:08x}) than it should have ({stored:08x})"
    )]
    Checksum { stored: u32, computed: u32 },
    #[error("decompressed it has {what} than the {declared} bytes that it says")]
    Size { declared: u64, what: &'static str },
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Decompresses one transaction after the other, with the memory of the one before.
#[derive(Default)]
pub struct Decoder(Option<Box<FrameDecoder>>);

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

/// The events inside of a payload.
#[derive(Debug)]
pub struct PayloadEvents {
    compressed: Bytes,
    /// How much of it was decompressed.
    at: usize,
    /// Inside of a frame of zstd; `None` if the payload is not compressed.
    frame: Option<Frame>,
    declared: Option<u64>,
    produced: u64,
    is_finished: bool,
    /// Decompressed bytes of which no event was given yet.
    buffer: BytesMut,
    /// Whole events, and the next of them.
    block: Bytes,
    next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Between,
    Inside,
}

/// What comes next of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// An event and where in the block it is; the last has nothing behind it, and all of the payload was found right.
    Event {
        block: Bytes,
        event: Range<usize>,
        is_last: bool,
    },
    /// Others should have their turn first.
    Later,
    /// There are no more.
    End,
}

impl PayloadEvents {
    /// Begins with `payload`, which is what `compressed` holds.
    pub fn new(payload: &TransactionPayload<'_>, compressed: Bytes) -> Result<Self, PayloadError> {
        let frame = match payload.compression {
            ZSTD => Some(Frame::Between),
            NONE => None,
            other => return Err(PayloadError::Method(other)),
        };
        Ok(Self {
            compressed,
            at: 0,
            frame,
            declared: payload.uncompressed_size,
            produced: 0,
            is_finished: false,
            buffer: BytesMut::new(),
            block: Bytes::new(),
            next: 0,
        })
    }

    /// The next event, which stays the next until it was [`taken`](Self::taken).
    pub fn next(&mut self, decoder: &mut Decoder) -> Result<Next, PayloadError> {
        let mut turn = 0;
        while self.next >= self.block.len() {
            let whole = self.whole()?;
            // What is last can only be said when it is known that nothing follows.
            if whole > 0 && (self.is_finished || whole < self.buffer.len()) {
                self.block = self.buffer.split_to(whole).freeze();
                self.next = 0;
            } else if self.is_finished {
                return if self.buffer.is_empty() {
                    Ok(Next::End)
                } else {
                    Err(Malformed::Truncated("an event inside of it").into())
                };
            } else if turn >= TURN {
                return Ok(Next::Later);
            } else {
                self.decompress(decoder)?;
                turn += STEP;
            }
        }
        let rest = self.block.get(self.next..).unwrap_or_default();
        let length = event_length(rest)?.ok_or(Malformed::Truncated("an event inside of it"))?;
        let event = self.next..self.next.saturating_add(length);
        let is_last = self.is_finished && self.buffer.is_empty() && event.end >= self.block.len();
        Ok(Next::Event {
            block: self.block.clone(),
            event,
            is_last,
        })
    }

    /// The event that ends there was taken.
    pub fn taken(&mut self, end: usize) {
        self.next = end;
    }

    /// How many bytes at the buffer's front are whole events.
    fn whole(&self) -> Result<usize, Malformed> {
        let mut whole = 0;
        while let Some(rest) = self.buffer.get(whole..)
            && let Some(length) = event_length(rest)?
            && length <= rest.len()
        {
            whole += length;
        }
        Ok(whole)
    }

    /// Decompresses the next piece.
    fn decompress(&mut self, decoder: &mut Decoder) -> Result<(), PayloadError> {
        let before = self.buffer.len();
        match self.frame {
            None => self.copy(),
            Some(frame) => self.frame = Some(self.zstd(frame, decoder)?),
        }
        let added = self.buffer.len().saturating_sub(before);
        self.produced = self
            .produced
            .saturating_add(u64::try_from(added).unwrap_or(u64::MAX));
        self.is_finished = self.at >= self.compressed.len() && self.frame != Some(Frame::Inside);
        match self.declared {
            Some(declared) if self.produced > declared => Err(PayloadError::Size {
                declared,
                what: "more",
            }),
            Some(declared) if self.is_finished && self.produced < declared => {
                Err(PayloadError::Size {
                    declared,
                    what: "less",
                })
            }
            _ => Ok(()),
        }
    }

    fn copy(&mut self) {
        let rest = self.compressed.get(self.at..).unwrap_or_default();
        let piece = rest.get(..STEP).unwrap_or(rest);
        self.buffer.extend_from_slice(piece);
        self.at += piece.len();
    }

    fn zstd(&mut self, frame: Frame, decoder: &mut Decoder) -> Result<Frame, PayloadError> {
        let mut rest = self.compressed.get(self.at..).unwrap_or_default();
        if frame == Frame::Between {
            if rest.is_empty() {
                return Ok(Frame::Between);
            }
            decoder.begin(&mut rest)?;
        }
        let Some(decoder) = &mut decoder.0 else {
            return Ok(Frame::Between);
        };
        if !decoder.is_finished() && decoder.can_collect() < STEP {
            decoder
                .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(broken)?;
        }
        self.at = self.compressed.len().saturating_sub(rest.len());
        // At a frame's end all of its window is ready at once.
        let before = self.buffer.len();
        let ready = decoder.can_collect().min(STEP);
        self.buffer.resize(before.saturating_add(ready), 0);
        let target = self.buffer.get_mut(before..).unwrap_or_default();
        let read = decoder
            .read(target)
            .map_err(FrameDecoderError::FailedToDrainDecodebuffer);
        let read = read.map_err(broken)?;
        self.buffer.truncate(before.saturating_add(read));
        if !decoder.is_finished() || decoder.can_collect() > 0 {
            return Ok(Frame::Inside);
        }
        match (
            decoder.get_checksum_from_data(),
            decoder.get_calculated_checksum(),
        ) {
            (Some(stored), Some(computed)) if stored != computed => {
                Err(PayloadError::Checksum { stored, computed })
            }
            _ => Ok(Frame::Between),
        }
    }
}

impl Decoder {
    /// Begins a frame; `source` is then behind its header.
    fn begin(&mut self, source: &mut &[u8]) -> Result<(), PayloadError> {
        let front = *source;
        let kept = self.0.get_or_insert_with(Box::default);
        kept.set_max_window_size(KEPT_WINDOW);
        match kept.init(&mut *source) {
            Ok(()) => Ok(()),
            // One that is used again takes all the memory of a window at once, one that is new only as it is filled.
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                *source = front;
                let fresh = self.0.insert(Box::default());
                fresh.set_max_window_size(LARGEST_WINDOW);
                fresh.init(source).map_err(broken)
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// Forgets a window that is too large to be kept.
    pub fn rest(&mut self) {
        if self
            .0
            .as_ref()
            .is_some_and(|decoder| decoder.max_window_size() > KEPT_WINDOW)
        {
            self.0 = None;
        }
    }
}

#[cold]
fn broken(error: FrameDecoderError) -> PayloadError {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, .. } => {
            PayloadError::Window { window: requested }
        }
        error => PayloadError::Zstd(Box::new(error)),
    }
}

/// The length that the event says it has; `None` if not all of its header is there.
fn event_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    if bytes.len() < Header::LENGTH {
        return Ok(None);
    }
    let header = Header::decode(bytes)?;
    match usize::try_from(header.length) {
        Ok(length) if length >= Header::LENGTH => Ok(Some(length)),
        _ => Err(Malformed::Invalid("the length of an event inside of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes are counted in 64 bits, on every target.
    #[test]
    fn more_than_4_gib_can_be_inside() {
        const BEFORE: u64 = 5 << 30;
        let event: Vec<u8> = [&[0; 9][..], &[20, 0, 0, 0], &[0; 7]].concat();
        let mut body = vec![3, 9, 0xfe];
        body.extend((BEFORE + 20).to_le_bytes());
        body.push(0);
        body.extend(&event);
        let payload = TransactionPayload::decode(&body).unwrap();
        assert_eq!(payload.uncompressed_size, Some(BEFORE + 20));
        let mut decoder = Decoder::default();
        let mut after = |produced| {
            let mut events = PayloadEvents::new(&payload, event.clone().into()).unwrap();
            events.produced = produced;
            events.next(&mut decoder)
        };
        assert!(matches!(
            after(BEFORE),
            Ok(Next::Event { is_last: true, .. })
        ));
        assert!(matches!(after(BEFORE + 1), Err(PayloadError::Size { .. })));
        assert!(matches!(after(BEFORE - 1), Err(PayloadError::Size { .. })));
    }
}
