//! Bodies of answers, in bounded memory.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Body;

/// How much is unpacked in one turn, in bytes as they were received: a thousand times as much may come out.
const SLICE: usize = 2 << 10;

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum BodyError {
    TooLarge,
    NotGzip,
    Broken(hyper::Error),
}

/// Reads a body of up to `limit` bytes, unpacked if the head says that it is packed; the head then no longer says so.
pub async fn read(
    mut body: impl Body<Data = Bytes, Error = hyper::Error> + Unpin,
    headers: &mut HeaderMap,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let is_gzip = headers.get(CONTENT_ENCODING).is_some_and(is_gzip);
    let mut decoder = Decoder::new(is_gzip, limit);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        if !is_gzip {
            decoder.add(&data)?;
            continue;
        }
        // Unpacking takes longer than receiving, and others want their turn.
        for slice in data.chunks(SLICE) {
            decoder.add(slice)?;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http_body_util::Full;
    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    fn packed(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    /// Reads a body that comes in one frame; tells how many turns others had meanwhile.
    async fn read_frame(frame: Bytes, limit: usize) -> (Result<Bytes, BodyError>, usize) {
        let body = Full::new(frame).map_err(|never| match never {});
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let turns = Rc::new(Cell::new(0));
        let others = Rc::clone(&turns);
        let working = async move {
            spawn_local(async move {
                loop {
                    others.set(others.get() + 1);
                    yield_now().await;
                }
            });
            read(body, &mut headers, limit).await
        };
        (LocalSet::new().run_until(working).await, turns.get())
    }

    #[tokio::test]
    async fn others_have_their_turns_while_a_frame_is_unpacked() {
        let zeros = vec![0; 16 << 20];
        let frame = packed(&zeros);
        assert!(frame.len() <= 17 << 10, "{}", frame.len());
        let (bytes, turns) = read_frame(frame.clone(), zeros.len()).await;
        assert!(bytes.unwrap() == zeros);
        assert!(turns >= 7, "{turns} turns");
        let (error, turns) = read_frame(frame, 3 << 20).await;
        assert!(matches!(error, Err(BodyError::TooLarge)), "{error:?}");
        assert!((1..=3).contains(&turns), "{turns} turns");
    }
}
