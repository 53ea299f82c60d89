//! What a TLS handshake takes: programs that do nothing but connect, write a few rows and end, with TLS and without.

use anyhow::Result;

use super::Report;
use super::figures::Spread;
use super::goal::plain;
use super::page::Table;
use super::run;
use super::session::Session;
use crate::layout;
use crate::servers::mysql;

/// Of each kind, for each run that is asked for.
const TIMES: usize = 4;

/// A server, and the collectors and dispatchers that connect to it without TLS and with it.
struct Pair {
    server: &'static str,
    plain: String,
    secured: String,
}

/// Measures on the engine that ships.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let pairs = pairs(session)?;
    let shop = layout::workspace().join("configs/quickstart");
    let mut table = Table::new(
        "handshakes",
        1,
        &[
            "server",
            "start to end without TLS, ms: min / median / max",
            "with TLS",
            "between the medians, ms",
        ],
    );
    for Pair {
        server,
        plain: without,
        secured,
    } in pairs
    {
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..TIMES * session.options.runs {
            for (text, took) in [&without, &secured].into_iter().zip(&mut took) {
                let mut command = session.shipped()?.command(&session.home, &shop, text)?;
                let (run, _) = run::timed(&mut command)?;
                took.push(run.wall.as_secs_f64() * 1000.0);
            }
        }
        let [without, secured] = took.map(Spread::of);
        table.line(&[
            server.to_owned(),
            without.show(),
            secured.show(),
            plain(secured.median - without.median),
        ]);
    }
    report.table(&table)
}

fn pairs(session: &mut Session<'_>) -> Result<Vec<Pair>> {
    let file = layout::workspace().join("configs/quickstart/binlog.000001");
    let rows = format!(
        "collectors: [{{id: c, type: BinlogFileCollector, paths: ['{}'], destination: d}}]\n",
        file.display()
    );
    let into = |dispatcher: &str| format!("{rows}dispatchers: [{{id: d, {dispatcher}}}]\n");
    let topic = format!("bench.handshakes.{}", std::process::id());
    let kafka = |address: &str, tls: &str| {
        into(&format!(
            "type: KafkaDispatcher, bootstrap_brokers: ['{address}'], topic: '{topic}', tls: {{mode: {tls}}}"
        ))
    };
    let redis = |url: &str, tls: &str| {
        into(&format!(
            "type: RedisDispatcher, url: '{url}', mode: {{type: Pub, channel: bench}}, tls: {{mode: {tls}}}"
        ))
    };
    let nats = |address: &str, tls: &str| {
        into(&format!(
            "type: NatsDispatcher, servers: ['{address}'], tls: {{mode: {tls}}}"
        ))
    };
    let port = session.recorder.port()?;
    let mysql = |tls: &str| {
        format!(
            "collectors: [{{id: c, type: BinlogCollector, port: {port}, user: root, password: {}, \
             stop_at_end: true, tls: {{mode: {tls}}}, destination: d}}]\n\
             dispatchers: [{{id: d, type: NullDispatcher}}]\n",
            mysql::PASSWORD
        )
    };
    Ok(vec![
        Pair {
            server: "MySQL",
            plain: mysql("disabled"),
            secured: mysql("required"),
        },
        Pair {
            server: "Kafka",
            plain: kafka(&session.address("WLF_TEST_KAFKA")?, "disabled"),
            secured: kafka(&session.address("WLF_TEST_KAFKA_TLS")?, "required"),
        },
        Pair {
            server: "Redis",
            plain: redis(&session.address("WLF_TEST_REDIS")?, "disabled"),
            secured: redis(&session.address("WLF_TEST_REDIS_TLS")?, "required"),
        },
        Pair {
            server: "NATS",
            plain: nats(&session.address("WLF_TEST_NATS")?, "disabled"),
            secured: nats(&session.address("WLF_TEST_NATS_TLS")?, "required"),
        },
    ])
}
