//! A Kafka broker that acknowledges everything and keeps nothing, so that only the program is measured.
//!
//! Source of the messages: <https://kafka.apache.org/protocol>.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

const PRODUCE: i16 = 0;
const LIST_OFFSETS: i16 = 2;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const INIT_PRODUCER_ID: i16 = 22;

/// How much is read at once of what is looked at: the fields before a batch of records.
const HEAD: usize = 256;

/// With less than this, or half of what is left, a batch of records is not gone on with.
///
/// Whoever sleeps is woken by each segment of 64 KB that the program sends, and waking is the sender's work: an interrupt to
/// another processor, 10 µs and more on a virtual machine. A broker that has something to do finds the segments later.
const LOW_WATER: usize = 128 << 10;

/// The one version that is said to be spoken of each message; zstd comes in PRODUCE 7, which is read the same.
const VERSIONS: [(i16, i16); 5] = [
    (PRODUCE, 3),
    (LIST_OFFSETS, 1),
    (METADATA, 4),
    (API_VERSIONS, 3),
    (INIT_PRODUCER_ID, 0),
];

/// A broker that discards; it lives as long as this process.
pub struct Sink {
    pub address: String,
    records: Arc<AtomicU64>,
}

impl Sink {
    pub fn start() -> Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let records = Arc::new(AtomicU64::new(0));
        let counted = records.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (records, port) = (counted.clone(), i32::from(address.port()));
                // A client that goes away ends its connection in an error, and that is how it ends.
                std::thread::spawn(move || serve(stream, port, &records));
            }
        });
        Ok(Sink {
            address: address.to_string(),
            records,
        })
    }

    /// The records that came since the last time.
    pub fn take_records(&self) -> u64 {
        self.records.swap(0, Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, port: i32, records: &AtomicU64) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::with_capacity(HEAD, stream);
    loop {
        let mut size = [0; 4];
        requests.read_exact(&mut size)?;
        let mut request = Request {
            requests: &mut requests,
            left: usize::try_from(u32::from_be_bytes(size))?,
        };
        let (key, version, correlation) =
            (request.int16()?, request.int16()?, request.take::<4>()?);
        request.string()?; // client_id
        let mut answer = vec![0; 4];
        answer.extend_from_slice(&correlation);
        match key {
            PRODUCE => produce(&mut request, version, &mut answer, records)?,
            LIST_OFFSETS => list_offsets(&mut request, &mut answer)?,
            METADATA => metadata(&mut request, &mut answer, port)?,
            API_VERSIONS => api_versions(&mut answer),
            INIT_PRODUCER_ID => init_producer_id(&mut answer),
            other => bail!("message {other} is not spoken here"),
        }
        request.pass_over(request.left)?;
        let size = u32::try_from(answer.len() - 4)?;
        answer[..4].copy_from_slice(&size.to_be_bytes());
        answers.write_all(&answer)?;
    }
}

fn produce(
    request: &mut Request<'_>,
    version: i16,
    answer: &mut Vec<u8>,
    records: &AtomicU64,
) -> Result<()> {
    request.string()?; // transactional_id
    request.take::<6>()?; // acks, timeout_ms
    let topics = request.int32()?;
    int32(answer, topics);
    for _ in 0..topics {
        string(answer, &request.string()?);
        let partitions = request.int32()?;
        int32(answer, partitions);
        for _ in 0..partitions {
            int32(answer, request.int32()?);
            let size = usize::try_from(request.int32()?)?;
            // The number of records stands behind the 57 bytes of the header before it.
            let header = request.take::<61>()?;
            let [.., a, b, c, d] = header;
            let count = u32::from_be_bytes([a, b, c, d]);
            let rest = size.checked_sub(header.len());
            request.pass_over(rest.context("a batch is too short")?)?;
            records.fetch_add(count.into(), Ordering::Relaxed);
            answer.extend_from_slice(&0i16.to_be_bytes()); // no error
            answer.extend_from_slice(&0i64.to_be_bytes()); // base_offset
            answer.extend_from_slice(&(-1i64).to_be_bytes()); // log_append_time
            if version >= 5 {
                answer.extend_from_slice(&0i64.to_be_bytes()); // log_start_offset
            }
        }
    }
    int32(answer, 0); // throttle_time_ms
    Ok(())
}

fn list_offsets(request: &mut Request<'_>, answer: &mut Vec<u8>) -> Result<()> {
    request.int32()?; // replica_id
    let topics = request.int32()?;
    int32(answer, topics);
    for _ in 0..topics {
        string(answer, &request.string()?);
        let partitions = request.int32()?;
        int32(answer, partitions);
        for _ in 0..partitions {
            int32(answer, request.int32()?);
            request.take::<8>()?; // timestamp
            answer.extend_from_slice(&0i16.to_be_bytes()); // no error
            answer.extend_from_slice(&(-1i64).to_be_bytes()); // timestamp
            answer.extend_from_slice(&0i64.to_be_bytes()); // offset
        }
    }
    Ok(())
}

/// Every topic is there, with one partition.
fn metadata(request: &mut Request<'_>, answer: &mut Vec<u8>, port: i32) -> Result<()> {
    int32(answer, 0); // throttle_time_ms
    int32(answer, 1); // brokers
    int32(answer, 0); // node_id
    string(answer, b"127.0.0.1");
    int32(answer, port);
    answer.extend_from_slice(&(-1i16).to_be_bytes()); // rack
    answer.extend_from_slice(&(-1i16).to_be_bytes()); // cluster_id
    int32(answer, 0); // controller_id
    let topics = request.int32()?.max(0);
    int32(answer, topics);
    for _ in 0..topics {
        answer.extend_from_slice(&0i16.to_be_bytes()); // no error
        string(answer, &request.string()?);
        answer.push(0); // is_internal
        int32(answer, 1); // partitions
        answer.extend_from_slice(&0i16.to_be_bytes()); // no error
        int32(answer, 0); // index
        int32(answer, 0); // leader
        for _ in 0..2 {
            int32(answer, 1); // replicas, in-sync replicas
            int32(answer, 0);
        }
    }
    Ok(())
}

fn api_versions(answer: &mut Vec<u8>) {
    answer.extend_from_slice(&0i16.to_be_bytes()); // no error
    // A compact array's length is one more than it has entries.
    answer.push(VERSIONS.len() as u8 + 1);
    for (key, version) in VERSIONS {
        answer.extend_from_slice(&key.to_be_bytes());
        answer.extend_from_slice(&version.to_be_bytes());
        answer.extend_from_slice(&version.to_be_bytes());
        answer.push(0); // no tagged fields
    }
    int32(answer, 0); // throttle_time_ms
    answer.push(0); // no tagged fields
}

fn init_producer_id(answer: &mut Vec<u8>) {
    int32(answer, 0); // throttle_time_ms
    answer.extend_from_slice(&0i16.to_be_bytes()); // no error
    answer.extend_from_slice(&1i64.to_be_bytes()); // producer_id
    answer.extend_from_slice(&0i16.to_be_bytes()); // producer_epoch
}

fn int32(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as i16).to_be_bytes());
    out.extend_from_slice(text);
}

/// The fields of a request that were not read yet.
///
/// Batches of records are passed over in the kernel: what they cost here would be taken from the program that is measured.
struct Request<'a> {
    requests: &'a mut BufReader<TcpStream>,
    /// How many bytes of it were not read yet.
    left: usize,
}

impl Request<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut field = [0; N];
        self.read(&mut field)?;
        Ok(field)
    }

    fn read(&mut self, field: &mut [u8]) -> Result<()> {
        let left = self.left.checked_sub(field.len());
        self.left = left.context("a short request")?;
        Ok(self.requests.read_exact(field)?)
    }

    fn int16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take()?))
    }

    fn int32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    /// A text; one that is null is empty.
    fn string(&mut self) -> Result<Vec<u8>> {
        let length = usize::try_from(self.int16()?).unwrap_or_default();
        let mut text = vec![0; length];
        self.read(&mut text)?;
        Ok(text)
    }

    fn pass_over(&mut self, bytes: usize) -> Result<()> {
        self.left = self.left.checked_sub(bytes).context("a short request")?;
        let buffered = self.requests.buffer().len().min(bytes);
        self.requests.consume(buffered);
        let mut rest = bytes - buffered;
        let stream = self.requests.get_ref();
        while rest > 0 {
            // What was discarded counts no longer: a call that goes on waiting needs as much again.
            set_low_water(stream, (rest / 2).clamp(1, LOW_WATER))?;
            rest -= discard(stream, rest)?;
        }
        set_low_water(stream, 1)
    }
}

/// Sets how many bytes have to be there before who waits for some is woken: SO_RCVLOWAT, socket(7).
fn set_low_water(stream: &TcpStream, bytes: usize) -> Result<()> {
    let bytes = libc::c_int::try_from(bytes)?;
    // SAFETY: the descriptor is that of the stream, and the value is an int, as is its length said to be.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const bytes).cast(),
            size_of_val(&bytes) as libc::socklen_t,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().into()),
    }
}

/// Waits for bytes and has the kernel discard them, at most so many: recv(2) with MSG_TRUNC, as tcp(7) says.
fn discard(stream: &TcpStream, bytes: usize) -> Result<usize> {
    // SAFETY: the descriptor is that of the stream, and with MSG_TRUNC nothing is written to the buffer.
    let discarded = unsafe {
        libc::recv(
            stream.as_raw_fd(),
            std::ptr::null_mut(),
            bytes,
            libc::MSG_TRUNC,
        )
    };
    match usize::try_from(discarded) {
        Ok(0) => bail!("the client is gone inside of a request"),
        Ok(discarded) => Ok(discarded),
        Err(_) => Err(io::Error::last_os_error().into()),
    }
}
