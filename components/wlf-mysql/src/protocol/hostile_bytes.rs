//! Whatever bytes come, a decoder gives a value or an error.

use proptest::prelude::*;

use super::auth_switch_request::AuthSwitchRequest;
use super::binlog_network_stream::StreamPacket;
use super::handshake_v10::{HandshakeV10, tests::handshake};
use super::login::Login;
use super::ok_packet::OkPacket;
use super::packet::Packets;
use super::text_resultset::{ResultReader, tests::column};
use super::{ServerError, auth_more_data};

/// Feeds the bytes to every decoder; only a panic fails.
fn decode_as_everything(bytes: &[u8]) {
    let _ = HandshakeV10::decode(bytes);
    let _ = AuthSwitchRequest::decode(bytes);
    let _ = auth_more_data::decode(bytes);
    let _ = OkPacket::decode(bytes);
    let _ = ServerError::decode(bytes);
    let _ = StreamPacket::decode(bytes);
    // Every packet of a result, in every state.
    for before in [
        &[][..],
        &[&b"\x01"[..]],
        &[b"\x01", &column("c")],
        &[b"\x01", &column("c"), b"\xfe\0\0\x02\0"],
    ] {
        let mut reader = ResultReader::default();
        for packet in before {
            reader.receive(packet).unwrap();
        }
        let _ = reader.receive(bytes);
    }
    // Every packet of a login, in every state.
    let hello = handshake("caching_sha2_password");
    for before in [&[][..], &[&hello[..]], &[&hello, &[1, 4]]] {
        let mut login = Login::new("root", "password");
        for packet in before {
            login.receive(packet).unwrap();
        }
        let _ = login.receive(bytes);
    }
    let mut packets = Packets::new(1 << 20);
    packets.room().extend_from_slice(bytes);
    while let Ok(Some(_)) = packets.next_message() {}
    let mut packets = Packets::new(1 << 20);
    packets.room().extend_from_slice(bytes);
    while let Ok(Some(_)) = packets.next_block(&mut Vec::new()) {}
}

fn valid_packets() -> Vec<Vec<u8>> {
    vec![
        handshake("caching_sha2_password"),
        b"\xfemysql_native_password\0zQg4i6oNy6=rHN/>-b)A\0".to_vec(),
        b"\x01\x04".to_vec(),
        b"\0\xfc\x01\x01\xfd\x01\x02\x03\x02\0\x01\0".to_vec(),
        b"\xff\x15\x04#28000Access denied for user".to_vec(),
        b"\xfe\0\0\x02\0".to_vec(),
        column("Variable_name"),
        b"\x09gtid_mode\xfb\x02ON".to_vec(),
        Packets::new(64).command(b"a message"),
        b"\x01-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n".to_vec(),
    ]
}

#[test]
fn every_prefix_of_every_packet() {
    for packet in valid_packets() {
        for end in 0..=packet.len() {
            decode_as_everything(&packet[..end]);
        }
    }
}

#[test]
fn every_flipped_bit_of_every_packet() {
    for packet in valid_packets() {
        for bit in 0..packet.len() * 8 {
            let mut packet = packet.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            decode_as_everything(&packet);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        decode_as_everything(&bytes);
    }
}
