//! Against the real MySQL that `WLF_TEST_MYSQL` names, as in `mysql://root:password@127.0.0.1:3306`, and the MariaDB
//! 10.11 and 11.8 of `WLF_TEST_MARIADB_1011` and `WLF_TEST_MARIADB_118`.
//!
//! Their certificates are in the files that `@@ssl_cert` and the like name, which tests exchange for those of the directory
//! `WLF_TEST_CERTS`. The user must be allowed everything. Tests take turns: some purge the binlog or kill connections.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod certificate;
mod collecting;
mod compressed;
mod logged;
mod login;
mod mariadb;
mod methods;
mod schema;
mod starting;
mod streaming;
mod tls;
mod transactions;
mod without_gtids;

use std::sync::{Arc, LazyLock};

use tokio::sync::{Mutex, MutexGuard};

use wlf_core::config::Secret;
use wlf_mysql::connection::{Connection, Endpoint};
use wlf_mysql::protocol::text_resultset::Rows;
use wlf_net::{Connector, Tls};

/// The server under test, for one test at a time.
struct Server {
    endpoint: Endpoint,
    admin: Connection,
    _turn: MutexGuard<'static, ()>,
}

impl Server {
    async fn take() -> Self {
        Self::named("WLF_TEST_MYSQL").await
    }

    /// The MySQL that a variable names.
    async fn named(variable: &str) -> Self {
        static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
        let turn = TURN.lock().await;
        let endpoint = endpoint(variable);
        let admin = Connection::open(&endpoint).await;
        let mut server = Self {
            admin: admin.unwrap_or_else(|error| panic!("{variable}: {error}")),
            endpoint,
            _turn: turn,
        };
        server.restore().await;
        server
    }

    /// Undoes what a test that failed in the middle has left.
    async fn restore(&mut self) {
        self.run_all(&[
            "SET GLOBAL binlog_row_metadata = FULL",
            "SET GLOBAL binlog_row_image = FULL",
            "SET GLOBAL binlog_row_value_options = ''",
            "SET GLOBAL binlog_format = ROW",
        ])
        .await;
        self.gtid_mode("ON").await;
    }

    /// Takes the server to a mode, step by step, as it wants it.
    async fn gtid_mode(&mut self, mode: &str) {
        const MODES: [&str; 4] = ["OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"];
        let place = |mode: &str| MODES.iter().position(|each| *each == mode).expect("a mode");
        let target = place(mode);
        let mut at = place(&self.text("SELECT @@GLOBAL.gtid_mode").await);
        if at == target {
            return;
        }
        while at != target {
            at = if at < target { at + 1 } else { at - 1 };
            self.run(&format!("SET GLOBAL gtid_mode = {}", MODES[at]))
                .await;
        }
        self.reconnect().await;
        if mode == "ON" {
            self.forget_binlog().await;
        }
    }

    /// Leaves only what is written from now on: no stream can begin before transactions of another mode.
    async fn forget_binlog(&mut self) {
        self.run("FLUSH BINARY LOGS").await;
        let newest = self.end().await.0;
        self.purge_to(&newest).await;
    }

    /// Purges the binlog files before this one, once nobody reads them any more: the server keeps those that it still
    /// sends to someone.
    async fn purge_to(&mut self, file: &str) {
        for _ in 0..100 {
            self.run(&format!("PURGE BINARY LOGS TO '{file}'")).await;
            if self.text("SHOW BINARY LOGS").await == file {
                return;
            }
            self.run("DO SLEEP(0.1)").await;
        }
        panic!("somebody still reads the binlog before {file}");
    }

    async fn run(&mut self, sql: &str) -> Rows {
        match self.admin.query(sql).await {
            Ok(rows) => rows,
            Err(error) => panic!("{}", wlf_core::Fault::from(error)),
        }
    }

    async fn run_all(&mut self, statements: &[&str]) {
        for sql in statements {
            self.run(sql).await;
        }
    }

    /// Connects anew, so that changed global settings count.
    async fn reconnect(&mut self) {
        self.admin = Connection::open(&self.endpoint)
            .await
            .expect("a connection");
    }

    fn endpoint_of(&self, user: &str, password: &str) -> Endpoint {
        Endpoint {
            user: user.to_owned(),
            password: Secret::new(password),
            ..self.endpoint.clone()
        }
    }
}

/// The server that a variable names.
fn endpoint(variable: &str) -> Endpoint {
    let Ok(url) = std::env::var(variable) else {
        panic!("{variable} must name a server, as in mysql://root:password@127.0.0.1:3306");
    };
    let parts = url
        .strip_prefix("mysql://")
        .and_then(|rest| rest.rsplit_once('@'))
        .and_then(|(who, at)| Some((who.split_once(':')?, at.rsplit_once(':')?)));
    let Some(((user, password), (host, port))) = parts else {
        panic!("{variable} is not of the form mysql://user:password@host:port");
    };
    Endpoint {
        host: host.to_owned(),
        port: port.parse().expect("a port"),
        user: user.to_owned(),
        password: Secret::new(password),
        connector: Arc::new(Connector::new(&Tls::default()).expect("no TLS on this machine")),
    }
}
