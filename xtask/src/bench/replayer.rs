//! A server that sends a recorded binlog as fast as it is read, so that only the program is measured.
//!
//! Everything but the stream itself is the real server's: login and questions are passed on to it, and only when the
//! client asks for the binlog this takes over and sends the file from memory.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

const COM_BINLOG_DUMP: u8 = 0x12;
const COM_BINLOG_DUMP_GTID: u8 = 0x1e;

/// The length of an event's header, and of the checksum behind it.
const HEADER: usize = 19;
const CHECKSUM: usize = 4;

/// A server that replays; it lives as long as this process.
pub struct Replayer {
    pub port: u16,
}

impl Replayer {
    /// Replays a file, behind which `end` comes; everything else is answered by the server at `port`.
    pub fn start(file: &Path, end: &(String, u64), port: u16) -> Result<Replayer> {
        let stream: Arc<[u8]> = stream(file, end)?.into();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let own = listener.local_addr()?.port();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let stream = stream.clone();
                // A client that goes away ends its connection in an error, and that is how it ends.
                std::thread::spawn(move || serve(client, port, &stream));
            }
        });
        Ok(Replayer { port: own })
    }
}

fn serve(mut client: TcpStream, port: u16, stream: &[u8]) -> Result<()> {
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_nodelay(true)?;
    let mut answers = (server.try_clone()?, client.try_clone()?);
    let answering = std::thread::spawn(move || std::io::copy(&mut answers.0, &mut answers.1));
    loop {
        let mut header = [0; 4];
        if client.read_exact(&mut header).is_err() {
            let _ = server.shutdown(Shutdown::Both);
            return Ok(());
        }
        let length =
            usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
        let mut body = vec![0; length];
        client.read_exact(&mut body)?;
        // A command begins a new sequence of packets; a login's packets do not.
        let command = (header[3] == 0).then(|| body.first().copied()).flatten();
        if matches!(command, Some(COM_BINLOG_DUMP | COM_BINLOG_DUMP_GTID)) {
            let _ = server.shutdown(Shutdown::Both);
            let _ = answering.join();
            client.write_all(stream)?;
            // Until the client has read everything and goes.
            let _ = client.read(&mut header);
            return Ok(());
        }
        server.write_all(&header)?;
        server.write_all(&body)?;
    }
}

/// The packets of a whole stream: where it begins, the file's events, and that the server has nothing else up to its end.
fn stream(binlog: &Path, end: &(String, u64)) -> Result<Vec<u8>> {
    let bytes = fs::read(binlog).with_context(|| format!("reading {}", binlog.display()))?;
    let name = binlog.file_name().unwrap_or_default().to_string_lossy();
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    let mut sequence = 1;
    packet(&rotate(&name, 4), &mut sequence, &mut out)?;
    let mut rest = bytes.get(4..).context("an empty binlog")?;
    while !rest.is_empty() {
        let length = rest.get(9..13).context("a torn event")?;
        let length = u32::from_le_bytes(length.try_into()?) as usize;
        ensure!(length >= HEADER && length <= rest.len(), "a torn event");
        let (event, behind) = rest.split_at(length);
        packet(event, &mut sequence, &mut out)?;
        rest = behind;
    }
    packet(&rotate(&end.0, end.1), &mut sequence, &mut out)?;
    out.extend_from_slice(&[5, 0, 0, sequence, 0xfe, 0, 0, 2, 0]); // EOF
    Ok(out)
}

/// An artificial ROTATE, as a server begins each stream: it says which file follows, and from where on.
fn rotate(name: &str, position: u64) -> Vec<u8> {
    let length = HEADER + 8 + name.len() + CHECKSUM;
    let mut event = Vec::new();
    event.extend_from_slice(&0u32.to_le_bytes()); // timestamp
    event.push(4); // ROTATE_EVENT
    event.extend_from_slice(&1u32.to_le_bytes()); // server_id
    event.extend_from_slice(&(length as u32).to_le_bytes());
    event.extend_from_slice(&0u32.to_le_bytes()); // end position
    event.extend_from_slice(&0x20u16.to_le_bytes()); // LOG_EVENT_ARTIFICIAL_F
    event.extend_from_slice(&position.to_le_bytes());
    event.extend_from_slice(name.as_bytes());
    let checksum = crc32(&event);
    event.extend_from_slice(&checksum.to_le_bytes());
    event
}

fn packet(event: &[u8], sequence: &mut u8, out: &mut Vec<u8>) -> Result<()> {
    let length = event.len() + 1;
    ensure!(length < 0xff_ffff, "an event above 16 MiB");
    out.extend_from_slice(&(length as u32).to_le_bytes()[..3]);
    out.push(*sequence);
    out.push(0); // OK
    out.extend_from_slice(event);
    *sequence = sequence.wrapping_add(1);
    Ok(())
}

/// CRC-32, bit by bit: it is needed once.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}
