//! Three brokers, each broker and controller at once, that are started and ended as a test likes.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::metadata::{self, Metadata};
use crate::program::{PATIENCE, given};

/// How many there are, and how many replicas each partition has.
pub const COUNT: usize = 3;

/// Sixteen bytes each ("wlf-test-first__", "wlf-test-second_") in the base64 that Kafka writes its ids in.
pub const CLUSTERS: [&str; 2] = ["d2xmLXRlc3QtZmlyc3RfXw", "d2xmLXRlc3Qtc2Vjb25kXw"];

pub struct Brokers {
    home: TempDir,
    cluster: &'static str,
    brokers: Vec<Broker>,
    /// What stands in the settings of each besides.
    settings: String,
}

struct Broker {
    port: u16,
    controller_port: u16,
    process: Option<Child>,
}

impl Brokers {
    /// Starts three with these `settings` besides those that all have, and waits until they know each other.
    pub fn start(settings: &str) -> Self {
        // All are held until the last is found, so that none is found twice.
        let held: Vec<_> = (0..2 * COUNT)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .collect();
        let ports: Vec<u16> = held
            .iter()
            .map(|listener| listener.local_addr().expect("an address").port())
            .collect();
        drop(held);
        let brokers = ports.chunks(2).map(|ports| Broker {
            port: ports[0],
            controller_port: ports[1],
            process: None,
        });
        let mut brokers = Self {
            home: tempfile::tempdir().expect("a directory"),
            cluster: CLUSTERS[0],
            brokers: brokers.collect(),
            settings: settings.to_owned(),
        };
        brokers.begin();
        brokers
    }

    /// Gives all of them empty storages and starts them.
    fn begin(&mut self) {
        let mut formatting = Vec::new();
        for number in 0..COUNT {
            let home = self.home_of(number);
            let _ = fs::remove_dir_all(home.join("data"));
            fs::create_dir_all(&home).expect("a directory");
            let properties = home.join("server.properties");
            fs::write(&properties, self.properties(number)).expect("written");
            let mut format = Command::new(given("WLF_TEST_KAFKA_PROGRAM"));
            format
                .args([
                    "kafka.tools.StorageTool",
                    "format",
                    "-t",
                    self.cluster,
                    "-c",
                ])
                .arg(&properties)
                .stdout(Stdio::null());
            formatting.push(format.spawn().expect("WLF_TEST_KAFKA_PROGRAM"));
        }
        for mut format in formatting {
            assert!(format.wait().expect("a child").success(), "formatting");
        }
        (0..COUNT).for_each(|number| self.launch(number));
        for number in 0..COUNT {
            self.wait_until(number, |metadata| metadata.brokers.len() == COUNT);
        }
    }

    fn home_of(&self, number: usize) -> PathBuf {
        self.home.path().join(format!("broker-{}", id(number)))
    }

    fn properties(&self, number: usize) -> String {
        let Broker {
            port,
            controller_port,
            ..
        } = self.brokers[number];
        let voters = (0..COUNT).map(|number| {
            let port = self.brokers[number].controller_port;
            format!("{}@127.0.0.1:{port}", id(number))
        });
        let voters = voters.collect::<Vec<_>>().join(",");
        // What is shorter than by default are the times after which a broker counts as dead, so that a test is shorter too,
        // and heaps, of which there are three.
        format!(
            "process.roles=broker,controller\n\
             node.id={}\n\
             controller.quorum.voters={voters}\n\
             controller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             log.dirs={}\n\
             auto.create.topics.enable=false\n\
             default.replication.factor={COUNT}\n\
             min.insync.replicas=2\n\
             num.partitions=6\n\
             offsets.topic.num.partitions=3\n\
             offsets.topic.replication.factor=3\n\
             # The oracle asks when a record came.\n\
             log.message.timestamp.type=LogAppendTime\n\
             broker.session.timeout.ms=3000\n\
             broker.heartbeat.interval.ms=500\n\
             controller.quorum.fetch.timeout.ms=2000\n\
             controller.quorum.election.timeout.ms=1000\n\
             replica.lag.time.max.ms=4000\n\
             leader.imbalance.check.interval.seconds=5\n\
             group.initial.rebalance.delay.ms=0\n\
             log.cleaner.dedupe.buffer.size=2097152\n\
             {}",
            id(number),
            self.home_of(number).join("data").display(),
            self.settings,
        )
    }

    /// Starts a broker that has ended.
    pub fn launch(&mut self, number: usize) {
        let home = self.home_of(number);
        let log = File::options()
            .create(true)
            .append(true)
            .open(home.join("log"))
            .expect("a log");
        let process = Command::new(given("WLF_TEST_KAFKA_PROGRAM"))
            .arg("kafka.Kafka")
            .arg(home.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("WLF_TEST_KAFKA_PROGRAM");
        self.brokers[number].process = Some(process);
    }

    /// The same, and waits until it is one of the cluster again.
    pub fn restart(&mut self, number: usize) {
        self.launch(number);
        self.wait_until(number, |metadata| metadata.brokers.contains(&id(number)));
    }

    /// Ends a broker as an administrator does: it gives its leaderships away before.
    pub fn stop(&mut self, number: usize) {
        self.signal(number, libc::SIGTERM);
        let mut process = self.brokers[number].process.take().expect("a broker");
        let until = Instant::now() + PATIENCE;
        while process.try_wait().expect("a child").is_none() {
            // One that finds no controller to say it to does not end by itself.
            if Instant::now() > until {
                process.kill().expect("killed");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends a broker as a crash does.
    pub fn kill(&mut self, number: usize) {
        let mut process = self.brokers[number].process.take().expect("a broker");
        process.kill().expect("killed");
        process.wait().expect("a child");
    }

    /// Freezes a broker: its sockets are open, and it says nothing.
    pub fn pause(&self, number: usize) {
        self.signal(number, libc::SIGSTOP);
    }

    pub fn go_on(&self, number: usize) {
        self.signal(number, libc::SIGCONT);
    }

    fn signal(&self, number: usize, signal: libc::c_int) {
        let process = self.brokers[number].process.as_ref().expect("a broker");
        let process = i32::try_from(process.id()).expect("an id");
        // SAFETY: it takes no pointers, and the child is not reaped yet.
        assert_eq!(unsafe { libc::kill(process, signal) }, 0, "a broker");
    }

    /// Starts all, which have ended, with nothing in them under the same addresses.
    pub fn rebuild(&mut self, cluster: &'static str) {
        self.cluster = cluster;
        self.begin();
    }

    pub fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.brokers[number].port)
    }

    /// Those of all, as Kafka's tools want them.
    pub fn addresses(&self) -> String {
        let all: Vec<_> = (0..COUNT).map(|number| self.address(number)).collect();
        all.join(",")
    }

    /// Waits until a broker says of the cluster what is wanted.
    #[track_caller]
    fn wait_until(&self, number: usize, is_enough: impl Fn(&Metadata) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = metadata::ask(&self.address(number), None);
            match said {
                Ok(metadata) if is_enough(&metadata) => return,
                said if Instant::now() > until => {
                    panic!("broker {}: {said:?}\n{}", id(number), self.log(number));
                }
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Waits until all replicas of a topic are in sync.
    #[track_caller]
    pub fn heal(&self, topic: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            // A broker that was frozen tells of a past for a while, so all have to say it.
            let is_whole = (0..COUNT).all(|number| {
                let said = metadata::ask(&self.address(number), Some(topic));
                said.is_ok_and(|metadata| {
                    let mut partitions = metadata.partitions.iter();
                    metadata.brokers.len() == COUNT
                        && partitions
                            .all(|partition| partition.leader >= 0 && partition.in_sync == COUNT)
                })
            });
            if is_whole {
                return;
            }
            assert!(Instant::now() < until, "{topic} is not in sync again");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs one of Kafka's tools to its end, and returns what it printed.
    #[track_caller]
    pub fn tool(&self, class: &str, arguments: &[&str]) -> String {
        let output = Command::new(given("WLF_TEST_KAFKA_PROGRAM"))
            .arg(class)
            .args(["--bootstrap-server", &self.addresses()])
            .args(arguments)
            .output()
            .expect("WLF_TEST_KAFKA_PROGRAM");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{class} {arguments:?}: {text}{errors}"
        );
        text
    }

    /// The end of what a broker has logged.
    fn log(&self, number: usize) -> String {
        let log = fs::read(self.home_of(number).join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let is_news = |line: &&str| !line.contains("could not be established");
        let lines: Vec<_> = log.lines().filter(is_news).collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Writes a file that a tool reads, and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for number in 0..COUNT {
            if std::thread::panicking() {
                println!("broker {}:\n{}", id(number), self.log(number));
            }
            if let Some(process) = &mut self.brokers[number].process {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

/// The id of a broker, which begins at 1.
pub fn id(number: usize) -> i32 {
    number as i32 + 1
}
