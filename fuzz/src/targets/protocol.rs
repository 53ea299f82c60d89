//! What a server sends before it sends events.

use wlf_mysql::protocol::auth_more_data;
use wlf_mysql::protocol::auth_switch_request::AuthSwitchRequest;
use wlf_mysql::protocol::binlog_network_stream::StreamPacket;
use wlf_mysql::protocol::err_packet::ServerError;
use wlf_mysql::protocol::handshake_v10::HandshakeV10;
use wlf_mysql::protocol::login::{Login, Ssl, Step};
use wlf_mysql::protocol::ok_packet::OkPacket;
use wlf_mysql::protocol::packet::Packets;
use wlf_mysql::protocol::text_resultset::ResultReader;

use super::{joined, parts};
use crate::allocation::justified;

/// Messages are the same whatever the reads from the socket are.
pub fn packets(bytes: &[u8]) {
    let Some((step, wire)) = bytes.split_first() else {
        return;
    };
    let all = messages(wire, wire.len().max(1), false);
    assert_eq!(messages(wire, usize::from(*step) + 1, false), all);
    assert_eq!(messages(wire, usize::from(*step) + 1, true), all);
}

const LIMIT: usize = 4096;

fn messages(wire: &[u8], step: usize, blocks: bool) -> (Vec<Vec<u8>>, bool) {
    let mut packets = Packets::new(LIMIT);
    let (mut messages, mut ranges) = (Vec::new(), Vec::new());
    for read in wire.chunks(step) {
        justified(wire.len(), 1, 1 << 20, || {
            packets.room().extend_from_slice(read)
        });
        loop {
            let taken = if blocks {
                packets.next_block(&mut ranges)
            } else {
                packets.next_message().inspect(|message| {
                    ranges.clear();
                    ranges.extend(message.iter().map(|message| 0..message.len()));
                })
            };
            match taken {
                Ok(Some(block)) => {
                    messages.extend(ranges.iter().map(|range| block[range.clone()].to_vec()))
                }
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}

pub fn packets_seeds() -> Vec<Vec<u8>> {
    let mut wire = vec![6];
    let mut packets = Packets::new(LIMIT);
    for message in [&b"one"[..], b"", &[7; 300]] {
        wire.extend(packets.answer(message));
    }
    vec![
        wire,
        b"\x02\xff\xff\xff\0more".to_vec(),
        b"\0\x01\0\0\x05a".to_vec(),
    ]
}

/// One packet, as everything that it could be.
pub fn handshake(bytes: &[u8]) {
    justified(bytes.len(), 8, 1024, || {
        let _ = HandshakeV10::decode(bytes);
        let _ = AuthSwitchRequest::decode(bytes);
        let _ = auth_more_data::decode(bytes);
        let _ = OkPacket::decode(bytes);
        let _ = ServerError::decode(bytes);
        let _ = StreamPacket::decode(bytes);
    });
}

/// The first packet of MySQL 9.7.4 and of MariaDB 11.8.
const HANDSHAKES: [&[u8]; 2] = [
    b"\x0a9.7.4\0\x2d\0\0\0dvH@I-CJ\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0*4_?wUa_l<7r\0caching_sha2_password\0",
    b"\x0a11.8.2-MariaDB-log\0\x08\0\0\0o#0}>0Kc\0\xfe\xf7-\x02\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0:c$Y5OF<\\Hx`\0mysql_native_password\0",
];

const SWITCH: &[u8] = b"\xfemysql_native_password\0zQg4i6oNy6=rHN/>-b)A\0";
const OK: &[u8] = b"\0\xfc\x01\x01\xfd\x01\x02\x03\x02\0\x01\0";
const REFUSAL: &[u8] = b"\xff\x15\x04#28000Access denied for user";

pub fn handshake_seeds() -> Vec<Vec<u8>> {
    let packets = [
        HANDSHAKES[0],
        HANDSHAKES[1],
        SWITCH,
        OK,
        REFUSAL,
        b"\x01\x04",
        b"\xfe\0\0\x02\0",
        b"\0an event",
    ];
    packets.map(<[u8]>::to_vec).to_vec()
}

/// A conversation until somebody is logged in or not.
pub fn login(bytes: &[u8]) {
    for ssl in [Ssl::Disabled, Ssl::Preferred] {
        justified(bytes.len(), 64, 64 << 10, || {
            let mut login = Login::new("root", "password", ssl);
            for packet in parts(bytes) {
                let went_on = match login.receive(packet) {
                    Ok(Step::Secure(_)) => login.secured().is_ok(),
                    Ok(Step::Send(_) | Step::Receive | Step::Done) => true,
                    Err(_) => false,
                };
                if !went_on {
                    break;
                }
            }
        });
    }
}

const PUBLIC_KEY: &[u8] = b"\x01-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
";

pub fn login_seeds() -> Vec<Vec<u8>> {
    let [mysql, mariadb] = HANDSHAKES;
    vec![
        joined([mysql, b"\x01\x03", OK]),
        joined([mysql, b"\x01\x04", PUBLIC_KEY, OK]),
        joined([mysql, SWITCH, OK]),
        joined([
            mysql,
            b"\xfesha256_password\0zQg4i6oNy6=rHN/>-b)A\0",
            PUBLIC_KEY,
            OK,
        ]),
        joined([mariadb, OK]),
        joined([
            mariadb,
            b"\xfeclient_ed25519\0thirty-two bytes that end in NUL\0",
            OK,
        ]),
        joined([
            mariadb,
            b"\xfeparsec\0thirty-two bytes that end in NUL\0",
            b"\x01P\0eighteen bytes salt",
            OK,
        ]),
        joined([mariadb, SWITCH, REFUSAL]),
    ]
}

/// What a query is answered: a row more or less, never one that was not sent.
pub fn resultset(bytes: &[u8]) {
    justified(bytes.len(), 64, 4096, || {
        let mut reader = ResultReader::default();
        for (n, packet) in parts(bytes).enumerate() {
            match reader.receive(packet) {
                Ok(None) => {}
                Ok(Some(rows)) => return assert!(rows.rows.len() <= n),
                Err(_) => return,
            }
        }
    });
}

pub fn resultset_seeds() -> Vec<Vec<u8>> {
    const END: &[u8] = b"\xfe\0\0\x02\0";
    let column = |name: &str| {
        let mut packet = Vec::new();
        for text in ["def", "", "", "", name, ""] {
            packet.push(text.len() as u8);
            packet.extend(text.as_bytes());
        }
        packet.extend(b"\x0c\x2d\0\0\x04\0\0\xfd\0\0\x1f\0\0");
        packet
    };
    let (name, value) = (column("Variable_name"), column("Value"));
    let rows: [&[u8]; 2] = [b"\x09gtid_mode\x02ON", b"\x05empty\xfb"];
    vec![
        joined([b"\x02", &name[..], &value, END, rows[0], rows[1], END]),
        joined([b"\x01", &name[..], END, END]),
        joined([b"\x02", &name[..], &value, END, rows[0], REFUSAL]),
        joined([OK]),
        joined([REFUSAL]),
    ]
}
