//! Bodies of answers, in bounded memory.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum BodyError {
    TooLarge,
    NotGzip,
    Broken(hyper::Error),
}

/// Reads a body of up to `limit` bytes, unpacked if the head says that it is packed; the head then no longer says so.
pub async fn read(
    mut body: Incoming,
    headers: &mut HeaderMap,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let is_gzip = headers.get(CONTENT_ENCODING).is_some_and(is_gzip);
    let mut decoder = Decoder::new(is_gzip, limit);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        decoder.add(&data)?;
        // Unpacking takes longer than receiving, and others want their turn.
        if is_gzip {
            tokio::task::yield_now().await;
        }
    }
    let bytes = decoder.finish()?;
    if is_gzip {
        headers.remove(CONTENT_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    Ok(bytes)
}

fn is_gzip(encoding: &HeaderValue) -> bool {
    let encoding = encoding.as_bytes();
    encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
}

enum Decoder {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// Takes bytes up to a limit.
struct Bounded {
    bytes: BytesMut,
    limit: usize,
    is_full: bool,
}

impl Decoder {
    fn new(is_gzip: bool, limit: usize) -> Self {
        let bounded = Bounded {
            bytes: BytesMut::new(),
            limit,
            is_full: false,
        };
        if is_gzip {
            Decoder::Gzip(Box::new(MultiGzDecoder::new(bounded)))
        } else {
            Decoder::Plain(bounded)
        }
    }

    fn add(&mut self, data: &[u8]) -> Result<(), BodyError> {
        match self {
            Decoder::Plain(bounded) => bounded.write_all(data).map_err(|_| BodyError::TooLarge),
            Decoder::Gzip(decoder) => match decoder.write_all(data) {
                Ok(()) => Ok(()),
                Err(_) if decoder.get_ref().is_full => Err(BodyError::TooLarge),
                Err(_) => Err(BodyError::NotGzip),
            },
        }
    }

    fn finish(self) -> Result<Bytes, BodyError> {
        let bounded = match self {
            Decoder::Plain(bounded) => bounded,
            Decoder::Gzip(mut decoder) => match decoder.try_finish() {
                Err(_) if decoder.get_ref().is_full => return Err(BodyError::TooLarge),
                Err(_) => return Err(BodyError::NotGzip),
                Ok(()) => decoder.finish().map_err(|_| BodyError::NotGzip)?,
            },
        };
        Ok(bounded.bytes.freeze())
    }
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.limit.saturating_sub(self.bytes.len()) {
            self.is_full = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
