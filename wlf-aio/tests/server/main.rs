//! The program as it ships, between a real MySQL, Kafka, Redis and NATS.
#![cfg(not(target_os = "wasi"))]

#[path = "../../../components/wlf-mysql/tests/server/certificate.rs"]
mod certificate;
mod connect;
mod crash;
mod kafka;
mod large;
mod live;
mod mysql_tls;
mod nats;
#[path = "../program/mod.rs"]
mod program;
mod refused;
mod servers;
mod shutdown;
mod tls;
