//! A client for tests, blocking and without anything of the dispatcher's own protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

#[derive(Debug)]
pub struct Heard {
    pub subject: String,
    pub headers: Vec<u8>,
    pub payload: Vec<u8>,
}

pub struct Client {
    stream: BufReader<TcpStream>,
    next: u32,
}

impl Client {
    /// Connects to `[user:password@]host:port`.
    pub fn connect(server: &str) -> Self {
        let (login, address) = server.rsplit_once('@').unwrap_or(("", server));
        let stream = TcpStream::connect(address).expect("a server");
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).expect("a timeout");
        let mut client = Self {
            stream: BufReader::new(stream),
            next: 1,
        };
        assert!(client.line().starts_with("INFO "));
        let (user, pass) = login.split_once(':').unwrap_or_default();
        let hello = json!({
            "verbose": false, "headers": true, "no_responders": true, "user": user, "pass": pass,
        });
        client.say(&format!("CONNECT {hello}\r\nPING\r\n"));
        client.until_pong();
        client
    }

    fn say(&mut self, text: &str) {
        self.stream
            .get_mut()
            .write_all(text.as_bytes())
            .expect("sent");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn until_pong(&mut self) {
        loop {
            let line = self.line();
            if line == "PONG" {
                return;
            }
            assert!(line == "PING" || line.starts_with("INFO "), "{line}");
        }
    }

    pub fn subscribe(&mut self, subject: &str) {
        let id = self.next;
        self.next += 1;
        self.say(&format!("SUB {subject} {id}\r\nPING\r\n"));
        self.until_pong();
    }

    pub fn messages(&mut self, count: usize) -> Vec<Heard> {
        (0..count).map(|_| self.message()).collect()
    }

    fn message(&mut self) -> Heard {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split(' ').collect();
            let number = |back: usize| words[words.len() - back].parse().expect("a number");
            let (headers, total) = match words[0] {
                "MSG" => (0, number(1)),
                "HMSG" => (number(2), number(1)),
                "PING" => {
                    self.say("PONG\r\n");
                    continue;
                }
                _ if line.starts_with("INFO ") => continue,
                _ => panic!("the server says {line}"),
            };
            let mut body = vec![0; total + 2];
            self.stream.read_exact(&mut body).expect("a message");
            body.truncate(total);
            let payload = body.split_off(headers);
            return Heard {
                subject: words[1].to_owned(),
                headers: body,
                payload,
            };
        }
    }

    fn request(&mut self, subject: &str, body: &Value) -> Value {
        let (id, body) = (self.next, body.to_string());
        self.next += 1;
        let inbox = format!("_INBOX.test.{}.{id}", fastrand::u64(..));
        self.say(&format!("SUB {inbox} {id}\r\nUNSUB {id} 1\r\n"));
        self.say(&format!(
            "PUB {subject} {inbox} {}\r\n{body}\r\n",
            body.len()
        ));
        let answer = self.message();
        let answer: Value = serde_json::from_slice(&answer.payload).expect("an answer");
        assert!(answer.get("error").is_none(), "{answer}");
        answer
    }

    pub fn create_stream(&mut self, config: &Value) {
        let name = config["name"].as_str().expect("a name");
        let subject = format!("$JS.API.STREAM.CREATE.{name}");
        self.request(&subject, config);
    }

    /// All that a stream holds, in its order; at least so many messages.
    pub fn stream(&mut self, name: &str, least: u64) -> Vec<Vec<u8>> {
        let info = self.request(&format!("$JS.API.STREAM.INFO.{name}"), &json!({}));
        let count = info["state"]["messages"].as_u64().expect("a count");
        assert!(count >= least, "{count} messages");
        let inbox = format!("_DELIVER.{name}");
        let id = self.next;
        self.next += 1;
        self.say(&format!("SUB {inbox} {id}\r\n"));
        let consumer = json!({"stream_name": name, "config": {
            "deliver_subject": inbox, "deliver_policy": "all", "ack_policy": "none",
        }});
        let subject = format!("$JS.API.CONSUMER.CREATE.{name}");
        let (reply, body) = (format!("_REPLY.{name}"), consumer.to_string());
        self.say(&format!(
            "PUB {subject} {reply} {}\r\n{body}\r\n",
            body.len()
        ));
        let messages = (0..count).map(|_| self.message().payload);
        messages.collect()
    }
}
