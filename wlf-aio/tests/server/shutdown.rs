//! A MySQL that shuts down while it is followed: an outage, not the end of the source.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::on_both;
use crate::program::{Run, Runtime};
use crate::servers::{database, execute, mysql_address, undisturbed};

on_both!(a_server_that_shuts_down_is_an_outage);

/// A connection of the program, and the sequence number of the last packet that went to it.
type Connection = (TcpStream, Arc<Mutex<u8>>);

/// Stands between the program and MySQL, and can end every stream as a server does that is shut down.
struct Proxy {
    port: u16,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let known = Arc::clone(&connections);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let server = TcpStream::connect(mysql_address().to_string()).expect("MySQL is up");
                let sequence = Arc::new(Mutex::new(0));
                known
                    .lock()
                    .expect("connections")
                    .push((client.try_clone().expect("a socket"), Arc::clone(&sequence)));
                let (up, to) = (
                    client.try_clone().expect("a socket"),
                    server.try_clone().expect("a socket"),
                );
                std::thread::spawn(move || copy(up, to));
                std::thread::spawn(move || packets(server, client, &sequence));
            }
        });
        Self { port, connections }
    }

    /// Sends an EOF packet on every connection and closes it.
    fn shut_down(&self) {
        for (client, sequence) in self.connections.lock().expect("connections").drain(..) {
            // The lock keeps whole packets together.
            let last = sequence.lock().expect("a number");
            let eof = [5, 0, 0, last.wrapping_add(1), 0xfe, 0, 0, 2, 0];
            // It may be gone already.
            let _ = (&client).write_all(&eof);
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    // The end of either side ends both.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// Copies packet by packet and remembers each one's sequence number.
fn packets(mut from: TcpStream, mut to: TcpStream, sequence: &Mutex<u8>) {
    let mut header = [0; 4];
    while from.read_exact(&mut header).is_ok() {
        let [a, b, c, number] = header;
        let mut packet = header.to_vec();
        packet.resize(4 + u32::from_le_bytes([a, b, c, 0]) as usize, 0);
        if from
            .read_exact(packet.get_mut(4..).expect("a payload"))
            .is_err()
        {
            break;
        }
        let mut last = sequence.lock().expect("a number");
        *last = number;
        if to.write_all(&packet).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn a_server_that_shuts_down_is_an_outage(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_shutdown_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(&mut connection, &["CREATE TABLE t (id INT PRIMARY KEY)"]);
    let proxy = Proxy::start();
    let configuration = format!(
        "name: {name}
collectors:
  - {{id: mysql, type: BinlogCollector, port: {}, user: root, password: password, destination: filter}}
transformers:
  - id: filter
    type: BinlogFilter
    destination: out
    rules: [{{exclude: {{database: '*'}}}}, {{include: {{database: {name}}}}}]
dispatchers:
  - {{id: out, type: StdoutDispatcher}}
",
        proxy.port
    );
    let place = tempfile::tempdir().expect("a directory");
    let run = Run::start(runtime.in_directory(place.path(), &configuration)).ready();
    for id in 0..3 {
        execute(&mut connection, &[&format!("INSERT INTO t VALUES ({id})")]);
        let lines = run.prints(id + 1);
        let last = lines.last().expect("a line");
        assert!(
            last.ends_with(&format!("\"data\":{{\"id\":{id}}}}}")),
            "{last}"
        );
        proxy.shut_down();
        run.says("trying again");
    }
    run.kill();
}
