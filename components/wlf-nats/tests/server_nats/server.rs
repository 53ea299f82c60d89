//! Servers that a test has for itself.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What the variable says, which has to be set.
pub fn given(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is to be set; `cargo xtask test` does"))
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A server with JetStream; it ends with this.
pub struct Server {
    place: TempDir,
    port: u16,
    child: Child,
}

impl Server {
    /// Starts a server with this configuration besides.
    pub fn start(configuration: &str) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let data = place.path().join("data");
        let own = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {data:?} }}\n\
             lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"10s\"\n{configuration}"
        );
        std::fs::write(place.path().join("nats.conf"), own).expect("written");
        let child = spawn(&place);
        let server = Self { place, port, child };
        server.wait();
        server
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "it does not answer"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Starts it again with what it has stored.
    pub fn again(&mut self) {
        self.child = spawn(&self.place);
        self.wait();
    }

    /// Tells it to stop after a while, and its clients that it will.
    pub fn lame_duck(&self) {
        let id = self.child.id().to_string();
        let told = Command::new("sh")
            .args(["-c", "kill -s USR2 $0", &id])
            .status();
        assert!(told.expect("a shell").success());
    }
}

fn spawn(place: &TempDir) -> Child {
    Command::new(given("WLF_TEST_NATS_SERVER"))
        .arg("-c")
        .arg(place.path().join("nats.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a server")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
