//! Short conversations that tell whether a server answers in its own protocol.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Tells whether a MySQL server greets on `host:port` (Protocol::HandshakeV10).
pub fn mysql(address: &str) -> bool {
    let mut header = [0; 5];
    // int<3> length, int<1> sequence 0, int<1> protocol version 10
    connect(address)
        .and_then(|mut stream| stream.read_exact(&mut header))
        .is_ok()
        && header[3..] == [0, 10]
}

/// Tells whether a Redis server answers PING on `host:port`, be it only to ask for a password.
pub fn redis(address: &str) -> bool {
    let ask = || -> io::Result<[u8; 5]> {
        let mut stream = connect(address)?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| &answer == b"+PONG" || &answer == b"-NOAU")
}

/// Tells whether a NATS server greets on `host:port`.
pub fn nats(address: &str) -> bool {
    let mut greeting = [0; 5];
    connect(address)
        .and_then(|mut stream| stream.read_exact(&mut greeting))
        .is_ok_and(|()| &greeting == b"INFO ")
}

/// Tells whether a Kafka broker on `host:port` is registered: Metadata v1, all topics, names at least one broker.
pub fn kafka(address: &str) -> bool {
    let ask = || -> io::Result<[u8; 12]> {
        let mut stream = connect(address)?;
        // int32 size, int16 api key 3, int16 version 1, int32 correlation id 7, nullable client id, empty topic array
        stream.write_all(&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0])?;
        // int32 size, int32 correlation id, int32 number of brokers
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer[4..8] == [0, 0, 0, 7] && answer[8..12] > [0, 0, 0, 0][..])
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
