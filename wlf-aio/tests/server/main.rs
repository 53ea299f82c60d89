//! The program as it ships, between a real MySQL, a real Kafka and a real Redis.
#![cfg(not(target_os = "wasi"))]

#[path = "../../../components/wlf-mysql/tests/server/certificate.rs"]
mod certificate;
mod crash;
mod kafka;
mod large;
mod live;
mod mysql_tls;
#[path = "../program/mod.rs"]
mod program;
mod refused;
mod servers;
mod shutdown;
mod tls;
