//! A socket that is asked less often: several pieces in one write, several records in one read.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// As much goes out in one write and comes in in one read at most, in bytes.
const ROOM: usize = 64 << 10;

/// A socket that takes several pieces in one write, which tokio_wasi's own does not, and reads ahead.
///
/// rustls writes each record by itself otherwise. Those of a handshake are small, and Nagle's algorithm holds the second
/// one back until the first is acknowledged, 40 ms later; WasmEdge knows no TCP_NODELAY. And it reads 4 KiB at a time, a
/// call of the host for each quarter of a record.
///
/// What is below may be secured itself, as the connection to a proxy is.
pub struct Gather {
    below: Stream,
    room: Vec<u8>,
    /// Where what is read ahead is, and which part of it is not taken yet.
    ahead: Vec<u8>,
    unread: Range<usize>,
    /// The first byte that ever came.
    first: Option<u8>,
}

impl Gather {
    pub fn new(below: Stream) -> Self {
        Self {
            below,
            room: Vec::new(),
            ahead: Vec::new(),
            unread: 0..0,
            first: None,
        }
    }

    pub fn first_received(&self) -> Option<u8> {
        self.first
    }
}

impl AsyncRead for Gather {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.unread.is_empty() {
            this.ahead.resize(ROOM, 0);
            let mut room = ReadBuf::new(&mut this.ahead);
            ready!(Pin::new(&mut this.below).poll_read(context, &mut room))?;
            this.unread = 0..room.filled().len();
            if this.first.is_none() {
                this.first = room.filled().first().copied();
            }
        }
        let unread = this.ahead.get(this.unread.clone()).unwrap_or_default();
        let given = unread.len().min(buffer.remaining());
        buffer.put_slice(unread.get(..given).unwrap_or_default());
        this.unread.start += given;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gather {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.below).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let [piece] = pieces {
            return Pin::new(&mut this.below).poll_write(context, piece);
        }
        // Made anew each time: how much of it is taken is not known before.
        this.room.clear();
        for piece in pieces {
            let free = ROOM.saturating_sub(this.room.len());
            this.room
                .extend_from_slice(piece.get(..free).unwrap_or(piece));
        }
        Pin::new(&mut this.below).poll_write(context, &this.room)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.below).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.below).poll_shutdown(context)
    }
}

/// Without what goes through it.
impl fmt::Debug for Gather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gather").field(&self.below).finish()
    }
}
